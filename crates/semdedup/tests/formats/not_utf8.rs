//! Values of string columns that are not UTF-8, in Parquet and in Arrow.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, Int32Builder, MapBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_buffer::OffsetBuffer;
use arrow_cast::cast::cast;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::properties::WriterProperties;
use semdedup::formats::{Columns, ReadLimits, read_texts, rows_by, write_kept};

use crate::annotate::annotate;
use crate::support::*;
use crate::types::leaves;

const ROWS: usize = 40;

/// Returns the bytes of a value; rows in `bad` have one that is not UTF-8.
fn value(row: usize, bad: &[usize]) -> Vec<u8> {
    let plain = format!("value {row} of a column of some words").into_bytes();
    if bad.contains(&row) { [&b"bad \xff "[..], &plain].concat() } else { plain }
}

fn text(row: usize) -> String {
    String::from_utf8(value(row, &[])).unwrap()
}

/// Returns a column of bytes.
fn bytes(bad: &[usize]) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values((0..ROWS).map(|row| value(row, bad))))
}

fn of_type(bytes: &ArrayRef, kind: &DataType) -> ArrayRef {
    match kind {
        DataType::Dictionary(..) => {
            let keys = Int32Array::from_iter_values(0..ROWS as i32);
            Arc::new(DictionaryArray::<Int32Type>::new(keys, bytes.clone()))
        }
        kind => cast(bytes, kind).unwrap(),
    }
}

/// The types of bytes that stand for a type of strings.
fn kinds() -> [DataType; 4] {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Binary));
    [DataType::Binary, DataType::LargeBinary, DataType::BinaryView, dictionary]
}

