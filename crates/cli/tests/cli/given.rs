//! Rows that come with their embeddings.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, Float64Array, LargeListArray, ListArray,
    RecordBatch, StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::support::{Place, jsonl, npy_f32, number, texts};

const DIM: usize = 256;

/// A place with `data.jsonl` and the embeddings of its texts, in `e/` and as numbers.
fn with_embeddings(rows: usize) -> (Place, Vec<f32>) {
    let place = Place::with_rows(rows);
    place.semdedup("embed data.jsonl --out e").succeeded();
    let file = place.read("e/embed/embeddings-00000.npy");
    let values = file[128..].chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]));
    let values: Vec<f32> = values.collect();
    assert_eq!(values.len(), rows * DIM);
    (place, values)
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
fn embeddings_in_a_column_remove_the_rows_that_the_model_which_made_them_would() {
    let rows = 300;
    let (place, values) = with_embeddings(rows);
    place.semdedup("run data.jsonl --id-column id --out texts").succeeded();
    let expected = place.column("texts/removed.parquet", "id");
    assert!(!expected.is_empty());
    let floats: ArrayRef = Arc::new(Float32Array::from(values.clone()));
    let doubles = cast(&floats, &DataType::Float64).unwrap();
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(DIM, rows));
    let large: ArrayRef = Arc::new(LargeListArray::new(item(DataType::Float64), offsets, doubles, None));
    for (name, embeddings) in
        [("fixed", fixed(floats.clone(), DIM)), ("list", list(floats, &[DIM; 300], None)), ("large", large)]
    {
        place.write(&format!("{name}.parquet"), parquet(vec![("id", ids(rows)), ("emb", embeddings)]));
        let typed = format!("run {name}.parquet --embedding-column emb --id-column id --out {name}");
        let summary = place.summary(&typed);
        assert_eq!((summary["dim"].as_u64(), summary["model"].as_str()), (Some(256), Some("column emb")));
        assert_eq!(place.column(&format!("{name}/removed.parquet"), "id"), expected, "{name}");
        let kept = place.column(&format!("{name}/kept/{name}.parquet"), "id");
        assert_eq!(kept.len() + expected.len(), rows);
    }
    let line =
        |(row, embedding): (usize, &[f32])| json!({"id": format!("r{row}"), "emb": embedding}).to_string();
    let lines: Vec<String> = values.chunks_exact(DIM).enumerate().map(line).collect();
    place.write("lists.jsonl", lines.join("\n"));
    place.semdedup("run lists.jsonl --embedding-column emb --id-column id --out lists").succeeded();
    assert_eq!(place.column("lists/removed.parquet", "id"), expected);
    let said = place.semdedup("show lists").succeeded();
    assert!(said.stdout.contains("(no text)"), "{}", said.stdout);
}

#[test]
fn embeddings_in_files_belong_to_the_rows_of_the_input_files_in_order() {
    let (place, values) = with_embeddings(300);
    place.semdedup("run data.jsonl --id-column id --out texts").succeeded();
    let expected = place.column("texts/removed.parquet", "id");
    let lines = place.text("data.jsonl");
    let lines: Vec<&str> = lines.lines().collect();
    for (name, rows) in [("0", 0..100), ("1", 100..300)] {
        place.write(&format!("rows/part-{name}.jsonl"), lines[rows.clone()].join("\n"));
        // The order of these names is another one; the numbers tell.
        place.write(
            &format!("npy/emb-{name:0>2}.npy"),
            npy_f32(&values[rows.start * DIM..rows.end * DIM], DIM),
        );
    }
    place.semdedup("run rows --embeddings npy --id-column id --out a").succeeded();
    assert_eq!(place.column("a/removed.parquet", "id"), expected);
    place
        .semdedup("run rows --embeddings npy/emb-00.npy --embeddings npy/emb-01.npy --id-column id --out b")
        .succeeded();
    assert_eq!(place.result("b"), place.result("a"));
    let said = place.semdedup("show a").succeeded();
    assert!(!said.stdout.contains("(no text)"), "texts are there to be shown: {}", said.stdout);
    let plan = place.summary("run rows --embeddings npy --out c --dry-run");
    assert_eq!(number(&plan, "rows"), 300);
    // Other embeddings are another run.
    place.write("npy/emb-01.npy", npy_f32(&values[..200 * DIM], DIM));
    place.semdedup("run rows --embeddings npy --id-column id --out a").failed_with(&["another result"]);
}

