//! Names that reach into lists, `messages[*].content`, in JSON, Parquet and Arrow alike.

use std::fs::File;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, LargeListBuilder, ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{InputFile, ReadLimits, read_texts};
use tempfile::TempDir;

use crate::support::*;

const ROWS: &str = r#"{"id": 1, "messages": [{"role": "user", "content": "Hi"}, {"role": "bot", "content": "Hel\u006co"}], "tags": ["a", "b"]}
{"id": 2, "messages": [{"role": "user", "content": "Bye"}], "tags": []}
{"id": 3, "messages": [], "tags": ["c", null, ""]}
{"id": 4, "messages": null, "tags": null}
{"id": 5, "messages": [{"role": "user", "content": null}, null, {"role": "bot", "content": "Last"}], "tags": ["d"]}
"#;

/// The same rows as a table.
fn table() -> RecordBatch {
    let fields = Fields::from(vec![
        Field::new("role", DataType::Utf8, true),
        Field::new("content", DataType::Utf8, true),
    ]);
    let turn = || StructBuilder::from_fields(fields.clone(), 0);
    let (mut messages, mut tags, mut ids) =
        (ListBuilder::new(turn()), LargeListBuilder::new(StringBuilder::new()), Int32Builder::new());
    for (number, line) in ROWS.lines().enumerate() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        ids.append_value(number as i32);
        for turn in row["messages"].as_array().into_iter().flatten() {
            let turns = messages.values();
            for (place, name) in ["role", "content"].into_iter().enumerate() {
                turns.field_builder::<StringBuilder>(place).unwrap().append_option(turn[name].as_str());
            }
            turns.append(!turn.is_null());
        }
        messages.append(!row["messages"].is_null());
        for tag in row["tags"].as_array().into_iter().flatten() {
            tags.values().append_option(tag.as_str());
        }
        tags.append(!row["tags"].is_null());
    }
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(ids.finish())),
        ("messages", Arc::new(messages.finish())),
        ("tags", Arc::new(tags.finish())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The rows in each format.
fn files(folder: &TempDir) -> Vec<InputFile> {
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.jsonl"), ROWS).unwrap();
    std::fs::write(path("a.json"), format!("[{}]", ROWS.trim().replace('\n', ",\n"))).unwrap();
    let table = table();
    let mut writer =
        ArrowWriter::try_new(File::create(path("a.parquet")).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
    let mut writer = FileWriter::try_new(File::create(path("a.arrow")).unwrap(), &table.schema()).unwrap();
    writer.write(&table).unwrap();
    writer.finish().unwrap();
    ["a.jsonl", "a.json", "a.parquet", "a.arrow"].map(|name| find(&path(name))).to_vec()
}

#[test]
fn every_element_or_one_of_them_is_read_in_each_format() {
    let folder = TempDir::new().unwrap();
    for file in files(&folder) {
        for (name, expected) in [
            ("messages[*].content", ["Hi\nHello", "Bye", "", "", "Last"]),
            ("messages[0].content", ["Hi", "Bye", "", "", ""]),
            ("messages[-1].content", ["Hello", "Bye", "", "", "Last"]),
            ("messages[1].content", ["Hello", "", "", "", ""]),
            ("messages[-2].content", ["Hi", "", "", "", ""]),
            ("tags[*]", ["a\nb", "", "c", "", "d"]),
            ("messages[*].content,tags[*]", ["Hi\nHello\na\nb", "Bye", "c", "", "Last\nd"]),
        ] {
            let columns = resolve_one(&file, &choice(Some(name), None)).unwrap();
            let whole = read(&file, &columns).unwrap();
            assert_eq!((whole.texts(), whole.bad.len()), (expected.to_vec(), 0), "{} {name}", file.name);
            let shown = read_texts(&file, &columns, &ReadLimits::default(), &[0, 4]).unwrap();
            assert_eq!(shown, [expected[0], expected[4]].map(|text| Some(text.to_owned())));
        }
    }
}

#[test]
fn a_name_that_leads_to_no_text_is_refused_in_each_format() {
    let folder = TempDir::new().unwrap();
    for file in files(&folder) {
        for name in [
            "messages[*].kontent",
            "messages[*]",
            "tags[*].text",
            "id[*]",
            "messages[*].content[0]",
            "nothing[*]",
        ] {
            let error = resolve_one(&file, &choice(Some(name), None)).unwrap_err();
            let column = name.split('[').next().unwrap();
            assert!(error.to_string().contains(column), "{name}: {error}");
            assert!(
                error
                    .hint_text()
                    .is_some_and(|hint| hint.contains("--text-column") || hint.contains("NAME[*]")),
                "{error}"
            );
        }
        let error = resolve_one(&file, &choice(Some("messages"), None)).map(|columns| columns.turns);
        assert_eq!(error.unwrap(), ["messages"]);
    }
    let cases = [
        (
            "messages[*].kontent",
            "column `messages[*].kontent` has no text in the first rows; a value of `messages` is [{\"role\"",
        ),
        ("tags[*].text", "column `tags[*].text` leads to a string, not to an object"),
        ("id[*]", "column `id[*]` reaches into a list, but `id` is a number"),
        ("nothing[*]", "no column `nothing`; columns are id"),
    ];
    for (name, problem) in cases {
        let error =
            resolve_one(&find(&folder.path().join("a.jsonl")), &choice(Some(name), None)).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
    let error =
        resolve_one(&find(&folder.path().join("a.parquet")), &choice(Some("messages[*].kontent"), None));
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("has no field `kontent`; fields are role, content"), "{error}");
    let csv = input("a.csv", b"id,messages\n1,a\n");
    let error = resolve_one(&csv.file, &choice(Some("messages[*]"), None)).unwrap_err().to_string();
    assert!(
        error.ends_with("column `messages[*]` reaches into a list, but `messages` is a string"),
        "{error}"
    );
}

#[test]
fn rows_of_another_shape_are_bad_and_columns_of_exactly_this_name_go_first() {
    let rows = "{\"m\": [{\"c\": \"a\"}, {\"c\": [\"x\"]}]}\n{\"m\": {\"c\": \"b\"}}\n{\"m\": [{\"c\": \"d\", \"n\": NaN}]}\n{}\n{\"m\": [7]}\n";
    let nested = input("a.jsonl", rows.as_bytes());
    let columns = resolve_one(&nested.file, &choice(Some("m[*].c"), None)).unwrap();
    let whole = read(&nested.file, &columns).unwrap();
    assert_eq!(whole.texts(), ["<bad>", "<bad>", "d", "", "<bad>"]);
    let reasons = [
        (0, "column `m[*].c` leads to a list, not to a string"),
        (1, "column `m[*].c` leads to an object, not to a list"),
        (4, "column `m[*].c` leads to a number, not to an object"),
    ];
    assert_eq!(whole.reasons(), reasons);
    let own = input("a.jsonl", b"{\"m[*].c\": \"own\", \"m\": [{\"c\": \"a\"}]}\n");
    let columns = resolve_one(&own.file, &choice(Some("m[*].c"), None)).unwrap();
    assert_eq!(read(&own.file, &columns).unwrap().texts(), ["own"]);
    let inside = input(
        "a.jsonl",
        b"{\"meta\": {\"turns\": [{\"say\": {\"text\": \"a\"}}, {\"say\": {\"text\": \"b\"}}]}}\n",
    );
    let columns = resolve_one(&inside.file, &choice(Some("meta.turns[*].say.text"), None)).unwrap();
    assert_eq!(read(&inside.file, &columns).unwrap().texts(), ["a\nb"]);
}
