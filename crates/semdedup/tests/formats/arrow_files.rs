//! Arrow IPC files and streams of other programs are read, and written back the same.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::*;
use arrow_ipc::reader::{FileReader, StreamReader, read_footer_length};
use arrow_ipc::{CompressionType, root_as_footer, root_as_message};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use semdedup::formats::{Columns, ReadLimits, Reader, count_rows, read_texts, write_kept};
use tempfile::TempDir;

use crate::arrow_damage::written;
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
