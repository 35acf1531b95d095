//! The targets that may be the most similar one of a query, while a search goes through the
//! panels.

use crate::similarity::error_bound::ErrorBound;
use crate::similarity::kernels::types::LANES;
use crate::similarity::thresholds::{BY_DISTANCE_MIN_COSINE, SATURATED};

/// A target that may be among the most similar ones of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) estimate: f32,
    /// The number of the target.
    pub(crate) target: u32,
}

/// How estimates relate to exact similarities, for one query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Precision {
    /// A similarity minus one is about the estimate plus this. It is negative infinity where
    /// estimates are not computed by distance.
    pub(super) offset: f32,
    pub(super) bound: ErrorBound,
}

impl Precision {
    /// Bounds half the squared distance of the most similar target from above, given the highest
    /// estimate. Returns none unless the target's similarity is certainly
    /// [`BY_DISTANCE_MIN_COSINE`] or more.
    fn half_square(&self, best: f32) -> Option<f32> {
        let most = self.bound.any - best - self.offset;
        (most <= 1.0 - BY_DISTANCE_MIN_COSINE).then_some(most.max(0.0))
    }

    /// Bounds the error of the estimates of targets that may be the most similar one, given the
    /// highest estimate.
    pub(super) fn off(&self, best: f32) -> f32 {
        self.half_square(best).map_or(self.bound.any, |half_square| self.bound.close(half_square))
    }

    /// Returns the estimate that an exact similarity of [`SATURATED`] would have. From there on,
    /// similarities count as equal.
    fn saturated(&self) -> f32 {
        SATURATED - 1.0 - self.offset
    }
}

/// The estimates of one panel for one query.
pub(super) struct PanelEstimates<'a> {
    /// The number of the first target of the panel.
    pub(super) first: usize,
    /// The lanes that passed the query's filter, one bit each.
    pub(super) lanes: u32,
    pub(super) estimates: &'a [f32; LANES],
    /// By how much the error bound of the panel is lower than the bound of all panels.
    pub(super) slack: f32,
}

/// The candidates of one query so far.
///
/// The rule: with an error bound `off` for every estimate, the most similar target is at least
/// `best − off` similar, so a target below `best − 2 · off` cannot be the most similar one and is
/// pruned.
#[derive(Debug)]
pub(super) struct Candidates {
    /// Twice the error bound: estimates that differ by more are in the right order.
    window: f32,
    precision: Precision,
    /// Lower estimates are ignored. It only rises; infinity ends the search.
    pub(super) threshold: f32,
    /// The highest estimate.
    best: f32,
    pub(super) found: Vec<Candidate>,
    /// The number of candidates at which to call [`Candidates::thin`].
    pub(super) prune_at: usize,
    /// How many of the most similar targets are wanted.
    most: usize,
}

impl Candidates {
    pub(super) const NONE: Self = Self {
        window: 0.0,
        precision: Precision { offset: f32::NEG_INFINITY, bound: ErrorBound::ZERO },
        threshold: f32::NEG_INFINITY,
        best: f32::NEG_INFINITY,
        found: Vec::new(),
        prune_at: 0,
        most: 1,
    };

    /// Starts a query for the `most` most similar targets. Keeps the memory of the last one.
    pub(super) fn begin(&mut self, precision: Precision, threshold: f32, most: usize) {
        self.found.clear();
        self.threshold = threshold;
        self.window = if most == 1 { 2.0 * precision.bound.any } else { f32::INFINITY };
        (self.precision, self.most) = (precision, most);
        self.best = f32::NEG_INFINITY;
        self.prune_at = 2 * most + 30;
    }

    /// Adds the estimates of a panel.
    ///
    /// The panel's error bound is lower by `slack`. So its estimates prove more about the most
    /// similar target (they count as `estimate + slack` there), and must reach more to be
    /// candidates (they are kept as `estimate − slack`).
    pub(super) fn offer(&mut self, panel: &PanelEstimates) {
        let PanelEstimates { first, lanes, estimates, slack } = *panel;
        if self.most == 1 {
            for l in set_bits(lanes) {
                self.best = self.best.max(estimates[l] + slack);
            }
            self.window = 2.0 * self.precision.off(self.best);
            self.raise();
        }
        let threshold = self.threshold;
        let reached = set_bits(lanes).filter(|&l| estimates[l] - slack >= threshold);
        self.found.extend(
            reached.map(|l| Candidate { estimate: estimates[l] - slack, target: (first + l) as u32 }),
        );
    }

