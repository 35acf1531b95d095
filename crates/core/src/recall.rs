//! Recall η(ε): the share of the rows that an exhaustive comparison would remove at ε and that this
//! run removes.
//!
//! If a target size cuts through rows of equal score, all of these rows count as removed: the run
//! found them, and the target says how many of them to remove.

use crate::interval::wilson;
use crate::scoring::score::EXACT;
use crate::select::Cut;

/// The two scores of a sampled row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecallSample {
    /// The score of the run.
    pub score: f32,
    /// The score of the exhaustive comparison: [`EXACT`] if an earlier-ranking row has the same
    /// vector.
    pub exhaustive: f32,
}

/// The recall at one cut, with the 95 % confidence interval of a binomial share (Wilson 1927).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall {
    /// The scores that are removed.
    pub cut: Cut,
    /// The number of sampled rows that the cut reaches by their exhaustive score. The interval is
    /// based on it.
    pub reachable: usize,
    /// The number of these rows that the cut also reaches by the score of the run.
    pub found: usize,
    /// `reachable` without the rows that copy an earlier-ranking row. Any method that compares
    /// every row finds those.
    pub reachable_distinct: usize,
    /// `found` without the rows that copy an earlier-ranking row.
    pub found_distinct: usize,
}

impl Recall {
    /// Returns the share found, in [0, 1], or none if there was nothing to find.
    pub fn share(&self) -> Option<f64> {
        share(self.found, self.reachable)
    }

    /// Returns the share found of the rows that are not exact copies.
    pub fn share_distinct(&self) -> Option<f64> {
        share(self.found_distinct, self.reachable_distinct)
    }

    /// Returns the lower and upper end of the 95 % confidence interval of [`Self::share`].
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.share().map(|share| wilson(share, self.reachable as f64))
    }

    /// Returns the lower and upper end of the 95 % confidence interval of [`Self::share_distinct`].
    pub fn interval_distinct(&self) -> Option<(f64, f64)> {
        self.share_distinct().map(|share| wilson(share, self.reachable_distinct as f64))
    }
}

fn share(found: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| found as f64 / of as f64)
}

/// Estimates the recall at a cut from a sample.
pub fn recall(samples: &[RecallSample], cut: Cut) -> Recall {
    let reachable = || samples.iter().filter(|s| cut.reaches(s.exhaustive));
    let found = || reachable().filter(|s| cut.reaches(s.score));
    Recall {
        cut,
        reachable: reachable().count(),
        found: found().count(),
        reachable_distinct: reachable().filter(|s| s.exhaustive != EXACT).count(),
        found_distinct: found().filter(|s| s.exhaustive != EXACT).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epsilon::Epsilon;

    #[test]
    fn only_rows_that_could_be_found_count() {
        let sample = |score, exhaustive| RecallSample { score, exhaustive };
        let samples = [sample(1.0, 1.0), sample(0.95, 0.95), sample(0.5, 0.95), sample(0.5, 0.6)];
        let at_a_tenth = Cut::Above(Epsilon::new(0.1).unwrap());
        let at = recall(&samples, at_a_tenth);
        assert_eq!((at.reachable, at.found, at.reachable_distinct, at.found_distinct), (3, 2, 2, 1));
        let nothing = recall(&samples[3..], at_a_tenth);
        assert_eq!((nothing.share(), nothing.interval()), (None, None));
    }

    #[test]
    fn at_a_tie_the_tied_rows_count_and_missed_copies_are_not_distinct() {
        let sample = |score, exhaustive| RecallSample { score, exhaustive };
        let samples = [sample(1.0, 1.0), sample(1.0, 1.0), sample(0.0, 1.0), sample(0.9, 0.9)];
        let at = recall(&samples, Cut::Through(1.0));
        assert_eq!((at.reachable, at.found, at.reachable_distinct, at.found_distinct), (3, 2, 0, 0));
        let at = recall(&samples, Cut::Through(0.9));
        assert_eq!((at.reachable, at.found, at.reachable_distinct, at.found_distinct), (4, 3, 1, 1));
    }
}
