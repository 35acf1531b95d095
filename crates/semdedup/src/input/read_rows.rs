//! Reads something of some rows again, such as their texts, after they were embedded.

use std::collections::{BTreeMap, BTreeSet};

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
    let mut by_file: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for &row in rows {
        let RowLocation { file, row } = row_index.locate(row);
        by_file.entry(file).or_default().insert(row);
    }
    let read_file = |(&file, wanted): (&usize, &BTreeSet<u64>)| {
        check_unchanged(&input.files[file])?;
        let wanted: Vec<u64> = wanted.iter().copied().collect();
        let values = read(&input.files[file], &input.columns[file], &input.limits, &wanted)?;
        Ok(wanted.into_iter().zip(values).map(|(row, value)| ((file, row), value)).collect::<Vec<_>>())
    };
    let read: Vec<Result<_>> = by_file.par_iter().map(read_file).collect();
    // Of several errors the first counts, whatever the threads do.
    let read: Vec<_> = read.into_iter().collect::<Result<_>>()?;
    let values: BTreeMap<(usize, u64), Option<T>> = read.into_iter().flatten().collect();
    let value = |&row: &u64| {
        let RowLocation { file, row } = row_index.locate(row);
        values.get(&(file, row)).cloned().flatten()
    };
    Ok(rows.iter().map(value).collect())
}
