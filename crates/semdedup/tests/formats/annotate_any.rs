//! Rows of any bytes are read the same from the annotated file.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use proptest::prelude::*;
use semdedup::formats::{AddedColumns, ReadLimits, discover, write_annotated};
use tempfile::TempDir;

use crate::support::*;

fn lively_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'\n'),
        Just(b'\r'),
        Just(b','),
        Just(b'\t'),
        Just(b'"'),
        Just(b' '),
        Just(b'a'),
        any::<u8>()
    ];
    prop::collection::vec(byte, 0..120)
}

fn lively_lines() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("{"),
        Just("}"),
        Just("{}"),
        Just("{\"text\":\"a\"}"),
        Just("{\"text\": \"}\" , \"n\":[{}]}"),
        Just("{\"text\":1}"),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("\""),
        Just("[1]"),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// Checks that the annotated file has the same rows with the same texts, and the same bad rows.
fn reads_the_same(name: &str, content: &[u8]) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    // Noise may fit two dialects: then the file is refused.
    let found = |path: &Path| discover(&[path.to_str().unwrap().to_owned()], &[]);
    let file = match found(&path) {
        Err(error) if error.hint_text().is_some_and(|hint| hint.contains("--delimiter")) => return,
        files => Input { file: files.unwrap().remove(0), folder },
    };
    let Ok(before) = read(&file.file, &text_column("text")) else { return };
    let mut done = 0;
    let bad: Vec<u64> = before.bad.iter().map(|bad| bad.row).collect();
    let mut next = |rows: usize| {
        let range = done..done + rows;
        done += rows;
        // As in a run, bad rows have no values.
        let of = |row: usize| (!bad.contains(&(row as u64))).then(|| format!("{row}\",\t\n"));
        let of: ArrayRef = Arc::new(range.map(of).collect::<StringArray>());
        Ok(RecordBatch::try_new(only_of(), vec![of]).unwrap())
    };
    let destination = file.folder.path().join(format!("annotated-{name}"));
    let mut added = AddedColumns { schema: only_of(), next: &mut next };
    let rows = write_annotated(&file.file, &ReadLimits::default(), &destination, &mut added).unwrap();
    assert_eq!(rows, before.texts.len() as u64);
    // With one more column, another dialect may be likelier, or as likely.
    let Ok(mut annotated) = found(&destination) else { return };
    annotated[0].format = file.file.format;
    let after = read(&annotated[0], &with_id("text", "duplicate_of")).unwrap();
    assert_eq!(after.texts, before.texts);
    assert_eq!(after.bad.iter().map(|bad| bad.row).collect::<Vec<_>>(), bad);
    let ids = after.ids.iter().flat_map(|ids| ids.as_string::<i32>().iter().collect::<Vec<_>>());
    for (row, id) in ids.enumerate().filter(|(row, _)| !bad.contains(&(*row as u64))) {
        let text = format!("{row}\",\t\n");
        let json = serde_json::Value::from(text.as_str()).to_string();
        assert_eq!(id, Some(if name.ends_with("jsonl") { &json } else { &text }.as_str()), "row {row}");
    }
}

fn only_of() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("duplicate_of", DataType::Utf8, true)]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_in_a_table_is_read_from_the_annotated_one_too(rows in lively_bytes()) {
        reads_the_same("a.csv", &[b"id,text\n", rows.as_slice()].concat());
        reads_the_same("a.tsv", &[b"text\tn\r\n", rows.as_slice()].concat());
        reads_the_same("b.csv", &[b"text\r", rows.as_slice()].concat());
    }

    #[test]
    fn whatever_is_in_lines_is_read_from_the_annotated_ones_too(lines in lively_lines()) {
        reads_the_same("a.jsonl", lines.as_bytes());
    }
}
