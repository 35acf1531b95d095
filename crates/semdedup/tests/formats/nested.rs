//! Columns inside columns, and the columns of captions.

use arrow_array::cast::AsArray;
use std::fs::File;
use std::sync::Arc;

use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::*;
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{ColumnChoice, Columns, InputFile, ReadLimits, Reader, read_texts};
use tempfile::TempDir;

use crate::support::*;

fn all_three(text: &str, id: &str, embedding: &str) -> ColumnChoice {
    let name = |name: &str| Some(name.to_owned());
    ColumnChoice { text: name(text), id: name(id), embedding: name(embedding), ..ColumnChoice::default() }
}

/// Returns texts, ids as text, and embeddings, one of each per row.
fn rows_of(file: &InputFile, columns: &Columns) -> Vec<(String, Option<String>, Vec<f32>)> {
    let mut reader = Reader::open(file, columns, &ReadLimits::default(), 0).unwrap();
    let mut found = Vec::new();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        let rows = chunk.parse(columns).unwrap();
        let ids = rows.ids.as_ref().map(|ids| arrow_cast::cast::cast(ids, &DataType::Utf8).unwrap());
        for row in 0..chunk.rows() {
            let text = if rows.texts.is_null(row) { "<bad>" } else { rows.texts.value(row) };
            let ids = ids.as_ref().map(|ids| ids.as_string::<i32>());
            let id = ids.filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row).to_owned());
            let vector = rows.vectors.as_ref().map(|vectors| vectors.row(row).to_vec());
            found.push((text.to_owned(), id, vector.unwrap_or_default()));
        }
    }
    found
}

#[test]
fn names_with_dots_reach_into_json_objects() {
    let input = input(
        "a.jsonl",
        b"{\"meta\":{\"text\":\"one\",\"id\":1,\"more\":{\"vector\":[1,2]}}}\n\
          {\"x\":0,\"meta\":{\"more\":{\"vector\":[3,4]},\"id\":2,\"text\":\"t\\u0077o\",\"n\":{}}}\n\
          {\"meta\":{\"text\":null,\"id\":3,\"more\":{\"vector\":[5,6]}}}\n\
          {\"meta\":{\"text\":7,\"id\":4}}\n",
    );
    let choice = all_three("meta.text", "meta.id", "meta.more.vector");
    let columns = resolve_one(&input.file, &choice).unwrap();
    let row = |text: &str, id: &str, vector: &[f32]| {
        (text.to_owned(), Some(id.to_owned()).filter(|id| !id.is_empty()), vector.to_vec())
    };
    let expected = [
        row("one", "1", &[1.0, 2.0]),
        row("two", "2", &[3.0, 4.0]),
        row("", "3", &[5.0, 6.0]),
        row("<bad>", "", &[]),
    ];
    assert_eq!(rows_of(&input.file, &columns), expected);
    let texts = read_texts(&input.file, &columns, &ReadLimits::default(), &[1]).unwrap();
    assert_eq!(texts, [Some("two".to_owned())]);
}

#[test]
fn a_json_key_with_a_dot_goes_before_an_object_wherever_it_stands() {
    let input = input(
        "a.jsonl",
        b"{\"a.b\":\"own\",\"a\":{\"b\":\"inner\"}}\n\
          {\"a\":{\"b\":\"inner\"},\"a.b\":\"own\"}\n\
          {\"a\":{\"b\":\"in\\tner\"}}\n\
          {\"a\":\"no object\"}\n\
          {\"a\":{\"b\":\"first\"},\"a\":{\"c\":1}}\n\
          {\"a\":{\"b\":\"first\"},\"a\":{\"b\":\"last\"}}\n",
    );
    let columns = resolve_one(&input.file, &choice(Some("a.b"), None)).unwrap();
    let whole = read(&input.file, &columns).unwrap();
    assert_eq!(whole.texts(), ["own", "own", "in\tner", "", "", "last"]);
}

#[test]
fn a_missing_column_is_an_error_that_lists_columns_inside_others_with_their_dots() {
    let error_of = |content: &str, text: &str| {
        let input = input("a.jsonl", content.as_bytes());
        let error = resolve_one(&input.file, &choice(Some(text), None)).unwrap_err().to_string();
        error.split_once("a.jsonl: ").unwrap().1.to_owned()
    };
    let rows = r#"{"id":1,"meta":{"url":"u","more":{"n":[1]}},"none":{}}"#;
    assert_eq!(
        error_of(rows, "meta.text"),
        "no column `meta.text`; columns are id (a number: 1), meta.url (a string: \"u\"), meta.more.n (a list: [1]), none (an \
         object: {})"
    );
    assert_eq!(error_of(rows, "meta"), "column `meta` is an object, not a string");
    assert_eq!(error_of(rows, "meta.more.n"), "column `meta.more.n` is a list, not a string");
    // A column that the user asks for is found among any number.
    let keys: Vec<String> = (0..3000).map(|key| format!("\"k{key}\":\"v\"")).collect();
    let wide = input("a.jsonl", format!("{{\"meta\":{{{}}}}}\n", keys.join(",")).as_bytes());
    assert!(resolve_one(&wide.file, &choice(Some("meta.k2999"), None)).is_ok());
}

