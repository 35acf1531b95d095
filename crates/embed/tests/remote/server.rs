//! A small server that sends the bytes that a test wants, and records the requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use semdedup_embed::{ModelError, RemoteModel, RemoteOptions, ServerAddress, TextModel};
use serde_json::{Value, json};

/// A request as the server received it.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: Value,
}

impl Request {
    pub fn texts(&self) -> Vec<String> {
        self.body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }
}

type Handler = dyn Fn(usize, &Request, &mut TcpStream) + Send + Sync;

pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server that calls `handler` with the number of each request, and then closes the
    /// connection. With request 0 the model asks for the dimension.
    pub fn writing(handler: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, stop, handler) =
            (Arc::clone(&asked), Arc::clone(&stopped), Arc::new(handler) as Arc<Handler>);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (noted, handler) = (Arc::clone(&noted), Arc::clone(&handler));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(request) = read_request(&stream) else { return };
                    let number = {
                        let mut noted = noted.lock().unwrap();
                        noted.push(request.clone());
                        noted.len() - 1
                    };
                    handler(number, &request, &mut stream);
                });
            }
        });
        Self { address, asked, stopped }
    }

    /// Starts a server that answers the first request correctly, and the others with the results of
    /// `handler`.
    pub fn answering(handler: impl Fn(usize, &Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::writing(move |number, request, stream| {
            let answer = if number == 0 { good(request) } else { handler(number, request) };
            let _ = stream.write_all(&answer);
        })
    }

    pub fn good() -> Self {
        Self::answering(|_, request| good(request))
    }

    pub fn options(&self) -> RemoteOptions {
        RemoteOptions::new(ServerAddress::parse(&self.url()).unwrap())
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1/embeddings#some/model", self.address)
    }

    /// Returns all requests but the first, which asks for the dimension.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().iter().skip(1).cloned().collect()
    }

    pub fn all_asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// Connects to the server. The second result records the waits that the model asks for.
    pub fn model(&self) -> (RemoteModel, Waits) {
        self.model_with(self.options()).unwrap()
    }

    pub fn model_with(&self, options: RemoteOptions) -> Result<(RemoteModel, Waits), ModelError> {
        let waits = Waits::default();
        let noted = waits.clone();
        let pause = move |time: Duration, why: &str| noted.0.lock().unwrap().push((time, why.to_owned()));
        Ok((RemoteModel::connect_with(options, Box::new(pause))?, waits))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// The waits that the model asked for, and their reasons.
#[derive(Clone, Default)]
pub struct Waits(Arc<Mutex<Vec<(Duration, String)>>>);

impl Waits {
    pub fn times(&self) -> Vec<Duration> {
        self.0.lock().unwrap().iter().map(|(time, _)| *time).collect()
    }

    pub fn reasons(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, why)| why.clone()).collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok();
    let mut body = vec![0; head.lines().find_map(length).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: serde_json::from_slice(&body).unwrap_or_default() })
}

/// Returns this server's embedding of a text: four numbers that differ between texts.
pub fn embedding(text: &str) -> [f32; 4] {
    let sum: u32 = text.bytes().zip(1..).map(|(byte, place)| u32::from(byte) * (place % 97)).sum();
    [text.len() as f32, 0.1, -1.0 / 3.0, sum as f32]
}

pub fn items(request: &Request) -> Vec<Value> {
    let texts = request.texts();
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"index": index, "embedding": embedding(text)}))
        .collect()
}

pub fn good(request: &Request) -> Vec<u8> {
    data(items(request))
}

pub fn data(items: Vec<Value>) -> Vec<u8> {
    ok(json!({"object": "list", "data": items, "usage": {"prompt_tokens": 3 * items.len()}}).to_string())
}

pub fn ok(body: impl Into<String>) -> Vec<u8> {
    reply("200 OK", "", body)
}

/// Makes an answer with additional headers, each with its line end.
pub fn reply(status: &str, headers: &str, body: impl Into<String>) -> Vec<u8> {
    let body = body.into();
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
        .into_bytes()
}

pub fn embed(model: &RemoteModel, texts: &[&str]) -> Result<Vec<f32>, ModelError> {
    let mut out = vec![f32::NAN; texts.len() * model.dim()];
    model.embed(texts, &mut out).map(|_| out)
}

pub fn expected(texts: &[&str]) -> Vec<f32> {
    texts.iter().flat_map(|text| if text.is_empty() { [0.0; 4] } else { embedding(text) }).collect()
}
