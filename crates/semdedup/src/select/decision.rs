//! Decides which rows go.

use semdedup_core::{Cut, Goal, GoalError, Scored as CoreScored};

use crate::embed::dataset::Dataset;
use crate::error::{Error, Result};
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::ScoresFile;

/// The goal as options say it.
pub(crate) fn describe(goal: Goal) -> String {
    match goal {
        Goal::Epsilon(epsilon) => format!("epsilon {}", epsilon.get()),
        Goal::KeepFraction(share) => format!("keep fraction {share}"),
        Goal::KeepRows(rows) => format!("keep {rows} rows"),
    }
}

/// How many rows of each fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) kept: u64,
    pub(crate) removed: u64,
    pub(crate) skipped: u64,
}

impl Given {
    pub(crate) fn count(&mut self, fate: &[Fate]) {
        for fate in fate {
            match fate {
                Fate::Kept => self.kept += 1,
                Fate::Removed => self.removed += 1,
                Fate::Skipped => self.skipped += 1,
            }
        }
    }
}

/// Which rows go, which could not be read, and the ε that this amounts to.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) fate: Vec<Fate>,
    pub(crate) epsilon: f64,
    /// Which scores go; none where a target removes nothing.
    pub(crate) cut: Option<Cut>,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Removed,
    Skipped,
}

impl Decision {
    /// Decides over the rows that could be read.
    pub(crate) fn make(columns: &ScoreColumns, scores: &ScoresFile, goal: Goal) -> Result<Self> {
        let read: Vec<usize> = (0..columns.score.len()).filter(|&row| !columns.score[row].is_nan()).collect();
        let score: Vec<f32> = read.iter().map(|&row| columns.score[row]).collect();
        let similarity: Vec<f32> = read.iter().map(|&row| columns.similarity[row]).collect();
        let scored = CoreScored { score: &score, similarity: &similarity };
        let selection = semdedup_core::select(&scored, &scores.ranking, goal).map_err(unmet)?;
        let mut fate = vec![Fate::Skipped; columns.score.len()];
        for (&row, &removed) in read.iter().zip(&selection.removed) {
            fate[row] = if removed { Fate::Removed } else { Fate::Kept };
        }
        Ok(Self { fate, epsilon: selection.epsilon, cut: selection.cut })
    }

    /// The lowest score of a row that goes; infinite where none does.
    pub(crate) fn lowest_removed(&self, scores: &[f32]) -> f32 {
        let removed = self.fate.iter().zip(scores).filter(|(fate, _)| **fate == Fate::Removed);
        removed.map(|(_, &score)| score).fold(f32::INFINITY, f32::min)
    }

    /// How many rows of each fate.
    pub(crate) fn counts(&self) -> Given {
        let [kept, removed, skipped] =
            [Fate::Kept, Fate::Removed, Fate::Skipped].map(|fate| self.count(fate));
        Given { kept, removed, skipped }
    }

    /// What becomes of the rows of a file.
    pub(crate) fn of_file(&self, dataset: &Dataset, file: usize) -> &[Fate] {
        let first = dataset.places.number(file, 0) as usize;
        &self.fate[first..first + dataset.places.files[file].rows as usize]
    }

    /// How many rows have this fate.
    pub(crate) fn count(&self, fate: Fate) -> u64 {
        self.fate.iter().filter(|&&f| f == fate).count() as u64
    }
}

/// Says that the goal cannot be met.
pub(crate) fn unmet(error: GoalError) -> Error {
    Error::usage(error.to_string()).hint("`semdedup sweep` shows how many rows each epsilon keeps")
}
