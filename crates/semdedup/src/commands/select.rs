//! Decides which rows go, from their scores alone, as a command of its own.

use std::collections::BTreeSet;
use std::path::Path;

use semdedup_core::{Epsilon, Goal};
use serde::Serialize;

use crate::commands::guards::{check_folder, check_free, check_not_input};
use crate::error::{Error, Result};
use crate::options::{OutputOptions, default_epsilon};
use crate::outputs::IdsFormat;
use crate::progress::{Progress, Stage};
use crate::score::scores_file::ScoresFile;
use crate::select::id_lists::{check_kept, write_ids};
use crate::select::row_lists::{LIST_COLUMNS, RowList};
use crate::select::selection::{Outcome, Selection, describe};
use crate::storage::atomic::write_atomically;
use crate::storage::{create_dir_all, exists, remove_file};
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
/// A file that is not a score table, a goal out of range, an id that a list cannot hold, or results
/// in the way.
pub fn select(
    scores: &Path,
    options: &SelectOptions,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<SelectReport> {
    check_folder(&output.out)?;
    let lists = options.ids.iter().map(|format| format.file_name());
    let names: Vec<&str> = TABLES.into_iter().chain(lists).chain([SUMMARY]).collect();
    let old = earlier_selection(&output.out);
    check_output(scores, output, &names, &old)?;
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
    create_dir_all(&output.out)?;
    mark(&output.out, &names, &old)?;
    // Files of two selections must never be together.
    old.iter().try_for_each(|name| remove_file(&output.out.join(name)))?;
    report.lists = write_ids(&output.out, &options.ids, &scores, &selection)?;
    for (name, outcome) in TABLES.into_iter().zip([Outcome::Kept, Outcome::Removed]) {
        let list = RowList { scores: &scores, selection: &selection, outcome, columns: &LIST_COLUMNS };
        list.write(&output.out.join(name))?;
    }
    let json = serde_json::to_vec_pretty(&report).map_err(|error| Error::output(&output.out, error))?;
    write_atomically(&output.out.join(SUMMARY), &json)?;
    remove_file(&output.out.join(SELECTING))?;
    progress.advance(report.rows_in);
    progress.end(Stage::Select, false);
    Ok(report)
}

/// Fails if something is in the way of the files `names`. `old` lists the files of an earlier
/// selection.
fn check_output(scores: &Path, output: &OutputOptions, names: &[&str], old: &[String]) -> Result<()> {
    let is_old = |name: &str| old.iter().any(|old| old == name);
    let all = TABLES.into_iter().chain(EVERY_LIST.map(IdsFormat::file_name)).chain([SUMMARY]);
    for name in all.filter(|name| names.contains(name) || is_old(name)) {
        let path = output.out.join(name);
        check_not_input(&path, [&scores.to_path_buf()])?;
        check_free(&path, output.overwrite)?;
        if !is_old(name) && exists(&path)? {
            let problem = "was not written by an earlier selection, and only such files are replaced";
            return Err(Error::output(&path, problem).hint("name another --out, or move the file"));
        }
    }
    if read_summary(&output.out)?.is_some() {
        return Err(Error::output(
            &output.out,
            "holds the result of a whole run, which this command does not replace",
        )
        .hint("name another --out"));
    }
    Ok(())
}

/// Returns the goal, or the default ε for what the scores compare.
fn goal_or_default(goal: Option<Goal>, scores: &ScoresFile) -> Result<Goal> {
    let by_default = || Epsilon::new(default_epsilon(scores.by)).map(Goal::Epsilon);
    goal.map_or_else(by_default, Ok).map_err(|error| Error::usage(error.to_string()))
}

/// Lists the files that are about to be written or replaced: a kill leaves files without a summary,
/// and the next selection must know that they are ours.
fn mark(out: &Path, names: &[&str], old: &[String]) -> Result<()> {
    let marked: BTreeSet<&str> = names.iter().copied().chain(old.iter().map(String::as_str)).collect();
    let json = serde_json::to_vec(&marked).map_err(|error| Error::output(out, error))?;
    write_atomically(&out.join(SELECTING), &json)
}

/// The file that lists the files of a selection while they are written.
const SELECTING: &str = ".semdedup-select.json";

/// The tables that a selection writes.
const TABLES: [&str; 2] = ["kept.parquet", "removed.parquet"];

/// The formats in which a selection can list ids.
const EVERY_LIST: [IdsFormat; 3] = [IdsFormat::Txt, IdsFormat::Parquet, IdsFormat::Datacomp];

/// Lists the files that an earlier selection wrote, as its summary says, which comes last. If the
/// selection was killed, lists the files that it was about to write.
fn earlier_selection(out: &Path) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Earlier {
        #[serde(default)]
        lists: Vec<ListSummary>,
        #[serde(rename = "goal")]
        _goal: String,
        #[serde(rename = "rows_removed")]
        _rows_removed: u64,
    }
    let tables = || TABLES.into_iter().chain([SUMMARY]);
    let known: Vec<&str> = tables().chain(EVERY_LIST.map(IdsFormat::file_name)).collect();
    let read = |name: &str| crate::storage::read(&out.join(name)).ok();
    let killed = read(SELECTING).and_then(|bytes| serde_json::from_slice::<Vec<String>>(&bytes).ok());
    let done = read(SUMMARY).and_then(|bytes| serde_json::from_slice::<Earlier>(&bytes).ok());
    let done = done.map(|earlier| {
        let lists = earlier.lists.into_iter().map(|list| list.file);
        lists.chain(tables().map(str::to_owned)).collect::<Vec<String>>()
    });
    let files = killed.into_iter().chain(done).flatten();
    files.filter(|file| known.contains(&file.as_str())).collect()
}
