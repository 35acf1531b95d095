//! Decides which rows go.

use semdedup_core::{Cut, Goal, GoalError, Scored as CoreScored};

use crate::embed::dataset::Dataset;
use crate::error::{Error, Result};
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::ScoresFile;

/// Describes the goal in the words of the options.
pub(crate) fn describe(goal: Goal) -> String {
    match goal {
        Goal::Epsilon(epsilon) => format!("epsilon {}", epsilon.get()),
        Goal::KeepFraction(share) => format!("keep fraction {share}"),
        Goal::KeepRows(rows) => format!("keep {rows} rows"),
    }
}

/// The number of rows of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) kept: u64,
    pub(crate) removed: u64,
    pub(crate) skipped: u64,
}

impl RowCounts {
    /// Adds rows with these outcomes.
    pub(crate) fn count(&mut self, outcome: &[Outcome]) {
        for outcome in outcome {
            match outcome {
                Outcome::Kept => self.kept += 1,
                Outcome::Removed => self.removed += 1,
                Outcome::Skipped => self.skipped += 1,
            }
        }
    }
}

/// The outcome of each row, and the ε that the goal amounts to.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) outcome: Vec<Outcome>,
    pub(crate) epsilon: f64,
    /// The cut that decides which scores go; none if the goal removes nothing.
    pub(crate) cut: Option<Cut>,
}

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    Removed,
    /// The row could not be read.
    Skipped,
}

impl Selection {
    /// Decides which of the rows that could be read go.
    ///
    /// # Errors
    /// A goal that cannot be met.
    pub(crate) fn make(columns: &ScoreColumns, scores: &ScoresFile, goal: Goal) -> Result<Self> {
        let scored = CoreScored { score: &columns.score, similarity: &columns.similarity };
        let selection = semdedup_core::select(&scored, &scores.ranking, goal).map_err(goal_error)?;
        let outcome = |(&score, &removed): (&f32, &bool)| match removed {
            _ if score.is_nan() => Outcome::Skipped,
            true => Outcome::Removed,
            false => Outcome::Kept,
        };
        let outcome = columns.score.iter().zip(&selection.removed).map(outcome).collect();
        Ok(Self { outcome, epsilon: selection.epsilon, cut: selection.cut })
    }

    /// Returns the lowest score of a row that goes; infinity if no row goes.
    pub(crate) fn lowest_removed(&self, scores: &[f32]) -> f32 {
        let removed = self.outcome.iter().zip(scores).filter(|(outcome, _)| **outcome == Outcome::Removed);
        removed.map(|(_, &score)| score).fold(f32::INFINITY, f32::min)
    }

    /// Counts the rows of each outcome.
    pub(crate) fn counts(&self) -> RowCounts {
        let [kept, removed, skipped] =
            [Outcome::Kept, Outcome::Removed, Outcome::Skipped].map(|outcome| self.count(outcome));
        RowCounts { kept, removed, skipped }
    }

    /// Returns the outcomes of the rows of a file.
    pub(crate) fn of_file(&self, dataset: &Dataset, file: usize) -> &[Outcome] {
        let first = dataset.row_index.number(file, 0) as usize;
        &self.outcome[first..first + dataset.row_index.files[file].rows as usize]
    }

    /// Counts the rows of one outcome.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.outcome.iter().filter(|&&f| f == outcome).count() as u64
    }
}

/// Makes the error of a goal that cannot be met.
pub(crate) fn goal_error(error: GoalError) -> Error {
    Error::usage(error.to_string()).hint("`semdedup sweep` shows how many rows each epsilon keeps")
}
