//! Columns beside the text that make rows of equal texts different.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_cast::cast::cast;
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{ColumnChoice, Columns, CompareBy, resolve_columns};

use crate::support::*;

const ROWS: usize = 60;

/// Returns sentence number `i`; all sentences are distinct.
fn sentence(i: usize) -> String {
    let things =
        ["river", "boat", "mountain", "letter", "garden", "engine", "castle", "window", "market", "winter"];
    format!("The {} is older than the {} by {i} years.", things[i % 10], things[(i / 10 + i) % 10])
}

fn rows(row: impl Fn(usize) -> String) -> String {
    (0..ROWS).map(|i| row(i) + "\n").collect()
}

fn unasked(content: &str) -> semdedup::Result<Columns> {
    resolve_one(&input("a.jsonl", content.as_bytes()).file, &ColumnChoice::default())
}

#[test]
fn rows_of_equal_texts_with_another_companion_are_a_question() {
    // Each text comes twice, and the two are far apart.
    let text = |i: usize| sentence(i % (ROWS / 2));
    for (name, companion, value) in [
        ("passage", "question", sentence as fn(usize) -> String),
        ("text", "question", sentence),
        ("sentence", "sentence2", sentence),
        ("text", "text_pair", sentence),
        ("document", "summary", sentence),
        ("article", "highlights", sentence),
        ("caption", "image_path", |i| format!("{i}.jpg")),
        ("text", "image", |i| format!("data:image/png;base64,iVBORw0KGgo{i}")),
        ("review", "video", |i| format!("v{i}.mp4")),
    ] {
        let content = rows(|i| format!(r#"{{"{name}":"{}","{companion}":"{}"}}"#, text(i), value(i)));
        let error = unasked(&content).unwrap_err();
        let expected =
            format!("30 of the first 60 rows have the `{name}` of another row but another `{companion}`");
        assert!(error.to_string().contains(&expected), "{error}");
        let hint = error.hint_text().unwrap();
        assert!(hint.contains(&format!("--text-column {name} compares it alone")), "{hint}");
        let both = [
            format!("--text-column {name},{companion} joins both"),
            format!("--image-column {companion} --by both"),
        ];
        assert!(both.iter().any(|both| hint.contains(both)), "{hint}");
        let file = input("a.jsonl", content.as_bytes());
        for asked in [name.to_owned(), format!("{name},{companion}")] {
            assert!(resolve_one(&file.file, &choice(Some(&asked), None)).is_ok(), "{asked}");
        }
    }
}

#[test]
fn chats_about_different_pictures_and_constant_texts_beside_chats_are_questions() {
    let turns = |text: &str| format!(r#"[{{"role":"user","content":"{text}"}}]"#);
    for content in [
        rows(|i| format!(r#"{{"messages":{},"images":["{i}.jpg"]}}"#, turns("What is this?"))),
        rows(|i| format!(r#"{{"messages":{},"system":"{}"}}"#, turns("Go."), sentence(i))),
        rows(|i| format!(r#"{{"messages":{},"tools":[{{"name":"f{i}"}}]}}"#, turns("Go."))),
        rows(|i| format!(r#"{{"text":"chat","dialogue":{}}}"#, turns(&sentence(i)))),
    ] {
        let error = unasked(&content).unwrap_err().to_string();
        assert!(error.contains("59 of the first 60 rows have the"), "{error}");
    }
}

#[test]
fn copies_with_other_ids_addresses_titles_and_labels_are_copies() {
    let text = |i: usize| sentence(i % (ROWS / 2));
    for other in [
        |i: usize| format!(r#""id":"{i}","url":"https://a.org/{i}.html""#),
        |i| format!(r#""title":"{}","label":"l{i}","score":{i}"#, sentence(i)),
        |i| format!(r#""meta":{{"source":"s{i}"}},"target":"t{i}","num_images":{i}"#),
        // Labels and searches are not other halves of a text, and counts and portraits are not its
        // pictures.
        |i| format!(r#""answer":"{}","query":"river {i}","options":"S{i}""#, ["yes", "no"][i % 2]),
        |i| format!(r#""context":{{"request":"r{i}"}},"system":"web{i}","code":"A{i}""#),
        |i| format!(r#""image_count":"{i}","user_image":"u{i}.jpg","video_id":"v{i}""#),
        |i| format!(r#""text_2":"{i}""#),
        // The companions are copies too, or missing.
        |i| format!(r#""question":"Why {}?","tools":[],"answer":null"#, i % (ROWS / 2)),
        |i| format!(r#""answer":{}"#, if i < ROWS / 2 { "\"Yes.\"" } else { "\"\"" }),
    ] {
        let content = rows(|i| format!(r#"{{"text":"{}",{}}}"#, text(i), other(i)));
        assert_eq!(unasked(&content).unwrap().text.as_deref(), Some("text"), "{content}");
    }
    // A few different labels among many are noise.
    let noisy: String = (0..400)
        .map(|i| format!("{{\"text\":\"{}\",\"answer\":\"{}\"}}\n", sentence(i % 399), i / 399))
        .collect();
    assert!(unasked(&noisy).is_ok());
}

#[test]
fn long_texts_with_other_pictures_are_copies() {
    let news = |i: usize| (0..8).map(|part| sentence(8 * (i % 30) + part)).collect::<Vec<_>>().join(" ");
    let content = rows(|i| format!(r#"{{"text":"{}","image":"https://a.org/{i}.jpg"}}"#, news(i)));
    assert!(unasked(&content).is_ok());
}

#[test]
fn a_small_or_empty_file_before_others_does_not_answer_for_them() {
    let question = |i: usize| format!(r#"{{"text":"{}","question":"{}"}}"#, sentence(i % 30), sentence(i));
    let all = input("b.jsonl", rows(question).as_bytes());
    for first in [rows(question).lines().take(2).collect::<Vec<_>>().join("\n"), String::new()] {
        let first = input("a.jsonl", first.as_bytes());
        let files = [first.file.clone(), all.file.clone()];
        let error = resolve_columns(&files, &ColumnChoice::default()).unwrap_err().to_string();
        assert!(error.contains("b.jsonl: 30 of the first 60 rows"), "{error}");
    }
}

#[test]
fn values_of_every_type_tell_rows_apart() {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(|i| sentence(i % 30))));
    let numbers: Vec<String> = (0..ROWS).map(|i| format!("picture {i}")).collect();
    let strings: ArrayRef = Arc::new(StringArray::from_iter_values(&numbers));
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(&numbers));
    let lists = ListArray::new(item, OffsetBuffer::from_lengths([1; ROWS]), strings.clone(), None);
    let structs =
        StructArray::from(vec![(Arc::new(Field::new("path", DataType::Utf8, true)), strings.clone())]);
    let words =
        cast(&strings, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))).unwrap();
    for values in [strings, bytes, Arc::new(lists), Arc::new(structs), words] {
        let kind = values.data_type().clone();
        let batch = RecordBatch::try_from_iter([("caption", texts.clone()), ("image", values)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let file = raw_input("x.parquet", &writer.into_inner().unwrap());
        let error = resolve_one(&file.file, &ColumnChoice::default()).unwrap_err().to_string();
        assert!(
            error.contains("30 of the first 60 rows have the `caption` of another row"),
            "{kind}: {error}"
        );
    }
}

#[test]
fn whoever_compares_by_text_does_not_mean_the_images() {
    let content = rows(|i| format!(r#"{{"text":"{}","image":"{i}.jpg"}}"#, sentence(i % 30)));
    let file = input("a.jsonl", content.as_bytes());
    let by_text = ColumnChoice { by: Some(CompareBy::Text), ..ColumnChoice::default() };
    assert!(resolve_one(&file.file, &by_text).is_ok());
    assert!(resolve_one(&file.file, &ColumnChoice::default()).is_err());
}
