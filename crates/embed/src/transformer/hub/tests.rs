//! The hub's cache as other programs leave it, and a hub that cannot be reached.
#![allow(clippy::unwrap_used)]
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::locate::Hub;
use super::name::Name;
use crate::transformer::sentence;

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Nobody listens there.
pub(super) const NOWHERE: &str = "http://127.0.0.1:1";

pub(super) fn hub(cache: &TempDir, endpoint: &str, offline: bool) -> Hub {
    Hub { cache: cache.path().to_owned(), endpoint: endpoint.to_owned(), token: None, offline }
}

pub(super) fn name(typed: &str) -> Name {
    Name::parse(typed).unwrap()
}

/// Makes a cache with a snapshot of `org/name`.
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
pub(super) const POOLED: &str = r#"[{"path": "", "type": "sentence_transformers.models.Transformer"},
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
        let unasked = match cfg!(feature = "server") {
            true => "http://127.0.0.1:1 cannot be asked",
            false => "built without the feature `server`",
        };
        assert!(online.to_string().contains(unasked), "{online}");
        assert!(offline.to_string().ends_with("and HF_HUB_OFFLINE is set"), "{offline}");
        assert!(online.hint().contains("name a folder") && online.hint().contains("hf download org/name"));
        offline.to_string()
    };
    // Nobody asked whether these files exist.
    assert!(said(&PLAIN, &[]).starts_with("org/name: modules.json is not in the cache"));
    let pooled = [PLAIN[0], PLAIN[1], ("modules.json", POOLED)];
    assert!(said(&pooled, &[]).starts_with("org/name: sentence_bert_config.json is not"));
    // One of these files is enough, but each of the earlier ones might be the one that counts.
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
