//! Counts the rows that each ε keeps, from scores that are there already.

use std::path::Path;

use semdedup_core::{Cut, Epsilon, RecallSample, kept_at};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::inspect::finished_run::FinishedRun;
use crate::recall::{self, read_samples};
use crate::score::scores_file::ScoresFile;
use crate::storage;
use crate::summary::RecallAt;

/// The counts at one ε of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepRow {
    /// The threshold.
    pub epsilon: f64,
    /// Rows that would stay.
    pub rows_kept: u64,
    /// Rows that would go.
    pub rows_removed: u64,
    /// `rows_kept` as a share of the rows that could be read.
    pub share_kept: f64,
    /// The recall, if it was measured.
    pub recall: Option<RecallAt>,
}

/// Counts the rows that each ε keeps. `work` is a work directory, an output folder or a
/// `scores.parquet`.
///
/// # Errors
/// If there are no scores, or an ε is out of range.
pub fn sweep(work: &Path, epsilons: &[f64]) -> Result<Vec<SweepRow>> {
    if storage::is_file(work)? {
        return sweep_scores(&ScoresFile::open(work)?, &[], epsilons);
    }
    FinishedRun::open(work)?.sweep(epsilons)
}

impl FinishedRun {
    /// Counts what each ε keeps.
    ///
    /// # Errors
    /// Scores that cannot be read, an ε that is out of range.
    pub fn sweep(&self, epsilons: &[f64]) -> Result<Vec<SweepRow>> {
        let samples = self
            .recall_folder()?
            .map_or(Ok(Vec::new()), |folder| read_samples(&folder.join("samples.json")))?;
        sweep_scores(&self.scores, &samples, epsilons)
    }
}

fn sweep_scores(scores: &ScoresFile, samples: &[RecallSample], epsilons: &[f64]) -> Result<Vec<SweepRow>> {
    let columns = scores.columns()?;
    let read: Vec<f32> = columns.score.into_iter().filter(|score| !score.is_nan()).collect();
    epsilons
        .iter()
        .map(|&epsilon| {
            let checked = Epsilon::new(epsilon)
                .map_err(|error| Error::usage(error.to_string()).hint("a larger epsilon removes more"))?;
            let rows_kept = kept_at(&read, checked);
            let report = recall::report(samples, Some(Cut::Above(checked)));
            Ok(SweepRow {
                epsilon,
                rows_kept,
                rows_removed: read.len() as u64 - rows_kept,
                share_kept: rows_kept as f64 / read.len().max(1) as f64,
                recall: report.into_iter().find(|at| at.epsilon == epsilon),
            })
        })
        .collect()
}
