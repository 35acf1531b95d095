//! The search for the targets that may be among the k most similar ones of a query.
//!
//! [`Search`](crate::similarity::search::Search) prunes while it goes through the panels, which is
//! best if few targets are wanted or the query comes with a close match. Here many targets come
//! near to the best, so pruning early would keep most of them for a while. Instead, a block of
//! queries is estimated against all targets first. These estimates stay in the cache. Then the
//! highest estimates give a threshold, and a second pass collects the targets that reach it.

use std::cell::RefCell;

use crate::similarity::candidates::{Candidate, Precision, set_bits};
use crate::similarity::codes::Codes;
use crate::similarity::error_bound::ErrorBound;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::{BLOCK, Highest, LANES, Products};
use crate::similarity::panels::Panels;

/// The queries whose estimates are in the cache at once.
const QUERIES: usize = BLOCK / 2;

/// Says which targets a search must find: the most similar one, and those with the `most` highest
/// estimates. Beyond the first `sure`, a target is wanted only if it is less similar than the most
/// similar one by at most `gap`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) most: usize,
    pub(crate) sure: usize,
    pub(crate) gap: f32,
}

impl Wanted {
    /// The `most` most similar targets.
    pub(crate) fn nearest(most: usize) -> Self {
        Self { most, sure: most, gap: f32::INFINITY }
    }

    /// Returns the lowest estimate that a wanted target can have, other than the most similar one.
    /// `highest(n)` is the n-th highest estimate; `least` is a similarity that the most similar
    /// target reaches.
    pub(crate) fn min_estimate(&self, highest: impl Fn(usize) -> f32, least: f32) -> f32 {
        if self.sure == self.most {
            return highest(self.most);
        }
        highest(self.most).max(highest(self.sure).min(least - self.gap))
    }
}

/// A search of targets for the queries among some rows.
pub(crate) struct TopSearch<'a> {
    /// The codes of the queries.
    pub(crate) codes: &'a Codes,
    pub(crate) targets: &'a Panels,
    pub(crate) wanted: Wanted,
    /// If there are more candidates than this, only those with the highest estimates are kept.
    pub(crate) max_candidates: usize,
}

/// Says what a target must reach, and takes the candidates. The first argument of every method is
/// the number of the query.
pub(crate) trait TopSearcher {
    /// Returns the estimate that a target must reach to be of use, given the error bound of the
    /// query.
    fn min_estimate(&mut self, query: usize, bound: ErrorBound) -> f32;

    /// Returns the number to add to an estimate to get the similarity minus one. It is negative
    /// infinity if estimates are not computed by distance.
    fn estimate_offset(&self, _query: usize) -> f32 {
        f32::NEG_INFINITY
    }

    /// Takes the candidates of a query, in no order, and the bound of the error of their estimates.
    /// The queries that have candidates come in order.
    fn take(&mut self, query: usize, candidates: &[Candidate], bound: f32);
}

/// The memory of a search, kept between searches.
#[derive(Default)]
struct Buffers {
    /// The estimates of a block of queries: queries × panels.
    estimates: Vec<[f32; LANES]>,
    candidates: Vec<Candidate>,
    ranked: Vec<f32>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

impl TopSearch<'_> {
    /// Searches all targets for the queries, which are the rows of the codes with these numbers.
    pub(crate) fn run(&self, queries: &[usize], searcher: &mut impl TopSearcher) {
        let isa = Isa::detect();
        let mut buffers = BUFFERS.take();
        let panels = self.targets.panels();
        for (block, rows) in queries.chunks(QUERIES).enumerate() {
            buffers.estimates.resize(rows.len() * panels, [0.0; LANES]);
            let mut highest = [Highest::NONE; QUERIES];
            self.estimate(rows, &mut buffers.estimates, &mut highest);
            for (i, (&row, highest)) in rows.iter().zip(&highest).enumerate() {
                let query = block * QUERIES + i;
                let bound = self.targets.error_bound(self.codes, row);
                let precision = Precision { offset: searcher.estimate_offset(query), bound };
                let (best, second) = isa.two_highest(highest);
                let known = searcher.min_estimate(query, bound);
                if best < known {
                    continue;
                }
                let off = precision.off(best);
                let Buffers { estimates, candidates, ranked } = &mut buffers;
                let estimates = &estimates[i * panels..(i + 1) * panels];
                let reached = self.reached(highest, (best, second), off, ranked);
                self.collect(estimates, known.max(reached), candidates);
                self.keep_highest(candidates, best - 2.0 * off, ranked);
                searcher.take(query, candidates, off);
            }
        }
        BUFFERS.set(buffers);
    }