#[test]
fn embeddings_beside_the_rows_of_a_folder_are_asked_about() {
    let (place, values) = with_embeddings(40);
    place.write("set/metadata_0.jsonl", place.text("data.jsonl"));
    place.write("set/img_emb_0.npy", npy_f32(&values, DIM));
    let said =
        place.semdedup("run set --out o").failed_with(&["set: holds 1 file of embeddings (img_emb_0.npy)"]);
    assert!(
        said.stderr.contains("hint: --embeddings 'set/*.npy' takes them; --by text leaves them out"),
        "{said:?}"
    );
    let given = place.semdedup("run set --embeddings set/*.npy --out a").succeeded();
    assert!(!given.stderr.contains("warning"), "{}", given.stderr);
    for (answer, out) in [("--by text", "b1"), ("--text-column text", "b2")] {
        let said = place.semdedup(&format!("run set {answer} --out {out}")).succeeded();
        assert!(
            said.stderr.contains("warning: 1 file of embeddings was not used (img_emb_0.npy)"),
            "{said:?}"
        );
    }
    assert_eq!(number(&place.summary("run set/*.jsonl --out c"), "rows_in"), 40);
}

#[test]
fn rows_whose_embedding_cannot_be_used_are_skipped_and_listed() {
    let place = Place::new();
    let items = Float32Array::from_iter((0..22).map(|i| (i != 7).then_some(i as f32 + 1.0)));
    // Of 3, null, of 2, one with a null, of 3, none, of 3, of 3, of 3.
    let lengths = [3, 0, 2, 3 + 1, 3, 0, 3, 3, 4];
    let nulls = NullBuffer::from((0..9).map(|row| row != 1).collect::<Vec<bool>>());
    place.write(
        "data.parquet",
        parquet(vec![("id", ids(9)), ("emb", list(Arc::new(items), &lengths, Some(nulls)))]),
    );
    let said = place.semdedup("run data.parquet --embedding-column emb --out out --json").skipped_rows();
    assert_eq!(number(&said.json(), "rows_in"), 9);
    assert_eq!(place.column("out/skipped.parquet", "row"), ["1", "2", "3", "5", "8"]);
    assert_eq!(
        place.column("out/skipped.parquet", "reason"),
        [
            "column `emb` is null",
            "column `emb` has 2 numbers instead of 3",
            "column `emb` has a null in its list",
            "column `emb` has 0 numbers instead of 3",
            "column `emb` has 4 numbers instead of 3",
        ]
    );
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
    place.write("data.jsonl", lines.join("\n"));
    let said = place.semdedup("run data.jsonl --embedding-column emb --out lines --json").skipped_rows();
    assert_eq!(number(&said.json(), "non_finite_rows"), 1, "what f32 cannot hold is infinite");
    assert_eq!(place.column("lines/skipped.parquet", "row"), ["1", "2", "3", "4", "5", "6"]);
    place
        .semdedup("run data.jsonl --embedding-column emb --out strict --strict")
        .failed_with(&["row 1", "emb"]);
}

#[test]
fn half_precision_embeddings_are_read() {
    let place = Place::new();
    let values = [1.0, 0.5, 1.0, 0.5, -1.0, 0.25].map(half::f16::from_f32);
    let items: ArrayRef = Arc::new(Float16Array::from(values.to_vec()));
    place.write("data.parquet", parquet(vec![("emb", fixed(items, 2))]));
    let summary = place.summary("run data.parquet --embedding-column emb --out out");
    assert_eq!((number(&summary, "rows_removed"), number(&summary, "exact_duplicates")), (1, 1));
    let ones: ArrayRef = Arc::new(Float64Array::from(vec![1e300; 4]));
    place.write("large.parquet", parquet(vec![("emb", fixed(ones, 2))]));
    let summary = place.summary("run large.parquet --embedding-column emb --out large");
    assert_eq!((number(&summary, "non_finite_rows"), number(&summary, "rows_kept")), (2, 2));
}

#[test]
fn embeddings_that_do_not_fit_are_refused_with_the_reason() {
    let (place, values) = with_embeddings(20);
    place.write(
        "data.parquet",
        parquet(vec![("id", ids(20)), ("emb", fixed(Arc::new(Float32Array::from(values.clone())), DIM))]),
    );
    place.write("plain.txt", "a\nb\n");
    place.write("short.npy", npy_f32(&values[..19 * DIM], DIM));
    place.write("long.npy", npy_f32(&[&values[..], &values[..DIM]].concat(), DIM));
    place.write("other/a.npy", npy_f32(&values, DIM));
    place.write("other/b.npy", npy_f32(&values, 2 * DIM));
    place.write("copy.jsonl", jsonl(&texts(20)));
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
        place.semdedup(&format!("{typed} --out out")).failed_with(&words);
        place.has_no_result("out");
    }
}

