//! Offsets of dictionary pages that cannot be right.
//!
//! Some writers (old parquet-mr, Dremio) store an offset of 0 for a column without a dictionary.
//! Such an offset, and one behind the data, is ignored, as by Arrow's C++ reader. A column without
//! values has no pages, so that its offsets mean nothing and stay.

use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

/// Returns the metadata of a file without the offsets that are ignored.
pub(crate) fn without_wrong(metadata: ArrowReaderMetadata) -> Result<ArrowReaderMetadata> {
    let groups = metadata.metadata().row_groups();
    if !groups.iter().flat_map(RowGroupMetaData::columns).any(is_wrong) {
        return Ok(metadata);
    }
    let groups = groups.iter().map(repaired).collect::<Result<_>>()?;
    let repaired = ParquetMetaData::new(metadata.metadata().file_metadata().clone(), groups);
    ArrowReaderMetadata::try_new(Arc::new(repaired), ArrowReaderOptions::new())
}

fn is_wrong(chunk: &ColumnChunkMetaData) -> bool {
    let is_wrong = |offset: i64| offset <= 0 || offset > chunk.data_page_offset();
    chunk.num_values() > 0 && chunk.dictionary_page_offset().is_some_and(is_wrong)
}

fn repaired(group: &RowGroupMetaData) -> Result<RowGroupMetaData> {
    let chunks = group.columns().iter().map(|chunk| match is_wrong(chunk) {
        true => chunk.clone().into_builder().set_dictionary_page_offset(None).build(),
        false => Ok(chunk.clone()),
    });
    group.clone().into_builder().set_column_metadata(chunks.collect::<Result<_>>()?).build()
}
