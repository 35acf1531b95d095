//! Checks that every row has an id, and that no two rows have the same.

use std::collections::{BTreeMap, HashSet};

use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, ErrorKind, Result};
use crate::formats::arrow::display::printable;
use crate::formats::{Columns, IdPart, Reader, unify_ids};
use crate::input::find::Input;
use crate::workdir::row_index::{FileRows, RowIndex};

/// Reads the ids of all rows and checks them, before a model works for hours on rows whose ids are
/// of no use. Images are not read: a row with a broken image has an id too.
///
/// # Errors
/// Fails if a row has no id, if two rows have the same, and if the input cannot be read.
pub(super) fn check_ids(input: &Input) -> Result<()> {
    if !input.has_ids() {
        return Ok(());
    }
    let (mut parts, mut skipped, mut files, mut rows) = (Vec::new(), HashSet::new(), Vec::new(), 0);
    for (number, file) in input.files.iter().enumerate() {
        let columns = Columns { image: None, ..input.columns_to_embed(number) };
        let mut reader = Reader::open(file, &columns, &input.limits, 0)?;
        let before = rows;
        while let Some(chunk) = reader.next_chunk()? {
            let parsed = chunk.parse(&columns)?;
            skipped.extend(parsed.bad.iter().map(|bad| before + bad.row));
            parts.extend(parsed.ids.map(|values| IdPart { source: chunk.id_source(), values }));
            rows += chunk.rows() as u64;
        }
        files.push(FileRows { name: file.name.clone(), rows: rows - before });
    }
    let ids = unify_ids(parts)?;
    // Folders of files need no id column: their rows are called by their files.
    if ids.len() as u64 != rows { Ok(()) } else { check_unique(&ids, &skipped, &RowIndex::new(files)) }
}

/// Fails if two rows have the same id, or if a row has none. A user who deletes rows by id might
/// delete the row that stays. The ids are sorted by their hashes; only ids of equal hash are
/// compared.
pub(super) fn check_unique(ids: &ArrayRef, skipped: &HashSet<u64>, row_index: &RowIndex) -> Result<()> {
    let options = FormatOptions::default();
    let printed = printable(ids);
    let format =
        ArrayFormatter::try_new(&printed, &options).map_err(|error| Error::usage(error.to_string()))?;
    let place = |row: usize| row_index.name(row as u64);
    let mut by_hash = Vec::with_capacity(ids.len());
    for row in (0..ids.len()).filter(|&row| !skipped.contains(&(row as u64))) {
        if ids.is_null(row) {
            let problem = format!("row {} has no id", place(row));
            return Err(Error::new(ErrorKind::Input, problem).hint(NO_ID_HINT));
        }
        by_hash.push((xxh3_64(format.value(row).to_string().as_bytes()), row));
    }
    by_hash.sort_unstable();
    for same_hash in by_hash.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        let mut seen = BTreeMap::new();
        for &(_, row) in same_hash {
            let id = format.value(row).to_string();
            if let Some(first) = seen.insert(id.clone(), row) {
                let problem = format!("id {id} names two rows: {} and {}", place(first), place(row));
                return Err(Error::new(ErrorKind::Input, problem).hint(UNIQUE_HINT));
            }
        }
    }
    Ok(())
}

const NO_ID_HINT: &str =
    "name another --id-column, or leave it out: rows are then named by file and row number";

const UNIQUE_HINT: &str = "name a column that is unique, or leave out --id-column: rows are then named by file \
     and row number";
