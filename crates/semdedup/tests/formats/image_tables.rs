//! Parquet with images is compared by the images where nothing else could be meant; an error asks
//! where texts are beside them.

use std::sync::Arc;

use arrow_array::*;
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{ColumnChoice, CompareBy, InputFile, resolve_columns, rows_by};

use crate::support::*;

const ROWS: usize = 12;

fn strings(value: impl Fn(usize) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..ROWS).map(value)))
}

fn sentence(row: usize) -> String {
    format!("The picture of number {row} shows a river and a boat.")
}

fn png(row: usize) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".as_slice(), &[row as u8]].concat()
}

/// Returns images as Hugging Face writes them.
fn images() -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..ROWS).map(png)));
    Arc::new(StructArray::new(fields, vec![bytes, strings(|row| format!("{row}.png"))], None))
}

fn plain_images() -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values((0..ROWS).map(png)))
}

/// Returns a list with one item in each row.
fn lists(items: ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new("item", items.data_type().clone(), true));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([1; ROWS]), items, None))
}

/// Returns a struct of texts.
fn structs(fields: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let (fields, values): (Vec<Field>, Vec<ArrayRef>) = fields
        .into_iter()
        .map(|(name, values)| (Field::new(name, values.data_type().clone(), true), values))
        .unzip();
    Arc::new(StructArray::new(Fields::from(fields), values, None))
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Input {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, values)| (name, values, true)),
    );
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    raw_input("x.parquet", &writer.into_inner().unwrap())
}

fn unasked(file: &InputFile) -> semdedup::Result<CompareBy> {
    rows_by(std::slice::from_ref(file), &ColumnChoice::default())
}

#[test]
fn images_beside_names_labels_and_numbers_are_compared() {
    let labels: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    for columns in [
        vec![("image", images())],
        vec![("image", images()), ("label", labels.clone())],
        vec![("jpg", plain_images()), ("url", strings(|row| format!("https://a.org/{row}.png")))],
        vec![("image", images()), ("file_name", strings(|row| format!("{row}.png")))],
        vec![("image", images()), ("species", strings(|row| format!("kind {}", row % 3)))],
        vec![("image", images()), ("boxes", lists(labels.clone()))],
        vec![("image", images()), ("objects", structs(vec![("category", labels.clone())]))],
        vec![("image", images()), ("meta", structs(vec![("licence", strings(|_| "CC BY".to_owned()))]))],
        vec![("image", images()), ("tags", lists(strings(|row| ["cat", "dog", "sofa"][row % 3].to_owned())))],
        vec![
            ("image", images()),
            ("code", strings(|row| format!("A{row}"))),
            ("query", strings(|_| "forest".to_owned())),
        ],
        vec![
            ("image", images()),
            ("exif", strings(|row| format!(r#"{{"Model": "Canon EOS {row}", "Light": "a b c d e f"}}"#))),
        ],
        vec![("image", images()), ("license", strings(|_| "You may copy this as you like.".to_owned()))],
    ] {
        let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(unasked(&table(columns).file).unwrap(), CompareBy::Image, "{names:?}");
    }
}

#[test]
fn images_beside_anything_that_may_be_a_text_are_a_question() {
    let answer = |row: usize| ["yes", "no", "a boat"][row % 3].to_owned();
    let question = |row: usize| ["What is this?", "Who is there?"][row % 2].to_owned();
    let turns =
        lists(structs(vec![("role", strings(|_| "user".to_owned())), ("content", strings(question))]));
    let several = "images in `left`, `right`";
    for (columns, named) in [
        (
            vec![("image", images()), ("question", strings(question)), ("answer", strings(answer))],
            "texts in `question`, and",
        ),
        (
            vec![("image", images()), ("text_a", strings(sentence)), ("text_b", strings(sentence))],
            "`text_a`, `text_b`",
        ),
        (
            vec![("jpg", plain_images()), ("caption", strings(answer)), ("text", strings(answer))],
            "`caption`, `text`",
        ),
        (vec![("image", images()), ("texts", lists(structs(vec![("user", strings(question))])))], "`texts`"),
        (vec![("image", images()), ("label", lists(strings(sentence)))], "`label`"),
        (vec![("image", images()), ("messages", turns.clone())], "`messages`"),
        (vec![("image", images()), ("meta", structs(vec![("title", strings(sentence))]))], "`meta.title`"),
        (vec![("image", images()), ("premise_1", strings(|row| sentence(row % 2)))], "`premise_1`"),
        (vec![("left", images()), ("right", images()), ("text", strings(question))], several),
        (
            vec![("images", lists(images())), ("messages", turns.clone())],
            "images in `images` and texts in `messages`",
        ),
    ] {
        let input = table(columns);
        let error = unasked(&input.file).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        assert!(error.hint_text().unwrap().contains("--by text"), "{error}");
        assert!(
            rows_by(
                std::slice::from_ref(&input.file),
                &ColumnChoice { by: Some(CompareBy::Text), ..ColumnChoice::default() }
            )
            .is_ok()
        );
    }
}

#[test]
fn a_caption_and_a_text_of_a_picture_are_a_question_too() {
    let input =
        table(vec![("jpg", plain_images()), ("caption", strings(sentence)), ("text", strings(sentence))]);
    let by_text = ColumnChoice { by: Some(CompareBy::Text), ..ColumnChoice::default() };
    let error = resolve_one(&input.file, &by_text).unwrap_err();
    assert!(error.hint_text().unwrap().contains("--text-column text or --text-column caption"), "{error}");
}

#[test]
fn a_later_file_with_images_beside_texts_is_a_question_whatever_the_first_one_has() {
    let both = table(vec![("image", images()), ("caption", strings(sentence))]);
    let text = table(vec![("caption", strings(sentence))]);
    let image = table(vec![("image", images())]);
    for first in [&text, &image] {
        let files = [first.file.clone(), both.file.clone()];
        let error = resolve_columns(&files, &ColumnChoice::default()).unwrap_err();
        assert!(error.to_string().contains("images in `image` and texts in `caption`"), "{error}");
    }
    let files = [text.file.clone(), both.file.clone()];
    let by_text = ColumnChoice { by: Some(CompareBy::Text), ..ColumnChoice::default() };
    assert!(resolve_columns(&files, &by_text).is_ok());
}
