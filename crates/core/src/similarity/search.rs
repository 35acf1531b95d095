//! The one search that all stages use: which of the targets may be most similar to each query?

use std::cell::RefCell;

use crate::similarity::codes::Codes;
use crate::similarity::error_bound::Tolerance;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::{BLOCK, Bar, LANES, Products, Reached};
use crate::similarity::panels::Panels;
use crate::similarity::thresholds::{CLOSE, SATURATED};

/// Candidates of a query that a searcher is told of before it decides.
const SOON: usize = 4;

/// The targets that may be a query's most similar, and the next by their estimates.
#[derive(Debug)]
struct Candidates {
    wanted: usize,
    gap: f32,
    /// Twice the tolerance: estimates that differ by more are in the right order.
    window: f32,
    close: Close,
    /// Estimates below are not looked at.
    threshold: f32,
    /// The highest estimate, and the next.
    best: f32,
    second: f32,
    /// Where more than two are wanted: so many candidates are ranked to find the lowest that is wanted, and where that is
    /// done.
    rank_at: usize,
    highest: Vec<f32>,
    /// (estimate, target)
    found: Vec<(f32, u32)>,
    prune_at: usize,
}

/// Close rows are told apart better than others.
#[derive(Debug, Clone, Copy)]
struct Close {
    /// What an estimate lacks of the similarity less one.
    apart: f32,
    off: Tolerance,
}

impl Close {
    /// The most that half the squared distance of the most similar target can be, given the highest estimate, if that is
    /// surely [`CLOSE`].
    fn apart(&self, best: f32) -> Option<f32> {
        let most = self.off.any - best - self.apart;
        (most <= 1.0 - CLOSE).then_some(most.max(0.0))
    }

    /// What an estimate without error is where similarities begin to be equal to one up to rounding, so that none is higher.
    fn saturated(&self) -> f32 {
        SATURATED - 1.0 - self.apart
    }
}

impl Candidates {
    const NONE: Self = Self {
        wanted: 1,
        gap: 0.0,
        window: 0.0,
        close: Close { apart: f32::NEG_INFINITY, off: Tolerance::ZERO },
        threshold: f32::NEG_INFINITY,
        best: f32::NEG_INFINITY,
        second: f32::NEG_INFINITY,
        rank_at: 0,
        highest: Vec::new(),
        found: Vec::new(),
        prune_at: 0,
    };

    fn begin(&mut self, (wanted, gap): (usize, f32), close: Close, threshold: f32) {
        self.found.clear();
        self.rank_at = wanted;
        (self.wanted, self.gap, self.threshold) = (wanted, gap, threshold);
        (self.window, self.close) = (2.0 * close.off.any, close);
        (self.best, self.second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        self.prune_at = 32 + 2 * wanted;
    }

    /// Takes in estimates that can be off by `sharper` less than the window says: they show more of the most similar one,
    /// and must reach more to be it.
    fn offer(&mut self, lanes: u32, estimates: &[f32; LANES], (first, sharper): (usize, f32)) {
        for l in set(lanes) {
            self.second = self.second.max(self.best.min(estimates[l] + sharper));
            self.best = self.best.max(estimates[l] + sharper);
        }
        if let Some(apart) = self.close.apart(self.best) {
            self.window = 2.0 * self.close.off.close(apart);
        }
        if self.wanted <= 2 {
            self.raise(if self.wanted == 1 { self.best } else { self.second });
        }
        let threshold = self.threshold;
        let reached = set(lanes).filter(|&l| estimates[l] - sharper >= threshold);
        self.found.extend(reached.map(|l| (estimates[l] - sharper, (first + l) as u32)));
        if self.wanted > 2 && self.found.len() >= self.rank_at {
            self.highest.clear();
            self.highest.extend(self.found.iter().map(|&(estimate, _)| estimate));
            let (_, &mut last, _) =
                self.highest.select_nth_unstable_by(self.wanted - 1, |a, b| b.total_cmp(a));
            self.raise(last);
            self.prune();
            self.rank_at = self.found.len() + self.wanted;
        }
    }

    /// Raises the threshold to what is of use beside the lowest estimate that is wanted.
    fn raise(&mut self, last: f32) {
        let off = self.window / 2.0;
        // The most similar one is at least so similar, or so similar that none is more.
        let least = (self.best - off).min(self.close.saturated());
        self.threshold = self.threshold.max(last.min(least - off - self.gap));
    }

    /// Estimates that are lower by more than this than another one of the same panel are of no use.
    fn panel_window(&self) -> f32 {
        match self.wanted {
            // All that is equal to one up to rounding is as high.
            1 => self.window + (1.0 - SATURATED),
            // Only where one target is wanted does a better one make others useless at once.
            _ => f32::INFINITY,
        }
    }

    /// Keeps the candidates few. Of a crowd of rows that are equal as far as can be told, all are candidates; there the
    /// first that is `settled` ends the search.
    fn thin(&mut self, most: usize, mut settled: impl FnMut(u32) -> bool) {
        self.prune();
        if self.found.len() / 2 > most {
            let mut estimates: Vec<f32> = self.found.iter().map(|&(estimate, _)| estimate).collect();
            let (_, &mut least, _) = estimates.select_nth_unstable_by(most, |a, b| b.total_cmp(a));
            // Of those that are all equally high, all stay.
            self.threshold = self.threshold.max(least.next_up().min(self.best));
            self.prune();
        }
        self.prune_at = 2 * self.found.len() + 32;
        let (off, saturated) = (self.window / 2.0, self.close.saturated());
        let may_be = |estimate: f32| saturated == f32::INFINITY || estimate + off >= saturated;
        if let Some(&first) = self.found.iter().find(|&&(e, target)| may_be(e) && settled(target)) {
            self.found.clear();
            self.found.push(first);
            (self.best, self.threshold) = (first.0, f32::INFINITY);
        }
    }

    /// What a searcher is told.
    fn likely(&self) -> Likely<'_> {
        let off = self.close.apart(self.best).map_or(f32::INFINITY, |apart| self.close.off.unrounded(apart));
        Likely { candidates: &self.found, window: self.window, off, highest_from: self.best - 2.0 * off }
    }

