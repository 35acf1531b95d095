//! Replaces the reader in a program that was built without it.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::row_format::RowSource;

/// The error for an Avro file in a program without the reader.
fn missing(file: &InputFile) -> Error {
    Error::input(&file.path, "this program was built without the feature `avro`")
        .hint("build it with `--features avro`, or without `--no-default-features`")
}

/// Fails, because the reader is missing.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef> {
    Err(missing(file))
}

/// Fails, because the reader is missing.
pub(crate) fn open(file: &InputFile, _: &Columns, _: u64) -> Result<Box<dyn RowSource>> {
    Err(missing(file))
}

/// Fails, because the reader is missing.
pub(crate) fn first_rows(file: &InputFile) -> Result<Option<RecordBatch>> {
    Err(missing(file))
}

/// Fails, because the reader is missing.
pub(crate) fn count_rows(file: &InputFile) -> Result<u64> {
    Err(missing(file))
}
