//! Recall η(ε): the share of the rows that an exhaustive comparison would remove at ε and that this
//! run removes.
//!
//! If a target size cuts through rows of equal score, all of these rows count as removed: the run
//! found them, and the target says how many of them to remove.

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
        (self.reachable > 0).then(|| wilson(self.found, self.reachable))
    }

    /// Returns the lower and upper end of the 95 % confidence interval of [`Self::share_distinct`].
    pub fn interval_distinct(&self) -> Option<(f64, f64)> {
        (self.reachable_distinct > 0).then(|| wilson(self.found_distinct, self.reachable_distinct))
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

/// Returns the 95 % Wilson score interval of a binomial share.
fn wilson(found: usize, of: usize) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (of as f64, found as f64 / of as f64);
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epsilon::Epsilon;

    #[test]
    fn the_interval_is_wilsons() {
        // 81 of 263: the worked example of Newcombe 1998, table I.
        let (low, high) = wilson(81, 263);
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
        assert!(wilson(10, 10).1 > 1.0 - 1e-12 && wilson(10, 10).1 <= 1.0);
        assert!(wilson(0, 10).0 < 1e-12 && wilson(0, 10).0 >= 0.0);
    }

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