    fn prune(&mut self) {
        if self.threshold < f32::INFINITY {
            self.found.retain(|&(estimate, _)| estimate >= self.threshold);
        }
    }
}

/// The bits that are set, lowest first.
fn set(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}

/// A row to find the most similar targets of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// Its place in the codes.
    pub(crate) row: usize,
    /// It is compared with the first so many targets.
    pub(crate) limit: usize,
}

/// How to search.
pub(crate) struct Search<'a> {
    /// The rows that are searched for.
    pub(crate) codes: &'a Codes,
    /// The rows that are searched.
    pub(crate) targets: &'a Panels,
    /// The candidates are the targets that may be the most similar one, so many by their estimates, and those that may be
    /// less similar than the most similar one by `gap` or less.
    pub(crate) wanted: usize,
    pub(crate) gap: f32,
    /// Of more candidates than about this, those with the highest estimates.
    pub(crate) most: usize,
}

thread_local! {
    /// Kept between searches, because filling new memory took longer than searching.
    static CANDIDATES: RefCell<Vec<Candidates>> = const { RefCell::new(Vec::new()) };
}

/// What a search found for one query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Likely<'a> {
    /// (estimate, target); where one is wanted, in the order of the targets.
    pub(crate) candidates: &'a [(f32, u32)],
    /// Estimates that differ by more than this are in the right order.
    pub(crate) window: f32,
    /// The most that an estimate can be below the similarity, if that is not rounded; infinite where it is rounded much.
    pub(crate) off: f32,
    /// No candidate with a lower estimate is more similar than all others. It may be as similar as they, once that is rounded.
    pub(crate) highest_from: f32,
}

/// What a search asks and tells; the first argument is always the place of the query.
pub(crate) trait Searcher {
    /// Targets with lower estimates are left out; given how far these can be off.
    fn least(&self, _query: usize, _off: Tolerance) -> f32 {
        f32::NEG_INFINITY
    }

    /// What an estimate lacks of the similarity less one; unknown where estimates do not go by distance.
    fn apart(&self, _query: usize) -> f32 {
        f32::NEG_INFINITY
    }

    /// Whether a target is so similar that none is more similar as far as can be told.
    fn settled(&mut self, _query: usize, _target: u32) -> bool {
        false
    }

    /// These will be the candidates of a query, soon.
    fn likely(&self, _query: usize, _candidates: &[(f32, u32)]) {}

