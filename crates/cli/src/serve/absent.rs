//! What stands in for the server in a program that was built without it.

use semdedup::{Error, Result};

use crate::args::serve::ServeArgs;
use crate::output_mode::OutputMode;

/// Serves nothing.
///
/// # Errors
/// Always: the feature is missing.
pub fn serve(_: &ServeArgs, _: OutputMode) -> Result<()> {
    Err(Error::usage("this program was built without the feature `server`")
        .hint("build it with `--features server`, or without `--no-default-features`"))
}
