//! Parquet files of other programs are read, and written back the same.

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::column::reader::ColumnReader;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use semdedup::formats::{
    Columns, CompareBy, Found, InputFile, ReadLimits, Reader, count_rows, read_texts, rows_by, write_kept,
};
use tempfile::TempDir;

use crate::support::*;

const FIXTURES: [(&str, &str, &str); 6] = [
    ("snappy_lists.parquet", "text", "id"),
    ("zstd_times.parquet", "body", "when"),
    ("plain_foreign.parquet", "text", "id"),
    ("gzip_views.parquet", "text", "id"),
    ("polars.parquet", "text", "id"),
    ("duckdb.parquet", "text", "id"),
];

fn table(path: &std::path::Path) -> (RecordBatch, ArrowReaderMetadata) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let batches = builder.build().unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let metadata = ArrowReaderMetadata::load(&File::open(path).unwrap(), Default::default()).unwrap();
    (concat_batches(&schema, &batches).unwrap(), metadata)
}

fn kept(file: &InputFile, keep: &mut dyn FnMut(u64) -> bool) -> (RecordBatch, ArrowReaderMetadata) {
    let folder = TempDir::new().unwrap();
    let destination = folder.path().join("kept.parquet");
    let written = write_kept(file, &ReadLimits::default(), &destination, keep).unwrap();
    let (batch, metadata) = table(&destination);
    assert_eq!(written, batch.num_rows() as u64);
    (batch, metadata)
}

fn expected_texts() -> Vec<String> {
    let mut texts: Vec<_> = (0..50).map(|row| format!("row {row}: {}", "word ".repeat(row % 7))).collect();
    texts[7] = String::new();
    texts[8] = String::new();
    texts[9] = "snow \u{2603} and\na second line".to_owned();
    texts
}

#[test]
fn every_string_type_is_read_and_ids_keep_their_type() {
    let types = ["Int64", "Timestamp(µs, \"UTC\")", "Utf8", "UInt32", "Int64", "Int64"];
    for ((name, text, id), kind) in FIXTURES.into_iter().zip(types) {
        let file = fixture(name);
        let columns = resolve_one(&file, &choice((text != "text").then_some(text), Some(id))).unwrap();
        let whole = read(&file, &columns).unwrap();
        assert_eq!(whole.texts(), expected_texts(), "{name}");
        assert_eq!((whole.empty, whole.bad.len()), (2, 0));
        assert!(whole.ids.iter().all(|ids| ids.data_type().to_string() == kind), "{name}");
    }
}

#[test]
fn reading_on_from_any_row_is_reading_the_rest() {
    for (name, text, id) in FIXTURES {
        for first in [1, 15, 16, 20, 29, 30, 41, 49, 50, 60] {
            let file = fixture(name);
            let whole = read_from(&file, &with_id(text, id), &ReadLimits::default(), first).unwrap();
            assert_eq!(whole.texts(), expected_texts()[first.min(50) as usize..], "{name} from {first}");
        }
    }
}

#[test]
fn the_texts_of_some_rows_can_be_looked_up() {
    for (name, text, _) in FIXTURES {
        let rows = [0, 9, 19, 20, 20, 49, 50];
        let texts = read_texts(&fixture(name), &text_column(text), &ReadLimits::default(), &rows).unwrap();
        let expected: Vec<_> = rows.iter().map(|row| expected_texts().get(*row as usize).cloned()).collect();
        assert_eq!(texts, expected, "{name}");
        assert_eq!(count_rows(&fixture(name), &ReadLimits::default()).unwrap(), 50);
    }
}

