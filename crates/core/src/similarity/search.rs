//! The search for the most similar target of each query. Training, scoring and recall use it;
//! assignment uses `top_search`.
//!
//! It is the scan of one list of an inverted-file index, followed by reranking, with bounds that
//! make it exact:
//!
//! - A *query* is an encoded row to search for. It is compared with the targets `0..limit`. Targets
//!   are often in rank order, and then the limit says which of them rank before the query.
//! - A *target* is an encoded row that is searched. Targets lie in *panels* of 32.
//! - An *estimate* is the similarity of a query and a target as their 8-bit codes give it, up to a
//!   summand that is the same for all targets. An [`ErrorBound`] says how much it can differ from
//!   the exact one.
//! - A *candidate* is a target whose estimate is high enough that it may be the most similar one,
//!   given the bound. All others are pruned. For more than one target, see `top_search`.
//! - A [`Searcher`] reranks the candidates of each query by exact similarity. So the most similar
//!   target is the one that an exact comparison of all pairs finds. The codes only decide which
//!   exact similarities are computed.
//! - A target is *settled* if no later one can count as more similar, as among near-duplicates that
//!   f32 cannot tell apart. It ends the search of its query.

use std::cell::RefCell;

use crate::similarity::candidates::{Candidate, Candidates, PanelEstimates, Precision, SearchCandidates};
use crate::similarity::codes::Codes;
use crate::similarity::error_bound::ErrorBound;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::{BLOCK, EstimateFilter, LANES, PassedEstimates, Products};
use crate::similarity::panels::Panels;

/// The number of candidates of a query that a searcher can prefetch.
const PREFETCHED: usize = 4;

/// A row to find the most similar targets of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// Its place in the codes.
    pub(crate) row: usize,
    /// It is compared with the targets `0..limit`.
    pub(crate) limit: usize,
}

/// A search of targets for queries.
pub(crate) struct Search<'a> {
    /// The codes of the queries.
    pub(crate) codes: &'a Codes,
    pub(crate) targets: &'a Panels,
}

/// Says what to search for, and takes the candidates. The first argument of every method is the
/// number of the query.
pub(crate) trait Searcher {
    /// Returns the estimate that a target must reach to be of use, given the error bound of the
    /// query.
    fn min_estimate(&self, _query: usize, _bound: ErrorBound) -> f32 {
        f32::NEG_INFINITY
    }

    /// Returns the number to add to an estimate to get the similarity minus one. It is negative
    /// infinity if estimates are not computed by distance.
    fn estimate_offset(&self, _query: usize) -> f32 {
        f32::NEG_INFINITY
    }

    /// Returns how many of the most similar targets are wanted, 1 or more.
    fn most(&self) -> usize {
        1
    }

    /// Returns whether a target is so similar that no later target counts as more similar.
    fn is_settled(&mut self, _query: usize, _target: u32) -> bool {
        false
    }

    /// Announces some of the candidates that [`rerank`](Self::rerank) will get soon.
    fn prefetch(&self, _query: usize, _candidates: &[Candidate]) {}

    /// Takes the candidates of a query. Each query gets one call, in order.
    fn rerank(&mut self, query: usize, found: SearchCandidates);
}

thread_local! {
    /// The memory of candidates, kept between searches: allocating it took longer than searching.
    static CANDIDATES: RefCell<Vec<Candidates>> = const { RefCell::new(Vec::new()) };
}

