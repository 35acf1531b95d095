//! Reads the strings of Parquet as bytes ([`crate::formats::arrow::strings`]).
//!
//! The library checks a column by its annotation, so the bytes are read without one.

use std::sync::Arc;

use arrow_schema::{DataType, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type;
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaData;

use crate::formats::arrow::strings::{as_bytes as schema_as_bytes, bytes_type};
use crate::formats::parquet::schema_like::{with_leaves, with_schema};

/// Returns the metadata with which a file of the columns of `schema` is read as these columns, with
/// bytes instead of strings.
pub(crate) fn as_bytes(metadata: &ArrowReaderMetadata, schema: &Schema) -> Result<ArrowReaderMetadata> {
    let file = metadata.metadata().file_metadata();
    let mut are_strings = Vec::new();
    schema.fields().iter().for_each(|field| add_leaves(field.data_type(), &mut are_strings));
    let is_known = are_strings.len() == file.schema_descr().num_columns();
    let (changed, schema) = match is_known && are_strings.contains(&true) {
        true => (without_annotations(metadata, &are_strings)?, schema_as_bytes(schema)),
        false if schema == &**metadata.schema() => return Ok(metadata.clone()),
        false => (metadata.metadata().clone(), Arc::new(schema.clone())),
    };
    ArrowReaderMetadata::try_new(changed, ArrowReaderOptions::new().with_schema(schema))
}

/// Says for each leaf of a type, in the order of Parquet, whether it is of strings that are read as
/// bytes.
fn add_leaves(kind: &DataType, are_strings: &mut Vec<bool>) {
    match kind {
        DataType::Struct(fields) => {
            fields.iter().for_each(|field| add_leaves(field.data_type(), are_strings))
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => add_leaves(item.data_type(), are_strings),
        kind => are_strings.push(bytes_type(kind).is_some()),
    }
}

/// Returns the metadata of a file without the annotations of these leaves.
fn without_annotations(metadata: &ArrowReaderMetadata, are_strings: &[bool]) -> Result<Arc<ParquetMetaData>> {
    let whole = metadata.metadata();
    let bytes = |leaf: usize, _: &_| are_strings[leaf].then_some(Type::BYTE_ARRAY);
    let schema = with_leaves(whole.file_metadata().schema_descr(), &bytes)?;
    Ok(Arc::new(with_schema(whole, schema)))
}
