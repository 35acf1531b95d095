//! Input that is missing, damaged or of another shape: what is said about it, and that nothing is written then.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::support::{Place, csv, gzip, jsonl, number, parquet, texts, zstd};

/// Refused, with these words, before anything is written.
#[track_caller]
fn refused_at_once(place: &Place, typed: &str, words: &[&str]) {
    let before = place.files("");
    place.semdedup(typed).failed_with(words);
    assert_eq!(place.files(""), before, "a file was written");
}

#[test]
fn an_input_that_is_not_there_is_named() {
    refused_at_once(&Place::new(), "run nowhere.jsonl --out out", &["nowhere.jsonl"]);
    refused_at_once(&Place::new(), "run no*.jsonl --out out", &["no*.jsonl"]);
}

#[test]
fn a_missing_column_is_named_with_the_columns_there_are() {
    let place = Place::with_rows(20);
    refused_at_once(
        &place,
        "run data.jsonl --out out --text-column body",
        &["data.jsonl", "body", "id", "text"],
    );
    refused_at_once(&place, "run data.jsonl --out out --id-column key", &["data.jsonl", "key", "id", "text"]);
    place.write("data.parquet", parquet(&texts(20)));
    refused_at_once(
        &place,
        "run data.parquet --out out --text-column body",
        &["data.parquet", "body", "length"],
    );
    place.write("data.csv", csv(&texts(20)));
    refused_at_once(&place, "run data.csv --out out --text-column body", &["data.csv", "body", "text"]);
}

#[test]
fn files_with_different_text_columns_are_refused_with_the_one_that_differs() {
    let place = Place::with_rows(20);
    place.write("other.jsonl", "{\"body\": \"a text\", \"title\": \"another\"}\n");
    refused_at_once(&place, "run data.jsonl other.jsonl --out out", &["other.jsonl", "text", "body"]);
}

#[test]
fn a_truncated_gzip_file_is_an_error_that_names_the_file() {
    let place = Place::new();
    let whole = gzip(jsonl(&texts(300)));
    place.write("data.jsonl.gz", &whole[..whole.len() * 2 / 3]);
    place.semdedup("run data.jsonl.gz --out out").failed_with(&["data.jsonl.gz"]);
    place.has_no_result("out");
}

#[test]
fn a_truncated_zstd_file_is_an_error_that_names_the_file() {
    let place = Place::new();
    let whole = zstd(jsonl(&texts(300)));
    place.write("data.jsonl.zst", &whole[..whole.len() * 2 / 3]);
    place.semdedup("run data.jsonl.zst --out out").failed_with(&["data.jsonl.zst"]);
    place.has_no_result("out");
}

#[test]
fn a_truncated_parquet_file_is_an_error_that_names_the_file() {
    let place = Place::new();
    let whole = parquet(&texts(300));
    place.write("data.parquet", &whole[..whole.len() * 2 / 3]);
    refused_at_once(&place, "run data.parquet --out out", &["data.parquet"]);
}

/// Lines 2 and 4 (counted from 0) are bad.
fn with_bad_lines() -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = jsonl(&texts(40)).lines().map(|line| line.as_bytes().to_vec()).collect();
    lines[2] = b"{\"id\": \"r2\", \"text\": \"caf\xe9\"}".to_vec();
    lines[4] = b"{\"id\": \"r4\", \"text\": ".to_vec();
    lines.join(&b'\n')
}

#[test]
fn lines_that_are_no_json_or_no_utf8_are_skipped_listed_and_counted() {
    let place = Place::new();
    place.write("data.jsonl", with_bad_lines());
    let said = place.semdedup("run data.jsonl --out out --json").skipped_rows();
    let summary = said.json();
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (40, 2));
    assert_eq!(number(&summary, "rows_kept") + number(&summary, "rows_removed"), 38);
    assert_eq!(place.column("out/skipped.parquet", "row"), ["2", "4"]);
    assert!(place.column("out/skipped.parquet", "reason").iter().all(|reason| !reason.is_empty()));
    assert!(!place.text("out/kept/data.jsonl").contains("\"r4\""));
}

#[test]
fn the_same_lines_stop_a_strict_run_at_the_first() {
    let place = Place::new();
    place.write("data.jsonl", with_bad_lines());
    place.semdedup("run data.jsonl --out out --strict").failed_with(&["data.jsonl", "row 2"]);
    place.has_no_result("out");
}

#[test]
fn a_skipped_row_shows_in_the_exit_code_of_a_quiet_run_and_of_a_repeated_one() {
    let place = Place::new();
    place.write("data.jsonl", with_bad_lines());
    for _ in 0..2 {
        let said = place.semdedup("run data.jsonl --out out --quiet");
        assert_eq!((said.code, said.stdout + &said.stderr), (1, String::new()));
    }
}

