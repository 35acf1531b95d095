//! Selection: which rows to remove, by a threshold on the score or to reach a target size.

use std::fmt;

use crate::clustering::assignment::is_compared;
use crate::epsilon::{Epsilon, Similarity};
use crate::ranking::RankedRows;

/// The scores that a selection removes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// Every row whose score is above 1 − ε is removed.
    Above(Epsilon),
    /// A target size cuts through rows of equal score: every row above this score is removed, and
    /// some of the rows with exactly this score.
    Through(f32),
}

impl Cut {
    /// Returns whether rows with this score are removed, all or some of them.
    pub fn reaches(self, score: f32) -> bool {
        match self {
            Self::Above(epsilon) => is_removed(score, epsilon),
            Self::Through(tie) => score >= tie,
        }
    }

    /// Returns the ε that the cut amounts to: 1 − its score.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::Above(epsilon) => epsilon.get(),
            Self::Through(tie) => 1.0 - f64::from(tie),
        }
    }
}

/// What a selection must achieve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Remove every row whose score is above 1 − ε.
    Epsilon(Epsilon),
    /// Remove every row whose score is above this similarity. It is the same as the ε that it amounts
    /// to ([`Similarity::epsilon`]).
    Similarity(Similarity),
    /// Keep exactly this share of the rows, in [0, 1]. It is rounded to whole rows; a share above 0
    /// keeps at least one row.
    KeepFraction(f64),
    /// Keep exactly this many rows.
    KeepRows(u64),
}

impl Goal {
    /// Returns the ε that the goal names; none for a target size, whose ε depends on the scores.
    pub fn epsilon(self) -> Option<Epsilon> {
        match self {
            Self::Epsilon(epsilon) => Some(epsilon),
            Self::Similarity(similarity) => Some(similarity.epsilon()),
            Self::KeepFraction(_) | Self::KeepRows(_) => None,
        }
    }

    /// Checks the goal for a number of rows, before they are compared.
    ///
    /// # Errors
    /// The errors of [`select`], except [`GoalError::TooFew`], which depends on the comparison.
    pub fn check(self, rows: u64) -> Result<(), GoalError> {
        match self {
            Self::KeepFraction(share) if !(0.0..=1.0).contains(&share) => Err(GoalError::Fraction(share)),
            Self::KeepRows(wanted) if wanted > rows => Err(GoalError::TooMany { wanted, rows }),
            _ => Ok(()),
        }
    }
}

/// Why a goal cannot be met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GoalError {
    /// The share to keep is not in [0, 1].
    Fraction(f64),
    /// The goal keeps more rows than there are.
    TooMany {
        /// The number of rows to keep.
        wanted: u64,
        /// The number of rows.
        rows: u64,
    },
    /// The goal keeps fewer rows than there are rows without direction or cluster, which are never
    /// removed.
    TooFew {
        /// The number of rows to keep.
        wanted: u64,
        /// The number of rows that are never removed.
        undirected: u64,
    },
    /// By the rule `representative`, more rows stay at every ε: no other row that stays is similar to
    /// them.
    NoRepresentative {
        /// The number of rows to keep.
        wanted: u64,
        /// The fewest rows that stay.
        least: u64,
    },
}

impl fmt::Display for GoalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fraction(share) => write!(f, "a share of {share} rows to keep is not in 0 to 1"),
            Self::TooMany { wanted, rows } => write!(f, "cannot keep {wanted} rows of {rows}"),
            Self::TooFew { wanted, undirected } => write!(
                f,
                "cannot keep only {wanted} rows: {undirected} rows have no direction (empty or not finite) or no cluster, \
                 and are never removed as duplicates"
            ),
            Self::NoRepresentative { wanted, least } => write!(
                f,
                "cannot keep only {wanted} rows by the rule representative: {least} rows stay at every epsilon"
            ),
        }
    }
}

impl std::error::Error for GoalError {}

/// The scores of all rows, as selection needs them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<'a> {
    /// The score of every row, in [0, 1]; NaN for a row that does not count, which is not removed.
    pub score: &'a [f32],
    /// The rank order of the rows. The similarity to its own centroid is exactly 0 or NaN for a row
    /// that was not compared (see [`is_compared`]). Such a row is never removed.
    pub order: RankedRows<'a>,
}

/// The rows to remove, and the ε that this amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// For each row, whether it is removed.
    pub removed: Vec<bool>,
    /// The ε of the goal. For a target size, 1 − the highest score that is kept: every row above `1
    /// − ε` is removed, and as many of the rows at `1 − ε` as the target requires.
    pub epsilon: f64,
    /// The scores that are removed; none if a target size removes nothing.
    pub cut: Option<Cut>,
}

/// Returns whether a row with this score is removed at ε.
pub(crate) fn is_removed(score: f32, epsilon: Epsilon) -> bool {
    f64::from(score) > 1.0 - epsilon.get()
}