#[test]
fn files_are_paired_by_their_names_and_never_by_an_order_that_may_differ() {
    let place = Place::new();
    // The last rows of each file are equal, of one 3 and of the other 9, so a wrong pair shows in what is removed.
    let rows = |name: &str| {
        (0..30)
            .map(|row| format!("{}\n", json!({"id": format!("{name}-{row}"), "text": "x"})))
            .collect::<String>()
    };
    let embeddings = |twice: usize| {
        let value = |row: usize, p: usize| ((row.min(30 - twice) * 8 + p + 1000 * twice) as f32 * 1.7).sin();
        npy_f32(&(0..240).map(|i| value(i / 8, i % 8)).collect::<Vec<f32>>(), 8)
    };
    let removed = |out: &str| -> Vec<usize> {
        let ids = place.column(&format!("{out}/removed.parquet"), "id");
        let of = |name: &str| ids.iter().filter(|id| id.starts_with(&format!("{name}-"))).count();
        vec![of("one"), of("two")]
    };
    // The order of these names differs with their extensions, with zeros, and with the case.
    for (number, names) in [
        ["r/train.jsonl", "r/train.more.jsonl", "e/train.npy", "e/train.more.npy"],
        ["r/m_9.jsonl", "r/m_10.jsonl", "e/i_09.npy", "e/i_10.npy"],
        ["r/B.jsonl", "r/a.jsonl", "e/B.npy", "e/a.npy"],
        ["r/x-y/1.jsonl", "r/x/1.jsonl", "e/x-y/1.npy", "e/x/1.npy"],
    ]
    .iter()
    .enumerate()
    {
        let at = |name: &str| format!("{number}/{name}");
        place.write(&at(names[0]), rows("one"));
        place.write(&at(names[1]), rows("two"));
        place.write(&at(names[2]), embeddings(3));
        place.write(&at(names[3]), embeddings(9));
        let run = format!("run {number}/r --id-column id --epsilon 0.001 --out {number}/out");
        let embeddings = if names[2].matches('/').count() > 1 { "e/*/*.npy" } else { "e" };
        place.semdedup(&format!("{run} --embeddings {number}/{embeddings}")).succeeded();
        assert_eq!(removed(&format!("{number}/out")), [2, 8], "{names:?}");
    }
    // Named one by one: where the names tell, the order must not say otherwise; where they do not, it counts.
    let typed =
        "run 1/r/m_9.jsonl 1/r/m_10.jsonl --embeddings 1/e/i_10.npy --embeddings 1/e/i_09.npy --out out";
    place.semdedup(typed).failed_with(&["1/e/i_10.npy", "1/r/m_9.jsonl", "belong to others"]);
    let typed = "run 2/r/a.jsonl 2/r/B.jsonl --embeddings 1/e/i_10.npy --embeddings 1/e/i_09.npy";
    place.semdedup(&format!("{typed} --id-column id --epsilon 0.001 --out typed")).succeeded();
    assert_eq!(removed("typed"), [2, 8]);
    let others = ["0/r/train.jsonl", "1/r/m_9.jsonl"].join(" ");
    place
        .semdedup(&format!("run {others} --embeddings 2/e --out out"))
        .failed_with(&["which file belongs to which"]);
    place.has_no_result("out");
}

#[test]
fn embeddings_in_a_folder_that_the_run_writes_are_refused_and_stay() {
    let (place, _) = with_embeddings(40);
    let before = place.files("e");
    place
        .semdedup("run data.jsonl --embeddings e --work e --out out")
        .failed_with(&["e/embed/embeddings-00000.npy"]);
    place.semdedup("run data.jsonl --embeddings e --out e").failed_with(&["e/embed/embeddings-00000.npy"]);
    assert_eq!(place.files("e"), before);
}

#[test]
fn an_odd_first_row_does_not_decide_the_dimension() {
    let place = Place::new();
    let lines: Vec<String> = (0..30).map(|row| json!({"emb": [row, 1, row * row]}).to_string()).collect();
    place.write("data.jsonl", format!("{{\"emb\": []}}\n{{\"emb\": [1]}}\n{}", lines.join("\n")));
    let said = place.semdedup("run data.jsonl --embedding-column emb --out out --json").skipped_rows();
    assert_eq!((number(&said.json(), "dim"), number(&said.json(), "rows_skipped")), (3, 2));
    place.write("other.jsonl", "{\"emb\": [1, 2]}\n");
    place.semdedup("run data.jsonl other.jsonl --embedding-column emb --out two").failed_with(&[
        "other.jsonl",
        "2",
        "3",
    ]);
    place.write("none.jsonl", "{\"emb\": [null]}\n{\"emb\": null}\n");
    place
        .semdedup("run none.jsonl --embedding-column emb --out three")
        .failed_with(&["none.jsonl", "no row has an embedding"]);
}
