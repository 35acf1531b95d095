//! Downloads from a small hub that runs inside the test.
#![allow(clippy::unwrap_used)]
use std::fs;
use std::path::PathBuf;

use super::locate::Hub;
use super::small_hub::{Habits, Resumes, SmallHub};
use super::tests::{COMMIT, NOWHERE, POOLED, hub, name};

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
fn a_first_module_below_needs_no_config_beside_modules_json() {
    for kind in ["CLIPModel", "StaticEmbedding"] {
        let modules = format!(r#"[{{"path": "0_{kind}", "type": "sentence_transformers.models.{kind}"}}]"#);
        let path = |file: &str| -> &'static str { Box::leak(format!("0_{kind}/{file}").into_boxed_str()) };
        let files: [(&str, &str); 5] = [
            ("modules.json", Box::leak(modules.into_boxed_str())),
            (path("config.json"), "{}"),
            (path("preprocessor_config.json"), "{}"),
            (path("tokenizer.json"), "{}"),
            (path("model.safetensors"), ""),
        ];
        let small = SmallHub::start(files.into_iter().collect());
        let cache = tempfile::tempdir().unwrap();
        let folder = with_token(&small, &cache).folder(&name("org/name")).unwrap();
        for (file, text) in &files {
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), *text, "{file}");
        }
        assert_eq!(hub(&cache, NOWHERE, true).folder(&name("org/name")).unwrap(), folder, "offline");
    }
    // A model without either is none.
    let small = SmallHub::start([("model.safetensors", "")].into_iter().collect());
    let cache = tempfile::tempdir().unwrap();
    assert!(with_token(&small, &cache).folder(&name("org/name")).is_err());
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
    assert_eq!(parts(&cache), 0);
}

/// The SHA-256 of "twelve bytes".
const TWELVE: &str = "d4ce2c527afe674c7a086bd74e256019e3d5dcdb31eeb6eaadef5ada8c4383b9";
/// The SHA-256 of nothing.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Returns the number of downloads that are not complete.
fn parts(cache: &tempfile::TempDir) -> usize {
    let blobs = fs::read_dir(cache.path().join("models--org--name/blobs")).unwrap();
    let paths = blobs.map(|blob| blob.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "part")).count()
}

/// Returns the path of the weights in the snapshot.
fn weights(cache: &tempfile::TempDir) -> PathBuf {
    cache.path().join("models--org--name/snapshots").join(COMMIT).join("model.safetensors")
}

/// Makes a cache with the beginning of the blob of an etag, as a killed download leaves it.
fn begun(etag: &str, bytes: &str) -> tempfile::TempDir {
    let cache = tempfile::tempdir().unwrap();
    let blobs = cache.path().join("models--org--name/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(format!("{etag}.part")), bytes).unwrap();
    cache
}

/// Starts a hub that names the SHA-256 of the weights.
fn naming(sha256: &'static str, habits: Habits) -> SmallHub {
    let habits = Habits { linked: Some(("model.safetensors", sha256)), ..habits };
    SmallHub::with_habits(SMALL.into_iter().collect(), habits)
}

#[test]
fn a_part_that_was_not_asked_for_is_refused() {
    let etag = "not-a-hash";
    for (resumes, said) in [
        (Resumes::FromZero, "model.safetensors from byte 0 on, expected from byte 6 on"),
        (Resumes::WithoutRange, "(Content-Range None), expected from byte 6 on"),
    ] {
        let cache = begun(etag, "twelve");
        let small = naming(etag, Habits { resumes, ..Habits::default() });
        let error = with_token(&small, &cache).folder(&name("org/name")).unwrap_err();
        assert!(error.to_string().ends_with(said), "{error}");
        assert!(error.hint().contains("a proxy or a mirror alters the file"), "{}", error.hint());
        assert!(!weights(&cache).exists());
        let honest = naming(etag, Habits::default());
        with_token(&honest, &cache).folder(&name("org/name")).unwrap();
        assert_eq!(fs::read_to_string(weights(&cache)).unwrap(), "twelve bytes", "the part was left alone");
    }
}

#[test]
fn a_hub_that_resumes_nothing_sends_the_file_again() {
    let cache = begun(TWELVE, "TWELVE");
    let small = naming(TWELVE, Habits { resumes: Resumes::Whole, ..Habits::default() });
    with_token(&small, &cache).folder(&name("org/name")).unwrap();
    assert_eq!(fs::read_to_string(weights(&cache)).unwrap(), "twelve bytes");
}

#[test]
fn a_file_with_another_sha_256_than_the_hub_names_is_refused_and_deleted() {
    let small = naming(NOTHING, Habits::default());
    let cache = tempfile::tempdir().unwrap();
    let error = with_token(&small, &cache).folder(&name("org/name")).unwrap_err();
    let said =
        format!("model.safetensors with the SHA-256 {TWELVE}, expected {NOTHING}; the download was deleted");
    assert!(error.to_string().ends_with(&said), "{error}");
    assert!(error.hint().starts_with("run it again"), "{}", error.hint());
    assert!(!weights(&cache).exists());
    assert_eq!(parts(&cache), 0);
}

#[test]
fn the_sha_256_is_that_of_the_whole_file_after_a_resumed_download() {
    let cache = begun(TWELVE, "twelve");
    let small = naming(TWELVE, Habits::default());
    with_token(&small, &cache).folder(&name("org/name")).unwrap();
    assert_eq!(fs::read_to_string(weights(&cache)).unwrap(), "twelve bytes");
    assert!(small.asked().iter().any(|request| request.range.as_deref() == Some("bytes=6-11")));

    let cache = begun(TWELVE, "TWELVE");
    let known = with_token(&small, &cache);
    let error = known.folder(&name("org/name")).unwrap_err();
    assert!(error.to_string().contains(&format!("expected {TWELVE}")), "{error}");
    assert!(!weights(&cache).exists());
    known.folder(&name("org/name")).unwrap();
    assert_eq!(fs::read_to_string(weights(&cache)).unwrap(), "twelve bytes", "from the beginning");
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
