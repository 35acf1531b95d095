//! Parquet files that are encrypted, that have logical types of other versions, or offsets that
//! cannot be right.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type};
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::FileReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use semdedup::formats::{CompareBy, ReadLimits, count_rows, rows_by, write_kept};

use crate::annotate::annotate;
use crate::support::*;
use crate::types::{leaves, open};

/// Writes a file of three rows with a UUID, a date and a text.
fn write_dated(path: &Path) {
    let schema = "message m {
        required fixed_len_byte_array(16) uuid (UUID);
        required int32 date (DATE);
        required binary text (STRING);
    }";
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    let uuids = [1, 2, 3].map(|row| FixedLenByteArray::from(vec![row; 16]));
    let texts = ["one", "two", "three"].map(ByteArray::from);
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<FixedLenByteArrayType>().write_batch(&uuids, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[1, 2, 3], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
}

/// Returns a file whose column `name` has a logical type without a meaning: 9 in place of `known`.
fn with_unknown_type(name: &str, known: u8) -> Input {
    let input = raw_input("a.parquet", b"");
    write_dated(&input.file.path);
    let mut bytes = std::fs::read(&input.file.path).unwrap();
    // The union of logical types has one field, whose number is in the upper half of a byte.
    let place = bytes.windows(name.len()).position(|part| part == name.as_bytes()).unwrap() + name.len();
    let found = bytes[place..].iter().position(|byte| *byte == known << 4 | 12).unwrap();
    assert!(found < 8, "the type of `{name}` is at byte {found} behind its name");
    bytes[place + found] = 9 << 4 | 12;
    std::fs::write(&input.file.path, bytes).unwrap();
    Input { file: find(&input.file.path), ..input }
}

const UUID: u8 = 14;

#[test]
fn bytes_of_an_unknown_logical_type_are_read() {
    let input = with_unknown_type("uuid", UUID);
    let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
    assert_eq!(read(&input.file, &columns).unwrap().texts(), ["one", "two", "three"]);
}

#[test]
fn an_encrypted_file_is_named_as_such() {
    for (name, problem) in [
        ("encrypted.parquet", "is encrypted, and encrypted Parquet is not read"),
        ("encrypted_columns.parquet", "has encrypted columns, and encrypted Parquet is not read"),
    ] {
        let file = fixture(name);
        for error in [
            resolve_one(&file, &choice(None, None)).err(),
            resolve_one(&file, &choice(Some("text"), None)).err(),
            count_rows(&file, &ReadLimits::default()).err(),
            write_kept(&file, &ReadLimits::default(), Path::new("never"), &mut |_| true).err(),
        ] {
            let error = error.unwrap();
            assert!(error.to_string().ends_with(&format!("{name}: {problem}")), "{error}");
            assert!(error.hint_text().unwrap().contains("decryption_properties"));
        }
        // Under another name too.
        let renamed = raw_input("data.txt", &std::fs::read(&file.path).unwrap());
        let error = resolve_one(&renamed.file, &choice(None, None)).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    let text = raw_input("a.txt", b"PARENTS AND CHILDREN\nPAR1 of the course\n");
    assert_eq!(read(&text.file, &text_column("text")).unwrap().texts().len(), 2);
}

/// Gives every column this offset of a dictionary.
fn with_dictionary_offset(path: &Path, offset: i64) {
    with_footer(path, |metadata| {
        let groups = metadata.row_groups().iter().map(|group| {
            let chunks = group.columns().iter().map(|chunk| {
                assert_eq!(chunk.dictionary_page_offset(), None);
                chunk.clone().into_builder().set_dictionary_page_offset(Some(offset)).build().unwrap()
            });
            group.clone().into_builder().set_column_metadata(chunks.collect()).build().unwrap()
        });
        footer_of(&ParquetMetaData::new(metadata.file_metadata().clone(), groups.collect()))
    });
}

#[test]
fn an_offset_of_a_dictionary_that_cannot_be_right_is_ignored() {
    for offset in [0, -1, 1 << 40] {
        let input = raw_input("a.parquet", b"");
        write_dated(&input.file.path);
        let before = leaves(&input.file.path);
        with_dictionary_offset(&input.file.path, offset);
        let file = find(&input.file.path);
        assert_eq!(open(&file.path).metadata().row_group(0).column(0).dictionary_page_offset(), Some(offset));
        let columns = resolve_one(&file, &choice(None, None)).unwrap();
        assert_eq!(read(&file, &columns).unwrap().texts(), ["one", "two", "three"], "{offset}");
        let kept = input.folder.path().join("kept.parquet");
        write_kept(&file, &ReadLimits::default(), &kept, &mut |_| true).unwrap();
        assert_eq!(leaves(&kept), before, "{offset}");
        assert_eq!(rows_by(std::slice::from_ref(&file), &choice(None, None)).unwrap(), CompareBy::Text);
        let annotated = annotate(&file, &ReadLimits::default(), &input).unwrap();
        assert_eq!(leaves(&annotated)[..3], before);
    }
}

/// Writes the footer of a file once more with changes.
fn with_footer(path: &Path, change: impl FnOnce(ParquetMetaData) -> Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(path).unwrap()).unwrap();
    let length = bytes[bytes.len() - 8..].first_chunk::<4>().unwrap();
    let data = bytes.len() - 8 - u32::from_le_bytes(*length) as usize;
    let footer = change(metadata);
    std::fs::write(path, [&bytes[..data], &footer].concat()).unwrap();
}