    /// Raises the threshold to what the highest estimate proves.
    fn raise(&mut self) {
        let off = self.window / 2.0;
        // The most similar target is at least this similar, or as similar as counts.
        let least = (self.best - off).min(self.precision.saturated());
        self.threshold = self.threshold.max(least - off);
    }

    /// Returns by how much an estimate may be lower than the highest of its panel to be of use.
    pub(super) fn panel_window(&self) -> f32 {
        // Similarities from SATURATED on count as equal.
        self.window + (1.0 - SATURATED)
    }

    /// Reduces the number of candidates: prunes those below the threshold. In a dense group of
    /// near-duplicates, every row is a candidate; there, the first ones that `is_settled`, as many
    /// as are wanted, end the search.
    pub(super) fn thin(&mut self, mut is_settled: impl FnMut(u32) -> bool) {
        self.prune();
        self.prune_at = 2 * self.found.len() + 32;
        let (off, saturated) =
            (self.precision.off(self.best.max(self.highest())), self.precision.saturated());
        let may_be = |estimate: f32| saturated == f32::INFINITY || estimate + off >= saturated;
        let settled = self.found.iter().filter(|found| may_be(found.estimate) && is_settled(found.target));
        let settled: Vec<Candidate> = settled.take(self.most).copied().collect();
        if settled.len() == self.most {
            self.found.clear();
            self.found.extend(settled);
            (self.best, self.threshold) = (self.highest(), f32::INFINITY);
        }
    }

    /// Returns the highest estimate of the candidates.
    fn highest(&self) -> f32 {
        self.found.iter().map(|found| found.estimate).fold(f32::NEG_INFINITY, f32::max)
    }

    /// Removes the candidates below the threshold.
    pub(super) fn prune(&mut self) {
        if self.threshold == f32::INFINITY {
            return;
        }
        if self.most > 1 {
            self.raise_to_wanted();
        }
        self.found.retain(|found| found.estimate >= self.threshold);
    }

    /// Raises the threshold to what the lowest of the `most` highest estimates proves: as many
    /// targets are at least so similar.
    fn raise_to_wanted(&mut self) {
        if self.found.len() <= self.most {
            return;
        }
        let mut estimates: Vec<f32> = self.found.iter().map(|found| found.estimate).collect();
        let (_, &mut lowest, _) = estimates.select_nth_unstable_by(self.most - 1, |a, b| b.total_cmp(a));
        let off = self.precision.off(lowest);
        let least = (lowest - off).min(self.precision.saturated());
        self.threshold = self.threshold.max(least - off);
    }

    /// Returns the candidates with the bounds that reranking needs.
    pub(super) fn as_search_candidates(&self) -> SearchCandidates<'_> {
        let Precision { bound, .. } = self.precision;
        let unrounded = self
            .precision
            .half_square(self.best)
            .map_or(f32::INFINITY, |half_square| bound.unrounded(half_square));
        SearchCandidates {
            candidates: &self.found,
            unrounded_bound: unrounded,
            highest_from: self.best - 2.0 * unrounded,
        }
    }
}

/// The result of a search for one query, to be reranked by exact similarities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchCandidates<'a> {
    /// The candidates, in the order of the targets.
    pub(crate) candidates: &'a [Candidate],
    /// The most that an estimate can be below the exact similarity before that is rounded. It is
    /// infinite unless the most similar target is certainly close.
    pub(crate) unrounded_bound: f32,
    /// A candidate with a lower estimate is not more similar than all others. It can be as similar
    /// as the others once similarities are rounded.
    pub(crate) highest_from: f32,
}

/// Lists the bits that are set, lowest first.
pub(super) fn set_bits(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}
