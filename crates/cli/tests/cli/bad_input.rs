//! Input that is missing, damaged or in another form gives a clear error and writes nothing.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::support::{Sandbox, csv, gzip, jsonl, number, parquet, texts, zstd};

/// Checks that a command line is refused with these words before anything is written.
#[track_caller]
fn refused_at_once(sandbox: &Sandbox, typed: &str, words: &[&str]) {
    let before = sandbox.files("");
    sandbox.semdedup(typed).failed_with(words);
    assert_eq!(sandbox.files(""), before, "a file was written");
}

#[test]
fn a_missing_input_is_named() {
    refused_at_once(&Sandbox::new(), "run nowhere.jsonl --out out", &["nowhere.jsonl"]);
    refused_at_once(&Sandbox::new(), "run no*.jsonl --out out", &["no*.jsonl"]);
}

#[test]
fn a_missing_column_is_named_with_the_columns_there_are() {
    let sandbox = Sandbox::with_rows(20);
    refused_at_once(
        &sandbox,
        "run data.jsonl --out out --text-column body",
        &["data.jsonl", "body", "id", "text"],
    );
    refused_at_once(
        &sandbox,
        "run data.jsonl --out out --id-column key",
        &["data.jsonl", "key", "id", "text"],
    );
    sandbox.write("data.parquet", parquet(&texts(20)));
    refused_at_once(
        &sandbox,
        "run data.parquet --out out --text-column body",
        &["data.parquet", "body", "length"],
    );
    sandbox.write("data.csv", csv(&texts(20)));
    refused_at_once(&sandbox, "run data.csv --out out --text-column body", &["data.csv", "body", "text"]);
}

#[test]
fn files_with_different_text_columns_are_refused_with_the_one_that_differs() {
    let sandbox = Sandbox::with_rows(20);
    sandbox.write("other.jsonl", "{\"body\": \"a text\", \"title\": \"another\"}\n");
    refused_at_once(&sandbox, "run data.jsonl other.jsonl --out out", &["other.jsonl", "text", "body"]);
}

#[test]
fn a_truncated_gzip_file_is_an_error_that_names_the_file() {
    let sandbox = Sandbox::new();
    let whole = gzip(jsonl(&texts(300)));
    sandbox.write("data.jsonl.gz", &whole[..whole.len() * 2 / 3]);
    sandbox.semdedup("run data.jsonl.gz --out out").failed_with(&["data.jsonl.gz"]);
    sandbox.has_no_result("out");
}

#[test]
fn a_truncated_zstd_file_is_an_error_that_names_the_file() {
    let sandbox = Sandbox::new();
    let whole = zstd(jsonl(&texts(300)));
    sandbox.write("data.jsonl.zst", &whole[..whole.len() * 2 / 3]);
    sandbox.semdedup("run data.jsonl.zst --out out").failed_with(&["data.jsonl.zst"]);
    sandbox.has_no_result("out");
}

#[test]
fn a_truncated_parquet_file_is_an_error_that_names_the_file() {
    let sandbox = Sandbox::new();
    let whole = parquet(&texts(300));
    sandbox.write("data.parquet", &whole[..whole.len() * 2 / 3]);
    refused_at_once(&sandbox, "run data.parquet --out out", &["data.parquet"]);
}

/// Returns lines of which 2 and 4 (counted from 0) are bad.
fn with_bad_lines() -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = jsonl(&texts(40)).lines().map(|line| line.as_bytes().to_vec()).collect();
    lines[2] = b"{\"id\": \"r2\", \"text\": \"caf\xe9\"}".to_vec();
    lines[4] = b"{\"id\": \"r4\", \"text\": ".to_vec();
    lines.join(&b'\n')
}

#[test]
fn lines_that_are_not_json_or_not_utf8_are_skipped_listed_and_counted() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", with_bad_lines());
    let said = sandbox.semdedup("run data.jsonl --out out --json").skipped_rows();
    let summary = said.json();
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (40, 2));
    assert_eq!(number(&summary, "rows_kept") + number(&summary, "rows_removed"), 38);
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["2", "4"]);
    assert!(sandbox.column("out/skipped.parquet", "reason").iter().all(|reason| !reason.is_empty()));
    assert!(!sandbox.text("out/kept/data.jsonl").contains("\"r4\""));
}

#[test]
fn the_same_lines_stop_a_strict_run_at_the_first() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", with_bad_lines());
    sandbox.semdedup("run data.jsonl --out out --strict").failed_with(&["data.jsonl", "row 2"]);
    sandbox.has_no_result("out");
}

#[test]
fn a_skipped_row_shows_in_the_exit_code_of_a_quiet_run_and_of_a_repeated_one() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", with_bad_lines());
    for _ in 0..2 {
        let said = sandbox.semdedup("run data.jsonl --out out --quiet");
        assert_eq!((said.code, said.stdout + &said.stderr), (1, String::new()));
    }
}

