//! Arrow IPC files and streams of other programs are read, and written back the same.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::{FileReader, StreamReader, read_footer_length};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow::ipc::{CompressionType, root_as_footer, root_as_message};
use semdedup::formats::{Columns, InputFile, ReadLimits, Reader, count_rows, read_texts, write_kept};
use tempfile::TempDir;

use crate::support::*;

/// The files; each has the usual 50 texts.
pub const FIXTURES: [&str; 6] = [
    "pyarrow_lz4.feather",
    "pyarrow_zstd.arrow",
    "stream.arrow",
    "deltas.arrow",
    "polars_zstd.ipc",
    "polars_stream.arrow",
];

pub struct Table {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub footer: Vec<(String, String)>,
    pub is_stream: bool,
    pub codec: Option<CompressionType>,
}

pub fn table(path: &Path) -> Table {
    let bytes = std::fs::read(path).unwrap();
    let is_stream = !bytes.starts_with(b"ARROW1");
    let open = || File::open(path).unwrap();
    let (schema, batches, footer) = if is_stream {
        let reader = StreamReader::try_new(open(), None).unwrap();
        (reader.schema(), reader.collect::<Result<Vec<_>, _>>().unwrap(), Vec::new())
    } else {
        let reader = FileReader::try_new(open(), None).unwrap();
        let footer = reader.custom_metadata().clone().into_iter().collect();
        (reader.schema(), reader.collect::<Result<Vec<_>, _>>().unwrap(), footer)
    };
    let codec = codec(&bytes);
    Table { schema, batches, footer, is_stream, codec }
}

/// Returns the codec of the first batch, which the footer locates, or which is behind the first
/// messages of a stream.
fn codec(bytes: &[u8]) -> Option<CompressionType> {
    let mut place = 0;
    if bytes.starts_with(b"ARROW1") {
        let end = bytes.len() - 10;
        let length = read_footer_length(bytes[end..].try_into().unwrap()).unwrap();
        let footer = root_as_footer(&bytes[end - length..end]).unwrap();
        let batches = footer.recordBatches().unwrap();
        place = batches.iter().next()?.offset() as usize;
    }
    loop {
        assert_eq!(bytes[place..place + 4], [0xff; 4]);
        let length = u32::from_le_bytes(bytes[place + 4..place + 8].try_into().unwrap()) as usize;
        if length == 0 {
            return None;
        }
        let message = root_as_message(&bytes[place + 8..place + 8 + length]).unwrap();
        if let Some(batch) = message.header_as_record_batch() {
            return batch.compression().map(|compression| compression.codec());
        }
        place += 8 + length + message.bodyLength() as usize;
    }
}

fn expected_texts() -> Vec<String> {
    let mut texts: Vec<_> = (0..50).map(|row| format!("row {row}: {}", "word ".repeat(row % 7))).collect();
    texts[7] = String::new();
    texts[8] = String::new();
    texts[9] = "snow \u{2603} and\na second line".to_owned();
    texts
}

#[test]
fn arrow_files_and_streams_of_pyarrow_and_polars_are_read() {
    let types = ["Utf8", "Utf8", "Utf8", "Int64", "Int64", "Int64"];
    for (name, kind) in FIXTURES.into_iter().zip(types) {
        let file = fixture(name);
        let columns = resolve_one(&file, &choice(None, Some("id"))).unwrap();
        let whole = read(&file, &columns).unwrap();
        assert_eq!(whole.texts(), expected_texts(), "{name}");
        assert_eq!((whole.empty, whole.bad.len()), (2, 0), "{name}");
        assert!(whole.ids.iter().all(|ids| ids.data_type().to_string() == kind), "{name}");
        assert_eq!(count_rows(&file, &ReadLimits::default()).unwrap(), 50, "{name}");
    }
}

#[test]
fn a_dictionary_that_is_replaced_counts_for_the_batches_behind_it() {
    let texts = expected_texts();
    let expected = [&texts[..10], &texts[..20], &texts[20..]].concat();
    let file = fixture("replaced.arrow");
    for first in [0, 5, 10, 29, 30, 59] {
        let whole = read_from(&file, &text_column("text"), &ReadLimits::default(), first).unwrap();
        assert_eq!(whole.texts(), expected[first as usize..], "from {first}");
    }
}

