//! A server of embeddings on the loopback interface, which answers as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

/// A status and a body.
pub type Answer = (&'static str, Value);

/// Starts a server that answers the texts of each request with the results of `answer`: a status
/// and a body.
pub fn serve(answer: impl Fn(&[String]) -> Answer + Send + Sync + 'static) -> SocketAddr {
    let answer = Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let (status, body) = answer(&texts(&stream));
                let body = body.to_string();
                let head =
                    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}", body.len());
                let _ = write!(stream, "{head}\r\n\r\n{body}");
            });
        }
    });
    address
}

/// Reads the texts of a request.
fn texts(stream: &TcpStream) -> Vec<String> {
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let head = head.to_lowercase();
    let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Returns embeddings that differ between texts of different words.
pub fn good(texts: &[String]) -> Answer {
    let value = |text: &String, seed: u32| {
        let sum = text.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        f64::from(sum % 1009) - 504.0
    };
    let embedding = |text: &String| (1..9).map(|seed| value(text, seed)).collect::<Vec<_>>();
    (
        "200 OK",
        json!({"data": texts.iter().map(|text| json!({"embedding": embedding(text)})).collect::<Vec<_>>()}),
    )
}
