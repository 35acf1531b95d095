//! Large, truncated and damaged Arrow files: small chunks, and errors instead of trusted lengths.

use std::fs::File;
use std::sync::Arc;

use arrow_array::*;
use arrow_ipc::reader::read_footer_length;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, root_as_footer};
use arrow_schema::{DataType, Field, Schema};
use semdedup::formats::{Columns, InputFile, ReadLimits, Reader, count_rows};
use tempfile::TempDir;

use crate::support::*;

/// Returns a file of one batch.
pub fn written(batch: &RecordBatch, codec: Option<CompressionType>) -> (TempDir, InputFile) {
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

pub fn one_column(rows: usize) -> RecordBatch {
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