#[test]
fn reading_on_from_any_row_is_reading_the_rest() {
    for name in FIXTURES {
        for first in [1, 15, 16, 20, 29, 30, 41, 49, 50, 60] {
            let whole = read_from(&fixture(name), &with_id("text", "id"), &ReadLimits::default(), first);
            assert_eq!(whole.unwrap().texts(), expected_texts()[first.min(50) as usize..], "{name}, {first}");
        }
    }
}

#[test]
fn the_texts_of_some_rows_can_be_looked_up() {
    for name in FIXTURES {
        let rows = [0, 9, 19, 20, 20, 49, 50];
        let texts = read_texts(&fixture(name), &text_column("text"), &ReadLimits::default(), &rows).unwrap();
        let expected: Vec<_> = rows.iter().map(|row| expected_texts().get(*row as usize).cloned()).collect();
        assert_eq!(texts, expected, "{name}");
    }
}

#[test]
fn columns_inside_structs_are_found() {
    let url = |i: usize| if i.is_multiple_of(6) { String::new() } else { format!("u{i}") };
    for name in ["pyarrow_lz4.feather", "stream.arrow", "polars_zstd.ipc", "polars_stream.arrow"] {
        let file = fixture(name);
        let columns = resolve_one(&file, &choice(Some("meta.url"), None)).unwrap();
        assert_eq!(read(&file, &columns).unwrap().texts(), (0..50).map(url).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn embeddings_in_lists_of_every_kind_are_read_and_rows_without_one_are_bad() {
    let columns = [
        ("pyarrow_lz4.feather", &["list", "large", "fixed", "half"][..]),
        ("stream.arrow", &["list", "large", "fixed", "half"]),
        ("polars_zstd.ipc", &["vector"]),
        ("polars_stream.arrow", &["vector"]),
    ];
    for (file, name) in columns.iter().flat_map(|(file, names)| names.iter().map(move |name| (file, name))) {
        let columns = Columns { embedding: Some((*name).to_owned()), ..Columns::default() };
        for first in [0, 7, 20, 33] {
            let mut reader = Reader::open(&fixture(file), &columns, &ReadLimits::default(), first).unwrap();
            let mut row = first;
            while let Some(chunk) = reader.next_chunk().unwrap() {
                let rows = chunk.parse(&columns).unwrap();
                for vector in rows.vectors.as_ref().unwrap().rows() {
                    let bad = rows.bad.iter().any(|bad| bad.row == row && bad.reason.contains("null"));
                    assert_eq!(bad, row % 10 == 3, "{file}: {name}, row {row}");
                    let i = row as f32;
                    let whole = [i, i / 2.0, -i];
                    assert_eq!(vector, if bad { &[][..] } else { &whole[..] }, "{file}: {name}, row {row}");
                    row += 1;
                }
            }
            assert_eq!(row, 50, "{file}: {name}");
        }
    }
}

#[test]
fn kept_files_have_the_same_layout_schema_metadata_codec_and_values() {
    for name in FIXTURES.into_iter().chain(["replaced.arrow", "no_rows.arrow"]) {
        let file = fixture(name);
        let before = table(&file.path);
        let whole = concat_batches(&before.schema, &before.batches).unwrap();
        for modulus in [1, 3, 60] {
            let mut keep = |row: u64| row % modulus == modulus - 1;
            let folder = TempDir::new().unwrap();
            let destination = folder.path().join("kept.arrow");
            let written = write_kept(&file, &ReadLimits::default(), &destination, &mut keep).unwrap();
            let after = table(&destination);
            assert_eq!(after.schema, before.schema, "{name}");
            assert_eq!(after.schema.metadata(), before.schema.metadata(), "{name}");
            assert_eq!((after.is_stream, &after.footer), (before.is_stream, &before.footer), "{name}");
            let mask: BooleanArray = (0..whole.num_rows() as u64).map(|row| Some(keep(row))).collect();
            let kept = concat_batches(&after.schema, &after.batches).unwrap();
            assert_eq!(kept, filter_record_batch(&whole, &mask).unwrap(), "{name}, {modulus}");
            assert_eq!(written, kept.num_rows() as u64);
            if modulus == 1 {
                assert_eq!(after.codec, before.codec, "{name}");
                let rows =
                    |table: &Table| table.batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
                assert_eq!(rows(&after), rows(&before), "{name}");
            }
        }
    }
}

#[test]
fn the_same_rows_are_written_as_the_same_bytes() {
    for name in FIXTURES {
        let folder = TempDir::new().unwrap();
        let write = |to: &str| {
            let destination = folder.path().join(to);
            write_kept(&fixture(name), &ReadLimits::default(), &destination, &mut |row| row % 2 == 0)
                .unwrap();
            std::fs::read(destination).unwrap()
        };
        assert_eq!(write("a"), write("b"), "{name}");
    }
}

#[test]
fn views_do_not_carry_the_bytes_of_rows_that_went() {
    let texts = StringViewArray::from_iter_values((0..1000).map(|row| format!("{row:04}").repeat(100)));
    let (_folder, file) =
        written(&RecordBatch::try_from_iter([("text", Arc::new(texts) as _)]).unwrap(), None);
    let kept = file.path.with_file_name("kept.arrow");
    write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row < 10).unwrap();
    assert!(std::fs::metadata(&kept).unwrap().len() < 10_000);
    assert_eq!(read(&find(&kept), &text_column("text")).unwrap().texts().len(), 10);
}

#[test]
fn feather_of_version_1_is_refused_with_a_way_out() {
    let error = resolve_one(&fixture("version_1.feather"), &choice(None, None)).unwrap_err();
    assert!(error.to_string().contains("Feather version 1 is not read, only version 2"), "{error}");
    assert!(error.hint_text().unwrap().contains("write_feather"));
}

#[test]
fn a_file_without_rows_has_none_but_columns() {
    let file = fixture("no_rows.arrow");
    let columns = resolve_one(&file, &choice(None, Some("id"))).unwrap();
    assert_eq!(read(&file, &columns).unwrap().texts.len(), 0);
    assert_eq!(count_rows(&file, &ReadLimits::default()).unwrap(), 0);
    let error = resolve_one(&file, &choice(Some("body"), None)).unwrap_err().to_string();
    assert!(
        error.contains("no column `body`; columns are id (a string), text (a string), meta.url (a string)"),
        "{error}"
    );
}

/// Returns a file of one batch.
fn written(batch: &RecordBatch, codec: Option<CompressionType>) -> (TempDir, InputFile) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.arrow");
    let options = IpcWriteOptions::default().try_with_compression(codec).unwrap();
    let mut writer =
        FileWriter::try_new_with_options(File::create(&path).unwrap(), &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    let file = find(&path);
    (folder, file)
}

fn one_column(rows: usize) -> RecordBatch {
    let texts = StringArray::from_iter_values((0..rows).map(|row| format!("text of row {row}")));
    RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap()
}

#[test]
fn a_large_batch_is_handed_out_in_small_chunks() {
    let (_folder, file) = written(&one_column(100_000), Some(CompressionType::ZSTD));
    let columns = text_column("text");
    for first in [0, 1, 2048, 54_321, 99_999] {
        let mut reader = Reader::open(&file, &columns, &ReadLimits::default(), first).unwrap();
        let mut row = first;
        while let Some(chunk) = reader.next_chunk().unwrap() {
            assert_eq!(chunk.first_row(), row);
            assert!(chunk.rows() <= 2048);
            let texts = chunk.parse(&columns).unwrap().texts;
            assert_eq!(texts.value(0), format!("text of row {row}"));
            row += chunk.rows() as u64;
        }
        assert_eq!(row, 100_000);
    }
}

#[test]
fn a_truncated_file_or_stream_is_an_error_that_names_it() {
    let folder = TempDir::new().unwrap();
    let batch = one_column(10);
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    let stream = stream.into_inner().unwrap();
    let (_file_folder, file) = written(&batch, None);
    for (bytes, end) in [(std::fs::read(&file.path).unwrap(), 0), (stream, 8)] {
        for length in 0..bytes.len() - end {
            let path = folder.path().join("cut.arrow");
            std::fs::write(&path, &bytes[..length]).unwrap();
            let Err(error) = read(&find(&path), &text_column("text")) else {
                // A stream may end between two messages, without a mark of the end.
                assert!(end == 8 && count_rows(&find(&path), &ReadLimits::default()).unwrap() == 0);
                continue;
            };
            let error = error.to_string();
            assert!(error.contains("cut.arrow: row 0: the Arrow data cannot be read: "), "{length}: {error}");
            assert!(!error.contains('\n'));
        }
    }
}

#[test]
fn what_follows_the_end_of_a_stream_is_an_error_and_not_forgotten() {
    let whole = std::fs::read(fixture("deltas.arrow").path).unwrap();
    let input = raw_input("two.arrow", &[&whole[..], &whole[..]].concat());
    let error = read(&input.file, &text_column("text")).unwrap_err().to_string();
    assert!(
        error.contains(&format!(
            "row 50: the Arrow data cannot be read: Ipc error: {} bytes follow",
            whole.len()
        )),
        "{error}"
    );
    assert!(write(&input, &mut |_| true).is_err());
}

/// Changes some bytes of a file of one batch.
fn tampered(codec: Option<CompressionType>, change: impl Fn(&mut Vec<u8>, usize, usize)) -> String {
    let (folder, file) = written(&one_column(1000), codec);
    let mut bytes = std::fs::read(&file.path).unwrap();
    let trailer = bytes.len() - 10;
    let length = read_footer_length(bytes[trailer..].try_into().unwrap()).unwrap();
    let footer = bytes[trailer - length..trailer].to_vec();
    let footer = root_as_footer(&footer).unwrap();
    let block = footer.recordBatches().unwrap().get(0);
    let body = block.offset() as usize + block.metaDataLength() as usize;
    let pattern: Vec<u8> =
        [block.offset().to_le_bytes(), (i64::from(block.metaDataLength())).to_le_bytes()].concat();
    let place = trailer - length
        + bytes[trailer - length..trailer].windows(12).position(|found| found == &pattern[..12]).unwrap();
    change(&mut bytes, body, place);
    let path = folder.path().join("lies.arrow");
    std::fs::write(&path, bytes).unwrap();
    read(&find(&path), &text_column("text")).unwrap_err().to_string()
}

#[test]
fn lengths_that_lie_are_refused_before_anything_is_reserved() {
    let huge = i64::MAX - 7;
    for codec in [CompressionType::ZSTD, CompressionType::LZ4_FRAME] {
        let error = tampered(Some(codec), |bytes, body, _| {
            // The first buffer (validity) is empty, so the body begins with the offsets.
            bytes[body..body + 8].copy_from_slice(&(1i64 << 45).to_le_bytes());
        });
        assert!(error.contains("claims to hold 3518437"), "{error}");
    }
    // The footer locates the batch by its offset, the length of its header and the length of its
    // body.
    for (at, value) in [(0, huge), (0, -8), (16, huge), (16, -8), (16, 1 << 40)] {
        let error = tampered(None, |bytes, _, block| {
            bytes[block + at..block + at + 8].copy_from_slice(&value.to_le_bytes());
        });
        assert!(error.contains("a block lies outside the file"), "{at}, {value}: {error}");
    }
    let error = tampered(None, |bytes, _, _| {
        let end = bytes.len() - 10;
        bytes[end..end + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    });
    assert!(error.contains("the footer is longer than the file"), "{error}");
}

#[test]
fn offsets_that_lie_are_refused() {
    let error = tampered(None, |bytes, body, _| {
        bytes[body + 400..body + 404].copy_from_slice(&i32::MAX.to_le_bytes());
    });
    assert!(error.contains("lies.arrow: row 0: the Arrow data cannot be read: "), "{error}");
}

#[test]
fn rows_of_nothing_are_refused_where_there_are_too_many() {
    let schema = Arc::new(Schema::new(vec![Field::new("embedding", DataType::Null, true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(NullArray::new(1 << 40))]).unwrap();
    let (_folder, file) = written(&batch, None);
    let columns = Columns { embedding: Some("embedding".to_owned()), ..Columns::default() };
    let error = read(&file, &columns).unwrap_err().to_string();
    assert!(error.contains("a batch of 0 bytes claims 1099511627776 rows"), "{error}");
}