fn footer_of(metadata: &ParquetMetaData) -> Vec<u8> {
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, metadata).finish().unwrap();
    footer
}

/// Writes a file of two columns with dictionaries as `created_by` did: the sizes lack the header of
/// the dictionary.
fn without_headers(created_by: &str) -> Input {
    let input = raw_input("a.parquet", b"");
    let texts: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..60).map(|row| format!("text {}", row % 7))));
    let more: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..60).map(|row| format!("more {}", row % 5))));
    let batch = RecordBatch::try_from_iter([("text", texts), ("more", more)]).unwrap();
    let properties = WriterProperties::builder()
        .set_created_by(created_by.to_owned())
        .set_max_row_group_row_count(Some(20))
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let file = File::create(&input.file.path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    with_footer(&input.file.path, |metadata| {
        let groups = metadata.row_groups().iter().map(|group| {
            let chunks = group.columns().iter().map(|chunk| {
                let header = 13;
                let size = chunk.compressed_size() - header;
                chunk.clone().into_builder().set_total_compressed_size(size).build().unwrap()
            });
            group.clone().into_builder().set_column_metadata(chunks.collect()).build().unwrap()
        });
        footer_of(&ParquetMetaData::new(metadata.file_metadata().clone(), groups.collect()))
    });
    Input { file: find(&input.file.path), ..input }
}

#[test]
fn sizes_of_old_writers_that_lack_the_header_of_the_dictionary_are_corrected() {
    for created_by in ["parquet-mr", "parquet-mr version 1.2.8 (build 0)", "parquet-mr version 1.2.5-cdh4"] {
        let input = without_headers(created_by);
        let whole = read(&input.file, &text_column("text")).unwrap();
        assert_eq!(whole.texts(), (0..60).map(|row| format!("text {}", row % 7)).collect::<Vec<_>>());
        let kept = input.folder.path().join("kept.parquet");
        write_kept(&input.file, &ReadLimits::default(), &kept, &mut |row| row % 2 == 0).unwrap();
        let more = read(&find(&kept), &text_column("more")).unwrap();
        assert_eq!(
            more.texts(),
            (0..60).step_by(2).map(|row| format!("more {}", row % 5)).collect::<Vec<_>>()
        );
    }
    // Sizes of other writers are right or damaged.
    for created_by in ["parquet-mr version 1.2.9", "parquet-mr version 1.13.0", "parquet-cpp version 1.0.0"] {
        let input = without_headers(created_by);
        assert!(read(&input.file, &text_column("text")).is_err(), "{created_by}");
    }
}

#[test]
fn a_list_of_pages_that_dremio_stored_in_the_footer_is_passed_over() {
    let input = raw_input("a.parquet", b"");
    write_dated(&input.file.path);
    with_footer(&input.file.path, |metadata| {
        // The last column has no Bloom filter; of its length the header is written, and then a list.
        let groups = metadata.row_groups().iter().map(|group| {
            let mut chunks = group.columns().to_vec();
            let last = chunks.pop().unwrap().into_builder().set_bloom_filter_length(Some(7));
            chunks.push(last.build().unwrap());
            group.clone().into_builder().set_column_metadata(chunks).build().unwrap()
        });
        let changed = ParquetMetaData::new(metadata.file_metadata().clone(), groups.collect());
        let (plain, mut footer) = (footer_of(&metadata), footer_of(&changed));
        let number = footer.iter().zip(&plain).position(|(changed, plain)| changed != plain).unwrap();
        // An i32 of 7, behind the difference to the field before it; then the end of the struct.
        assert_eq!((footer[number] & 15, &footer[number + 1..number + 3]), (5, &[14, 0][..]));
        // A list of one struct with field 1: i32 162.
        footer[number] = footer[number] & 0xf0 | 9;
        footer.splice(number + 1..number + 2, *b"\x1c\x15\xc4\x02\0");
        let length = u32::try_from(footer.len() - 8).unwrap();
        let end = footer.len() - 8;
        footer[end..end + 4].copy_from_slice(&length.to_le_bytes());
        footer
    });
    let file = find(&input.file.path);
    let columns = resolve_one(&file, &choice(None, None)).unwrap();
    assert_eq!(read(&file, &columns).unwrap().texts(), ["one", "two", "three"]);
    let kept = input.folder.path().join("kept.parquet");
    write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row != 1).unwrap();
    assert_eq!(read(&find(&kept), &columns).unwrap().texts(), ["one", "three"]);
}

/// Row groups without rows, between others: Arrow's C++ writer gives their columns a dictionary
/// at the end of the last group and data at 0.
#[test]
fn row_groups_without_rows_have_no_wrong_offsets() {
    let file = fixture("empty_groups.parquet");
    let groups = open(&file.path).metadata().row_groups().to_vec();
    let is_odd = |group: &RowGroupMetaData| {
        let chunk = group.column(0);
        group.num_rows() == 0 && chunk.dictionary_page_offset() > Some(chunk.data_page_offset())
    };
    assert!(groups.iter().any(is_odd));
    let columns = resolve_one(&file, &choice(None, None)).unwrap();
    assert_eq!(read(&file, &columns).unwrap().texts(), ["one", "two", "three", "four"]);
    let kept = raw_input("a.parquet", b"").folder.path().join("kept.parquet");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row != 1).unwrap();
    assert_eq!(read(&find(&kept), &columns).unwrap().texts(), ["one", "three", "four"]);
}
