//! Writes a file back without its removed rows, and otherwise unchanged.

use std::path::Path;

use crate::error::Result;
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::unchanged::check_unchanged;

/// Writes the rows of `file` that `keep` picks to `destination`, which it replaces, and returns how
/// many there are.
///
/// `keep` is called once for each row number, in order, and must return false for bad rows. Format,
/// compression, order, columns and schema stay the same. Records of JSONL, CSV and text are copied
/// byte for byte, and so are the bytes between them (byte order mark, header, blank lines). The
/// file is on the disk when this returns.
///
/// # Errors
/// A file that changed since it was found, damaged data, a destination that cannot be written, a
/// kept row over the limit.
pub fn write_kept(
    file: &InputFile,
    limits: &ReadLimits,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    try_write_kept(file, limits, destination, &mut |row| Ok(keep(row)))
}

/// Writes the kept rows as [`write_kept`] does, and fails where `keep` fails.
pub(crate) fn try_write_kept(
    file: &InputFile,
    limits: &ReadLimits,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    check_unchanged(file)?;
    let written = file.format.rows().write_kept(file, limits, destination, keep)?;
    check_unchanged(file)?;
    Ok(written)
}

/// Fails where the kept rows of a file cannot be written in its own format.
///
/// # Errors
/// A file of embeddings other than `.npy`; a format that is only read.
pub(crate) fn check_kept(file: &InputFile) -> Result<()> {
    file.format.rows().check_kept(file)
}
