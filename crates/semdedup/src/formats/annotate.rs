//! Writes all rows of a file with columns added. The rest stays unchanged, byte for byte where the
//! format consists of bytes.
//!
//! Only formats with columns can be annotated. A bad row gets no values (null, or an empty field).
//! A line of JSONL or an element of a list that is not an object cannot take any and is copied as
//! it is.

use std::path::Path;

use crate::error::Result;
use crate::formats::added_columns::{AddedColumns, taken};
use crate::formats::choose::table::names_of;
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::row_format::no_columns;
use crate::formats::text::columns::names;
use crate::formats::unchanged::check_unchanged;

/// Fails where columns of these names cannot be added to a file, as far as the beginning of the
/// file tells.
///
/// # Errors
/// A format without columns; a column of the same name; a file that cannot be written back.
pub(crate) fn check_annotated(file: &InputFile, added: &[String]) -> Result<()> {
    if !file.format.rows().can_annotate() {
        return Err(no_columns(file));
    }
    file.format.rows().check_kept(file)?;
    // What a file of text may be was settled before.
    let there = if file.format.rows().is_text() { names(file)? } else { names_of(file)? };
    let Some(there) = there else { return Err(no_columns(file)) };
    match added.iter().find(|name| there.contains(name)) {
        Some(name) => Err(taken(file, name, None)),
        None => Ok(()),
    }
}

/// Writes all rows of `file` with the added columns to `destination`, which it replaces, and
/// returns how many rows there are.
///
/// Format, compression, order and the other columns stay the same. The file is on the disk when
/// this returns.
///
/// # Errors
/// A file that changed since it was found, damaged data, a column of the same name, a row over the
/// limit, a destination that cannot be written.
pub fn write_annotated(
    file: &InputFile,
    limits: &ReadLimits,
    destination: &Path,
    added: &mut AddedColumns,
) -> Result<u64> {
    check_unchanged(file)?;
    let written = file.format.rows().annotate(file, limits, destination, added)?;
    check_unchanged(file)?;
    Ok(written)
}
