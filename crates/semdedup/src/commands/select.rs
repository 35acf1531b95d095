//! `semdedup select`: which rows go, from their scores alone, whatever holds the data.

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
use crate::select::row_lists::{LIST_COLUMNS, write_rows};
use crate::select::selection::{Outcome, Selection, describe};
use crate::storage::atomic::write_atomically;
use crate::storage::{create_dir_all, exists, remove_file};
use crate::summary::{ListSummary, read_summary};

/// What [`select`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelectReport {
    /// Rows in the scores.
    pub rows_in: u64,
    /// Rows that stay.
    pub rows_kept: u64,
    /// Rows that go.
    pub rows_removed: u64,
    /// Rows that had no score because they could not be read.
    pub rows_skipped: u64,
    /// The ε in use, or the one that the target amounts to.
    pub epsilon: f64,
    /// What was asked for.
    pub goal: String,
    /// The lists of ids that were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListSummary>,
}

/// Decides which rows of a `scores.parquet` go: writes `kept.parquet`, `removed.parquet`, lists of the ids that stay in
/// these formats, and `summary.json`.
///
/// # Errors
/// A file that is not a score table, a target out of range, an id that a list cannot hold, results in the way.
pub fn select(
    scores: &Path,
    (goal, ids): (Option<Goal>, &BTreeSet<IdsFormat>),
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<SelectReport> {
    check_folder(&output.out)?;
    let tables = ["kept.parquet", "removed.parquet"];
    let lists = ids.iter().map(|format| format.file_name());
    let names: Vec<&str> = tables.into_iter().chain(lists).chain(["summary.json"]).collect();
    let old = earlier_selection(&output.out);
    let all = tables.into_iter().chain(EVERY_LIST.map(IdsFormat::file_name)).chain(["summary.json"]);
    for name in all.filter(|name| names.contains(name) || old.iter().any(|old| old == name)) {
        let path = output.out.join(name);
        check_not_input(&path, [&scores.to_path_buf()])?;
        check_free(&path, output.overwrite)?;
        if !old.iter().any(|old| old == name) && exists(&path)? {
            let problem = "is not of an earlier selection, and only such files are replaced";
            return Err(Error::output(&path, problem).hint("name another --out, or move the file"));
        }
    }
    if read_summary(&output.out)?.is_some() {
        return Err(Error::output(
            &output.out,
            "holds the result of a whole run, which is not this command's to replace",
        )
        .hint("name another --out"));
    }
    let scores = ScoresFile::open(scores)?;
    let goal = match goal {
        Some(goal) => goal,
        None => {
            Goal::Epsilon(Epsilon::new(default_epsilon(scores.by)).map_err(|e| Error::usage(e.to_string()))?)
        }
    };
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
    // Where an id cannot be written, nothing is, and what was there stays.
    check_kept(ids, &scores, &selection)?;
    create_dir_all(&output.out)?;
    // A kill leaves files without a summary, which are ours all the same.
    let marked: BTreeSet<&str> = names.iter().copied().chain(old.iter().map(String::as_str)).collect();
    let json = serde_json::to_vec(&marked).map_err(|error| Error::output(&output.out, error))?;
    write_atomically(&output.out.join(SELECTING), &json)?;
    // Files of two selections must never stand side by side.
    old.iter().try_for_each(|name| remove_file(&output.out.join(name)))?;
    report.lists = write_ids(&output.out, ids, &scores, &selection)?;
    write_rows(&output.out.join(names[0]), &scores, (&selection, Outcome::Kept), &LIST_COLUMNS)?;
    write_rows(&output.out.join(names[1]), &scores, (&selection, Outcome::Removed), &LIST_COLUMNS)?;
    let json = serde_json::to_vec_pretty(&report).map_err(|error| Error::output(&output.out, error))?;
    write_atomically(&output.out.join("summary.json"), &json)?;
    remove_file(&output.out.join(SELECTING))?;
    progress.advance(report.rows_in);
    progress.end(Stage::Select, false);
    Ok(report)
}

/// Lists the files of a selection while it writes them.
const SELECTING: &str = ".semdedup-select.json";

const EVERY_LIST: [IdsFormat; 3] = [IdsFormat::Txt, IdsFormat::Parquet, IdsFormat::Datacomp];

/// The files that an earlier selection wrote: by its summary, which comes last, or if it was killed by what it meant to write.
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
    let tables = ["kept.parquet", "removed.parquet", "summary.json"];
    let known: Vec<&str> = tables.into_iter().chain(EVERY_LIST.map(IdsFormat::file_name)).collect();
    let read = |name: &str| crate::storage::read(&out.join(name)).ok();
    let killed = read(SELECTING).and_then(|bytes| serde_json::from_slice::<Vec<String>>(&bytes).ok());
    let done = read("summary.json").and_then(|bytes| serde_json::from_slice::<Earlier>(&bytes).ok());
    let done = done.map(|earlier| {
        let lists = earlier.lists.into_iter().map(|list| list.file);
        lists.chain(tables.map(str::to_owned)).collect::<Vec<String>>()
    });
    let files = killed.into_iter().chain(done).flatten();
    files.filter(|file| known.contains(&file.as_str())).collect()
}
