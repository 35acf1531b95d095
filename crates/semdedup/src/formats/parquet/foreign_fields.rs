//! Fields of footers that have another kind than the format says.
//!
//! Dremio stored a list of the pages of a column in a field that the format later gave to the length
//! of a Bloom filter. The library takes the list for that number, and cannot read on.

use std::path::Path;

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::formats::parquet::compact::{fields_at, kind};
use crate::formats::parquet::tail::tail;
use crate::storage::Blob;

/// `FileMetaData.row_groups`, `RowGroup.columns`, `ColumnChunk.meta_data` and
/// `ColumnMetaData.bloom_filter_length`.
const BLOOM_FILTER_LENGTH: [i16; 4] = [4, 1, 3, 15];

/// Returns the metadata of a file without such fields; none if it has none, or cannot be read
/// without them either.
pub(crate) fn without_foreign(path: &Path, blob: &Blob) -> Option<ParquetMetaData> {
    let mut footer = tail(path, blob).ok()??.footer;
    let found = fields_at(&footer, &BLOOM_FILTER_LENGTH)?;
    let mut lists: Vec<_> = found.into_iter().filter(|field| field.kind == kind::LIST).collect();
    // The number of a field counts from the one before it, so one in the middle cannot be cut out.
    lists.retain(|field| footer.get(field.range.end) == Some(&kind::STOP));
    if lists.is_empty() {
        return None;
    }
    for field in lists.into_iter().rev() {
        footer.drain(field.range);
    }
    ParquetMetaDataReader::decode_metadata(&footer).ok()
}