#[test]
fn a_line_longer_than_allowed_is_skipped() {
    let place = Place::new();
    let long = format!("{{\"id\": \"long\", \"text\": \"{}\"}}\n", "word ".repeat(2_000));
    place.write("data.jsonl", jsonl(&texts(40)) + &long);
    let said = place.semdedup("run data.jsonl --out out --max-row-bytes 1000 --json").skipped_rows();
    assert_eq!(number(&said.json(), "rows_skipped"), 1);
    assert_eq!(place.column("out/skipped.parquet", "row"), ["40"]);
    assert!(place.column("out/skipped.parquet", "reason")[0].contains("1000"));
}

#[test]
fn an_id_that_names_two_rows_is_an_error_that_names_both() {
    let place = Place::new();
    let twice = jsonl(&texts(40)).replace("\"r31\"", "\"r7\"");
    place.write("data.jsonl", twice);
    let typed = "run data.jsonl --id-column id --out out";
    let said = place.semdedup(typed).failed_with(&["r7", "data.jsonl:7", "data.jsonl:31"]);
    assert!(!said.stderr.contains("train: "), "found only after the work: {}", said.stderr);
    place.has_no_result("out");
}

#[test]
fn a_goal_that_so_many_rows_cannot_meet_is_refused_before_the_work_and_by_a_dry_run() {
    let place = Place::with_rows(40);
    refused_at_once(&place, "run data.jsonl --out out --keep-rows 41 --dry-run", &["keep 41 rows of 40"]);
    refused_at_once(
        &place,
        "run data.jsonl --out out --clusters 41 --dry-run",
        &["--clusters 41", "40 rows"],
    );
    let said = place.semdedup("run data.jsonl --out out --keep-rows 41").failed_with(&["keep 41 rows of 40"]);
    assert!(!said.stderr.contains("train: "), "found only after the work: {}", said.stderr);
    place.has_no_result("out");
}

#[test]
fn an_empty_file_beside_others_is_no_matter() {
    let place = Place::with_rows(40);
    place.write("empty.jsonl", "");
    let summary = place.summary("run data.jsonl empty.jsonl --out out");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (40, 0));
    assert_eq!(place.read("out/kept/empty.jsonl"), b"");
}

#[test]
fn no_rows_at_all_is_an_error() {
    let place = Place::new();
    place.write("a.jsonl", "");
    place.write("b.csv", "id,text\n");
    place.semdedup("run a.jsonl b.csv --out out").failed_with(&["no row"]);
    place.has_no_result("out");
}

#[test]
fn a_folder_without_a_file_to_read_is_an_error() {
    let place = Place::new();
    place.write("folder/notes.doc", "no text");
    refused_at_once(&place, "run folder --out out", &["folder"]);
}

#[test]
fn input_inside_the_output_folder_is_refused() {
    let place = Place::new();
    place.write("out/data.jsonl", jsonl(&texts(40)));
    refused_at_once(&place, "run out/data.jsonl --out out", &["out"]);
    place.write("kept/data.jsonl", jsonl(&texts(40)));
    refused_at_once(&place, "run kept/data.jsonl --out .", &["."]);
}

/// `out/scores.parquet` with another column in place of one, and the metadata as they were.
fn altered(place: &Place, column: &str, values: ArrayRef) -> Vec<u8> {
    let metadata = place.parquet_metadata("out/scores.parquet");
    let metadata = metadata.metadata().file_metadata().key_value_metadata().cloned();
    let batch = place.parquet("out/scores.parquet").remove(0);
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, there)| {
        let values = if field.name() == column { values.clone() } else { there.clone() };
        (field.name().clone(), values, true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap();
    let properties = WriterProperties::builder().set_key_value_metadata(metadata).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn scores_that_somebody_sorted_or_altered_are_refused_by_all_who_read_them() {
    let place = Place::with_rows(40);
    place.semdedup("run data.jsonl --out out").succeeded();
    let numbers = |rows: [u64; 2]| -> ArrayRef {
        Arc::new((0..40).map(|row| if row < 2 { rows[row as usize] } else { row }).collect::<UInt64Array>())
    };
    let score = |score: f32| -> ArrayRef { Arc::new(Float32Array::from(vec![score; 40])) };
    let whole = altered(&place, "none", numbers([0, 1]));
    let alterations = [
        ("order", altered(&place, "row", numbers([1, 0]))),
        ("order", altered(&place, "row", numbers([0, 1 << 40]))),
        ("duplicate of row 40", altered(&place, "duplicate_of_row", numbers([0, 40]))),
        ("score of 7", altered(&place, "score", score(7.0))),
        ("score of -inf", altered(&place, "score", score(f32::NEG_INFINITY))),
        ("score of NaN", altered(&place, "score", score(f32::NAN))),
    ];
    place.write("out/scores.parquet", whole);
    place.semdedup("select out/scores.parquet --out selected").succeeded();
    for (problem, scores) in alterations {
        place.write("out/scores.parquet", scores);
        for typed in ["select out/scores.parquet --out again", "sweep out", "show out"] {
            place.semdedup(typed).failed_with(&["scores.parquet", problem]);
        }
        assert!(!place.path("again").exists());
    }
}