#[test]
fn kept_files_have_the_same_schema_codec_and_values() {
    for (name, ..) in FIXTURES.into_iter().chain([("no_rows.parquet", "", "")]) {
        let file = fixture(name);
        let (before, source) = table(&file.path);
        for modulus in [1, 3, 60] {
            let mut keep = |row: u64| row % modulus == modulus - 1;
            let (after, metadata) = kept(&file, &mut keep);
            let mask: BooleanArray = (0..before.num_rows() as u64).map(|row| Some(keep(row))).collect();
            assert_eq!(after, filter_record_batch(&before, &mask).unwrap(), "{name}, {modulus}");
            assert_eq!(metadata.schema(), source.schema(), "{name}");
            let pairs = |metadata: &ArrowReaderMetadata| {
                let pairs =
                    metadata.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
                pairs.into_iter().map(|pair| pair.key).collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(pairs(&metadata), pairs(&source), "{name}");
            let codec = |metadata: &ArrowReaderMetadata| {
                metadata
                    .metadata()
                    .row_groups()
                    .first()
                    .map(|group| format!("{:?}", group.column(0).compression()))
            };
            if modulus == 1 && before.num_rows() > 0 {
                assert_eq!(codec(&metadata), codec(&source), "{name}");
                let groups = |metadata: &ArrowReaderMetadata| {
                    metadata.metadata().row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>()
                };
                assert_eq!(groups(&metadata), groups(&source), "{name}");
            }
        }
    }
}

#[test]
fn the_parquet_schema_is_kept_too_where_it_can_be() {
    for name in ["snappy_lists.parquet", "zstd_times.parquet", "gzip_views.parquet", "no_rows.parquet"] {
        let file = fixture(name);
        let (_, source) = table(&file.path);
        let (_, metadata) = kept(&file, &mut |_| true);
        assert_eq!(metadata.parquet_schema().root_schema(), source.parquet_schema().root_schema(), "{name}");
    }
}

#[test]
fn a_file_without_rows_has_none() {
    let file = fixture("no_rows.parquet");
    let columns = resolve_one(&file, &choice(None, Some("id"))).unwrap();
    assert_eq!(read(&file, &columns).unwrap().texts.len(), 0);
    assert_eq!(count_rows(&file, &ReadLimits::default()).unwrap(), 0);
}

#[test]
fn long_texts_are_read_in_small_batches() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.parquet");
    let texts: Vec<String> = (0..200).map(|row| format!("{row:06}").repeat(20_000)).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, true)]));
    let batch =
        RecordBatch::try_new(schema.clone(), vec![Arc::new(StringArray::from(texts.clone()))]).unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let file = find(&path);
    let mut reader =
        semdedup::formats::Reader::open(&file, &text_column("text"), &ReadLimits::default(), 0).unwrap();
    assert!(reader.next_chunk().unwrap().unwrap().rows() < 20);
    assert_eq!(read(&file, &text_column("text")).unwrap().texts(), texts);
}

#[test]
fn an_int96_time_of_any_year_is_kept() {
    let folder = TempDir::new().unwrap();
    let destination = folder.path().join("kept.parquet");
    let file = fixture("int96_far.parquet");
    assert_eq!(read(&file, &text_column("text")).unwrap().texts(), ["a", "b", "c"]);
    assert_eq!(write_kept(&file, &ReadLimits::default(), &destination, &mut |row| row > 0).unwrap(), 2);
    let times = |path: &std::path::Path| {
        let group = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let ColumnReader::Int96ColumnReader(mut column) =
            group.get_row_group(0).unwrap().get_column_reader(1).unwrap()
        else {
            panic!("no INT96");
        };
        let (mut values, mut defined) = (Vec::new(), Vec::new());
        column.read_records(10, Some(&mut defined), None, &mut values).unwrap();
        (values, defined)
    };
    let (mut values, defined) = times(&file.path);
    assert_eq!(defined, [1, 0, 1]);
    assert_eq!(times(&destination), (values.split_off(1), vec![0, 1]));
}

#[test]
fn int96_times_of_whole_microseconds_are_ids_in_any_year() {
    let whole = read(&fixture("int96_far.parquet"), &with_id("text", "when")).unwrap();
    let times: Vec<_> = whole.ids[0].as_primitive::<TimestampMicrosecondType>().iter().collect();
    assert_eq!(times, [Some(1_577_836_800_000_000), None, Some(253_402_214_400_000_000)]);
}

#[test]
fn bytes_that_are_named_for_texts_and_hold_some_are_the_texts() {
    for name in ["spark_binary.parquet", "binary_texts.parquet"] {
        let file = fixture(name);
        assert_eq!(rows_by(std::slice::from_ref(&file), &choice(None, None)).unwrap(), CompareBy::Text);
        let columns = resolve_one(&file, &choice(None, None)).unwrap();
        let whole = read(&file, &columns).unwrap();
        assert_eq!(whole.texts(), expected_texts(), "{name}");
        assert_eq!((whole.bad.len(), whole.empty), (0, 2), "{name}");
        let texts = read_texts(&file, &columns, &ReadLimits::default(), &[9, 49]).unwrap();
        assert_eq!(texts, [Some(expected_texts()[9].clone()), Some(expected_texts()[49].clone())]);
    }
}

