//! Rows with provided embeddings, in a column or in files.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, Float64Array, LargeListArray, ListArray,
    RecordBatch, StringArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast::cast;
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::support::{Sandbox, jsonl, npy_f32, number, texts};

pub const DIM: usize = 256;

/// Returns a sandbox with `data.jsonl` and the embeddings of its texts in `e/`, and their values.
pub fn with_embeddings(rows: usize) -> (Sandbox, Vec<f32>) {
    let sandbox = Sandbox::with_rows(rows);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    let file = sandbox.read("e/embed/embeddings-00000.npy");
    let values = file[128..].chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]));
    let values: Vec<f32> = values.collect();
    assert_eq!(values.len(), rows * DIM);
    (sandbox, values)
}

fn ids(rows: usize) -> ArrayRef {
    Arc::new((0..rows).map(|row| Some(format!("r{row}"))).collect::<StringArray>())
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let columns = columns.into_iter().map(|(name, values)| (name, values, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn item(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", kind, true))
}

fn fixed(values: ArrayRef, dim: usize) -> ArrayRef {
    Arc::new(FixedSizeListArray::new(item(values.data_type().clone()), dim as i32, values, None))
}

fn list(values: ArrayRef, lengths: &[usize], nulls: Option<NullBuffer>) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    Arc::new(ListArray::new(item(values.data_type().clone()), offsets, values, nulls))
}

#[test]
fn embeddings_in_a_column_remove_the_same_rows_as_the_model_that_made_them() {
    let rows = 300;
    let (sandbox, values) = with_embeddings(rows);
    sandbox.semdedup("run data.jsonl --id-column id --out texts").succeeded();
    let expected = sandbox.column("texts/removed.parquet", "id");
    assert!(!expected.is_empty());
    let floats: ArrayRef = Arc::new(Float32Array::from(values.clone()));
    let doubles = cast(&floats, &DataType::Float64).unwrap();
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(DIM, rows));
    let large: ArrayRef = Arc::new(LargeListArray::new(item(DataType::Float64), offsets, doubles, None));
    for (name, embeddings) in
        [("fixed", fixed(floats.clone(), DIM)), ("list", list(floats, &[DIM; 300], None)), ("large", large)]
    {
        sandbox.write(&format!("{name}.parquet"), parquet(vec![("id", ids(rows)), ("emb", embeddings)]));
        let typed = format!("run {name}.parquet --embedding-column emb --id-column id --out {name}");
        let summary = sandbox.summary(&typed);
        assert_eq!((summary["dim"].as_u64(), summary["model"].as_str()), (Some(256), Some("column emb")));
        assert_eq!(sandbox.column(&format!("{name}/removed.parquet"), "id"), expected, "{name}");
        let kept = sandbox.column(&format!("{name}/kept/{name}.parquet"), "id");
        assert_eq!(kept.len() + expected.len(), rows);
    }
    let line =
        |(row, embedding): (usize, &[f32])| json!({"id": format!("r{row}"), "emb": embedding}).to_string();
    let lines: Vec<String> = values.chunks_exact(DIM).enumerate().map(line).collect();
    sandbox.write("lists.jsonl", lines.join("\n"));
    sandbox.semdedup("run lists.jsonl --embedding-column emb --id-column id --out lists").succeeded();
    assert_eq!(sandbox.column("lists/removed.parquet", "id"), expected);
    let said = sandbox.semdedup("show lists").succeeded();
    assert!(said.stdout.contains("(no text)"), "{}", said.stdout);
}

#[test]
fn embeddings_beside_the_rows_of_a_folder_are_refused_until_an_option_decides() {
    let (sandbox, values) = with_embeddings(40);
    sandbox.write("set/metadata_0.jsonl", sandbox.text("data.jsonl"));
    sandbox.write("set/img_emb_0.npy", npy_f32(&values, DIM));
    sandbox
        .semdedup("run set --out o")
        .failed_with(&["set: holds 1 file of embeddings (img_emb_0.npy)"])
        .hinted("--embeddings 'set/*.npy' takes them; --by text leaves them out");
    let given = sandbox.semdedup("run set --embeddings set/*.npy --out a").succeeded();
    assert!(!given.stderr.contains("warning"), "{}", given.stderr);
    for (answer, out) in [("--by text", "b1"), ("--text-column text", "b2")] {
        let said = sandbox.semdedup(&format!("run set {answer} --out {out}")).succeeded();
        assert!(
            said.stderr.contains("warning: 1 file of embeddings was not used (img_emb_0.npy)"),
            "{said:?}"
        );
    }
    assert_eq!(number(&sandbox.summary("run set/*.jsonl --out c"), "rows_in"), 40);
}

#[test]
fn a_file_of_your_own_called_similarities_is_not_left_out_without_a_word() {
    let (sandbox, values) = with_embeddings(40);
    sandbox.write("set/rows.jsonl", sandbox.text("data.jsonl"));
    sandbox.write("set/similarities.npy", npy_f32(&values, DIM));
    sandbox.semdedup("run set --out o").failed_with(&["set: holds 1 file of embeddings (similarities.npy)"]);
    sandbox.write("own/a.npy", npy_f32(&values, DIM));
    sandbox.write("own/similarities.npy", npy_f32(&values, DIM));
    assert_eq!(number(&sandbox.summary("run --embeddings own --out a"), "rows_in"), 80);
    // That of a work directory is no input.
    sandbox.write("mine/rows.jsonl", sandbox.text("data.jsonl"));
    sandbox.semdedup("run mine/rows.jsonl --work mine/work --out b").succeeded();
    assert!(sandbox.path("mine/work/assign/similarities.npy").exists());
    assert_eq!(number(&sandbox.summary("run mine --out c"), "rows_in"), 40);
}

#[test]
fn rows_whose_embedding_cannot_be_used_are_skipped_and_listed() {
    let sandbox = Sandbox::new();
    let items = Float32Array::from_iter((0..22).map(|i| (i != 7).then_some(i as f32 + 1.0)));
    // Lists of 3, null, of 2, with a null, of 3, empty, of 3, of 3 and of 4.
    let lengths = [3, 0, 2, 3 + 1, 3, 0, 3, 3, 4];
    let nulls = NullBuffer::from((0..9).map(|row| row != 1).collect::<Vec<bool>>());
    sandbox.write(
        "data.parquet",
        parquet(vec![("id", ids(9)), ("emb", list(Arc::new(items), &lengths, Some(nulls)))]),
    );
    let said = sandbox.semdedup("run data.parquet --embedding-column emb --out out --json").skipped_rows();
    assert_eq!(number(&said.json(), "rows_in"), 9);
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["1", "2", "3", "5", "8"]);
    assert_eq!(
        sandbox.column("out/skipped.parquet", "reason"),
        [
            "column `emb` is null",
            "column `emb` has 2 numbers instead of 3",
            "column `emb` has a null in its list",
            "column `emb` has 0 numbers instead of 3",
            "column `emb` has 4 numbers instead of 3",
        ]
    );
}

