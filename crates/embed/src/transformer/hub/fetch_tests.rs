//! Downloads from a small hub that runs inside the test.
#![allow(clippy::unwrap_used)]
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::locate::Hub;
use super::tests::{COMMIT, NOWHERE, POOLED, hub, name};

/// A request as the hub received it.
#[derive(Debug, Clone)]
struct Request {
    path: String,
    range: Option<String>,
    token: Option<String>,
}

/// A hub with one model, which notes the requests.
struct SmallHub {
    address: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

/// What a hub does besides answering.
#[derive(Clone, Default)]
struct Habits {
    /// It breaks off the first answer to a request for more than a byte of this file.
    breaks_off: Option<&'static str>,
    /// It redirects requests for files to this address.
    redirects: Option<String>,
    /// It names contents so, whatever they are.
    etag: Option<&'static str>,
}

impl SmallHub {
    fn start(files: HashMap<&'static str, &'static str>) -> Self {
        Self::with_habits(files, Habits::default())
    }

    fn with_habits(files: HashMap<&'static str, &'static str>, habits: Habits) -> Self {
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

    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: &TcpStream, files: &HashMap<&str, &str>, habits: &Habits, asked: &Mutex<Vec<Request>>) {
    let request = read(stream);
    let names: Vec<String> = files.keys().map(|file| format!(r#"{{"rfilename": "{file}"}}"#)).collect();
    let file = request.path.strip_prefix(&format!("/org/name/resolve/{COMMIT}/"));
    let (status, body) = if request.token.as_deref() != Some("Bearer secret") && habits.etag.is_none() {
        ("401 Unauthorized", String::new())
    } else if request.path == "/api/models/org/name/revision/main" {
        ("200 OK", format!(r#"{{"sha": "{COMMIT}", "siblings": [{}]}}"#, names.join(", ")))
    } else {
        match file.and_then(|file| files.get(file)) {
            Some(_) if habits.redirects.is_some() => ("302 Found", String::new()),
            Some(text) => ("206 Partial Content", (*text).to_owned()),
            None => ("404 Not Found", String::new()),
        }
    };
    let size = body.len();
    let range = request.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (start, end) =
        range.map_or((0, size), |(start, end)| (start.parse().unwrap(), end.parse::<usize>().unwrap() + 1));
    let part = &body[start.min(size)..end.min(size)];
    let breaks_off = habits.breaks_off.is_some()
        && habits.breaks_off == file
        && part.len() > 1
        && !asked.lock().unwrap().iter().any(|earlier| {
            earlier.path == request.path && end > 1 && earlier.range != Some("bytes=0-0".to_owned())
        });
    let sent = if breaks_off { &part[..part.len() / 2] } else { part };
    let etag = habits.etag.map_or_else(|| request.path.replace('/', "-"), str::to_owned);
    let location = match (&habits.redirects, status) {
        (Some(address), "302 Found") => format!("location: {address}{}\r\n", request.path),
        _ => String::new(),
    };
    asked.lock().unwrap().push(request);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{location}\
         content-range: bytes {start}-{end}/{size}\r\netag: \"{etag}\"\r\n\r\n{sent}",
        part.len(),
    )
    .unwrap();
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

fn with_token(small: &SmallHub, cache: &tempfile::TempDir) -> Hub {
    Hub { token: Some("secret".to_owned()), ..hub(cache, &small.address, false) }
}

#[test]
fn the_settings_of_a_transformer_below_are_fetched_from_there() {
    let files = [
        ("config.json", "{}"),
        (
            "modules.json",
            r#"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]"#,
        ),
        ("config_sentence_transformers.json", "{}"),
        ("0_Transformer/config.json", "{}"),
        ("0_Transformer/sentence_roberta_config.json", r#"{"max_seq_length": 9}"#),
        ("0_Transformer/adapter_config.json", "{}"),
        ("0_Transformer/model.safetensors", ""),
    ];
    let small = SmallHub::start(files.into_iter().collect());
    let cache = tempfile::tempdir().unwrap();
    let known = with_token(&small, &cache);
    let folder = known.folder(&name("org/name")).unwrap();
    for (file, text) in &files {
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), *text, "{file}");
    }
    let absent = cache.path().join("models--org--name/.no_exist").join(COMMIT);
    assert!(absent.join("0_Transformer/sentence_bert_config.json").is_file());
    assert_eq!(hub(&cache, NOWHERE, true).folder(&name("org/name")).unwrap(), folder, "offline");
}

#[test]
fn what_is_not_in_the_cache_is_fetched_once_and_noted_as_python_notes_it() {
    let files = [
        ("config.json", r#"{"a": 1}"#),
        ("tokenizer.json", "{}"),
        ("modules.json", POOLED),
        ("1_Pooling/config.json", r#"{"pooling_mode": "cls"}"#),
        (
            "model.safetensors.index.json",
            r#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#,
        ),
        ("one.safetensors", "first"),
        ("two.safetensors", "second"),
        ("pytorch_model.bin", "not read"),
    ];
    let small = SmallHub::start(files.into_iter().collect());
    let cache = tempfile::tempdir().unwrap();
    let error = hub(&cache, &small.address, false).folder(&name("org/name")).unwrap_err();
    assert!(error.hint().contains("HF_TOKEN"), "{error}");
    let known = with_token(&small, &cache);
    let error = known.folder(&name("org/other")).unwrap_err();
    assert!(error.to_string().contains("has no such model"), "{error}");

    let folder = known.folder(&name("org/name")).unwrap();
    for (file, text) in &files[..7] {
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), *text, "{file}");
    }
    assert!(!folder.join("pytorch_model.bin").exists());
    let place = cache.path().join("models--org--name");
    assert!(place.join(".no_exist").join(COMMIT).join("sentence_bert_config.json").is_file());
    assert_eq!(fs::read_to_string(place.join("refs/main")).unwrap(), COMMIT);

    let asked = small.asked().len();
    assert_eq!(known.folder(&name("org/name")).unwrap(), folder);
    assert_eq!(hub(&cache, NOWHERE, true).folder(&name("org/name")).unwrap(), folder, "offline");
    assert_eq!(small.asked().len(), asked, "nothing is asked again");
}

#[test]
fn a_model_cannot_name_files_outside_its_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("x.safetensors");
    for shard in
        [outside.to_str().unwrap(), "../../../../../x.safetensors", "a/../../x", "x?y.safetensors", ""]
    {
        let index = format!(r#"{{"weight_map": {{"a": {}}}}}"#, serde_json::Value::from(shard));
        let files = [
            ("config.json", "{}"),
            ("tokenizer.json", "{}"),
            ("model.safetensors.index.json", Box::leak(index.into_boxed_str())),
        ];
        let small = SmallHub::start(files.into_iter().collect());
        let cache = tempfile::tempdir().unwrap();
        let known = with_token(&small, &cache);
        let error = known.folder(&name("org/name")).unwrap_err();
        assert!(error.to_string().contains("a file named"), "{shard}: {error}");
        assert!(!outside.exists() && !small.asked().iter().any(|request| request.path.contains("x.safe")));
    }
}

#[test]
fn a_password_for_the_hub_is_not_shown() {
    let cache = tempfile::tempdir().unwrap();
    let error =
        hub(&cache, "http://user:secret@127.0.0.1:1/hub", false).folder(&name("org/name")).unwrap_err();
    assert!(
        error.to_string().contains("http://127.0.0.1:1/hub") && !error.to_string().contains("secret"),
        "{error}"
    );
}

const SMALL: [(&str, &str); 3] =
    [("config.json", r#"{"a": 1}"#), ("tokenizer.json", "{}"), ("model.safetensors", "twelve bytes")];

#[test]
fn a_download_that_breaks_off_is_resumed() {
    let habits = Habits { breaks_off: Some("model.safetensors"), ..Habits::default() };
    let small = SmallHub::with_habits(SMALL.into_iter().collect(), habits);
    let cache = tempfile::tempdir().unwrap();
    let folder = with_token(&small, &cache).folder(&name("org/name")).unwrap();
    assert_eq!(fs::read_to_string(folder.join("model.safetensors")).unwrap(), "twelve bytes");
    let ranges: Vec<String> = small
        .asked()
        .into_iter()
        .filter(|request| request.path.ends_with("model.safetensors"))
        .filter_map(|request| request.range)
        .collect();
    assert_eq!(ranges, ["bytes=0-0", "bytes=0-11", "bytes=6-11"]);
    let blobs = cache.path().join("models--org--name/blobs");
    let parts = fs::read_dir(blobs).unwrap().filter(|blob| {
        blob.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "part")
    });
    assert_eq!(parts.count(), 0);
}

#[test]
fn files_on_another_host_are_fetched_without_the_token() {
    let far = SmallHub::with_habits(
        SMALL.into_iter().collect(),
        Habits { etag: Some("of-the-other-host"), ..Habits::default() },
    );
    let habits = Habits { redirects: Some(far.address.clone()), ..Habits::default() };
    let small = SmallHub::with_habits(SMALL.into_iter().collect(), habits);
    let cache = tempfile::tempdir().unwrap();
    let folder = with_token(&small, &cache).folder(&name("org/name")).unwrap();
    for (file, text) in SMALL {
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), text);
    }
    assert!(!far.asked().is_empty() && far.asked().iter().all(|request| request.token.is_none()));
    let blobs = fs::read_dir(cache.path().join("models--org--name/blobs")).unwrap();
    let names = blobs.map(|blob| blob.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains("of-the-other-host")), "the hub's own etag counts");
}

#[test]
fn an_etag_cannot_name_a_file_outside_the_cache() {
    for etag in ["../../outside", "/outside", "..", "", "a/b"] {
        let habits = Habits { etag: Some(etag), ..Habits::default() };
        let small = SmallHub::with_habits(SMALL.into_iter().collect(), habits);
        let cache = tempfile::tempdir().unwrap();
        let error = with_token(&small, &cache).folder(&name("org/name")).unwrap_err();
        assert!(error.to_string().contains("gives the etag"), "{etag}: {error}");
    }
}
