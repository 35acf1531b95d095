//! Finds rows by their ids, and the ids of rows, without holding the ids of all rows.

use std::collections::{BTreeSet, HashMap};

use crate::calibrate::table_values::each_printed;
use crate::error::{Error, Result};
use crate::inspect::finished_run::FinishedRun;

/// The row of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOfId {
    /// No row has the id.
    Unknown,
    One(u64),
    /// Several rows have the id, such as 1 and "1" in two files.
    Several,
}

/// Reads the ids of all rows in order, as `show` prints them; `None` for a row that has none.
fn each_id(run: &FinishedRun, take: &mut dyn FnMut(u64, Option<&str>)) -> Result<()> {
    let mut row = 0;
    for batch in run.scores.batches(&["id"])? {
        let batch = batch?;
        let mut next = |id: Option<&str>| {
            take(row, id);
            row += 1;
        };
        each_printed(batch.column(0), &mut next).map_err(|error| Error::input(&run.scores.path, error))?;
    }
    Ok(())
}

/// Finds the rows of ids.
pub(crate) fn rows_of<'a>(
    run: &FinishedRun,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<&'a str, RowOfId>> {
    let mut rows: HashMap<&str, RowOfId> = ids.map(|id| (id, RowOfId::Unknown)).collect();
    each_id(run, &mut |row, id| {
        if let Some(found) = id.and_then(|id| rows.get_mut(id)) {
            *found = match found {
                RowOfId::Unknown => RowOfId::One(row),
                RowOfId::One(_) | RowOfId::Several => RowOfId::Several,
            };
        }
    })?;
    Ok(rows)
}

/// Finds the ids of rows.
pub(crate) fn ids_of(run: &FinishedRun, rows: &BTreeSet<u64>) -> Result<HashMap<u64, String>> {
    let mut ids = HashMap::with_capacity(rows.len());
    each_id(run, &mut |row, id| {
        if rows.contains(&row) {
            ids.insert(row, id.unwrap_or_default().to_owned());
        }
    })?;
    Ok(ids)
}
