//! Opens Parquet files, and guards the steps of the library that reads them.

use std::path::Path;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::error::{Error, Result};
use crate::formats::arrow::batches;
use crate::formats::file::InputFile;
use crate::storage::{Blob, recent_fault};

/// The error for a Parquet file that cannot be read, at the row that was reached.
pub(crate) fn damaged(path: &Path, row: u64, cause: &dyn std::fmt::Display) -> Error {
    if let Some(fault) = recent_fault(path) {
        return fault;
    }
    let cause = cause.to_string().replace('\n', " ");
    Error::input(path, format!("row {row}: the Parquet data cannot be read: {cause}"))
        .hint("the file is truncated, damaged or not Parquet; copy or write it again")
}

/// Runs one step of the Parquet library, which panics on some damaged files where it should give an error.
pub(crate) fn guarded<T>(path: &Path, row: u64, step: impl FnOnce() -> Result<T>) -> Result<T> {
    batches::guarded(damaged, (path, row), step)
}

/// The file's footer, and the file.
pub(crate) fn footer(file: &InputFile) -> Result<(Blob, ArrowReaderMetadata)> {
    let path = &file.path;
    let handle = Blob::open(path)?;
    let metadata = guarded(path, 0, || {
        ArrowReaderMetadata::load(&handle, ArrowReaderOptions::new())
            .map_err(|error| damaged(path, 0, &error))
    })?;
    Ok((handle, metadata))
}
