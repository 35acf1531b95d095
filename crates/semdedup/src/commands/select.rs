//! Decides which rows go, from their scores alone, as a command of its own.

use std::collections::BTreeSet;
use std::path::Path;

use semdedup_core::{Epsilon, Goal};
use serde::Serialize;

use crate::commands::file_set::FileSet;
use crate::commands::guards::check_folder;
use crate::commands::stamped::StampedFiles;
use crate::error::{Error, Result};
use crate::options::{OutputOptions, check_goal, default_epsilon};
use crate::outputs::IdsFormat;
use crate::progress::{Progress, Stage};
use crate::score::scores_file::ScoresFile;
use crate::select::id_lists::{check_kept, write_ids};
use crate::select::row_lists::{LIST_COLUMNS, ListedRows, RowList};
use crate::select::selection::{Outcome, Selection, describe};
use crate::storage::atomic::write_atomically;
use crate::storage::read;
use crate::summary::{ListSummary, SUMMARY, read_summary};

/// The report of [`select`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelectReport {
    /// Rows in the score table.
    pub rows_in: u64,
    /// Rows that stay.
    pub rows_kept: u64,
    /// Rows that go.
    pub rows_removed: u64,
    /// Rows that had no score because they could not be read.
    pub rows_skipped: u64,
    /// The ε in use, or the ε that the goal amounts to.
    pub epsilon: f64,
    /// The goal that was asked for.
    pub goal: String,
    /// The lists of ids that were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListSummary>,
}

/// Options of [`select`].
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SelectOptions {
    /// How much to remove; none uses the default ε for what the scores compare.
    pub goal: Option<Goal>,
    /// The formats in which to list the ids of the rows that stay.
    pub ids: BTreeSet<IdsFormat>,
}

/// Decides which rows of a `scores.parquet` go. Writes `kept.parquet`, `removed.parquet`, a list of
/// the ids that stay in each format of `options.ids`, and `summary.json`.
///
/// # Errors
/// A file that is not a score table or that changes meanwhile, a goal out of range, an id that a list
/// cannot hold, or results in the way.
pub fn select(
    scores: &Path,
    options: &SelectOptions,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<SelectReport> {
    options.goal.map_or(Ok(()), check_goal)?;
    check_folder(&output.out)?;
    let lists = options.ids.iter().map(|format| format.file_name());
    let files = FileSet {
        out: &output.out,
        names: TABLES.into_iter().chain(lists).chain([SUMMARY]).map(str::to_owned).collect(),
        last: SUMMARY,
        old: earlier_selection(&output.out)?,
        what: "selection",
        overwrite: output.overwrite,
        inputs: &[scores.to_path_buf()],
    };
    files.check()?;
    let stamped = StampedFiles::take([&scores.to_path_buf()])?;
    let scores = ScoresFile::open(scores)?;
    let goal = goal_or_default(options.goal, &scores)?;
    progress.begin(Stage::Select, "rows", scores.row_index.rows());
    let selection = Selection::make(&scores.columns()?, &scores, goal)?;
    let mut report = SelectReport {
        rows_in: selection.outcome.len() as u64,
        rows_kept: selection.count(Outcome::Kept),
        rows_removed: selection.count(Outcome::Removed),
        rows_skipped: selection.count(Outcome::Skipped),
        epsilon: selection.epsilon,
        goal: describe(goal),
        lists: Vec::new(),
    };
    // If an id cannot be written, nothing is written, and the earlier files stay.
    check_kept(&options.ids, &scores, &selection)?;
    let claim = files.claim()?;
    report.lists = write_ids(&output.out, &options.ids, &scores, &selection)?;
    for (name, outcome) in TABLES.into_iter().zip([Outcome::Kept, Outcome::Removed]) {
        let rows = ListedRows::Outcome(outcome);
        let list = RowList { scores: &scores, selection: &selection, rows, columns: &LIST_COLUMNS };
        list.write(&output.out.join(name))?;
    }
    // The lists were read from the table again, after the rows that go were chosen.
    stamped.check().or_else(|changed| files.discard().and(Err(changed)))?;
    let json = serde_json::to_vec_pretty(&report).map_err(|error| Error::output(&output.out, error))?;
    write_atomically(&output.out.join(SUMMARY), &json)?;
    claim.release()?;
    progress.advance(report.rows_in);
    progress.end(Stage::Select, false);
    Ok(report)
}

/// Returns the goal, or the default ε for what the scores compare.
fn goal_or_default(goal: Option<Goal>, scores: &ScoresFile) -> Result<Goal> {
    let by_default = || Epsilon::new(default_epsilon(scores.by)).map(Goal::Epsilon);
    goal.map_or_else(by_default, Ok).map_err(|error| Error::usage(error.to_string()))
}

/// The tables that a selection writes.
const TABLES: [&str; 2] = ["kept.parquet", "removed.parquet"];

/// The formats in which a selection can list ids.
const EVERY_LIST: [IdsFormat; 3] = [IdsFormat::Txt, IdsFormat::Parquet, IdsFormat::Datacomp];

/// Lists the files that an earlier selection wrote, as its summary says, which comes last.
///
/// # Errors
/// The result of a whole run.
fn earlier_selection(out: &Path) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Earlier {
        #[serde(default)]
        lists: Vec<ListSummary>,
        #[serde(rename = "goal")]
        _goal: String,
        #[serde(rename = "rows_removed")]
        _rows_removed: u64,
    }
    if read_summary(out)?.is_some() {
        let problem = "holds the result of a whole run, which this command does not replace";
        return Err(Error::output(out, problem).hint("name another --out"));
    }
    let summary = read(&out.join(SUMMARY)).ok();
    let Some(earlier) = summary.and_then(|bytes| serde_json::from_slice::<Earlier>(&bytes).ok()) else {
        return Ok(Vec::new());
    };
    let known = EVERY_LIST.map(IdsFormat::file_name);
    let lists = earlier.lists.into_iter().map(|list| list.file);
    let tables = TABLES.into_iter().chain([SUMMARY]).map(str::to_owned);
    Ok(lists.filter(|list| known.contains(&list.as_str())).chain(tables).collect())
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
