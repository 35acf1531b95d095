//! Tests texts that a model refuses, with a model small enough to check by hand.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use semdedup_embed::{EmbedStats, EmbeddedTexts, ModelError, RefusedText, TextModel};

use super::*;
use crate::embed::dataset::Dataset;
use crate::formats::{ColumnChoice, ReadLimits, TextFiles};
use crate::options::InputOptions;
use crate::progress::Silent;
use crate::workdir::parts::record_path;

/// Embeds a text as its length and 1, a blank one as zeros, and refuses those that begin with a
/// word.
struct Picky(&'static str);

impl TextModel for Picky {
    fn name(&self) -> &str {
        "picky"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "picky/1".into()
    }
    fn rows_per_save(&self) -> Option<usize> {
        Some(100)
    }
    fn rows_per_call(&self) -> Option<usize> {
        Some(10)
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        match self.embed_each(texts, out)?.refused.first() {
            None => Ok(EmbedStats::default()),
            Some(refused) => Err(ModelError::new(refused.reason.clone())),
        }
    }
    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbeddedTexts, ModelError> {
        let mut refused = Vec::new();
        for (index, (text, out)) in texts.iter().zip(out.chunks_exact_mut(2)).enumerate() {
            out.copy_from_slice(&[text.trim().len() as f32, f32::from(!text.trim().is_empty())]);
            if text.starts_with(self.0) {
                out.fill(0.0);
                refused.push(RefusedText { index, reason: format!("I do not like `{text}`") });
            }
        }
        Ok(EmbeddedTexts { refused, ..EmbeddedTexts::default() })
    }
}

const MODEL: Picky = Picky("bad");

/// Writes a file of lines, and returns it as an input.
fn input(folder: &Path, lines: &str, part_rows: u64) -> Input {
    let file = folder.join("a.txt");
    std::fs::write(&file, lines).unwrap();
    let options = InputOptions {
        inputs: vec![file.display().to_string()],
        text_files: TextFiles::Lines,
        csv: crate::formats::DialectChoice::default(),
        encoding: None,
        columns: ColumnChoice::default(),
        embeddings: Vec::new(),
        limits: ReadLimits::default(),
        strict: false,
    };
    Input { part_rows, ..Input::find(&options, &[]).unwrap() }
}

fn embed(input: &Input, model: &Picky, out: &Path) -> Result<Dataset> {
    let embedder = Embedder::Text(model);
    embed_parts(input, embedder, out, &Silent)?;
    Dataset::open(input, out, &embed_fingerprint(input, embedder)?)
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// Returns lines of which every seventh is refused.
fn some_bad() -> String {
    (0..120).map(|row| format!("{} {row}\n", if row % 7 == 3 { "bad" } else { "a good" })).collect()
}

#[test]
fn refused_texts_are_skipped_rows_with_their_reason_for_any_length_of_the_parts() {
    let data = tempfile::tempdir().unwrap();
    for part_rows in [1, 6, 50, 1000] {
        let out = tempfile::tempdir().unwrap();
        let dataset = embed(&input(data.path(), &some_bad(), part_rows), &MODEL, out.path()).unwrap();
        let bad: Vec<u64> = (0..120).filter(|row| row % 7 == 3).collect();
        assert_eq!(dataset.skipped_rows(), bad);
        assert_eq!(dataset.skipped[1].reason, "I do not like `bad 10`");
        let rows = dataset.open_embeddings().unwrap().read(0..120).unwrap();
        assert_eq!(rows.non_finite_rows().iter().map(|&row| row as u64).collect::<Vec<_>>(), bad);
        assert_eq!(dataset.zero.unwrap().rows, 0, "a skipped row is no row of zeros");
    }
}

#[test]
fn a_run_killed_after_any_part_refuses_the_same_texts_again() {
    let (data, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let input = input(data.path(), &some_bad(), 9);
    embed(&input, &MODEL, whole.path()).unwrap();
    for part in [0, 1, 5, 13] {
        let killed = tempfile::tempdir().unwrap();
        embed(&input, &MODEL, killed.path()).unwrap();
        (part..14).for_each(|part| std::fs::remove_file(record_path(killed.path(), part)).unwrap());
        embed(&input, &MODEL, killed.path()).unwrap();
        assert_eq!(contents(whole.path()), contents(killed.path()));
    }
}

#[test]
fn strict_stops_at_the_first_refused_text_and_names_its_file_and_row() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let input = Input { strict: true, ..input(data.path(), &some_bad(), 50) };
    let error = embed(&input, &MODEL, out.path()).unwrap_err();
    assert!(error.to_string().ends_with("a.txt: row 3: I do not like `bad 3`"), "{error}");
}

#[test]
fn a_model_that_refuses_all_of_the_first_texts_is_at_fault_and_nothing_is_stored() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Blank lines say nothing of the model.
    let lines = "\nbad\n".repeat(40) + &"good\n".repeat(200);
    let input = input(data.path(), &lines, 1000);
    let error = embed(&input, &MODEL, out.path()).unwrap_err();
    let words = "the model could not embed any of the first 35 texts; a.txt row 1: I do not like `bad`";
    assert_eq!(error.to_string(), words);
    assert!(error.hint_text().unwrap().contains("same command line"));
    assert!(!record_path(out.path(), 0).exists());
    assert_eq!(embed(&input, &Picky("worse"), out.path()).unwrap().skipped.len(), 0);
}

#[test]
fn a_few_refused_texts_are_a_failure_only_if_no_other_row_is_left() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let error = embed(&input(data.path(), "bad\nbad one\n", 10), &MODEL, out.path()).unwrap_err();
    assert!(error.to_string().starts_with("the model could not embed any of the first 2 texts"), "{error}");
    assert!(!record_path(out.path(), 0).exists());
    for lines in ["bad\n\n", &("bad\n".repeat(31) + "good\n")] {
        let out = tempfile::tempdir().unwrap();
        let input = input(data.path(), lines, 10);
        let dataset = embed(&input, &MODEL, out.path()).unwrap();
        assert_eq!(dataset.skipped.len() as u64 + 1, dataset.row_index.rows());
    }
}

