//! Offsets and sizes of pages that cannot be right.
//!
//! Some writers (old parquet-mr, Dremio) store an offset of 0 for a column without a dictionary.
//! Such an offset, and one behind the data, is ignored, as by Arrow's C++ reader. A column without
//! values has no pages, so that its offsets mean nothing and stay.
//!
//! parquet-mr before 1.2.9 left the header of the dictionary out of the size of a column
//! (PARQUET-816), so such a column ends where the next one begins.

use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, FileMetaData, ParquetMetaData, RowGroupMetaData};

use crate::formats::parquet::tail::tail;
use crate::storage::Blob;

/// The program of which old versions left out headers, and the first version that does not.
const PROGRAM: &str = "parquet-mr";
const FIXED: [u32; 3] = [1, 2, 9];

/// The header of a dictionary has at most this many bytes, as Arrow's C++ reader has it.
const MAX_HEADER: u64 = 100;

/// Returns the metadata of a file with the offsets and sizes that are meant.
pub(crate) fn without_wrong(
    metadata: ArrowReaderMetadata,
    path: &Path,
    blob: &Blob,
) -> Result<ArrowReaderMetadata> {
    let file = metadata.metadata().file_metadata();
    let groups = metadata.metadata().row_groups();
    let leaves_out = leaves_out_headers(file);
    if !leaves_out && !groups.iter().flat_map(RowGroupMetaData::columns).any(is_wrong) {
        return Ok(metadata);
    }
    let chunks = groups.iter().flat_map(RowGroupMetaData::columns);
    let mut starts: Vec<u64> =
        chunks.filter(|chunk| !is_wrong(chunk)).map(|chunk| chunk.byte_range().0).collect();
    if leaves_out && let Ok(Some(tail)) = tail(path, blob) {
        starts.push(tail.start);
    }
    starts.sort_unstable();
    let groups = groups.iter().map(|group| repaired(group, leaves_out.then_some(&starts)));
    let repaired = ParquetMetaData::new(file.clone(), groups.collect::<Result<_>>()?);
    ArrowReaderMetadata::try_new(Arc::new(repaired), ArrowReaderOptions::new())
}

/// Whether the program that wrote a file left out headers.
fn leaves_out_headers(file: &FileMetaData) -> bool {
    let Some(rest) = file.created_by().and_then(|writer| writer.strip_prefix(PROGRAM)) else { return false };
    // The oldest do not tell their version.
    let Some(version) = rest.strip_prefix(" version ") else { return rest.is_empty() };
    let numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse().ok());
    let numbers: Vec<u32> = numbers.take(FIXED.len()).collect();
    numbers.len() == FIXED.len() && numbers[..] < FIXED[..]
}

fn is_wrong(chunk: &ColumnChunkMetaData) -> bool {
    let is_wrong = |offset: i64| offset <= 0 || offset > chunk.data_page_offset();
    chunk.num_values() > 0 && chunk.dictionary_page_offset().is_some_and(is_wrong)
}

/// Repairs a row group. `starts` are those of all columns, and the end of the data, in their order, if
/// sizes may lack a header.
fn repaired(group: &RowGroupMetaData, starts: Option<&Vec<u64>>) -> Result<RowGroupMetaData> {
    let chunks = group.columns().iter().map(|chunk| {
        let chunk = match is_wrong(chunk) {
            true => chunk.clone().into_builder().set_dictionary_page_offset(None).build()?,
            false => chunk.clone(),
        };
        match starts.and_then(|starts| missing(&chunk, starts)) {
            Some(missing) => {
                let size = chunk.compressed_size().saturating_add_unsigned(missing);
                chunk.into_builder().set_total_compressed_size(size).build()
            }
            None => Ok(chunk),
        }
    });
    group.clone().into_builder().set_column_metadata(chunks.collect::<Result<_>>()?).build()
}

/// Returns the bytes between the end of a column and what follows it, if they can be a header.
fn missing(chunk: &ColumnChunkMetaData, starts: &[u64]) -> Option<u64> {
    let (start, length) = chunk.byte_range();
    let next = starts.get(starts.partition_point(|other| *other <= start))?;
    let missing = next.checked_sub(start.checked_add(length)?)?;
    (1..=MAX_HEADER).contains(&missing).then_some(missing)
}
