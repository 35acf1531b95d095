//! The last resort: a fault of the program itself becomes one error line like any other, never a trace.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use semdedup::{Error, Result};

/// What the last panic said. The library catches those of damaged Parquet files and makes errors of them, so a panic
/// by itself is nothing to print.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs the program; a panic that nobody caught is an error that says where it came from.
pub fn watched<T>(program: impl FnOnce() -> Result<T>) -> Result<T> {
    set_hook(Box::new(|panic| {
        let said = panic.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }));
    catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let said = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Error::usage(format!("semdedup has a fault: {said}")).hint(
            "please report it with this line; the input is untouched and the same command line resumes",
        ))
    })
}
