//! Reads something of some rows again, such as their texts, after they were embedded.

use rayon::prelude::*;

use crate::error::Result;
use crate::formats::{Columns, InputFile, ReadLimits, check_unchanged};
use crate::input::find::Input;
use crate::workdir::row_index::{RowIndex, RowLocation};

/// Reads something of some rows of a file, given in ascending order.
pub(crate) type ReadRows<'a, T> =
    dyn Fn(&InputFile, &Columns, &ReadLimits, &[u64]) -> Result<Vec<Option<T>>> + Sync + 'a;

/// Reads something of rows, several files at once, and returns it in the order of `rows`.
///
/// # Errors
/// Input that is not there any more, or has changed.
pub(crate) fn read_rows<T: Clone + Send>(
    input: &Input,
    row_index: &RowIndex,
    rows: &[u64],
    read: &ReadRows<T>,
) -> Result<Vec<Option<T>>> {
    let mut wanted = rows.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let values = read_ascending(input, row_index, &wanted, read)?;
    let value = |row: &u64| wanted.binary_search(row).ok().and_then(|place| values[place].clone());
    Ok(rows.iter().map(value).collect())
}

/// Reads something of rows that are given in ascending order, each once, as [`read_rows`] does.
/// Beside the result it takes 8 bytes of memory for each row.
///
/// # Errors
/// As [`read_rows`].
pub(crate) fn read_ascending<T: Send>(
    input: &Input,
    row_index: &RowIndex,
    rows: &[u64],
    read: &ReadRows<T>,
) -> Result<Vec<Option<T>>> {
    let in_one_file = |one: &u64, next: &u64| row_index.locate(*one).file == row_index.locate(*next).file;
    let by_file: Vec<&[u64]> = rows.chunk_by(in_one_file).collect();
    let read_file = |rows: &&[u64]| {
        let RowLocation { file, .. } = row_index.locate(rows[0]);
        check_unchanged(&input.files[file])?;
        let wanted: Vec<u64> = rows.iter().map(|row| row_index.locate(*row).row).collect();
        read(&input.files[file], &input.columns[file], &input.limits, &wanted)
    };
    let read: Vec<Result<_>> = by_file.par_iter().map(read_file).collect();
    let mut values = Vec::new();
    // Of several errors the first counts, whatever the threads do.
    for (rows, read) in by_file.into_iter().zip(read) {
        let end = values.len() + rows.len();
        values.append(&mut read?);
        values.resize_with(end, || None);
    }
    Ok(values)
}