fn list(items: ArrayRef, length: usize) -> ArrayRef {
    let field = Arc::new(Field::new("item", items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(length, items.len() / length));
    Arc::new(ListArray::new(field, offsets, items, None))
}

fn structs(fields: &[(&str, ArrayRef)]) -> ArrayRef {
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let columns = fields.iter().map(|(_, array)| array.clone()).collect();
    Arc::new(StructArray::new(fields.iter().map(field).collect(), columns, None))
}

fn map(bad: &[usize]) -> ArrayRef {
    let mut map = MapBuilder::new(None, BinaryBuilder::new(), Int32Builder::new());
    for row in 0..ROWS {
        map.keys().append_value(value(row, bad));
        map.values().append_value(row as i32);
        map.append(true).unwrap();
    }
    Arc::new(map.finish())
}

/// Returns columns in which each but `raw` stands for one of strings. The first has bad values in
/// rows 4 and 25, each of the others in one more row.
fn batch(kind: &DataType) -> RecordBatch {
    let columns = [
        ("text", of_type(&bytes(&[4, 25]), kind)),
        ("other", of_type(&bytes(&[6]), kind)),
        ("meta", structs(&[("text", bytes(&[8])), ("url", of_type(&bytes(&[9]), kind))])),
        ("tags", list(bytes(&[10]), 1)),
        ("messages", list(structs(&[("role", bytes(&[])), ("content", of_type(&bytes(&[12]), kind))]), 1)),
        ("id", of_type(&bytes(&[14]), kind)),
        ("map", map(&[16])),
        ("raw", bytes(&[18])),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Returns the type of strings that a type of bytes stands for.
fn strings(kind: &DataType) -> DataType {
    let item = |field: &FieldRef| Arc::new(Field::clone(field).with_data_type(strings(field.data_type())));
    match kind {
        DataType::Binary => DataType::Utf8,
        DataType::LargeBinary => DataType::LargeUtf8,
        DataType::BinaryView => DataType::Utf8View,
        DataType::Dictionary(keys, values) => DataType::Dictionary(keys.clone(), Box::new(strings(values))),
        DataType::List(field) => DataType::List(item(field)),
        DataType::Map(entries, sorted) => DataType::Map(item(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(item).collect()),
        other => other.clone(),
    }
}

fn declared(batch: &RecordBatch) -> Schema {
    let schema = batch.schema();
    let field = |field: &FieldRef| match field.name().as_str() {
        "raw" => field.clone(),
        _ => Arc::new(Field::clone(field).with_data_type(strings(field.data_type()))),
    };
    Schema::new(schema.fields().iter().map(field).collect::<Fields>())
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let declared = declared(batch);
    let mut properties = WriterProperties::builder().set_max_row_group_row_count(Some(15)).build();
    add_encoded_arrow_schema_to_metadata(&declared, &mut properties);
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
        .with_parquet_schema(ArrowSchemaConverter::new().convert(&declared).unwrap());
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &declared(batch)).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn arrow_stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &declared(batch)).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// Returns a file of each format for each type of strings.
fn files() -> Vec<Input> {
    let of_kind = |kind: DataType| {
        let batch = batch(&kind);
        [
            raw_input("a.parquet", &parquet(&batch)),
            raw_input("a.arrow", &arrow_file(&batch)),
            raw_input("a.arrows", &arrow_stream(&batch)),
        ]
    };
    kinds().into_iter().flat_map(of_kind).collect()
}

#[test]
fn a_text_that_is_not_utf8_is_a_bad_row_and_named() {
    let reason = "column `text` is not valid UTF-8 at byte 4";
    for input in files() {
        let file = &input.file;
        let columns = resolve_one(file, &choice(None, None)).unwrap();
        assert_eq!(columns, Columns { found: columns.found, ..text_column("text") });
        for first in [0, 5, 14, 26] {
            let whole = read_from(file, &columns, &ReadLimits::default(), first).unwrap();
            let bad = [4, 25].into_iter().filter(|row| *row >= first).map(|row| (row, reason));
            assert_eq!(whole.reasons(), bad.collect::<Vec<_>>(), "{} from {first}", file.name);
            let texts = (first as usize..ROWS).map(|row| (![4, 25].contains(&row)).then(|| text(row)));
            assert_eq!(whole.texts, texts.collect::<Vec<_>>(), "{} from {first}", file.name);
            assert_eq!(whole.empty, 0);
        }
        let texts = read_texts(file, &columns, &ReadLimits::default(), &[3, 4, 25, 39]).unwrap();
        assert_eq!(texts, [Some(text(3)), None, None, Some(text(39))], "{}", file.name);
    }
}

#[test]
fn in_a_column_that_is_not_read_it_does_not_matter() {
    for input in files() {
        let by = rows_by(std::slice::from_ref(&input.file), &choice(None, None)).unwrap();
        assert!(by.text() && !by.image());
        let bad = |columns: &Columns| {
            let whole = read(&input.file, columns).unwrap();
            whole.bad.into_iter().map(|bad| (bad.row, bad.reason)).collect::<Vec<_>>()
        };
        let reason =
            |row: u64, column: &str| vec![(row, format!("column `{column}` is not valid UTF-8 at byte 4"))];
        assert_eq!(bad(&text_column("other")), reason(6, "other"));
        assert_eq!(bad(&text_column("meta.text")), reason(8, "meta.text"));
        let turns = vec!["messages".to_owned()];
        assert_eq!(bad(&Columns { turns, ..text_column("messages") }), reason(12, "messages.content"));
        // So do names that reach into lists.
        for (name, row, field) in [
            ("tags[*]", 10, "tags"),
            ("messages[*].content", 12, "messages.content"),
            ("messages[-1].content", 12, "messages.content"),
        ] {
            assert_eq!(
                bad(&Columns { lists: vec![name.to_owned()], ..text_column(name) })[0],
                reason(row, field)[0]
            );
        }
        let role = "messages[*].role";
        assert!(bad(&Columns { lists: vec![role.to_owned()], ..text_column(role) }).is_empty());
        let joined = vec!["meta.url".to_owned()];
        let both = [reason(6, "other"), reason(9, "meta.url")].concat();
        assert_eq!(bad(&Columns { joined, ..text_column("other") }), both);
        // Lists, maps and bytes are no texts, but they can be ids.
        assert!(bad(&Columns { id: Some("raw".into()), ..Columns::default() }).is_empty());
    }
}

#[test]
fn an_id_that_is_not_utf8_is_a_bad_row_without_an_id() {
    for input in files() {
        let whole = read(&input.file, &with_id("other", "id")).unwrap();
        let reason = |column| format!("column `{column}` is not valid UTF-8 at byte 4");
        assert_eq!(whole.reasons(), [(6, reason("other").as_str()), (14, reason("id").as_str())]);
        let mut row = 0;
        for ids in whole.ids {
            let texts = cast(&ids, &DataType::Utf8).unwrap();
            for id in texts.as_any().downcast_ref::<StringArray>().unwrap() {
                let expected = (![6, 14].contains(&row)).then(|| text(row));
                assert_eq!(id.map(str::to_owned), expected, "row {row}");
                row += 1;
            }
        }
        assert_eq!(row, ROWS);
    }
}

#[test]
fn kept_and_annotated_parquet_files_have_every_byte_of_such_values() {
    let folder = input("unused.txt", b"");
    for input in files().into_iter().filter(|input| input.file.name.ends_with("parquet")) {
        let before = leaves(&input.file.path);
        let kept = folder.folder.path().join("kept.parquet");
        for modulus in [1, 2, 5] {
            let keep = |row: usize| row.is_multiple_of(modulus);
            write_kept(&input.file, &ReadLimits::default(), &kept, &mut |row| keep(row as usize)).unwrap();
            for (after, before) in leaves(&kept).iter().zip(&before) {
                assert_eq!(after.entries, before.rows(&keep), "{}", before.path);
            }
        }
        let annotated = annotate(&input.file, &ReadLimits::default(), &folder).unwrap();
        for (after, before) in leaves(&annotated).iter().zip(&before) {
            assert_eq!((&after.path, &after.entries), (&before.path, &before.entries));
        }
    }
}

#[test]
fn kept_and_annotated_arrow_files_have_every_byte_of_such_values() {
    let folder = input("unused.txt", b"");
    for input in files().into_iter().filter(|input| !input.file.name.ends_with("parquet")) {
        let source = std::fs::read(&input.file.path).unwrap();
        let kept = folder.folder.path().join(&input.file.name);
        write_kept(&input.file, &ReadLimits::default(), &kept, &mut |_| true).unwrap();
        assert!(std::fs::read(&kept).unwrap() == source, "{} changes", input.file.name);
        let even = [4, 6, 8, 10, 12, 14, 16, 18];
        write_kept(&input.file, &ReadLimits::default(), &kept, &mut |row| row % 2 == 0).unwrap();
        let annotated = annotate(&input.file, &ReadLimits::default(), &folder).unwrap();
        for written in [kept, annotated] {
            let bytes = std::fs::read(&written).unwrap();
            for bad in even.map(|row| value(row, &[row])) {
                assert!(bytes.windows(bad.len()).any(|part| part == bad), "{}", input.file.name);
            }
            let whole = read(&find(&written), &text_column("other")).unwrap();
            assert_eq!(whole.bad.len(), 1, "{}", written.display());
        }
    }
}