    /// The candidates of a query.
    fn found(&mut self, query: usize, likely: Likely);
}

impl Search<'_> {
    /// Searches for every query, and counts the comparisons.
    pub(crate) fn run(&self, queries: &[Query], searcher: &mut impl Searcher) -> u64 {
        let mut pool = CANDIDATES.take();
        pool.resize_with(pool.len().max(BLOCK), || Candidates::NONE);
        let mut compared = 0;
        for (chunk, queries) in queries.chunks(BLOCK).enumerate() {
            let first = chunk * BLOCK;
            for (i, (found, query)) in pool.iter_mut().zip(queries).enumerate() {
                let off = self.targets.tolerance(self.codes, query.row);
                let close = Close { apart: searcher.apart(first + i), off };
                found.begin((self.wanted, self.gap), close, searcher.least(first + i, off));
            }
            let end = self.compare(queries, &mut pool, &mut |i, target| searcher.settled(first + i, target));
            for (i, (found, _)) in pool.iter_mut().zip(queries).enumerate() {
                found.prune();
                searcher.likely(first + i, &found.found[..found.found.len().min(SOON)]);
            }
            for (i, (found, query)) in pool.iter_mut().zip(queries).enumerate() {
                searcher.found(first + i, found.likely());
                compared += query.limit.min(end) as u64;
            }
        }
        CANDIDATES.set(pool);
        compared
    }

    /// Compares at most [`BLOCK`] queries with the targets, and tells how many of these it took.
    fn compare(
        &self,
        queries: &[Query],
        found: &mut [Candidates],
        settled: &mut dyn FnMut(usize, u32) -> bool,
    ) -> usize {
        let Self { codes, targets, .. } = *self;
        let isa = Isa::detect();
        let mut rows: [&[u8]; BLOCK] = [&[]; BLOCK];
        let mut bars = [Bar { scale: 0.0, threshold: 0.0, window: 0.0, lanes: 0 }; BLOCK];
        for (i, query) in queries.iter().enumerate() {
            rows[i] = codes.row(query.row);
            let (threshold, window) = (found[i].threshold, found[i].panel_window());
            bars[i] = Bar { scale: codes.scale(query.row), threshold, window, lanes: 0 };
        }
        let (rows, bars) = (&rows[..queries.len()], &mut bars[..queries.len()]);
        let mut products: Products = [[0; LANES]; BLOCK];
        let mut out = Reached::NONE;
        let mut open = queries.len();
        let limits = || queries.iter().map(|query| query.limit);
        let end = limits().max().unwrap_or(0).min(targets.len());
        let least = limits().min().unwrap_or(0);
        for panel in 0..end.div_ceil(LANES) {
            let (words, start, lanes) = targets.panel(panel);
            isa.products(rows, words, start, &mut products);
            // Up to the least limit every query is compared with all lanes.
            if panel == 0 || (panel + 1) * LANES > least {
                for (bar, query) in bars.iter_mut().zip(queries) {
                    let used = query.limit.min(end).saturating_sub(panel * LANES).min(LANES);
                    bar.lanes = ((1u64 << used) - 1) as u32;
                }
            }
            let mut sharper = [0.0; BLOCK];
            if self.wanted == 1 {
                for (i, query) in queries.iter().enumerate() {
                    sharper[i] = targets.sharper(codes, query.row, panel);
                    bars[i].threshold = found[i].threshold + sharper[i];
                }
            }
            isa.estimate(&products, bars, lanes, &mut out);
            for i in 0..queries.len() {
                if out.lanes[i] != 0 {
                    found[i].offer(out.lanes[i], &out.estimates[i], (panel * LANES, sharper[i]));
                    if found[i].found.len() >= found[i].prune_at {
                        found[i].thin(self.most, |target| settled(i, target));
                        open -= usize::from(found[i].threshold == f32::INFINITY);
                    }
                    (bars[i].threshold, bars[i].window) = (found[i].threshold, found[i].panel_window());
                }
            }
            if open == 0 {
                return (panel + 1) * LANES;
            }
        }
        end
    }
}

/// The most similar of exact similarities, the first target on a tie.
pub(crate) fn most_similar<T: Ord + Copy>(exact: impl Iterator<Item = (f32, T)>) -> Option<(f32, T)> {
    exact.reduce(|a, b| if b.0 > a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a })
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
