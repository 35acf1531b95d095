//! The hub's cache as other programs leave it, a hub that cannot be reached, and a small hub of our own.
#![allow(clippy::unwrap_used)]
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn hub(cache: &TempDir, endpoint: &str, offline: bool) -> Hub {
    Hub { cache: cache.path().to_owned(), endpoint: endpoint.to_owned(), token: None, offline }
}

fn name(typed: &str) -> Name {
    Name::parse(typed).unwrap()
}

/// A snapshot of `org/name` in a cache.
fn cached(files: &[(&str, &str)], absent: &[&str]) -> (TempDir, PathBuf) {
    let cache = tempfile::tempdir().unwrap();
    let place = cache.path().join("models--org--name");
    let folder = place.join("snapshots").join(COMMIT);
    for (file, text) in files {
        fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        fs::write(folder.join(file), text).unwrap();
    }
    for file in absent {
        fs::create_dir_all(place.join(".no_exist").join(COMMIT)).unwrap();
        fs::write(place.join(".no_exist").join(COMMIT).join(file), "").unwrap();
    }
    fs::create_dir_all(place.join("refs")).unwrap();
    fs::write(place.join("refs/main"), COMMIT).unwrap();
    (cache, folder)
}

const PLAIN: [(&str, &str); 2] = [("config.json", "{}"), ("model.safetensors", "")];
const POOLED: &str = r#"[{"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]"#;

#[test]
fn names_have_an_owner_and_perhaps_a_revision() {
    assert_eq!(name("org/name").revision, "main");
    assert_eq!(name("org/name@v1.0").revision, "v1.0");
    assert_eq!(name("org/name@refs/pr/1").revision, "refs/pr/1");
    for wrong in
        ["name", "org/", "/name", "a/b/c", "../b", "a/..", "a/b@", "a/b@../c", "a b/c", "./model", "a/b@c@d"]
    {
        assert_eq!(Name::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_whole_snapshot_is_used_without_asking_the_hub() {
    let (cache, folder) = cached(&PLAIN, &["modules.json"]);
    for typed in ["org/name", "org/name@main", &format!("org/name@{COMMIT}")] {
        assert_eq!(hub(&cache, NOWHERE, false).folder(&name(typed)).unwrap(), folder);
    }
    let (cache, folder) = cached(&[PLAIN[0], PLAIN[1], (".gitattributes", "")], &[]);
    assert_eq!(
        hub(&cache, NOWHERE, true).folder(&name("org/name")).unwrap(),
        folder,
        "all of it was fetched"
    );
}

#[test]
fn half_a_snapshot_is_not_taken_for_a_whole_one() {
    let said = |files: &[(&str, &str)], absent: &[&str]| {
        let (cache, _) = cached(files, absent);
        let [online, offline] =
            [false, true].map(|offline| hub(&cache, NOWHERE, offline).folder(&name("org/name")));
        let (online, offline) = (online.unwrap_err(), offline.unwrap_err());
        assert!(online.to_string().contains("http://127.0.0.1:1 cannot be asked"), "{online}");
        assert!(offline.to_string().ends_with("and HF_HUB_OFFLINE is set"), "{offline}");
        assert!(online.hint().contains("name a folder") && online.hint().contains("hf download org/name"));
        offline.to_string()
    };
    // Of these nobody asked whether they exist.
    assert!(said(&PLAIN, &[]).starts_with("org/name: modules.json is not in the cache"));
    let pooled = [PLAIN[0], PLAIN[1], ("modules.json", POOLED)];
    assert!(said(&pooled, &[]).starts_with("org/name: sentence_bert_config.json is not"));
    // One of these is enough, but each of the earlier ones might be the one that counts.
    let three = &sentence::NAMES[..3];
    assert!(said(&pooled, three).starts_with("org/name: sentence_camembert_config.json is not"));
    let found = [pooled.as_slice(), &[(sentence::NAMES[3], "{}")]].concat();
    assert!(said(&found, three).starts_with("org/name: config_sentence_transformers.json is not"));
    let absent = [&sentence::NAMES[..], &[sentence::PROMPTS]].concat();
    assert!(said(&pooled, &absent).starts_with("org/name: 1_Pooling/config.json is not"));
    assert!(said(&PLAIN[..1], &["modules.json"]).starts_with("org/name: model.safetensors is not"));
    assert!(said(&[], &[]).starts_with("org/name: not in the cache"));
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
    let known = Hub { token: Some("secret".to_owned()), ..hub(&cache, &small.address, false) };
    let folder = known.folder(&name("org/name")).unwrap();
    for (file, text) in &files {
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), *text, "{file}");
    }
    let absent = cache.path().join("models--org--name/.no_exist").join(COMMIT);
    assert!(absent.join("0_Transformer/sentence_bert_config.json").is_file());
    assert_eq!(hub(&cache, NOWHERE, true).folder(&name("org/name")).unwrap(), folder, "offline");
}

#[test]
fn another_revision_is_not_the_one_in_the_cache() {
    let (cache, _) = cached(&PLAIN, &["modules.json"]);
    let error = hub(&cache, NOWHERE, true).folder(&name("org/name@v2")).unwrap_err();
    assert!(error.to_string().starts_with("org/name: not in the cache"), "{error}");
}

#[test]
fn the_environment_says_where_the_cache_is() {
    let hub = |variables: &[(&str, &str)]| {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Hub::from_env(find)
    };
    let cache = |variables: &[(&str, &str)]| hub(variables).unwrap().cache;
    assert_eq!(cache(&[("HOME", "/h")]), Path::new("/h/.cache/huggingface/hub"));
    assert_eq!(cache(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), Path::new("/x/huggingface/hub"));
    assert_eq!(cache(&[("HOME", "/h"), ("HF_HOME", "/f")]), Path::new("/f/hub"));
    assert_eq!(cache(&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")]), Path::new("/c"));
    assert!(hub(&[]).is_err());
    let full =
        hub(&[("HOME", "/h"), ("HF_TOKEN", "t"), ("HF_ENDPOINT", "http://e"), ("HF_HUB_OFFLINE", "YES")])
            .unwrap();
    assert_eq!((full.token.as_deref(), full.endpoint.as_str(), full.offline), (Some("t"), "http://e", true));
    assert!(!hub(&[("HOME", "/h"), ("HF_HUB_OFFLINE", "0")]).unwrap().offline);
}

/// A hub with one model, which notes what it was asked for and by whom.
struct SmallHub {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl SmallHub {
    fn start(files: HashMap<&'static str, &'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&stream.unwrap(), &files, &notes);
            }
        });
        Self { address, asked }
    }
}

