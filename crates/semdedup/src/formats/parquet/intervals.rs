//! Parquet INTERVALs (DuckDB writes them): months, days and milliseconds in twelve bytes.
//!
//! Arrow's reader converts them to days and milliseconds and drops the months. To be written back
//! unchanged, they are read as their twelve bytes; the kept file has the source's own schema, which
//! gives the bytes their meaning. INT96 times are read as bytes for the same reason
//! ([`crate::formats::parquet::int96`]).

use std::sync::Arc;

use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{ConvertedType, Type};
use parquet::errors::Result;

use crate::formats::parquet::schema_like::{is_int96, with_leaves, with_schema};

/// Returns the metadata of the file with intervals and INT96 times as bytes; nothing else changes.
pub(crate) fn as_bytes(metadata: ArrowReaderMetadata) -> Result<ArrowReaderMetadata> {
    let file = metadata.metadata().file_metadata();
    let columns = file.schema_descr().columns();
    // With an Arrow schema, which has the kind of each interval, nothing is dropped.
    let has_kinds =
        file.key_value_metadata().into_iter().flatten().any(|pair| pair.key == ARROW_SCHEMA_META_KEY);
    let is_bytes = |leaf: usize| {
        is_int96(&columns[leaf]) || (!has_kinds && columns[leaf].converted_type() == ConvertedType::INTERVAL)
    };
    if !(0..columns.len()).any(is_bytes) {
        return Ok(metadata);
    }
    let bytes = |leaf: usize, _: &_| is_bytes(leaf).then_some(Type::FIXED_LEN_BYTE_ARRAY);
    let schema = with_leaves(file.schema_descr(), &bytes)?;
    let changed = with_schema(metadata.metadata(), schema);
    ArrowReaderMetadata::try_new(Arc::new(changed), ArrowReaderOptions::new())
}
