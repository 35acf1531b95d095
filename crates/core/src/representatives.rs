//! The rule `representative`: a row goes only if a row that stays is as similar as the threshold
//! asks.
//!
//! The rows are walked through in rank order. A row goes if and only if a row that stays, that ranks
//! before it and that it was compared with, has a cosine similarity with it above `1 − ε`. So every
//! row that goes has a *representative*, the most similar of these rows.
//!
//! Scores alone do not decide this, because the row that reaches a score may go too. But they decide
//! most rows: a row whose score is not above the threshold stays, and a row whose `duplicate_of` stays
//! goes. The others are *open* at first, and searches among them and the rows that stay decide them in
//! rounds ([`representatives`]). The walk is that of greedy independent sets, which takes few rounds (Fischer
//! and Noever 2018, arXiv 1707.05124: about the logarithm of the number of rows, if ranks are random).

use rayon::prelude::*;

use crate::earlier_pairs::EarlierPairs;
use crate::epsilon::Epsilon;
use crate::ranking::RankKey;
use crate::scoring::pairs::RowFilter;
use crate::scoring::score::EXACT;
use crate::select::is_removed;

/// What is known of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stays,
    Goes,
    Open,
}

/// Which rows go by the rule `representative`, as far as it is decided.
#[derive(Debug, Clone, PartialEq)]
struct Verdicts {
    epsilon: Epsilon,
    state: Vec<State>,
    /// The rows that are not decided, in rank order.
    open: Vec<u64>,
}

impl Verdicts {
    /// Decides what follows from the scores. `key` ranks the rows. A row with the score [`EXACT`] goes
    /// in any case: what its original is compared with stands for what it is compared with.
    fn from_scores(scores: &ScoredPairs, key: impl Fn(u64) -> RankKey + Sync, epsilon: Epsilon) -> Self {
        let ScoredPairs { score, duplicate_of } = *scores;
        let state = |&score: &f32| match score {
            EXACT if is_removed(score, epsilon) => State::Goes,
            score if is_removed(score, epsilon) => State::Open,
            _ => State::Stays,
        };
        let mut verdicts = Self { epsilon, state: score.par_iter().map(state).collect(), open: Vec::new() };
        let rows = (0..score.len() as u64).into_par_iter();
        let mut open: Vec<u64> = rows.filter(|&row| verdicts.is_open(row)).collect();
        open.par_sort_unstable_by_key(|&row| key(row));
        open.retain(|&row| {
            let goes = verdicts.stays(duplicate_of[row as usize]);
            if goes {
                verdicts.state[row as usize] = State::Goes;
            }
            !goes
        });
        verdicts.open = open;
        verdicts
    }

    /// The rows that are not decided, in rank order.
    fn open(&self) -> &[u64] {
        &self.open
    }

    /// Returns whether a row is not decided.
    fn is_open(&self, row: u64) -> bool {
        self.state[row as usize] == State::Open
    }

    /// Returns whether a row is known to stay.
    fn stays(&self, row: u64) -> bool {
        self.state[row as usize] == State::Stays
    }

    /// Removes open rows that have a pair with a row that stays, given such pairs.
    fn remove_similar(&mut self, pairs: &EarlierPairs) {
        let mut open = std::mem::take(&mut self.open);
        open.retain(|&row| {
            let goes = self.is_near_kept(row, pairs);
            if goes {
                self.state[row as usize] = State::Goes;
            }
            !goes
        });
        self.open = open;
    }

    /// Walks through the open rows, given their pairs with open rows: of each, all that are similar
    /// enough, or the most similar where `is_cut`. No open row may be similar to a row that is known to
    /// stay. Returns the rows that are known to stay now. The first open row is always decided.
    fn decide(&mut self, pairs: &EarlierPairs, is_cut: impl Fn(u64) -> bool) -> Vec<u64> {
        let (mut stay, mut open) = (Vec::new(), std::mem::take(&mut self.open));
        open.retain(|&row| {
            let verdict = if self.is_near_kept(row, pairs) {
                State::Goes
            } else if is_cut(row) || self.near(row, pairs).any(|earlier| self.is_open(earlier)) {
                State::Open
            } else {
                stay.push(row);
                State::Stays
            };
            self.state[row as usize] = verdict;
            verdict == State::Open
        });
        self.open = open;
        stay
    }

    /// Lists the earlier-ranking rows that are similar enough to a row, the most similar first.
    fn near<'a>(&self, row: u64, pairs: &'a EarlierPairs) -> impl Iterator<Item = u64> + use<'a> {
        let ((earlier, similarity), epsilon) = (pairs.of(row), self.epsilon);
        let near = earlier.iter().zip(similarity).take_while(move |(_, s)| is_removed(**s, epsilon));
        near.map(|(&earlier, _)| earlier)
    }

    fn is_near_kept(&self, row: u64, pairs: &EarlierPairs) -> bool {
        self.near(row, pairs).any(|earlier| self.stays(earlier))
    }
}

/// The scores that the rule begins with, as in [`Scores`](crate::Scores); NaN for a row that does not
/// count, which stays.
#[derive(Debug, Clone, Copy)]
pub struct ScoredPairs<'a> {
    /// The score of each row.
    pub score: &'a [f32],
    /// The row that reaches it.
    pub duplicate_of: &'a [u64],
}

/// Searches for pairs that are similar enough, among the rows that are compared with each other.
/// Rows with the score [`EXACT`] take no part: their originals stand for them.
pub trait PairSearch {
    /// The error of a search.
    type Error;

    /// Finds the most similar row, of those that `can_be` found, of each of some rows, which are
    /// ascending. A row that has none similar enough has no pair.
    fn nearest(
        &mut self,
        rows: &[u64],
        can_be: RowFilter,
        epsilon: Epsilon,
    ) -> Result<EarlierPairs, Self::Error>;

