//! `semdedup serve-embeddings`, with requests by hand and by `semdedup run`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::support::{Finished, SEMDEDUP, Sandbox};

const NAME: &str = "semdedup-text-v1";

/// A running server; it stops when the test ends.
struct Served {
    child: Child,
    /// The address that it printed, in the form that `--model` takes.
    model: String,
}

impl Served {
    fn at(listen: &str, typed: &str, key: Option<&str>) -> Self {
        let mut command = Command::new(SEMDEDUP);
        command.args(["serve-embeddings", "--listen", listen]).args(typed.split_whitespace());
        if let Some(key) = key {
            command.env("THE_KEY", key).args(["--key-from-env", "THE_KEY"]);
        }
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, model: line.trim_end().to_owned() }
    }

    fn new() -> Self {
        Self::at("127.0.0.1:0", "", None)
    }

    /// Returns host and port.
    fn host(&self) -> &str {
        self.model.split('/').nth(2).unwrap()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.host()).unwrap()
    }

    /// Sends a raw request, and returns the status and the body of the answer.
    fn send(&self, request: &str) -> (u16, Value) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
    }

    fn post(&self, body: &str) -> (u16, Value) {
        let head = "POST /v1/embeddings HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
        self.send(&format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

    /// Checks that a request is refused with this status and these words.
    #[track_caller]
    fn refuses(&self, body: &str, status: u16, words: &[&str]) {
        let (answered, said) = self.post(body);
        assert_eq!((answered, &said["error"]["type"]), (status, &json!("invalid_request_error")), "{said}");
        let message = said["error"]["message"].as_str().unwrap();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }

    fn signal(&self, signal: &str) {
        super::support::signal(&self.child, signal);
    }

    /// Waits until the server has stopped.
    fn exit_code(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The server may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut whole = String::new();
    stream.read_to_string(&mut whole).unwrap();
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Returns the command line of a run with this model.
fn run(model: &str, out: &str) -> String {
    format!("run data.jsonl --out {out} --epsilon 0.05 --model {model}")
}

fn spawned(sandbox: &Sandbox, typed: &str) -> Child {
    sandbox.command(typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(path: &Path) {
    while !path.exists() {
        std::thread::yield_now();
    }
}

#[test]
fn the_server_answers_in_openais_form() {
    let server = Served::new();
    let (status, one) = server.post(&json!({"model": NAME, "input": "a text"}).to_string());
    assert_eq!((status, &one["object"], &one["model"]), (200, &json!("list"), &json!(NAME)));
    assert_eq!(one["data"][0]["embedding"].as_array().unwrap().len(), 256);
    assert!(one["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    assert_eq!(one["usage"]["prompt_tokens"], one["usage"]["total_tokens"]);
    let (_, two) = server
        .post(&json!({"input": ["", "a text"], "encoding_format": "float", "dimensions": 256}).to_string());
    assert_eq!(two["data"][1]["embedding"], one["data"][0]["embedding"]);
    assert_eq!((&two["data"][0]["index"], &two["data"][1]["index"]), (&json!(0), &json!(1)));
    assert!(two["data"][0]["embedding"].as_array().unwrap().iter().all(|value| value == 0.0));
    let (_, three) = server.post(&json!({"input": "a text", "encoding_format": "base64"}).to_string());
    // 1,024 bytes in base64.
    assert_eq!(three["data"][0]["embedding"].as_str().unwrap().len(), 1368);
    assert_eq!(server.get("/health"), (200, json!({"status": "ok"})));
    let (status, models) = server.get("/v1/models");
    assert_eq!((status, &models["data"][0]["id"]), (200, &json!(NAME)));
}

#[test]
fn the_server_says_which_texts_it_did_not_read_to_the_end() {
    let server = Served::at("127.0.0.1:0", "--max-tokens 4", None);
    let long = "one two three four five six seven";
    let (_, said) = server.post(&json!({"input": ["short", long]}).to_string());
    assert_eq!((&said["data"][0]["truncated"], &said["data"][1]["truncated"]), (&Value::Null, &json!(true)));
}

#[test]
fn requests_that_cannot_be_served_are_refused_in_openais_form() {
    let server = Served::new();
    let asked = |input: Value| json!({"input": input}).to_string();
    server.refuses("{", 400, &["EOF"]);
    server.refuses("{}", 400, &["input"]);
    for input in [json!([]), json!([1, 2]), json!([["a"]]), json!(null), json!({"a": 1})] {
        server.refuses(&asked(input), 400, &["a text or a list of texts"]);
    }
    server.refuses(&asked(json!(vec!["a"; 2049])), 400, &["2049", "2048"]);
    server.refuses(r#"{"input": "a", "model": "gpt"}"#, 404, &["`gpt`", NAME]);
    server.refuses(r#"{"input": "a", "dimensions": 64}"#, 400, &["64", "256"]);
    server.refuses(r#"{"input": "a", "encoding_format": "hex"}"#, 400, &["`hex`", "`base64`"]);
    let (status, said) = server.send(
        "POST /v1/embeddings HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n",
    );
    assert_eq!(status, 413, "{said}");
    assert!(said["error"]["message"].as_str().unwrap().contains("33554432"), "{said}");
    for (path, status) in [("/", 404), ("/v1/embeddings", 405), ("/v1/chat/completions", 404)] {
        let (answered, said) = server.get(path);
        assert!(answered == status && said["error"]["message"].is_string(), "{answered} {said}");
    }
    // None of these requests harmed the server.
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn a_run_with_a_server_removes_the_same_rows_as_the_built_in_model() {
    let sandbox = Sandbox::with_rows(5_000);
    let server = Served::new();
    assert_eq!(server.model, format!("http://{}/v1/embeddings#{NAME}", server.host()));
    sandbox.semdedup(&run(NAME, "inside")).succeeded();
    let summary = sandbox.summary(&run(&server.model, "served"));
    assert!(sandbox.rows("served") == sandbox.rows("inside"));
    assert_eq!(summary["model"], json!(server.model));
    let options = "--server-batch 3 --server-concurrency 20 --threads 1";
    sandbox.semdedup(&format!("{} {options}", run(&server.model, "otherwise"))).succeeded();
    assert!(sandbox.rows("otherwise") == sandbox.rows("inside"));
    let plan = sandbox.summary(&format!("{} --dry-run", run(&server.model, "planned")));
    assert_eq!(plan["rows"], json!(5_000));
    sandbox.semdedup(&format!("embed data.jsonl --out e --model {}", server.model)).succeeded();
}

/// Enough rows for several parts; a run can resume after each part.
const ROWS_OF_PARTS: usize = 40_000;

#[test]
fn a_killed_run_reuses_the_embeddings_it_paid_for_and_gives_the_same_bytes() {
    let sandbox = Sandbox::with_rows(ROWS_OF_PARTS);
    let server = Served::new();
    sandbox.semdedup(&run(NAME, "inside")).succeeded();
    let mut child = spawned(&sandbox, &run(&server.model, "killed"));
    let first = sandbox.path("killed/work/embed/part-00000.json");
    wait_for(&first);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "the run had already ended");
    let written = first.metadata().unwrap().modified().unwrap();
    sandbox.semdedup(&run(&server.model, "killed")).succeeded();
    assert_eq!(first.metadata().unwrap().modified().unwrap(), written, "the part was embedded again");
    assert!(sandbox.rows("killed") == sandbox.rows("inside"));
}

#[test]
fn a_run_whose_server_dies_fails_and_resumes_when_the_server_is_back() {
    let sandbox = Sandbox::with_rows(ROWS_OF_PARTS);
    let server = Served::new();
    sandbox.semdedup(&run(NAME, "inside")).succeeded();
    let (host, model) = (server.host().to_owned(), server.model.clone());
    let typed = format!("{} --server-attempts 1", run(&model, "out"));
    let child = spawned(&sandbox, &typed);
    let first = sandbox.path("out/work/embed/part-00000.json");
    wait_for(&first);
    drop(server);
    let said = Finished::from(child.wait_with_output().unwrap()).failed_with(&[&host]);
    assert!(said.stderr.contains("same command line again"), "{}", said.stderr);
    sandbox.has_no_result("out");
    let written = first.metadata().unwrap().modified().unwrap();

    let back = Served::at(&host, "", None);
    assert_eq!(back.model, model);
    sandbox.semdedup(&typed).succeeded();
    assert_eq!(first.metadata().unwrap().modified().unwrap(), written, "the part was embedded again");
    assert!(sandbox.rows("out") == sandbox.rows("inside"));
}

#[test]
fn a_run_waits_for_a_server_that_restarts() {
    let sandbox = Sandbox::with_rows(ROWS_OF_PARTS);
    let server = Served::new();
    sandbox.semdedup(&run(NAME, "inside")).succeeded();
    let (host, model) = (server.host().to_owned(), server.model.clone());
    let child = spawned(&sandbox, &run(&model, "out"));
    wait_for(&sandbox.path("out/work/embed/part-00000.json"));
    drop(server);
    let _back = Served::at(&host, "", None);
    Finished::from(child.wait_with_output().unwrap()).succeeded();
    assert!(sandbox.rows("out") == sandbox.rows("inside"));
}

#[test]
fn a_server_with_a_key_answers_those_who_have_it() {
    let sandbox = Sandbox::with_rows(50);
    let server = Served::at("127.0.0.1:0", "", Some("sk-right"));
    let typed = run(&server.model, "out");
    let with_key =
        |key: &str| Finished::from(sandbox.command(&typed).env("SEMDEDUP_API_KEY", key).output().unwrap());
    let said = with_key("sk-wrong").failed_with(&["401", "Authorization"]);
    assert!(said.stderr.contains("SEMDEDUP_API_KEY") && !said.stderr.contains("sk-wrong"), "{}", said.stderr);
    with_key("").failed_with(&["401"]);
    with_key("sk-right").succeeded();
    assert_eq!((server.get("/v1/models").0, server.get("/health").0), (401, 200));
    let all: Vec<u8> = sandbox.files("out").into_values().flatten().collect();
    assert!(!all.windows(8).any(|bytes| bytes == b"sk-right"), "the key is in a file");
}

#[test]
fn a_signal_stops_the_server_after_it_has_answered_running_requests() {
    let server = Served::new();
    server.signal("-INT");
    assert_eq!(server.exit_code(), 0);
    let server = Served::new();
    let body = json!({"input": "a text"}).to_string();
    let mut stream = server.connect();
    let head = "POST /v1/embeddings HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n";
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
    // The server answers with this when it waits for the body.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal("-TERM");
    while TcpStream::connect(server.host()).is_ok() {
        std::thread::yield_now();
    }
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(answer(stream).0, 200);
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn a_taken_or_invalid_address_and_a_missing_key_are_errors() {
    let server = Served::new();
    let sandbox = Sandbox::new();
    let serve = |typed: &str| sandbox.semdedup(&format!("serve-embeddings {typed}"));
    serve(&format!("--listen {}", server.host())).failed_with(&["--listen", server.host()]);
    serve("--listen nowhere").failed_with(&["--listen", "nowhere"]);
    serve("--key-from-env NOT_SET_ANYWHERE").failed_with(&["NOT_SET_ANYWHERE"]);
    serve("--model gpt").failed_with(&["gpt", NAME]);
}
