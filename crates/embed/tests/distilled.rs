//! Distilled models: the reader against its slow twin in Python (`bench/text_model`).
#![allow(clippy::unwrap_used)]
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rayon::prelude::*;
use semdedup_embed::{StaticModel, TextModel, WordVectors};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/distilled")
}

fn model(max_tokens: impl Into<Option<usize>>) -> StaticModel {
    StaticModel::open(&folder(), max_tokens.into()).unwrap()
}

fn embed(model: &StaticModel, texts: &[&str]) -> Vec<f32> {
    let mut rows = vec![f32::NAN; texts.len() * model.dim()];
    model.embed(texts, &mut rows).unwrap();
    rows
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn alike(a: &str, b: &str) -> f64 {
    let model = model(512);
    let rows = embed(&model, &[a, b]);
    let (a, b) = rows.split_at(model.dim());
    cosine(a, b)
}

#[test]
fn texts_have_the_embeddings_of_the_slow_twin() {
    let texts: Vec<String> = serde_json::from_str(include_str!("data/distilled/texts.json")).unwrap();
    let expected: Vec<f32> = include_bytes!("data/distilled/reference.f32")
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    let model = model(None);
    let (rows, mut compared) = (embed(&model, &texts.iter().map(String::as_str).collect::<Vec<_>>()), 0);
    let pairs = rows.chunks_exact(model.dim()).zip(expected.chunks_exact(model.dim()));
    for (text, (ours, reference)) in texts.iter().zip(pairs) {
        if reference.iter().all(|value| *value == 0.0) {
            assert!(ours.iter().all(|value| *value == 0.0), "{text:?}");
            continue;
        }
        compared += 1;
        assert!(cosine(ours, reference) > 0.99999, "{text:?}: {}", cosine(ours, reference));
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn what_differs_is_told_apart_and_what_does_not_is_not() {
    for (a, b) in [
        ("12 of 21", "21 of 12"),
        ("x = 3 - 5", "x = 5 - 3"),
        ("100 euros", "900 euros"),
        ("0.15", "0.51"),
        ("👍", "👎"),
        ("it is safe", "it is not safe"),
    ] {
        assert!(alike(a, b) < 0.95, "{a} / {b}: {}", alike(a, b));
    }
    assert!(alike("résumé", "resume") < 0.99, "{}", alike("résumé", "resume"));
    for (a, b) in [
        ("Größe  5", "größe 5"),
        ("e\u{301}galite\u{301}", "\u{e9}galit\u{e9}"),
        ("I can't", "I cannot"),
        ("1,234,567 rows", "1234567 rows"),
        ("don\u{2019}t go", "do not go"),
    ] {
        assert!(alike(a, b) > 0.999, "{a} / {b}: {}", alike(a, b));
    }
}

#[test]
fn a_limit_on_tokens_reads_the_beginning_and_says_so() {
    let (short, text) = (model(4), "the man is 5 years old 😀😀 東京");
    let mut row = vec![0.0; short.dim()];
    let found = short.embed_each(&[text, "the man"], &mut vec![0.0; 2 * short.dim()]).unwrap();
    assert_eq!(found.truncated, [0]);
    short.embed(&[text], &mut row).unwrap();
    assert_eq!(row, embed(&model(512), &["the man is 5"]));
}

#[test]
fn vectors_come_back_from_the_files_that_they_are_stored_in() {
    let folder = tempfile::tempdir().unwrap();
    let vocabulary = ["big", "dog", "##s"].map(str::to_owned).to_vec();
    let vectors: Vec<f32> = (0..3 * 32).map(|n| (n as f32 * 0.7).sin()).collect();
    let made = WordVectors { vocabulary, vectors: vectors.clone(), dim: 32, unit: 0.5 };
    for (name, bytes) in made.files(&serde_json::json!({"teacher": "t"})) {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    assert!(StaticModel::is_in(folder.path()) && !StaticModel::is_in(&self::folder().join("..")));
    let model = StaticModel::open(folder.path(), None).unwrap();
    let mut row = vec![0.0; 32];
    model.embed(&["Big"], &mut row).unwrap();
    assert!(cosine(&row, &vectors[..32]) > 0.9999);
    assert!(StaticModel::open(folder.path(), Some(0)).is_err());
    for (name, bytes, problem) in [
        ("table.bin", &b"SDTABLE2\x03\0\0\0"[..], "expected"),
        ("table.bin", b"SDTABLE1", "does not start with"),
        ("table.bin", b"SDTABLE2\0\0\0\0\x20\0\0\0\0\0\xc0\x7f", "not a positive number"),
        ("config.json", br#"{"model_type": "semdedup-static", "version": 9}"#, "version 9"),
        ("config.json", b"{", "config.json"),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let error = StaticModel::open(folder.path(), None).err().unwrap().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_has_one_embedding_whatever_came_before(texts in prop::collection::vec("\\PC{0,60}|[a-z0-9 .,=+'t-]{0,40}", 1..6)) {
        let model = model(64);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let together = embed(&model, &texts);
        let alone: Vec<f32> = texts.par_iter().flat_map(|text| embed(&model, &[text])).collect();
        prop_assert_eq!(together.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), alone.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        prop_assert!(together.iter().all(|value| value.is_finite()));
    }
}
