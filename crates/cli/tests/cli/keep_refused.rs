//! Keys of `--keep` that cannot work are refused in one line, before anything is written.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray, types::Int32Type};
use parquet::arrow::ArrowWriter;

use super::support::{Finished, Sandbox, jsonl, npy_f32, npy_i32, texts};

const DATA: &str = "\
{\"text\": \"The harbour lay behind the market.\", \"quality\": 0.5, \"tag\": \"a\", \"none\": null, \"list\": [1]}
{\"text\": \"Prices rose by two percent.\", \"quality\": 0.25, \"tag\": \"b\", \"none\": null, \"list\": [2]}
";

/// Runs with these keys, which may have spaces.
fn run(sandbox: &Sandbox, input: &str, keep: &str) -> Finished {
    let mut command = sandbox.command(&format!("run {input} --out out --keep"));
    Finished::from(command.arg(keep).output().unwrap())
}

#[test]
fn keys_that_are_no_keys_or_decide_nothing_are_refused_before_a_file_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", DATA);
    let before = sandbox.files("");
    for (keep, words, hint) in [
        ("quality", &["--keep", "`quality` is no key"][..], "max:COLUMN"),
        ("hardest", &["`hardest` is no key"], "hard, easy or random"),
        ("max:quality,min:quality", &["`min:quality` decides nothing", "`max:quality`"], "once"),
        ("first,max:quality", &["`max:quality` comes after `first`"], "at the end"),
        ("prefer:tag", &["`prefer:tag` names no values"], "prefer:source=wiki,books"),
        ("max:qualty", &["data.jsonl", "no column `qualty`", "quality (a number), tag"], "every file"),
        ("max:list", &["data.jsonl: row 0: column `list` is a list", "no order"], "numbers"),
        ("max:text.x", &["no column `text.x`"], "every file"),
    ] {
        run(&sandbox, "data.jsonl", keep).failed_with(words).hinted(hint);
        assert_eq!(sandbox.files(""), before, "{keep}: a file was written");
    }
}

#[test]
fn rows_without_columns_or_texts_and_embeddings_alone_have_nothing_to_rank_by() {
    let sandbox = Sandbox::new();
    sandbox.write("rows.txt", "One line.\nAnother line.\n");
    run(&sandbox, "rows.txt", "max:quality").failed_with(&["rows.txt", "no column `quality`", "no columns"]);
    sandbox.write("e.npy", npy_f32(&[1.0, 0.0, 0.0, 1.0], 2));
    run(&sandbox, "--embeddings e.npy", "max:quality").failed_with(&["e.npy", "no columns"]);
    run(&sandbox, "--embeddings e.npy", "longest").failed_with(&["e.npy", "no texts"]);
    assert!(!sandbox.path("out").exists());
    run(&sandbox, "--embeddings e.npy", "first").succeeded();
}

#[test]
fn a_command_that_sees_embeddings_alone_refuses_columns_and_takes_words() {
    let sandbox = Sandbox::new();
    sandbox.write("e.npy", npy_f32(&[1.0, 0.0, 1.0, 0.0], 2));
    sandbox.write("c.npy", npy_f32(&[1.0, 0.0], 2));
    sandbox.write("a.npy", npy_i32(&[0, 0], "(2,)"));
    let score = "score e.npy --centroids c.npy --assignments a.npy --out s.parquet --keep";
    for keep in ["max:quality", "longest", "longest,first"] {
        sandbox
            .semdedup(&format!("{score} {keep}"))
            .failed_with(&["embeddings alone"])
            .hinted("semdedup run");
    }
    assert!(!sandbox.path("s.parquet").exists());
    sandbox.semdedup(&format!("{score} first")).succeeded();
    assert_eq!(sandbox.column("s.parquet", "score"), ["0.0", "1.0"]);
}

#[test]
fn a_column_of_two_kinds_is_refused_with_the_place_wherever_it_changes() {
    let sandbox = Sandbox::new();
    let line = |row: usize, text: &str| {
        let value = if row == 4_321 { "\"n/a\"".to_owned() } else { (row % 7).to_string() };
        format!("{{\"text\": \"{text}\", \"quality\": {value}}}\n")
    };
    let lines: String = texts(5_000).iter().enumerate().map(|(row, text)| line(row, text)).collect();
    sandbox.write("data.jsonl", lines);
    let said = run(&sandbox, "data.jsonl", "max:quality");
    let place = "data.jsonl: row 4321: column `quality` is `n/a`, a string, and the first value is a number";
    said.failed_with(&[place]).hinted("all of one kind");
    sandbox.has_no_result("out");
    // The embeddings stay, so the next try does not make them again.
    let typed = "run data.jsonl --out out --keep prefer:quality=3,5";
    assert_eq!(sandbox.summary(typed)["reused_stages"], serde_json::json!(["embed", "train", "assign"]));
}

#[test]
fn a_column_without_any_value_and_a_preference_that_no_row_has_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", DATA);
    run(&sandbox, "data.jsonl", "max:none").failed_with(&["`max:none`", "none of 2 rows has a value"]);
    let said = run(&sandbox, "data.jsonl", "prefer:tag=A,c");
    said.failed_with(&["`prefer:tag=A,c`", "`a`, `b`"]).hinted("as the column has them");
    sandbox.has_no_result("out");
}

#[test]
fn a_list_in_a_table_and_a_file_without_the_column_are_refused_by_name() {
    let sandbox = Sandbox::new();
    let texts: ArrayRef = Arc::new(StringArray::from(texts(10)));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..10).map(|row| Some(vec![Some(row)])));
    let batch = RecordBatch::try_from_iter([("text", texts), ("list", Arc::new(lists) as ArrayRef)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    sandbox.write("in/a.parquet", writer.into_inner().unwrap());
    sandbox.write("in/b.jsonl", jsonl(&super::support::texts(5)));
    run(&sandbox, "in/a.parquet", "max:list").failed_with(&["a.parquet", "`list`", "no order"]);
    run(&sandbox, "in", "max:list").failed_with(&["b.jsonl", "no column `list`", "text (a string)"]);
    assert!(!sandbox.path("out").exists());
}
