//! Errors for Arrow data that cannot be read, and protection from libraries that panic on such
//! data.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use crate::error::{Error, Result};
use crate::foreign;
use crate::storage::recent_fault;

/// Makes the error of a format for data that cannot be read, at the row that was reached.
pub(crate) type Damaged = fn(&Path, u64, &dyn Display) -> Error;

/// Runs one step of a library that panics on some damaged files where it should return an error. A
/// panic becomes the error that `damaged` makes.
pub(crate) fn catch_panics<T>(
    damaged: Damaged,
    path: &Path,
    row: u64,
    step: impl FnOnce() -> Result<T>,
) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let cause = panic.downcast_ref::<String>().map(String::as_str);
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it makes no sense");
        Err(damaged(path, row, &cause))
    })
}

/// The error for an Arrow file that cannot be read, at the row that was reached.
pub(crate) fn damaged(path: &Path, row: u64, cause: &dyn Display) -> Error {
    if let Some(fault) = recent_fault(path) {
        return fault;
    }
    if row == 0
        && let Some(error) = foreign::named_by_content(path)
    {
        return error;
    }
    let cause = cause.to_string().replace('\n', " ");
    Error::input(path, format!("row {row}: the Arrow data cannot be read: {cause}"))
        .hint("the file is truncated, damaged or not Arrow IPC; copy or write it again")
}

/// Runs one step of the Arrow library, which panics on some damaged files.
pub(crate) fn guarded<T>(path: &Path, row: u64, step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_panics(damaged, path, row, step)
}
