//! Parquet files that are encrypted, that have logical types of other versions, or offsets that
//! cannot be right.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type};
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::WriterProperties;
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
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
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
    let bytes = std::fs::read(path).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(path).unwrap()).unwrap();
    let groups = metadata.row_groups().iter().map(|group| {
        let chunks = group.columns().iter().map(|chunk| {
            assert_eq!(chunk.dictionary_page_offset(), None);
            chunk.clone().into_builder().set_dictionary_page_offset(Some(offset)).build().unwrap()
        });
        group.clone().into_builder().set_column_metadata(chunks.collect()).build().unwrap()
    });
    let changed = ParquetMetaData::new(metadata.file_metadata().clone(), groups.collect());
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &changed).finish().unwrap();
    let length = bytes[bytes.len() - 8..].first_chunk::<4>().unwrap();
    let data = bytes.len() - 8 - u32::from_le_bytes(*length) as usize;
    std::fs::write(path, [&bytes[..data], &footer].concat()).unwrap();
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
