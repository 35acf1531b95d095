//! Selection by the rule `representative`, at ε or to reach a target size.

use rayon::prelude::*;

use crate::epsilon::Epsilon;
use crate::ranking::RankedRows;
use crate::representatives::{PairSearch, Representatives, ScoredPairs, nearest_kept, representatives};
use crate::rule::Rule;
use crate::select::{Cut, Goal, GoalError, Scored, Selection, select};

/// Why a selection fails.
#[derive(Debug)]
pub enum RuleError<E> {
    /// The goal cannot be met.
    Goal(GoalError),
    /// A search failed.
    Search(E),
}

/// The rows to remove, and the rows that stand for them.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSelection {
    /// The rows to remove, and the rows that stand for them.
    pub representatives: Representatives,
    /// The ε of the goal, as in [`Selection`](crate::Selection). By the rule `representative` and a
    /// target size, each row that goes has a row that stays and is more similar than 1 − this ε.
    pub epsilon: f64,
    /// The scores that are removed; none if a target size removes nothing.
    pub cut: Option<Cut>,
}

/// What a rule decides from. All slices have one value per row.
#[derive(Debug, Clone, Copy)]
pub struct RuleScores<'a> {
    /// As in [`Scored`].
    pub score: &'a [f32],
    /// The row that reaches the score.
    pub duplicate_of: &'a [u64],
    /// As in [`Scored`].
    pub order: RankedRows<'a>,
}

impl RuleScores<'_> {
    fn scored(&self) -> Scored<'_> {
        Scored { score: self.score, order: self.order }
    }

    fn pairs(&self) -> ScoredPairs<'_> {
        ScoredPairs { score: self.score, duplicate_of: self.duplicate_of }
    }

    /// Applies [`representatives`] at ε.
    fn at<S: PairSearch>(
        &self,
        epsilon: Epsilon,
        search: &mut S,
    ) -> Result<Representatives, RuleError<S::Error>> {
        let key = |row: u64| self.order.key(row);
        representatives(&self.pairs(), key, epsilon, search).map_err(RuleError::Search)
    }

    /// Finds what stands for the rows that go.
    fn nearest<S: PairSearch>(
        &self,
        removed: Vec<bool>,
        epsilon: Epsilon,
        search: &mut S,
    ) -> Result<Representatives, RuleError<S::Error>> {
        nearest_kept(&self.pairs(), removed, epsilon, search).map_err(RuleError::Search)
    }
}

/// Decides by a rule which rows to remove, and finds what stands for each of them.
///
/// A target size is met exactly. By the rule `representative`, ε is raised until enough rows go; of
/// those that are too many, the least similar to their representatives stay, on a tie the
/// first-ranking.
///
/// # Errors
/// A goal that cannot be met, and the errors of the search.
pub fn select_by_rule<S: PairSearch>(
    scores: &RuleScores,
    rule: Rule,
    goal: Goal,
    search: &mut S,
) -> Result<RuleSelection, RuleError<S::Error>> {
    let any = select(&scores.scored(), goal).map_err(RuleError::Goal)?;
    let epsilon = match (rule, goal) {
        (Rule::AnyEarlier, _) => return by_scores(scores, any, search),
        (Rule::Representative, Goal::KeepFraction(_) | Goal::KeepRows(_)) => {
            return keep_rows(scores, any, search);
        }
        (Rule::Representative, Goal::Epsilon(epsilon)) => epsilon,
        (Rule::Representative, Goal::Similarity(similarity)) => similarity.epsilon(),
    };
    let representatives = scores.at(epsilon, search)?;
    Ok(RuleSelection { representatives, epsilon: epsilon.get(), cut: Some(Cut::Above(epsilon)) })
}

/// Finds what stands for the rows that go by their scores.
fn by_scores<S: PairSearch>(
    scores: &RuleScores,
    any: Selection,
    search: &mut S,
) -> Result<RuleSelection, RuleError<S::Error>> {
    let lowest = lowest(&any);
    let Selection { removed, epsilon, cut } = any;
    Ok(RuleSelection { representatives: scores.nearest(removed, lowest, search)?, epsilon, cut })
}

/// Returns an ε at which everything that a selection removes is similar enough.
fn lowest(selection: &Selection) -> Epsilon {
    let epsilon = match selection.cut {
        Some(Cut::Above(epsilon)) => epsilon.get(),
        Some(Cut::Through(tie)) => 1.0 - f64::from(tie.next_down()),
        None => 1.0,
    };
    Epsilon::new(epsilon.min(1.0)).unwrap_or(Epsilon::MOST)
}

/// A target size counts as reached if at most one in this many rows goes too many. Those stay.
const CLOSE_ENOUGH: usize = 200;

/// The most times that ε is changed to come closer to a target size that is reached.
const MOST_STEPS: usize = 8;

/// Removes as many rows as the other rule does, `any`.
fn keep_rows<S: PairSearch>(
    scores: &RuleScores,
    any: Selection,
    search: &mut S,
) -> Result<RuleSelection, RuleError<S::Error>> {
    let needed = any.removed.iter().filter(|&&removed| removed).count();
    let mut low = lowest(&any);
    if needed == 0 {
        return by_scores(scores, any, search);
    }
    let (mut reached, mut steps): (Option<(Epsilon, Representatives)>, usize) = (None, 0);
    let mut epsilon = low;
    let (epsilon, found) = loop {
        if steps > MOST_STEPS
            && let Some(reached) = reached
        {
            break reached;
        }
        let found = scores.at(epsilon, search)?;
        let count = found.removed.iter().filter(|&&removed| removed).count();
        if count >= needed && count - needed <= needed / CLOSE_ENOUGH {
            break (epsilon, found);
        }
        if count >= needed {
            reached = Some((epsilon, found));
        } else if epsilon == Epsilon::MOST {
            let rows = scores.score.iter().filter(|score| !score.is_nan()).count();
            let (wanted, least) = ((rows - needed) as u64, (rows - count) as u64);
            return Err(RuleError::Goal(GoalError::NoRepresentative { wanted, least }));
        } else {
            low = epsilon;
        }
        steps += usize::from(reached.is_some());
        let next = reached.as_ref().map_or(1.5 * low.get(), |(high, _)| low.get().midpoint(high.get()));
        epsilon = Epsilon::new(next.min(1.0)).unwrap_or(Epsilon::MOST);
    };
    let removed = put_back(scores, &found, needed);
    let representatives = scores.nearest(removed, epsilon, search)?;
    Ok(RuleSelection { representatives, epsilon: epsilon.get(), cut: Some(Cut::Above(epsilon)) })
}

/// Returns which rows go if only `count` do: those that are most similar to their representatives, on
/// a tie the last-ranking.
fn put_back(scores: &RuleScores, found: &Representatives, count: usize) -> Vec<bool> {
    let key = |row: u64| scores.order.key(row);
    let pairs = scores.pairs();
    let goes = |row: u64| found.of(row, &pairs).map(|(_, similarity)| (similarity, row));
    let mut goes: Vec<(f32, u64)> = (0..found.removed.len() as u64).filter_map(goes).collect();
    goes.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| key(b.1).cmp(&key(a.1))));
    let mut removed = vec![false; found.removed.len()];
    goes.into_iter().take(count).for_each(|(_, row)| removed[row as usize] = true);
    removed
}
