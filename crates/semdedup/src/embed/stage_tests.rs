//! Tests the embedding stage, part by part, with a model small enough to check by hand.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write;

use proptest::prelude::*;
use semdedup_embed::{EmbedStats, ModelError, TextModel};

use super::*;
use crate::arrays::npy_writer::NpyWriter;
use crate::formats::{ColumnChoice, ReadLimits, TextFiles};
use crate::options::InputOptions;
use crate::progress::Silent;
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{all_records, embeddings_path, parts_path, record_path};

#[path = "expensive_tests.rs"]
mod expensive;

/// Embeds a text as its length and its first byte. A text over ten bytes counts as truncated.
struct Lengths;

impl TextModel for Lengths {
    fn name(&self) -> &str {
        "lengths"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "lengths/1".into()
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        for (text, out) in texts.iter().zip(out.chunks_exact_mut(2)) {
            out.copy_from_slice(&[text.len() as f32, text.as_bytes().first().map_or(0.0, |&b| f32::from(b))]);
        }
        let truncated = texts.iter().filter(|text| text.len() > 10).count();
        Ok(EmbedStats { truncated, ..EmbedStats::default() })
    }
}

/// Writes three files: 250 lines, a JSONL file with bad rows and ids, and an empty file.
fn write_files(folder: &Path) {
    let mut lines = std::fs::File::create(folder.join("a.txt")).unwrap();
    for i in 0..250 {
        writeln!(lines, "{}", "x".repeat(i % 14)).unwrap();
    }
    let mut jsonl = std::fs::File::create(folder.join("b.jsonl")).unwrap();
    for i in 0..333 {
        match i % 50 {
            7 => writeln!(jsonl, "{{not json").unwrap(),
            9 => writeln!(jsonl, r#"{{"id": {i}, "text": 5}}"#).unwrap(),
            _ => writeln!(jsonl, r#"{{"id": {i}, "text": "row {i}"}}"#).unwrap(),
        }
    }
    std::fs::write(folder.join("c.txt"), "").unwrap();
}

fn input(folder: &Path, part_rows: u64) -> Input {
    let options = InputOptions {
        // Each file is named: of a folder the texts beside JSONL would be left out.
        inputs: contents(folder).keys().map(|name| folder.join(name).display().to_string()).collect(),
        text_files: TextFiles::Lines,
        columns: ColumnChoice::default(),
        embeddings: Vec::new(),
        limits: ReadLimits::default(),
        ..InputOptions::new([""; 0])
    };
    Input { part_rows, ..Input::find(&options, &[]).unwrap() }
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap();
    entries.map(|entry| (name(&entry), std::fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn every_row_is_embedded_and_counted_for_any_length_of_the_parts() {
    let data = tempfile::tempdir().unwrap();
    write_files(data.path());
    for part_rows in [1, 7, 100, 250, 583, 10_000] {
        let out = tempfile::tempdir().unwrap();
        let input = input(data.path(), part_rows);
        embed_parts(&input, Embedder::Text(&Lengths), out.path(), &Silent).unwrap();
        let dataset = Dataset::open(&input, out.path(), &stage_of(&input)).unwrap();
        assert_eq!(dataset.row_index.rows(), 583);
        assert_eq!(dataset.row_index.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [250, 333, 0]);
        assert_eq!((dataset.empty, dataset.truncated), (18, 250 / 14 * 3 + 1), "part of {part_rows} rows");
        let skipped = dataset.skipped_rows();
        assert_eq!(skipped.len(), 14);
        assert_eq!(skipped[..3], [257, 259, 307]);
        let store = dataset.open_embeddings().unwrap();
        assert_eq!(store.rows(), 583);
        let rows = store.read(0..583).unwrap();
        let bad: Vec<u64> = rows.non_finite_rows().iter().map(|&row| row as u64).collect();
        assert_eq!(bad, skipped);
        for row in [1usize, 13, 249, 250, 300, 582] {
            let text = if row < 250 { "x".repeat(row % 14) } else { format!("row {}", row - 250) };
            let expected = [text.len() as f32, f32::from(text.as_bytes()[0])];
            let expected = semdedup_core::UnitEmbeddings::new(expected.to_vec(), 2).unwrap();
            assert_eq!(rows.row(row), expected.row(0), "row {row} in parts of {part_rows}");
        }
        let some = store.gather(&[582, 0, 251, 252]).unwrap();
        assert_eq!((some.row(0), some.row(3)), (rows.row(582), rows.row(252)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_run_killed_after_any_part_resumes_to_the_same_bytes(part_rows in 1u64..200, done in 0usize..20) {
        let data = tempfile::tempdir().unwrap();
        write_files(data.path());
        let input = input(data.path(), part_rows);
        let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        embed_parts(&input, Embedder::Text(&Lengths), whole.path(), &Silent).unwrap();
        embed_parts(&input, Embedder::Text(&Lengths), killed.path(), &Silent).unwrap();
        // A kill leaves no record of the part that was being written. The other files of the part
        // may be complete, cut short or missing.
        for part in done.. {
            let record = record_path(killed.path(), part);
            if std::fs::remove_file(&record).is_err() {
                break;
            }
            let embeddings = embeddings_path(killed.path(), part);
            match part % 3 {
                0 => std::fs::remove_file(embeddings).unwrap(),
                1 => std::fs::write(embeddings, b"half").unwrap(),
                _ => {}
            }
        }
        embed_parts(&input, Embedder::Text(&Lengths), killed.path(), &Silent).unwrap();
        prop_assert_eq!(contents(whole.path()), contents(killed.path()));
    }
}

#[test]
fn strict_stops_at_the_first_bad_row_and_names_it() {
    let data = tempfile::tempdir().unwrap();
    write_files(data.path());
    let out = tempfile::tempdir().unwrap();
    let input = Input { strict: true, ..input(data.path(), 100) };
    let error = embed_parts(&input, Embedder::Text(&Lengths), out.path(), &Silent).unwrap_err();
    assert!(error.to_string().contains("b.jsonl: row 7: "), "{error}");
}

/// Changes a number in a file, in place, when the stage begins.
struct Meddler(PathBuf);

impl Progress for Meddler {
    fn begin(&self, _: Stage, _: &'static str, _: u64) {
        let mut bytes = std::fs::read(&self.0).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&self.0, bytes).unwrap();
    }
    fn advance(&self, _: u64) {}
    fn end(&self, _: Stage, _: bool) {}
    fn warn(&self, _: &crate::Warning) {}
}

#[test]
fn provided_embeddings_that_change_while_they_are_read_are_an_error_and_no_part_stays() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (rows, file) = (folder.path().join("a.txt"), folder.path().join("a.npy"));
    std::fs::write(&rows, "x\n".repeat(500)).unwrap();
    let mut writer = NpyWriter::matrix(&file, 3).unwrap();
    writer.write(&(0..1500).map(|i| i as f32).collect::<Vec<f32>>()).unwrap();
    writer.finish().unwrap();
    let options = InputOptions {
        inputs: vec![rows.display().to_string()],
        text_files: TextFiles::Lines,
        columns: ColumnChoice { text_optional: true, ..ColumnChoice::default() },
        embeddings: vec![file.display().to_string()],
        limits: ReadLimits::default(),
        ..InputOptions::new([""; 0])
    };
    let find = || Input { part_rows: 100, ..Input::find(&options, &[]).unwrap() };
    let before = find();
    let mut work = WorkDir::open(out.path()).unwrap();
    let failed = embed_stage(&mut work, &before, Embedder::Provided, false, &Meddler(file.clone()));
    let error = failed.unwrap_err();
    assert!(error.to_string().contains("a.npy: changed since it was read"), "{error}");
    let stage = embed_fingerprint(&before, Embedder::Provided).unwrap();
    assert!(!work.has_begun(Stage::Embed, &stage), "parts with other numbers are continued");
    embed_stage(&mut work, &find(), Embedder::Provided, false, &Silent).unwrap();
    assert_eq!(records(&work.folder(Stage::Embed)), 5);
    assert_eq!(records(&out.path().join("embed")), 0, "what the input has is stored twice");
}

#[test]
fn files_numbered_after_the_stored_parts_are_of_another_run_and_are_removed() {
    let (data, whole, out) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_files(data.path());
    let parts_of = |rows: u64, folder: &Path| {
        embed_parts(&input(data.path(), rows), Embedder::Text(&Lengths), folder, &Silent).unwrap();
    };
    parts_of(300, whole.path());
    // The run before had shorter parts.
    parts_of(50, out.path());
    for (part, _) in all_records(out.path()).unwrap() {
        std::fs::remove_file(record_path(out.path(), part)).unwrap();
    }
    let foreign = PartRecord::new(Fingerprint::of(&"another", None).unwrap(), None);
    std::fs::write(record_path(out.path(), 99), serde_json::to_vec(&foreign).unwrap()).unwrap();
    std::fs::write(out.path().join("something-else"), "stays").unwrap();
    parts_of(300, out.path());
    std::fs::remove_file(out.path().join("something-else")).unwrap();
    assert_eq!(contents(out.path()), contents(whole.path()));
}

/// Returns the fingerprint of the stage with [`Lengths`].
fn stage_of(input: &Input) -> Fingerprint {
    embed_fingerprint(input, Embedder::Text(&Lengths)).unwrap()
}

/// Counts the stored parts, of any stage.
fn records(folder: &Path) -> usize {
    (0..).take_while(|&part| record_path(folder, part).exists()).count()
}

/// Makes a folder with all parts, and counts them.
fn embedded(data: &Path) -> (tempfile::TempDir, Input, usize) {
    write_files(data);
    let (out, input) = (tempfile::tempdir().unwrap(), input(data, 50));
    embed_parts(&input, Embedder::Text(&Lengths), out.path(), &Silent).unwrap();
    let parts = records(out.path());
    assert!(parts > 4, "{parts}");
    (out, input, parts)
}

#[test]
fn a_finished_stage_that_lacks_a_part_or_rows_of_one_is_an_error() {
    let data = tempfile::tempdir().unwrap();
    let (out, input, parts) = embedded(data.path());
    let open = || {
        let dataset = Dataset::open(&input, out.path(), &stage_of(&input))?;
        dataset.open_embeddings().map(|store| assert_eq!(store.rows(), dataset.row_index.rows()))
    };
    open().unwrap();
    for part in [parts - 1, 1, 0] {
        let path = record_path(out.path(), part);
        let record = std::fs::read(&path).unwrap();
        let foreign = PartRecord::new(Fingerprint::of(&"another", None).unwrap(), None);
        for other in [Some(serde_json::to_vec(&foreign).unwrap()), None] {
            std::fs::remove_file(&path).unwrap();
            if let Some(other) = other {
                std::fs::write(&path, other).unwrap();
            }
            let error = open().unwrap_err();
            assert!(error.to_string().contains(&format!("part-{part:05}.json")), "{error}");
            assert!(error.hint_text().is_some());
        }
        std::fs::write(&path, record).unwrap();
    }
    std::fs::copy(embeddings_path(out.path(), 0), embeddings_path(out.path(), parts - 1)).unwrap();
    let error = open().unwrap_err();
    assert!(error.to_string().contains("its record says"), "{error}");
    std::fs::remove_file(parts_path(out.path())).unwrap();
    assert!(open().unwrap_err().to_string().contains("parts.json"));
}

#[test]
fn parts_after_a_missing_one_are_not_removed() {
    let data = tempfile::tempdir().unwrap();
    let (out, input, parts) = embedded(data.path());
    let record = std::fs::read(record_path(out.path(), 1)).unwrap();
    std::fs::remove_file(record_path(out.path(), 1)).unwrap();
    let before = contents(out.path());
    let error = embed_parts(&input, Embedder::Text(&Lengths), out.path(), &Silent).unwrap_err();
    assert!(error.to_string().contains("part-00001.json: is missing"), "{error}");
    assert_eq!(contents(out.path()), before);
    std::fs::write(record_path(out.path(), 1), record).unwrap();
    embed_parts(&input, Embedder::Text(&Lengths), out.path(), &Silent).unwrap();
    assert_eq!(records(out.path()), parts);
}