#[test]
fn lines_of_json_whose_embedding_cannot_be_used_are_skipped_and_listed() {
    let sandbox = Sandbox::new();
    let lines = [
        r#"{"emb": [1, 2]}"#,
        r#"{"emb": [1, "2"]}"#,
        r#"{"emb": "1, 2"}"#,
        r#"{"emb": null}"#,
        r#"{}"#,
        r#"{"emb": [1]}"#,
        r#"{"emb": [1, 1e999]}"#,
        r#"{"emb": [2, 1.5e-3]}"#,
        r#"{"emb": [1, 1e300]}"#,
    ];
    sandbox.write("data.jsonl", lines.join("\n"));
    let said = sandbox.semdedup("run data.jsonl --embedding-column emb --out lines --json").skipped_rows();
    assert_eq!(number(&said.json(), "non_finite_rows"), 2, "a value beyond f32 is infinite");
    assert_eq!(sandbox.column("lines/skipped.parquet", "row"), ["1", "2", "3", "4", "5"]);
    sandbox
        .semdedup("run data.jsonl --embedding-column emb --out strict --strict")
        .failed_with(&["row 1", "emb"]);
}

#[test]
fn half_precision_embeddings_are_read() {
    let sandbox = Sandbox::new();
    let values = [1.0, 0.5, 1.0, 0.5, -1.0, 0.25].map(half::f16::from_f32);
    let items: ArrayRef = Arc::new(Float16Array::from(values.to_vec()));
    sandbox.write("data.parquet", parquet(vec![("emb", fixed(items, 2))]));
    let summary = sandbox.summary("run data.parquet --embedding-column emb --out out");
    assert_eq!((number(&summary, "rows_removed"), number(&summary, "same_embedding")), (1, 1));
    let ones: ArrayRef = Arc::new(Float64Array::from(vec![1e300; 4]));
    sandbox.write("large.parquet", parquet(vec![("emb", fixed(ones, 2))]));
    let summary = sandbox.summary("run large.parquet --embedding-column emb --out large");
    assert_eq!((number(&summary, "non_finite_rows"), number(&summary, "rows_kept")), (2, 2));
}