impl Search<'_> {
    /// Searches for every query. Returns the number of comparisons of a query with a target.
    pub(crate) fn run(&self, queries: &[Query], searcher: &mut impl Searcher) -> u64 {
        let mut pool = CANDIDATES.take();
        pool.resize_with(pool.len().max(BLOCK), || Candidates::NONE);
        let mut compared = 0;
        for (block, queries) in queries.chunks(BLOCK).enumerate() {
            let first = block * BLOCK;
            for (i, (candidates, query)) in pool.iter_mut().zip(queries).enumerate() {
                let bound = self.targets.error_bound(self.codes, query.row);
                let precision = Precision { offset: searcher.estimate_offset(first + i), bound };
                candidates.begin(precision, searcher.min_estimate(first + i, bound), searcher.most());
            }
            let end = self.scan(queries, &mut pool, &mut |i, target| searcher.is_settled(first + i, target));
            for (i, (candidates, _)) in pool.iter_mut().zip(queries).enumerate() {
                candidates.prune();
                let found = &candidates.found;
                searcher.prefetch(first + i, &found[..found.len().min(PREFETCHED)]);
            }
            for (i, (candidates, query)) in pool.iter_mut().zip(queries).enumerate() {
                searcher.rerank(first + i, candidates.as_search_candidates());
                compared += query.limit.min(end) as u64;
            }
        }
        CANDIDATES.set(pool);
        compared
    }

    /// Compares a block of at most [`BLOCK`] queries with the targets, panel by panel. Returns the
    /// number of targets that it went through before every query was settled.
    fn scan(
        &self,
        queries: &[Query],
        candidates: &mut [Candidates],
        is_settled: &mut dyn FnMut(usize, u32) -> bool,
    ) -> usize {
        let isa = Isa::detect();
        let mut block = QueryBlock::new(self, queries, candidates);
        let mut products: Products = [[0; LANES]; BLOCK];
        let mut passed = PassedEstimates::NONE;
        let mut open = queries.len();
        for index in 0..block.end.div_ceil(LANES) {
            let panel = self.targets.panel(index);
            isa.products(&block.codes[..queries.len()], panel.codes, panel.start, &mut products);
            block.set_lanes(index);
            let mut slack = [0.0; BLOCK];
            for (i, query) in queries.iter().enumerate() {
                slack[i] = self.targets.slack(self.codes, query.row, index);
                block.filters[i].threshold = candidates[i].threshold + slack[i];
            }
            isa.estimate(&products, &block.filters[..queries.len()], panel.terms, &mut passed);
            for (i, candidates) in candidates[..queries.len()].iter_mut().enumerate() {
                if passed.lanes[i] == 0 {
                    continue;
                }
                let (lanes, estimates) = (passed.lanes[i], &passed.estimates[i]);
                candidates.offer(&PanelEstimates { first: index * LANES, lanes, estimates, slack: slack[i] });
                if candidates.found.len() >= candidates.prune_at {
                    candidates.thin(|target| is_settled(i, target));
                    open -= usize::from(candidates.threshold == f32::INFINITY);
                }
                block.filters[i].window = candidates.panel_window();
            }
            if open == 0 {
                return (index + 1) * LANES;
            }
        }
        block.end
    }
}

/// The queries that are compared with a panel at once, as the kernels read them.
struct QueryBlock<'a> {
    queries: &'a [Query],
    codes: [&'a [u8]; BLOCK],
    filters: [EstimateFilter; BLOCK],
    /// No query is compared with a target from here on.
    end: usize,
    /// Every query is compared with all targets before this one.
    common: usize,
}

impl<'a> QueryBlock<'a> {
    fn new(search: &Search<'a>, queries: &'a [Query], candidates: &[Candidates]) -> Self {
        let mut codes: [&[u8]; BLOCK] = [&[]; BLOCK];
        let mut filters = [EstimateFilter { scale: 0.0, threshold: 0.0, window: 0.0, lanes: 0 }; BLOCK];
        for (i, query) in queries.iter().enumerate() {
            codes[i] = search.codes.row(query.row);
            filters[i] = EstimateFilter {
                scale: search.codes.summary(query.row).scale,
                threshold: 0.0, // set for each panel
                window: candidates[i].panel_window(),
                lanes: 0,
            };
        }
        let limits = || queries.iter().map(|query| query.limit);
        let end = limits().max().unwrap_or(0).min(search.targets.len());
        Self { queries, codes, filters, end, common: limits().min().unwrap_or(0) }
    }

    /// Sets which lanes of a panel each query is compared with. Up to the lowest limit these are
    /// all lanes, and stay the same.
    fn set_lanes(&mut self, panel: usize) {
        if panel == 0 || (panel + 1) * LANES > self.common {
            for (filter, query) in self.filters.iter_mut().zip(self.queries) {
                let used = query.limit.min(self.end).saturating_sub(panel * LANES).min(LANES);
                filter.lanes = ((1u64 << used) - 1) as u32;
            }
        }
    }
}

/// A target with its exact similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reranked {
    pub(crate) similarity: f32,
    pub(crate) target: u32,
}

/// Returns the target with the highest exact similarity, the lowest-numbered one on a tie.
pub(crate) fn most_similar(exact: impl Iterator<Item = Reranked>) -> Option<Reranked> {
    exact.reduce(|a, b| {
        if b.similarity > a.similarity || (b.similarity == a.similarity && b.target < a.target) {
            b
        } else {
            a
        }
    })
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