#[test]
fn a_column_inside_another_is_never_taken_unasked() {
    let input = input("a.jsonl", br#"{"meta":{"text":"x"},"n":1}"#);
    let error = resolve_one(&input.file, &choice(None, None)).unwrap_err().to_string();
    assert!(
        error.ends_with("no column `text`; columns are meta.text (a string: \"x\"), n (a number: 1)"),
        "{error}"
    );
}

/// Row i has meta {text "row i", deep {id i, vector [i, -i]}}; meta is null in row 3, and deep is
/// null in row 5.
fn parquet() -> (TempDir, InputFile) {
    let rows = 4000;
    let texts = StringArray::from_iter_values((0..rows).map(|i| format!("row {i}")));
    let ids = PrimitiveArray::<Int64Type>::from_iter_values(0..rows);
    let vectors = (0..rows).map(|i| Some([Some(i as f32), Some(-i as f32)]));
    let vectors = ListArray::from_iter_primitive::<Float32Type, _, _>(vectors);
    let list = vectors.data_type().clone();
    let valid = |null: i64| Some(NullBuffer::from_iter((0..rows).map(|i| i != null)));
    let deep = StructArray::new(
        vec![Field::new("id", DataType::Int64, true), Field::new("vector", list, true)].into(),
        vec![Arc::new(ids), Arc::new(vectors)],
        valid(5),
    );
    let fields = vec![
        Field::new("url", DataType::Utf8, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("deep", deep.data_type().clone(), true),
    ];
    let columns: Vec<ArrayRef> = vec![Arc::new(texts.clone()), Arc::new(texts), Arc::new(deep)];
    let meta = StructArray::new(fields.into(), columns, valid(3));
    let schema = Arc::new(Schema::new(vec![Field::new("meta", meta.data_type().clone(), true)]));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema.clone(), None).unwrap();
    writer.write(&RecordBatch::try_new(schema, vec![Arc::new(meta)]).unwrap()).unwrap();
    writer.close().unwrap();
    let file = find(&path);
    (folder, file)
}

#[test]
fn names_with_dots_reach_into_parquet_structs() {
    let (_folder, file) = parquet();
    let choice = all_three("meta.text", "meta.deep.id", "meta.deep.vector");
    let columns = resolve_one(&file, &choice).unwrap();
    let rows = rows_of(&file, &columns);
    assert_eq!(rows.len(), 4000);
    for (i, row) in rows.into_iter().enumerate() {
        let (text, id) = (if i == 3 { String::new() } else { format!("row {i}") }, i.to_string());
        let expected = match i {
            3 | 5 => (text, None, vec![]),
            _ => (text, Some(id), vec![i as f32, -(i as f32)]),
        };
        assert_eq!(row, expected, "row {i}");
    }
    let texts = read_texts(&file, &columns, &ReadLimits::default(), &[2, 3999]).unwrap();
    assert_eq!(texts, [Some("row 2".to_owned()), Some("row 3999".to_owned())]);
}

#[test]
fn a_missing_parquet_column_lists_those_inside_others() {
    let (_folder, file) = parquet();
    let error = resolve_one(&file, &choice(Some("text"), None)).unwrap_err().to_string();
    let listed = "meta.url (a string: \"row 0\"), meta.text (a string: \"row 0\"), meta.deep.id (Int64: 0), meta.deep.vector (List";
    assert!(error.contains(&format!("no column `text`; columns are {listed}")), "{error}");
    let error = resolve_one(&file, &choice(Some("meta.deep"), None)).unwrap_err().to_string();
    assert!(error.contains("column `meta.deep` is Struct"), "{error}");
}

#[test]
fn the_real_struct_column_of_pyarrow_has_its_urls() {
    let file = fixture("snappy_lists.parquet");
    let columns = resolve_one(&file, &choice(Some("meta.url"), None)).unwrap();
    let whole = read(&file, &columns).unwrap();
    let url = |i: usize| if i.is_multiple_of(6) { String::new() } else { format!("u{i}") };
    assert_eq!(whole.texts(), (0..50).map(url).collect::<Vec<_>>());
}

#[test]
fn captions_are_the_texts_of_laion_metadata() {
    let laion = "SAMPLE_ID,URL,TEXT,LICENSE\n1,u,a cat,?\n";
    let clip_retrieval = r#"{"image_path":"p","caption":"a cat","url":"u","key":"000"}"#;
    let cases = [
        ("a.csv", laion, Some("TEXT")),
        ("a.jsonl", clip_retrieval, Some("caption")),
        ("a.csv", "caption,text,url\n", Some("text")),
        // It is not known which of the two is meant.
        ("a.csv", "caption,TEXT,url\n", None),
        ("a.jsonl", r#"{"caption":["a list"],"body":"a cat sits on a mat"}"#, Some("body")),
        // A list may hold the texts of the rows.
        ("a.jsonl", r#"{"caption":["a list"],"body":"b"}"#, None),
        ("a.jsonl", r#"{"caption":["a list"],"headline":"b","url":"u"}"#, None),
    ];
    for (name, content, expected) in cases {
        let input = input(name, content.as_bytes());
        let columns = resolve_one(&input.file, &choice(None, None));
        assert_eq!(columns.ok().and_then(|columns| columns.text).as_deref(), expected, "{content}");
    }
}
