//! Decides which rows go.

use semdedup_core::{
    Cut, Goal, GoalError, Representatives, Rule, Scored as CoreScored, ScoredPairs, Selection as Selected,
};

use crate::embed::dataset::Dataset;
use crate::error::{Error, Result};
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::ScoresFile;

/// Describes the goal in the words of the options. A similarity is described by the ε that it amounts to,
/// so that a run has the same fingerprint in both spellings.
pub(crate) fn describe(goal: Goal) -> String {
    match goal {
        Goal::Epsilon(epsilon) => format!("epsilon {}", epsilon.get()),
        Goal::Similarity(similarity) => describe(Goal::Epsilon(similarity.epsilon())),
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
    /// The rule by which rows go.
    pub(crate) rule: Rule,
    /// What stands for the rows that go, if it was searched for.
    pub(crate) representatives: Option<Representatives>,
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
        let scored = CoreScored { score: &columns.score, order: columns.order(scores.ranking) };
        let selection = semdedup_core::select(&scored, goal).map_err(goal_error)?;
        let outcome = |(&score, &removed): (&f32, &bool)| match removed {
            _ if score.is_nan() => Outcome::Skipped,
            true => Outcome::Removed,
            false => Outcome::Kept,
        };
        let outcome = columns.score.iter().zip(&selection.removed).map(outcome).collect();
        let Selected { epsilon, cut, .. } = selection;
        Ok(Self { outcome, epsilon, cut, rule: Rule::AnyEarlier, representatives: None })
    }

    /// Returns, for each row that goes, the row that stands for it and the similarity of both, if that
    /// was searched for.
    fn kept_as<'a>(
        &'a self,
        scores: &'a ScoredPairs,
    ) -> Option<impl Iterator<Item = (u64, Option<(u64, f32)>)> + use<'a>> {
        let found = self.representatives.as_ref()?;
        let removed = (0..self.outcome.len() as u64).filter(|&row| found.removed[row as usize]);
        Some(removed.map(|row| (row, found.of(row, scores))))
    }

    /// Fails with a row that goes for which a row stands that goes, or, by the rule `representative`,
    /// none that is similar enough.
    pub(crate) fn check_representatives(&self, scores: &ScoredPairs) -> std::result::Result<(), u64> {
        let stays = |row: u64| self.outcome.get(row as usize) == Some(&Outcome::Kept);
        let is_right = |kept: Option<(u64, f32)>| match (self.rule, kept) {
            (Rule::AnyEarlier, kept) => kept.is_none_or(|(kept, _)| stays(kept)),
            (Rule::Representative, kept) => kept
                .is_some_and(|(kept, similarity)| stays(kept) && f64::from(similarity) > 1.0 - self.epsilon),
        };
        let mut wrong = self.kept_as(scores).into_iter().flatten().filter(|(_, kept)| !is_right(*kept));
        wrong.next().map_or(Ok(()), |(row, _)| Err(row))
    }

    /// Counts, for each row, the rows that it stands for, if that was searched for.
    pub(crate) fn duplicates(&self, scores: &ScoredPairs) -> Option<Vec<u32>> {
        let mut duplicates = vec![0u32; self.outcome.len()];
        let kept = self.kept_as(scores)?.filter_map(|(_, kept)| kept);
        kept.for_each(|(kept, _)| duplicates[kept as usize] = duplicates[kept as usize].saturating_add(1));
        Some(duplicates)
    }

    /// Counts the rows that go for which no row that stays stands.
    pub(crate) fn without_representative(&self, scores: &ScoredPairs) -> Option<u64> {
        Some(self.kept_as(scores)?.filter(|(_, kept)| kept.is_none()).count() as u64)
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