#[test]
fn a_run_that_resumes_where_all_texts_are_refused_goes_on() {
    let (data, whole, killed) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lines = "good\n".repeat(50) + &"bad\n".repeat(60);
    let input = input(data.path(), &lines, 50);
    assert_eq!(embed(&input, &MODEL, whole.path()).unwrap().skipped.len(), 60);
    embed(&input, &MODEL, killed.path()).unwrap();
    (1..3).for_each(|part| std::fs::remove_file(record_path(killed.path(), part)).unwrap());
    embed(&input, &MODEL, killed.path()).unwrap();
    assert_eq!(contents(whole.path()), contents(killed.path()));
}

/// Counts the refused texts that it is asked for.
struct Asked(std::sync::atomic::AtomicUsize);

impl TextModel for Asked {
    fn name(&self) -> &str {
        MODEL.name()
    }
    fn dim(&self) -> usize {
        MODEL.dim()
    }
    fn fingerprint(&self) -> String {
        MODEL.fingerprint()
    }
    fn rows_per_save(&self) -> Option<usize> {
        MODEL.rows_per_save()
    }
    fn rows_per_call(&self) -> Option<usize> {
        MODEL.rows_per_call()
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        MODEL.embed(texts, out)
    }
    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbeddedTexts, ModelError> {
        let refused = texts.iter().filter(|text| text.starts_with("bad")).count();
        self.0.fetch_add(refused, Ordering::Relaxed);
        MODEL.embed_each(texts, out)
    }
}

#[test]
fn a_refused_text_is_asked_for_once_and_every_row_of_it_is_skipped_with_the_reason() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lines: String = (0..300).map(|row| if row % 3 == 0 { "bad\n" } else { "good\n" }).collect();
    let (input, model) = (input(data.path(), &lines, 40), Asked(0.into()));
    let folders = Folders { folder: out.path(), others: &[] };
    EmbedRun::prepare(&input, Embedder::Text(&model), &folders).unwrap().embed(&Silent).unwrap();
    assert_eq!(model.0.into_inner(), 1);
    let stage = embed_fingerprint(&input, Embedder::Text(&MODEL)).unwrap();
    let dataset = Dataset::open(&input, out.path(), &stage).unwrap();
    assert_eq!(dataset.skipped_rows(), (0..300).step_by(3).collect::<Vec<u64>>());
    assert!(dataset.skipped.iter().all(|skipped| skipped.reason == "I do not like `bad`"));
    assert_eq!((dataset.embedded, dataset.repeated), (Some(1), 199));
}
