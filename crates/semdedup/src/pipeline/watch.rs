//! Warns of values of watched columns that lose nearly all of their rows.

use crate::error::{Error, ErrorKind, Result};
use crate::input::find::Input;
use crate::input::groups::{GroupBy, RowGroups};
use crate::options::RunOptions;
use crate::score::scores_file::ScoresFile;
use crate::select::selection::Outcome;
use crate::select::written::written_outcome;
use crate::shares::{Share, WatchedLoss};
use crate::warning::Warning;
use crate::workdir::row_index::RowIndex;

/// The fewest rows of a value that is judged.
const FEWEST_ROWS: u64 = 20;

/// A warning names a value that loses more than this share of its rows.
const NEARLY_ALL: f64 = 0.95;

/// What a value is called that rows do not have.
const NO_VALUE: &str = "(none)";

/// Fails, before any work, if a watched column is not in the input: if a file has no such column, or if
/// the first rows of every file have no value in it.
pub(crate) fn check_watched(input: &Input, columns: &[String]) -> Result<()> {
    for column in columns {
        if !RowGroups::begins_with_values(input, column)? {
            let problem =
                format!("--watch {column}: the first rows of the input have no value in such a column");
            return Err(Error::new(ErrorKind::Input, problem).hint(format!(
                "check the name; if only later rows have it, `semdedup stats OUT --by {column}` counts them after the run"
            )));
        }
    }
    Ok(())
}

/// Finds the values of the watched columns that lose nearly all of their rows.
///
/// # Errors
/// A column with too many values; input that has changed.
pub(crate) fn watched(
    input: &Input,
    columns: &[String],
    row_index: &RowIndex,
    outcome: &[Outcome],
) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for column in columns {
        let groups = RowGroups::of(input, row_index, &GroupBy::Column(column.clone()))?;
        let mut values = shares(&groups, outcome);
        values.retain(|share| share.rows >= FEWEST_ROWS && share.removed() > NEARLY_ALL);
        values.sort_by(|a, b| b.removed().total_cmp(&a.removed()).then_with(|| b.rows.cmp(&a.rows)));
        if !values.is_empty() {
            warnings.push(Warning::WatchedLoss(WatchedLoss { column: column.clone(), values }));
        }
    }
    Ok(warnings)
}

/// Finds the same of a result that is there already.
pub(crate) fn watched_in_result(input: &Input, options: &RunOptions) -> Result<Vec<Warning>> {
    if options.watch.is_empty() {
        return Ok(Vec::new());
    }
    let out = &options.output.out;
    let scores = ScoresFile::open(&out.join("scores.parquet"))?;
    // Scores alone do not say what the rule `representative` removes.
    let outcome = written_outcome(&scores, &out.join("removed.parquet"))?;
    watched(input, &options.watch, &scores.row_index, &outcome)
}

/// Counts the rows of each group, and those that go.
fn shares(groups: &RowGroups, outcome: &[Outcome]) -> Vec<Share> {
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| NO_VALUE.to_owned());
    let empty = |name: &Option<String>| Share { name: named(name), rows: 0, rows_removed: 0 };
    let mut shares: Vec<Share> = groups.names.iter().map(empty).collect();
    for (&group, &outcome) in groups.of_row.iter().zip(outcome) {
        let share = &mut shares[group as usize];
        share.rows += u64::from(outcome != Outcome::Skipped);
        share.rows_removed += u64::from(outcome == Outcome::Removed);
    }
    shares
}