    /// Finds the pairs among some rows, which are ascending: of each row, the `most` most similar
    /// earlier-ranking ones.
    fn among(&mut self, rows: &[u64], most: usize, epsilon: Epsilon) -> Result<EarlierPairs, Self::Error>;
}

/// The rows that go, and those that stand for them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Representatives {
    /// For each row, whether it goes.
    pub removed: Vec<bool>,
    /// For each row that goes, whose score is reached by a row that goes too: the most similar row that
    /// stays of those that it was compared with, on a tie the earliest-ranking. No pair if none is
    /// similar enough.
    pub others: EarlierPairs,
}

impl Representatives {
    /// Returns the row that stands for a row that goes, and the cosine similarity of both: the row that
    /// reaches its score, if that stays, otherwise the most similar one. What stands for a row stands
    /// for its copies. `None` for a row that stays, and if no row that stays is similar enough.
    pub fn of(&self, row: u64, scores: &ScoredPairs) -> Option<(u64, f32)> {
        if !*self.removed.get(row as usize)? {
            return None;
        }
        let (kept, similarity) = self.others.of(row);
        if let (Some(&kept), Some(&similarity)) = (kept.first(), similarity.first()) {
            return Some((kept, similarity));
        }
        let (of, score) = (*scores.duplicate_of.get(row as usize)?, *scores.score.get(row as usize)?);
        match self.removed.get(of as usize)? {
            false => Some((of, score)),
            // An original has a lower score than its copies.
            true if score == EXACT && scores.score[of as usize] != EXACT => self.of(of, scores),
            true => None,
        }
    }
}

/// How many pairs of an open row are searched in a round. Most rows of a round are decided by few.
const PAIRS_PER_ROUND: usize = 16;

/// Decides which rows go at ε by the rule `representative`. `key` ranks the rows.
///
/// # Errors
/// Those of the search.
pub fn representatives<S: PairSearch>(
    scores: &ScoredPairs,
    key: impl Fn(u64) -> RankKey + Sync,
    epsilon: Epsilon,
    search: &mut S,
) -> Result<Representatives, S::Error> {
    let mut verdicts = Verdicts::from_scores(scores, &key, epsilon);
    let at_first_open = ascending(verdicts.open());
    let by_score = search.nearest(&at_first_open, &|row| verdicts.stays(row), epsilon)?;
    verdicts.remove_similar(&by_score);
    let mut stay: Vec<u64> = Vec::new();
    while !verdicts.open().is_empty() {
        let open = ascending(verdicts.open());
        let pairs = search.among(&open, PAIRS_PER_ROUND, epsilon)?;
        let new = ascending(&verdicts.decide(&pairs, |row| pairs.of(row).0.len() == PAIRS_PER_ROUND));
        let is_new = |row: u64| new.binary_search(&row).is_ok();
        verdicts.remove_similar(&search.nearest(&ascending(verdicts.open()), &is_new, epsilon)?);
        stay.extend(new);
    }
    // What stayed in a round may be more similar than what stayed by its score.
    let stay = ascending(&stay);
    let is_alone = |row: &u64| !verdicts.stays(*row) && !verdicts.stays(scores.duplicate_of[*row as usize]);
    let gone: Vec<u64> = at_first_open.into_iter().filter(is_alone).collect();
    let in_rounds = match stay.is_empty() {
        true => EarlierPairs::default(),
        false => search.nearest(&gone, &|row| stay.binary_search(&row).is_ok(), epsilon)?,
    };
    let removed = verdicts.state.into_iter().map(|state| state == State::Goes).collect();
    Ok(Representatives { removed, others: better_of(&gone, [&by_score, &in_rounds], key) })
}

/// Finds, for each row that goes by another rule, the most similar row that stays and is similar
/// enough.
///
/// # Errors
/// Those of the search.
pub fn nearest_kept<S: PairSearch>(
    scores: &ScoredPairs,
    removed: Vec<bool>,
    epsilon: Epsilon,
    search: &mut S,
) -> Result<Representatives, S::Error> {
    // A target may remove rows that were compared with no earlier one.
    let goes = |row: u64| removed.get(row as usize) == Some(&true);
    let is_alone = |&row: &u64| {
        goes(row) && scores.score[row as usize] != EXACT && goes(scores.duplicate_of[row as usize])
    };
    let gone: Vec<u64> = (0..removed.len() as u64).filter(is_alone).collect();
    let others = search.nearest(&gone, &|row| !goes(row), epsilon)?;
    Ok(Representatives { removed, others })
}

/// Returns the better pair of each of some rows: the more similar, on a tie that with the
/// earlier-ranking row.
fn better_of(rows: &[u64], found: [&EarlierPairs; 2], key: impl Fn(u64) -> RankKey) -> EarlierPairs {
    let mut best = EarlierPairs::default();
    for &row in rows {
        let first = |pairs: &EarlierPairs| {
            let (kept, similarity) = pairs.of(row);
            Some((*kept.first()?, *similarity.first()?))
        };
        let [a, b] = found.map(first);
        let is_better = |a: (u64, f32), b: (u64, f32)| a.1 > b.1 || (a.1 == b.1 && key(a.0) < key(b.0));
        let better = match (a, b) {
            (Some(a), Some(b)) => Some(if is_better(a, b) { a } else { b }),
            (a, b) => a.or(b),
        };
        if let Some((kept, similarity)) = better {
            best.push(row, kept, similarity);
        }
    }
    best
}

fn ascending(rows: &[u64]) -> Vec<u64> {
    let mut rows = rows.to_vec();
    rows.par_sort_unstable();
    rows
}

#[cfg(test)]
#[path = "representatives_tests.rs"]
mod tests;