#[test]
fn embeddings_that_do_not_fit_are_refused_with_the_reason() {
    let (sandbox, values) = with_embeddings(20);
    sandbox.write(
        "data.parquet",
        parquet(vec![("id", ids(20)), ("emb", fixed(Arc::new(Float32Array::from(values.clone())), DIM))]),
    );
    sandbox.write("plain.txt", "a\nb\n");
    sandbox.write("short.npy", npy_f32(&values[..19 * DIM], DIM));
    sandbox.write("long.npy", npy_f32(&[&values[..], &values[..DIM]].concat(), DIM));
    sandbox.write("other/a.npy", npy_f32(&values, DIM));
    sandbox.write("other/b.npy", npy_f32(&values, 2 * DIM));
    sandbox.write("copy.jsonl", jsonl(&texts(20)));
    for (typed, words) in [
        ("run data.parquet --embedding-column vec", vec!["data.parquet", "vec", "emb"]),
        (
            "run data.parquet --embedding-column id",
            vec!["data.parquet", "`id` is a string", "list of numbers"],
        ),
        ("run data.jsonl --embedding-column text", vec!["data.jsonl", "`text` is a string"]),
        ("run plain.txt --embedding-column emb", vec!["plain.txt", "emb"]),
        ("run data.jsonl --embeddings nowhere.npy", vec!["nowhere.npy"]),
        ("run data.jsonl --embeddings other", vec!["2 files of embeddings for 1 files"]),
        (
            "run data.jsonl copy.jsonl --embeddings other/a.npy --embeddings other/b.npy",
            vec!["b.npy", "512", "256"],
        ),
        ("run data.jsonl copy.jsonl --embeddings other", vec!["which file belongs to which"]),
        ("run data.jsonl --embeddings e --embedding-column emb", vec!["--embedding-column", "--embeddings"]),
        ("run data.jsonl --embeddings short.npy", vec!["short.npy", "19 embeddings", "20", "data.jsonl"]),
        (
            "run data.jsonl --embeddings short.npy --dry-run",
            vec!["short.npy", "19 embeddings", "20", "data.jsonl"],
        ),
        ("run data.parquet --embeddings short.npy", vec!["short.npy", "19 embeddings", "20", "data.parquet"]),
        ("run data.jsonl --embeddings long.npy", vec!["long.npy", "21 embeddings", "20 rows of data.jsonl"]),
    ] {
        sandbox.semdedup(&format!("{typed} --out out")).failed_with(&words);
        sandbox.has_no_result("out");
    }
}

#[test]
fn embeddings_in_a_folder_that_the_run_writes_are_refused_and_kept() {
    let (sandbox, _) = with_embeddings(40);
    let before = sandbox.files("e");
    sandbox
        .semdedup("run data.jsonl --embeddings e --work e --out out")
        .failed_with(&["e/embed/embeddings-00000.npy"]);
    sandbox.semdedup("run data.jsonl --embeddings e --out e").failed_with(&["e/embed/embeddings-00000.npy"]);
    assert_eq!(sandbox.files("e"), before);
}

#[test]
fn an_unusual_first_row_does_not_decide_the_dimension() {
    let sandbox = Sandbox::new();
    let lines: Vec<String> = (0..30).map(|row| json!({"emb": [row, 1, row * row]}).to_string()).collect();
    sandbox.write("data.jsonl", format!("{{\"emb\": []}}\n{{\"emb\": [1]}}\n{}", lines.join("\n")));
    let said = sandbox.semdedup("run data.jsonl --embedding-column emb --out out --json").skipped_rows();
    assert_eq!((number(&said.json(), "dim"), number(&said.json(), "rows_skipped")), (3, 2));
    sandbox.write("other.jsonl", "{\"emb\": [1, 2]}\n");
    sandbox.semdedup("run data.jsonl other.jsonl --embedding-column emb --out two").failed_with(&[
        "other.jsonl",
        "2",
        "3",
    ]);
    sandbox.write("none.jsonl", "{\"emb\": [null]}\n{\"emb\": null}\n");
    sandbox
        .semdedup("run none.jsonl --embedding-column emb --out three")
        .failed_with(&["none.jsonl", "no row has an embedding"]);
}
