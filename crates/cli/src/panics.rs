//! Turns a panic that nothing else caught into an error line like any other, without a backtrace.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use semdedup::{Error, Result};

/// The message of the last panic. A panic is not printed when it happens, because the library
/// catches the panics that damaged Parquet files cause and turns them into errors.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs the program.
///
/// # Errors
/// Returns the program's own error. A panic becomes an error that names where it happened.
pub fn catch<T>(program: impl FnOnce() -> Result<T>) -> Result<T> {
    set_hook(Box::new(|panic| {
        let message = panic.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = message;
    }));
    catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let message = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Error::usage(format!("internal error: {message}")).hint(
            "please report it with this line; the input is untouched and the same command line resumes",
        ))
    })
}
