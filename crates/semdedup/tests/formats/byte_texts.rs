//! Texts that are stored as bytes below the top of a table, and columns without any value.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, ListBuilder, NullBuilder, StructBuilder};
use arrow_array::{ArrayRef, BinaryArray, Int64Array, NullArray, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{Columns, CompareBy, resolve_columns, rows_by};

use crate::support::*;

const TEXTS: [&str; 3] = [
    "The river floods the lower town every spring.",
    "Quarterly revenue rose again this year.",
    "The garden behind the house is in bloom.",
];
/// Texts of which the second is not UTF-8.
const DAMAGED: [&[u8]; 3] = [TEXTS[0].as_bytes(), b"Quarterly \xff revenue", TEXTS[2].as_bytes()];

fn bytes(values: [&[u8]; 3]) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(values))
}

/// Returns the columns as Parquet and as Arrow.
fn files(columns: Vec<(&str, ArrayRef)>) -> [Input; 2] {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut parquet = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut arrow = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    arrow.write(&batch).unwrap();
    arrow.finish().unwrap();
    [raw_input("a.parquet", &parquet), raw_input("a.arrow", &arrow.into_inner().unwrap())]
}

/// Returns lists of one value each.
fn lists(values: [&[u8]; 3]) -> ArrayRef {
    let mut lists = ListBuilder::new(BinaryBuilder::new());
    for value in values {
        lists.values().append_value(value);
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// Returns chats of one turn each.
fn chats(values: [&[u8]; 3]) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("role", DataType::Binary, true),
        Field::new("content", DataType::Binary, true),
    ]);
    let mut chats = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for value in values {
        for (place, value) in [b"user".as_slice(), value].into_iter().enumerate() {
            chats.values().field_builder::<BinaryBuilder>(place).unwrap().append_value(value);
        }
        chats.values().append(true);
        chats.append(true);
    }
    Arc::new(chats.finish())
}

/// Returns three empty lists.
fn empty_lists() -> ArrayRef {
    let mut lists = ListBuilder::new(NullBuilder::new());
    (0..3).for_each(|_| lists.append(true));
    Arc::new(lists.finish())
}

#[test]
fn examples_of_bytes_are_joined_like_strings() {
    let (questions, answers) = (TEXTS.map(str::as_bytes), [TEXTS[2], TEXTS[0], TEXTS[1]].map(str::as_bytes));
    let columns = vec![
        ("instruction", bytes(questions)),
        ("input", bytes([b"", b"", b""])),
        ("output", bytes(answers)),
    ];
    for input in files(columns) {
        assert_eq!(rows_by(std::slice::from_ref(&input.file), &choice(None, None)).unwrap(), CompareBy::Text);
        let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
        assert_eq!(columns.texts().collect::<Vec<_>>(), ["instruction", "input", "output"]);
        let first = format!("{}\n{}", TEXTS[0], TEXTS[2]);
        assert_eq!(read(&input.file, &columns).unwrap().texts()[0], first, "{}", input.file.name);
    }
}

#[test]
fn names_reach_into_lists_of_bytes_and_bytes_that_are_no_text_are_bad_rows() {
    for (name, column, whole, damaged) in [
        ("texts[*]", "texts", lists(TEXTS.map(str::as_bytes)), lists(DAMAGED)),
        ("texts[*].content", "texts", chats(TEXTS.map(str::as_bytes)), chats(DAMAGED)),
    ] {
        for input in files(vec![(column, whole)]) {
            let columns = resolve_one(&input.file, &choice(Some(name), None)).unwrap();
            assert_eq!(read(&input.file, &columns).unwrap().texts(), TEXTS, "{name}");
        }
        for input in files(vec![(column, damaged)]) {
            let columns = resolve_one(&input.file, &choice(Some(name), None)).unwrap();
            let reason = format!("column `{name}` leads to bytes that are not UTF-8, not to a string");
            assert_eq!(read(&input.file, &columns).unwrap().reasons(), [(1, reason.as_str())]);
        }
    }
}

#[test]
fn a_turn_of_bytes_that_are_no_text_is_a_bad_row() {
    for input in files(vec![("messages", chats(DAMAGED))]) {
        let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
        let reason =
            "column `messages` has a turn 0 that has content that is bytes that are not UTF-8, not a string";
        assert_eq!(read(&input.file, &columns).unwrap().reasons(), [(1, reason)]);
    }
}

#[test]
fn a_column_of_empty_lists_without_a_type_holds_nothing() {
    let texts: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    for input in files(vec![("tags", empty_lists()), ("content", texts)]) {
        let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
        assert_eq!(columns.text.as_deref(), Some("content"));
        assert_eq!(read(&input.file, &text_column("tags")).unwrap().texts(), ["", "", ""]);
    }
}

#[test]
fn a_first_file_whose_texts_are_all_missing_leads_to_those_of_the_others() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let nulls: ArrayRef = Arc::new(NullArray::new(3));
    let texts: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    for (name, missing, there) in [
        ("content", nulls.clone(), texts.clone()),
        ("messages", nulls.clone(), chats(TEXTS.map(str::as_bytes))),
        ("messages", empty_lists(), chats(TEXTS.map(str::as_bytes))),
    ] {
        let [first, _] = files(vec![("id", ids.clone()), (name, missing)]);
        let [second, _] = files(vec![("id", ids.clone()), (name, there)]);
        let both = [first.file.clone(), second.file.clone()];
        let columns: Vec<Columns> = resolve_columns(&both, &choice(None, None)).unwrap();
        assert_eq!(
            columns.iter().map(|columns| columns.text.as_deref()).collect::<Vec<_>>(),
            [Some(name); 2]
        );
        assert_eq!(read(&both[0], &columns[0]).unwrap().texts(), ["", "", ""], "{name}");
        assert!(read(&both[1], &columns[1]).unwrap().texts()[0].ends_with(TEXTS[0]), "{name}");
    }
    let rows = "{\"id\": 1, \"content\": null}\n";
    let columns = resolve_one(&input("a.jsonl", rows.as_bytes()).file, &choice(None, None)).unwrap();
    assert_eq!(columns.text.as_deref(), Some("content"));
    // Beside another column that may be the text, nothing is certain.
    let [unclear, _] = files(vec![("content", nulls), ("words", texts)]);
    let columns = resolve_one(&unclear.file, &choice(None, None)).unwrap();
    assert_eq!(columns.text.as_deref(), Some("words"));
}