    /// Estimates the similarities of a block of queries with all targets.
    fn estimate(&self, rows: &[usize], estimates: &mut [[f32; LANES]], highest: &mut [Highest; QUERIES]) {
        let isa = Isa::detect();
        let mut codes: [&[u8]; QUERIES] = [&[]; QUERIES];
        let mut scales = [0.0; QUERIES];
        for (i, &row) in rows.iter().enumerate() {
            (codes[i], scales[i]) = (self.codes.row(row), self.codes.summary(row).scale);
        }
        let (codes, scales) = (&codes[..rows.len()], &scales[..rows.len()]);
        let mut products: Products = [[0; LANES]; BLOCK];
        let panels = self.targets.panels();
        for index in 0..panels {
            let panel = self.targets.panel(index);
            isa.products(codes, panel.codes, panel.start, &mut products);
            isa.estimate_all(&products, scales, panel.terms, panels, &mut estimates[index..], highest);
        }
    }

    /// Returns an estimate that every wanted target reaches, given the highest estimates of each
    /// lane, and the two highest of all.
    fn reached(&self, highest: &Highest, (best, second): (f32, f32), off: f32, ranked: &mut Vec<f32>) -> f32 {
        let Wanted { sure, gap, most } = self.wanted;
        let nth = match sure {
            1 => best,
            2 => second,
            _ => {
                ranked.clear();
                ranked.extend(highest.all());
                nth_highest(ranked, sure)
            }
        };
        let by_estimate = if sure == most { nth } else { nth.min(best - off - gap) };
        by_estimate.min(best - 2.0 * off)
    }

    /// Collects the targets whose estimates reach a threshold.
    fn collect(&self, estimates: &[[f32; LANES]], threshold: f32, candidates: &mut Vec<Candidate>) {
        let isa = Isa::detect();
        candidates.clear();
        for (panel, estimates) in estimates.iter().enumerate() {
            let lanes = isa.reaching(estimates, threshold);
            let found = set_bits(lanes & self.targets.used(panel));
            candidates.extend(
                found.map(|l| Candidate { estimate: estimates[l], target: (panel * LANES + l) as u32 }),
            );
        }
    }

    /// Drops the candidates that are not wanted, and all but the highest if there are too many.
    /// `nearest` is an estimate that the most similar target reaches.
    fn keep_highest(&self, candidates: &mut Vec<Candidate>, nearest: f32, ranked: &mut Vec<f32>) {
        for (count, nearest) in [(self.wanted.most, nearest), (self.max_candidates, f32::INFINITY)] {
            if candidates.len() > count {
                ranked.clear();
                ranked.extend(candidates.iter().map(|found| found.estimate));
                let least = nth_highest(ranked, count).min(nearest);
                candidates.retain(|found| found.estimate >= least);
            }
        }
        candidates.truncate(self.max_candidates);
    }
}

/// Returns the n-th highest value, or negative infinity if there are fewer.
fn nth_highest(values: &mut [f32], n: usize) -> f32 {
    if values.len() < n {
        return f32::NEG_INFINITY;
    }
    *values.select_nth_unstable_by(n - 1, |a, b| b.total_cmp(a)).1
}

#[cfg(test)]
#[path = "top_search_tests.rs"]
mod tests;