fn answer(mut stream: &TcpStream, files: &HashMap<&str, &str>, asked: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        headers.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let names: Vec<String> = files.keys().map(|file| format!(r#"{{"rfilename": "{file}"}}"#)).collect();
    let (status, body) = if header("authorization").as_deref() != Some("Bearer secret") {
        ("401 Unauthorized", String::new())
    } else if path == "/api/models/org/name/revision/main" {
        ("200 OK", format!(r#"{{"sha": "{COMMIT}", "siblings": [{}]}}"#, names.join(", ")))
    } else {
        match path.strip_prefix(&format!("/org/name/resolve/{COMMIT}/")).and_then(|file| files.get(file)) {
            Some(text) => ("206 Partial Content", (*text).to_owned()),
            None => ("404 Not Found", String::new()),
        }
    };
    let size = body.len();
    // Only the first byte is asked for to learn the size.
    let body = if header("range").as_deref() == Some("bytes=0-0") { &body[..size.min(1)] } else { &body };
    let file = path.replace('/', "-");
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\ncontent-range: bytes 0-{}/{size}\r\n\
         etag: \"{file}\"\r\nx-repo-commit: {COMMIT}\r\n\r\n{body}",
        body.len(),
        body.len().max(1) - 1,
    )
    .unwrap();
    asked.lock().unwrap().push(path);
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
    let known = Hub { token: Some("secret".to_owned()), ..hub(&cache, &small.address, false) };
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

    let asked = small.asked.lock().unwrap().len();
    assert_eq!(known.folder(&name("org/name")).unwrap(), folder);
    assert_eq!(hub(&cache, NOWHERE, true).folder(&name("org/name")).unwrap(), folder, "offline");
    assert_eq!(small.asked.lock().unwrap().len(), asked, "nothing is asked again");
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
        let known = Hub { token: Some("secret".to_owned()), ..hub(&cache, &small.address, false) };
        let error = known.folder(&name("org/name")).unwrap_err();
        assert!(error.to_string().contains("a file named"), "{shard}: {error}");
        assert!(!outside.exists() && !small.asked.lock().unwrap().iter().any(|path| path.contains("x.safe")));
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
