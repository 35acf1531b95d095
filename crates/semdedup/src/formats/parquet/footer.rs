//! Opens Parquet files, and guards the steps of the library that reads them.

use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::error::{Error, Result};
use crate::foreign;
use crate::formats::arrow::guard::catch_panics;
use crate::formats::file::InputFile;
use crate::formats::parquet::foreign_fields::without_foreign;
use crate::formats::parquet::{encryption, offsets, unknown};
use crate::storage::{Blob, recent_fault};

/// The error for a Parquet file that cannot be read, at the row that was reached.
pub(crate) fn damaged(path: &Path, row: u64, cause: &dyn std::fmt::Display) -> Error {
    if let Some(fault) = recent_fault(path) {
        return fault;
    }
    if row == 0
        && let Some(error) = foreign::named_by_content(path)
    {
        return error;
    }
    let cause = cause.to_string().replace('\n', " ");
    // Of a file with a plain footer only this message says that the rest is encrypted.
    if cause.contains("ncrypt") {
        return Error::input(path, format!("is encrypted Parquet: {cause}"))
            .hint("write it without encryption, with the program that has its keys");
    }
    Error::input(path, format!("row {row}: the Parquet data cannot be read: {cause}"))
        .hint("the file is truncated, damaged or not Parquet; copy or write it again")
}

/// Runs one step of the Parquet library, which panics on some damaged files.
pub(crate) fn guarded<T>(path: &Path, row: u64, step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_panics(damaged, path, row, step)
}

/// An open Parquet file.
pub(crate) struct OpenParquet {
    pub blob: Blob,
    /// The footer.
    pub metadata: ArrowReaderMetadata,
}

/// Opens a file and reads its footer.
///
/// # Errors
/// A damaged footer; a file that is encrypted; a type that is not known.
pub(crate) fn footer(file: &InputFile) -> Result<OpenParquet> {
    let path = &file.path;
    let blob = Blob::open(path)?;
    encryption::check(path, &blob)?;
    let metadata = guarded(path, 0, || {
        let loaded = ArrowReaderMetadata::load(&blob, ArrowReaderOptions::new());
        let loaded = loaded.or_else(|error| match without_foreign(path, &blob) {
            Some(metadata) => ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()),
            None => Err(error),
        });
        let repaired = loaded.and_then(|metadata| offsets::without_wrong(metadata, path, &blob));
        repaired.map_err(|error| unknown::reason(path, &blob).unwrap_or_else(|| damaged(path, 0, &error)))
    })?;
    Ok(OpenParquet { blob, metadata })
}
