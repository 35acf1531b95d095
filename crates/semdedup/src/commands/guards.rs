//! Refuses outputs that would overwrite an input or a foreign file.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::{canonical_url, exists, is_file, is_url};

/// Fails if the output is one of the inputs: an input is never replaced, whatever the options.
pub(crate) fn check_not_input<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let real = |path: &Path| match is_url(path) {
        true => Some(canonical_url(path)),
        false => fs_err::canonicalize(path).ok(),
    };
    let Some(there) = real(out) else { return Ok(()) };
    match inputs.into_iter().find(|input| real(input).is_some_and(|input| input == there)) {
        Some(_) => Err(Error::output(out, "this is one of the inputs").hint("name another --out")),
        None => Ok(()),
    }
}

/// Fails if there is a file where the output folder should be.
pub(crate) fn check_folder(out: &Path) -> Result<()> {
    if is_file(out)? {
        return Err(Error::output(out, "this is a file, the results need a folder")
            .hint("name a new folder with --out"));
    }
    Ok(())
}

/// Fails if a file exists already and the user did not ask to overwrite it.
pub(crate) fn check_free(path: &Path, overwrite: bool) -> Result<()> {
    if !overwrite && exists(path)? {
        return Err(
            Error::output(path, "exists already").hint("--overwrite replaces it; or name another --out")
        );
    }
    Ok(())
}
