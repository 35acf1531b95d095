//! Tells what a run would remove, from scores that an earlier run of the same rows has left.

use semdedup_core::Rule;
use serde::Serialize;

use crate::error::Result;
use crate::pipeline::resolved::ResolvedRun;
use crate::progress::Stage;
use crate::score::scores_file::ScoresFile;
use crate::select::representatives::read_representatives;
use crate::select::selection::{RowCounts, Selection};
use crate::storage::is_file;
use crate::workdir::manifest::finished_stage;
use crate::write::result_files::REPRESENTATIVES;

/// What a run would do with its rows, as scores that are there already say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KnownOutcome {
    /// Rows that would stay.
    pub rows_kept: u64,
    /// Rows that would go.
    pub rows_removed: u64,
    /// Rows that could not be read.
    pub rows_skipped: u64,
    /// The ε in use, or the ε that the goal amounts to.
    pub epsilon: f64,
}

impl KnownOutcome {
    /// Decides which rows would go, if the work directory has scores of the same input and the same
    /// options; none otherwise. By the rule `representative` scores do not tell, but a run with the
    /// same goal does. Nothing is locked or written.
    ///
    /// # Errors
    /// Scores that are damaged, or a goal that they cannot meet, as in the run itself.
    pub(crate) fn find(run: &ResolvedRun) -> Result<Option<Self>> {
        let Some(done) = finished_stage(&run.work, Stage::Score)? else { return Ok(None) };
        let path = done.folder.join("scores.parquet");
        if done.fingerprint != run.stages.score || !is_file(&path)? {
            return Ok(None);
        }
        let scores = ScoresFile::open(&path)?;
        let Some(selection) = selection(run, &scores)? else { return Ok(None) };
        let RowCounts { kept, removed, skipped } = selection.counts();
        let epsilon = selection.epsilon;
        Ok(Some(Self { rows_kept: kept, rows_removed: removed, rows_skipped: skipped, epsilon }))
    }
}

/// Decides which rows would go, if that is known.
fn selection(run: &ResolvedRun, scores: &ScoresFile) -> Result<Option<Selection>> {
    let columns = scores.columns()?;
    if run.options.rule == Rule::AnyEarlier {
        return Selection::make(&columns, scores, run.options.goal).map(Some);
    }
    let decided = finished_stage(&run.work, Stage::Select)?;
    let Some(decided) = decided.filter(|found| found.fingerprint == run.stages.select) else {
        return Ok(None);
    };
    read_representatives(&decided.folder.join(REPRESENTATIVES), &columns, run.options.rule).map(Some)
}