/// Counts the rows that are kept at ε.
pub fn kept_at(scores: &[f32], epsilon: Epsilon) -> u64 {
    scores.iter().filter(|&&score| !is_removed(score, epsilon)).count() as u64
}

/// Decides which rows to remove.
///
/// A target size is met exactly: the rows with the lowest scores are kept, on a tie the
/// first-ranking, then the lowest-numbered.
///
/// # Errors
/// If the goal cannot be met, see [`GoalError`].
pub fn select(scored: &Scored, goal: Goal) -> Result<Selection, GoalError> {
    let rows = scored.score.iter().filter(|score| !score.is_nan()).count() as u64;
    goal.check(rows)?;
    match goal {
        Goal::Epsilon(epsilon) => Ok(remove_above(scored, epsilon)),
        Goal::Similarity(similarity) => Ok(remove_above(scored, similarity.epsilon())),
        Goal::KeepFraction(share) => {
            // A share above 0 keeps at least one row, if there is one.
            let least = u64::from(share > 0.0).min(rows);
            keep_rows(scored, ((share * rows as f64).round() as u64).max(least))
        }
        Goal::KeepRows(wanted) => keep_rows(scored, wanted),
    }
}

/// Removes the rows with a score above 1 − ε.
fn remove_above(scored: &Scored, epsilon: Epsilon) -> Selection {
    let removed = scored.score.iter().map(|&score| is_removed(score, epsilon)).collect();
    Selection { removed, epsilon: epsilon.get(), cut: Some(Cut::Above(epsilon)) }
}

/// Keeps exactly `wanted` rows: the rows with the lowest scores, and of rows with equal scores the
/// earliest-ranking ones.
fn keep_rows(scored: &Scored, wanted: u64) -> Result<Selection, GoalError> {
    let Scored { score, order } = scored;
    let rows = || score.iter().zip(order.similarity()).zip(0..).filter(|((score, _), _)| !score.is_nan());
    let undirected = rows().filter(|((_, similarity), _)| !is_compared(**similarity)).count() as u64;
    if wanted < undirected {
        return Err(GoalError::TooFew { wanted, undirected });
    }
    let compared = || rows().filter(|((_, similarity), _)| is_compared(**similarity));
    let mut removed = vec![false; score.len()];
    let count = compared().count() as u64;
    let kept = wanted - undirected;
    if kept == count {
        let highest = compared().map(|((&score, _), _)| score).fold(0.0, f32::max);
        return Ok(Selection { removed, epsilon: 1.0 - f64::from(highest), cut: None });
    }
    // Scores are not negative, so their bits have the same order (−0 becomes +0).
    let bits = |score: f32| u64::from((score.max(0.0) + 0.0).to_bits());
    let lowest = nth(|| compared().map(|((&score, _), _)| bits(score)), kept);
    let by_keep = |row| order.key(row).by_keep();
    let tied = || compared().filter(|((score, _), _)| bits(**score) == lowest.number);
    let first = nth(|| tied().map(|(_, row)| by_keep(row)), lowest.index);
    let (mut equal, mut highest_kept) = (0, 0.0f32);
    for ((&score, _), row) in compared() {
        let place = bits(score).cmp(&lowest.number);
        let place = place.then_with(|| by_keep(row).cmp(&first.number));
        // Rows that are equal in both rank by their number.
        equal += u64::from(place.is_eq());
        if place.is_gt() || (place.is_eq() && equal > first.index) {
            removed[row as usize] = true;
        } else {
            highest_kept = highest_kept.max(score);
        }
    }
    let (epsilon, tie) = (1.0 - f64::from(highest_kept), f32::from_bits(lowest.number as u32));
    let above = || Epsilon::new(epsilon).ok().map(Cut::Above);
    let cut = if tie > highest_kept { above() } else { Some(Cut::Through(tie)) };
    Ok(Selection { removed, epsilon, cut })
}

/// A number of a sorted list, found by its index.
struct Nth {
    number: u64,
    /// Its index among the numbers that are equal to it.
    index: u64,
}

/// Finds the number at an index of the sorted numbers, without sorting or storing them.
fn nth<I: Iterator<Item = u64>>(numbers: impl Fn() -> I, mut index: u64) -> Nth {
    let mut number = 0;
    for shift in [48, 32, 16, 0] {
        let mut counts = vec![0; 1 << 16];
        let begins_so = |x: &u64| x >> shift >> 16 == number;
        numbers().filter(begins_so).for_each(|x| counts[(x >> shift & 0xffff) as usize] += 1);
        let mut digit = 0;
        while index >= counts[digit] {
            index -= counts[digit];
            digit += 1;
        }
        number = number << 16 | digit as u64;
    }
    Nth { number, index }
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
