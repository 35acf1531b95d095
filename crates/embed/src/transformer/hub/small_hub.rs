//! A small hub that runs inside a test.
#![allow(clippy::unwrap_used)]
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::tests::COMMIT;

/// A request as the hub received it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) token: Option<String>,
}

/// A hub with one model, which notes the requests.
pub(super) struct SmallHub {
    pub(super) address: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

/// What a hub does besides answering.
#[derive(Clone, Default)]
pub(super) struct Habits {
    /// It breaks off the first answer to a request for more than a byte of this file.
    pub(super) breaks_off: Option<&'static str>,
    /// It redirects requests for files to this address.
    pub(super) redirects: Option<String>,
    /// It names contents so, whatever they are.
    pub(super) etag: Option<&'static str>,
    /// It answers requests for the file of the first name with the second as `X-Linked-Etag`.
    pub(super) linked: Option<(&'static str, &'static str)>,
    /// How it answers a request for bytes from the second one on.
    pub(super) resumes: Resumes,
}

/// How a hub answers a request for bytes from the second one on.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Resumes {
    /// With these bytes.
    #[default]
    AsAsked,
    /// With as many bytes from the beginning of the file.
    FromZero,
    /// With these bytes, but without a `Content-Range`.
    WithoutRange,
    /// With the whole file and the status 200.
    Whole,
}

impl SmallHub {
    pub(super) fn start(files: HashMap<&'static str, &'static str>) -> Self {
        Self::with_habits(files, Habits::default())
    }

    pub(super) fn with_habits(files: HashMap<&'static str, &'static str>, habits: Habits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&stream.unwrap(), &files, &habits, &notes);
            }
        });
        Self { address, asked }
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: &TcpStream, files: &HashMap<&str, &str>, habits: &Habits, asked: &Mutex<Vec<Request>>) {
    let request = read(stream);
    let file = request.path.strip_prefix(&format!("/org/name/resolve/{COMMIT}/"));
    let (status, body) = found(&request, file, files, habits);
    let (start, end) = sent_range(&request, body.len(), habits.resumes);
    let resumed = request.range.as_deref().is_some_and(|range| !range.starts_with("bytes=0-"));
    let status = if resumed && habits.resumes == Resumes::Whole { "200 OK" } else { status };
    let part = &body[start..end];
    let breaks_off = habits.breaks_off.is_some()
        && habits.breaks_off == file
        && part.len() > 1
        && !asked
            .lock()
            .unwrap()
            .iter()
            .any(|earlier| earlier.path == request.path && earlier.range != Some("bytes=0-0".to_owned()));
    let sent = if breaks_off { &part[..part.len() / 2] } else { part };
    let mut headers = match status {
        "206 Partial Content" if !(resumed && habits.resumes == Resumes::WithoutRange) => {
            format!("content-range: bytes {start}-{}/{}\r\n", end.saturating_sub(1), body.len())
        }
        _ => String::new(),
    };
    if let (Some(address), "302 Found") = (&habits.redirects, status) {
        headers += &format!("location: {address}{}\r\n", request.path);
    }
    if let Some((_, etag)) = habits.linked.filter(|(file, _)| request.path.ends_with(file)) {
        headers += &format!("x-linked-etag: \"{etag}\"\r\n");
    }
    let etag = habits.etag.map_or_else(|| request.path.replace('/', "-"), str::to_owned);
    asked.lock().unwrap().push(request);
    let length = part.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\
         etag: \"{etag}\"\r\n\r\n{sent}",
    )
    .unwrap();
}

/// Returns the status and the whole body for a request, perhaps for a file.
fn found(
    request: &Request,
    file: Option<&str>,
    files: &HashMap<&str, &str>,
    habits: &Habits,
) -> (&'static str, String) {
    let names: Vec<String> = files.keys().map(|file| format!(r#"{{"rfilename": "{file}"}}"#)).collect();
    if request.token.as_deref() != Some("Bearer secret") && habits.etag.is_none() {
        ("401 Unauthorized", String::new())
    } else if request.path == "/api/models/org/name/revision/main" {
        ("200 OK", format!(r#"{{"sha": "{COMMIT}", "siblings": [{}]}}"#, names.join(", ")))
    } else {
        match file.and_then(|file| files.get(file)) {
            Some(_) if habits.redirects.is_some() => ("302 Found", String::new()),
            Some(text) => ("206 Partial Content", (*text).to_owned()),
            None => ("404 Not Found", String::new()),
        }
    }
}

/// Returns the bytes that are sent for a request: the first one, and the one after the last.
fn sent_range(request: &Request, size: usize, resumes: Resumes) -> (usize, usize) {
    let range = request.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (start, end) =
        range.map_or((0, size), |(start, end)| (start.parse().unwrap(), end.parse::<usize>().unwrap() + 1));
    let (start, end) = (start.min(size), end.min(size));
    match resumes {
        Resumes::FromZero if start > 0 => (0, end - start),
        Resumes::Whole if start > 0 => (0, size),
        _ => (start, end),
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        headers.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    Request { path, range: header("range"), token: header("authorization") }
}