#[test]
fn bytes_of_every_kind_are_texts_where_they_are_asked_for_and_rows_that_are_not_utf8_are_bad() {
    for name in ["binary_kinds.parquet", "binary_kinds.arrow"] {
        for kind in ["plain", "large", "view", "words"] {
            let file = fixture(name);
            let columns = resolve_one(&file, &choice(Some(kind), None)).unwrap();
            let whole = read(&file, &columns).unwrap();
            let mut expected = expected_texts();
            (expected[12], expected[30]) = ("<bad>".to_owned(), "<bad>".to_owned());
            assert_eq!(whole.texts(), expected, "{name}, {kind}");
            assert_eq!(whole.empty, 2, "{name}, {kind}");
            let reason = |at| format!("column `{kind}` is not valid UTF-8 at byte {at}");
            let (first, second) = (reason(3), reason(0));
            assert_eq!(whole.reasons(), [(12, &first[..]), (30, &second[..])], "{name}");
            let texts = read_texts(&file, &columns, &ReadLimits::default(), &[11, 12, 13]).unwrap();
            assert!(texts[0].is_some() && texts[1].is_none() && texts[2].is_some(), "{name}, {kind}");
        }
        let file = fixture(name);
        let whole = read(&file, &resolve_one(&file, &choice(Some("fixed"), None)).unwrap()).unwrap();
        assert_eq!((whole.texts()[11], whole.reasons().len()), ("0011", 1), "{name}");
    }
}

#[test]
fn bytes_that_are_neither_images_nor_named_for_texts_are_no_column_to_compare() {
    for name in ["binary_kinds.parquet", "binary_kinds.arrow"] {
        let file = fixture(name);
        assert_eq!(rows_by(std::slice::from_ref(&file), &choice(None, None)).unwrap(), CompareBy::Text);
        let error = resolve_one(&file, &choice(None, None)).unwrap_err();
        let said = "no column `text`; columns are plain (binary), large (binary), view (binary), words (binary), \
                    fixed (binary of 4 bytes), hash (binary)";
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// Returns a file with one column of these bytes.
fn bytes_column(name: &str, values: &[&[u8]]) -> Input {
    let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Binary, true)]));
    let batch =
        RecordBatch::try_new(schema.clone(), vec![Arc::new(BinaryArray::from(values.to_vec()))]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    input("bytes.parquet", &bytes)
}

#[test]
fn a_column_named_text_that_holds_no_texts_says_what_it_holds() {
    let jpeg: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    let odd = bytes_column("text", &[b"fine", b"\xff\xfe\xfd"]);
    let error = resolve_one(&odd.file, &choice(None, None)).unwrap_err();
    assert!(error.to_string().contains("column `text` is binary, and its first values are not all UTF-8"));
    let columns = resolve_one(&odd.file, &choice(Some("text"), None)).unwrap();
    assert_eq!(read(&odd.file, &columns).unwrap().texts(), ["fine", "<bad>"]);
    let images = bytes_column("text", &[jpeg, jpeg]);
    let error = resolve_one(&images.file, &choice(Some("text"), None)).unwrap_err();
    assert!(error.to_string().contains("column `text` is binary and holds images, not texts"), "{error}");
}

#[test]
fn texts_that_begin_as_images_do_are_texts() {
    let file =
        bytes_column("content", &[b"BMW is a maker of cars", b"GIF89a is a format", b"P1 is a column"]);
    let by = rows_by(std::slice::from_ref(&file.file), &choice(None, None)).unwrap();
    assert_eq!(
        (by, resolve_one(&file.file, &choice(None, None)).unwrap()),
        (CompareBy::Text, Columns { found: Found::Name, ..text_column("content") })
    );
}

#[test]
fn embeddings_in_lists_of_every_kind_are_read_and_rows_without_one_are_bad() {
    let file = fixture("embeddings.parquet");
    for name in ["list", "large", "fixed", "half"] {
        let columns = Columns { embedding: Some(name.to_owned()), ..Columns::default() };
        for first in [0, 7, 20, 33] {
            let mut reader = Reader::open(&file, &columns, &ReadLimits::default(), first).unwrap();
            let mut row = first;
            while let Some(chunk) = reader.next_chunk().unwrap() {
                let rows = chunk.parse(&columns).unwrap();
                assert_eq!(rows.first_row, row);
                for vector in rows.vectors.as_ref().unwrap().rows() {
                    let bad = rows.bad.iter().any(|bad| bad.row == row && bad.reason.contains("null"));
                    assert_eq!(bad, row % 10 == 3, "{name}, row {row}");
                    let i = row as f32;
                    let whole = [i, i / 2.0, -i];
                    assert_eq!(vector, if bad { &[][..] } else { &whole[..] }, "{name}, row {row}");
                    row += 1;
                }
            }
            assert_eq!(row, 50, "{name}");
        }
    }
}