#[test]
fn a_line_longer_than_allowed_is_skipped() {
    let sandbox = Sandbox::new();
    let long = format!("{{\"id\": \"long\", \"text\": \"{}\"}}\n", "word ".repeat(2_000));
    sandbox.write("data.jsonl", jsonl(&texts(40)) + &long);
    let said = sandbox.semdedup("run data.jsonl --out out --max-row-bytes 1000 --json").skipped_rows();
    assert_eq!(number(&said.json(), "rows_skipped"), 1);
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["40"]);
    assert!(sandbox.column("out/skipped.parquet", "reason")[0].contains("1000"));
}

#[test]
fn an_id_that_names_two_rows_is_an_error_that_names_both() {
    let sandbox = Sandbox::new();
    let twice = jsonl(&texts(40)).replace("\"r31\"", "\"r7\"");
    sandbox.write("data.jsonl", twice);
    let typed = "run data.jsonl --id-column id --out out";
    let said = sandbox.semdedup(typed).failed_with(&["r7", "data.jsonl:7", "data.jsonl:31"]);
    assert!(!said.stderr.contains("train: "), "found only after the work: {}", said.stderr);
    sandbox.has_no_result("out");
}

#[test]
fn a_goal_that_the_rows_cannot_meet_is_refused_before_the_work_and_by_a_dry_run() {
    let sandbox = Sandbox::with_rows(40);
    refused_at_once(&sandbox, "run data.jsonl --out out --keep-rows 41 --dry-run", &["keep 41 rows of 40"]);
    refused_at_once(
        &sandbox,
        "run data.jsonl --out out --clusters 41 --dry-run",
        &["--clusters 41", "40 rows"],
    );
    let said =
        sandbox.semdedup("run data.jsonl --out out --keep-rows 41").failed_with(&["keep 41 rows of 40"]);
    assert!(!said.stderr.contains("train: "), "found only after the work: {}", said.stderr);
    sandbox.has_no_result("out");
}

#[test]
fn an_empty_file_beside_others_is_accepted() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("empty.jsonl", "");
    let summary = sandbox.summary("run data.jsonl empty.jsonl --out out");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (40, 0));
    assert_eq!(sandbox.read("out/kept/empty.jsonl"), b"");
}

#[test]
fn no_rows_at_all_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("a.jsonl", "");
    sandbox.write("b.csv", "id,text\n");
    sandbox.semdedup("run a.jsonl b.csv --out out").failed_with(&["no row"]);
    sandbox.has_no_result("out");
}

#[test]
fn a_folder_without_a_file_to_read_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("folder/notes.doc", "no text");
    refused_at_once(&sandbox, "run folder --out out", &["folder"]);
}

#[test]
fn input_inside_the_output_folder_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("out/data.jsonl", jsonl(&texts(40)));
    refused_at_once(&sandbox, "run out/data.jsonl --out out", &["out"]);
    sandbox.write("kept/data.jsonl", jsonl(&texts(40)));
    refused_at_once(&sandbox, "run kept/data.jsonl --out .", &["."]);
}

/// Returns `out/scores.parquet` with other values in one column and the same metadata.
fn altered(sandbox: &Sandbox, column: &str, values: ArrayRef) -> Vec<u8> {
    let metadata = sandbox.parquet_metadata("out/scores.parquet");
    let metadata = metadata.metadata().file_metadata().key_value_metadata().cloned();
    let batch = sandbox.parquet("out/scores.parquet").remove(0);
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
fn sorted_or_altered_scores_are_refused_by_every_command() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let numbers = |rows: [u64; 2]| -> ArrayRef {
        Arc::new((0..40).map(|row| if row < 2 { rows[row as usize] } else { row }).collect::<UInt64Array>())
    };
    let score = |score: f32| -> ArrayRef { Arc::new(Float32Array::from(vec![score; 40])) };
    let whole = altered(&sandbox, "none", numbers([0, 1]));
    let alterations = [
        ("order", altered(&sandbox, "row", numbers([1, 0]))),
        ("order", altered(&sandbox, "row", numbers([0, 1 << 40]))),
        ("duplicate of row 40", altered(&sandbox, "duplicate_of_row", numbers([0, 40]))),
        ("score of 7", altered(&sandbox, "score", score(7.0))),
        ("score of -inf", altered(&sandbox, "score", score(f32::NEG_INFINITY))),
        ("score of NaN", altered(&sandbox, "score", score(f32::NAN))),
    ];
    sandbox.write("out/scores.parquet", whole);
    sandbox.semdedup("select out/scores.parquet --out selected").succeeded();
    for (problem, scores) in alterations {
        sandbox.write("out/scores.parquet", scores);
        for typed in ["select out/scores.parquet --out again", "sweep out", "show out"] {
            sandbox.semdedup(typed).failed_with(&["scores.parquet", problem]);
        }
        assert!(!sandbox.path("again").exists());
    }
}
