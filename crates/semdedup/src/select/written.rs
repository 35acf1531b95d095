//! Reads what a result did with each row, from its list of removed rows.

use std::collections::HashMap;
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use crate::error::{Error, Result};
use crate::score::scores_file::ScoresFile;
use crate::select::selection::Outcome;
use crate::workdir::table_file::{check_table, open_columns};

/// Returns the outcome of each row of a table of scores, by the list of the removed rows.
///
/// # Errors
/// Tables that cannot be read, or that are not of the same rows.
pub(crate) fn written_outcome(scores: &ScoresFile, removed: &Path) -> Result<Vec<Outcome>> {
    let mut outcome = Vec::with_capacity(scores.row_index.rows() as usize);
    for batch in scores.batches(&["score"])? {
        let score = batch?.column(0).clone();
        let read = |row| if score.is_null(row) { Outcome::Skipped } else { Outcome::Kept };
        outcome.extend((0..score.len()).map(read));
    }
    check_table(removed)?;
    let files = scores.row_index.files.iter().enumerate();
    let numbers: HashMap<&str, usize> = files.map(|(number, file)| (file.name.as_str(), number)).collect();
    let foreign = |row: u64| Error::input(removed, format!("row {row} of a file that the run did not read"));
    for batch in open_columns(removed, &["file", "row"])? {
        let batch = batch?;
        let (Some(files), Some(rows)) =
            (batch["file"].as_string_opt::<i32>(), batch["row"].as_primitive_opt::<UInt64Type>())
        else {
            return Err(Error::input(removed, "not a table of removed rows"));
        };
        for (file, row) in files.iter().zip(rows.values()) {
            let file = file.and_then(|file| numbers.get(file)).ok_or_else(|| foreign(*row))?;
            if *row >= scores.row_index.files[*file].rows {
                return Err(foreign(*row));
            }
            outcome[scores.row_index.number(*file, *row) as usize] = Outcome::Removed;
        }
    }
    Ok(outcome)
}
