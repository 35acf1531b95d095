//! The search for the nearest centroids of a block of rows: estimates first, exact similarities
//! only where the estimates leave the nearest one open.

use crate::clustering::centroid_groups::Group;
use crate::clustering::probes::Probes;
use crate::similarity::candidates::{Candidate, SearchCandidates, TopK};
use crate::similarity::codes::Codes;
use crate::similarity::error_bound::{ErrorBound, ROUNDED};
use crate::similarity::panels::Panels;
use crate::similarity::search::{Query, Search, Searcher};

/// In a dense group that codes cannot tell apart, about this many centroids are compared exactly.
/// They are all about equally near.
pub(super) const MAX_CANDIDATES: usize = 1024;

/// The estimated similarity of a row to a centroid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// The estimate; exact once [`NearestCentroids::decide`] has replaced it.
    pub(super) similarity: f32,
    /// The most that the estimate can differ from the exact similarity.
    bound: f32,
    pub(super) centroid: u32,
}

impl Estimate {
    /// Orders by descending similarity, on a tie by ascending number of the centroid.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.similarity.total_cmp(&self.similarity).then(self.centroid.cmp(&other.centroid))
    }
}

/// The nearest centroids of one row so far.
#[derive(Debug)]
pub(super) struct NearestCentroids {
    /// The highest estimates, in order.
    best: Vec<Estimate>,
    /// Other centroids that may be the most similar one.
    others: Vec<Estimate>,
    /// A lower bound of the similarity of the most similar centroid.
    least: f32,
}

impl Default for NearestCentroids {
    fn default() -> Self {
        Self { best: Vec::new(), others: Vec::new(), least: f32::NEG_INFINITY }
    }
}

impl NearestCentroids {
    pub(super) fn clear(&mut self) {
        self.best.clear();
        self.others.clear();
        self.least = f32::NEG_INFINITY;
    }

    /// Adds an estimate. Keeps the `most` highest in order.
    fn add(&mut self, estimate: Estimate, most: usize) {
        self.least = self.least.max(estimate.similarity - estimate.bound);
        let place =
            self.best.iter().position(|other| estimate.order(other).is_lt()).unwrap_or(self.best.len());
        let mut displaced = Some(estimate);
        if place < most {
            let last = if self.best.len() == most { self.best.pop() } else { None };
            self.best.insert(place, estimate);
            displaced = last;
        }
        if let Some(other) = displaced.filter(|other| other.similarity + other.bound >= self.least) {
            self.others.push(other);
            if self.others.len() >= 2 * MAX_CANDIDATES {
                self.others.select_nth_unstable_by(MAX_CANDIDATES, Estimate::order);
                self.others.truncate(MAX_CANDIDATES);
            }
        }
    }

    /// Returns what an estimate must reach to matter, given its error bound.
    fn threshold(&self, probes: Probes, bound: f32) -> f32 {
        let TopK { count, gap } = probes.top();
        let Some(last) = self.best.get(count - 1) else { return f32::NEG_INFINITY };
        let full = self.best.get(probes.most() - 1).map_or(f32::NEG_INFINITY, |last| last.similarity);
        let probed = full.max(self.best[0].similarity - gap);
        last.similarity.min(probed).min(self.least) - 2.0 * bound
    }

    /// Returns whether a centroid with at most this similarity can matter.
    pub(super) fn may_take(&self, similarity: f32, probes: Probes) -> bool {
        similarity >= self.threshold(probes, 0.0)
    }

    /// Lists the centroids that may be the most similar one.
    pub(super) fn undecided(&self) -> impl Iterator<Item = &Estimate> {
        self.best
            .iter()
            .chain(&self.others)
            .filter(|estimate| estimate.similarity + estimate.bound >= self.least)
    }

    /// Reranks the centroids: those that may be the most similar one by exact similarity, all
    /// others by their estimates. Returns them in descending order, on a tie by ascending number.
    pub(super) fn decide(&mut self, exact: impl Fn(u32) -> f32) -> &[Estimate] {
        self.best.append(&mut self.others);
        for estimate in &mut self.best {
            if estimate.similarity + estimate.bound >= self.least {
                estimate.similarity = exact(estimate.centroid);
            }
        }
        self.best.sort_unstable_by(Estimate::order);
        &self.best
    }
}

/// A group whose centroids a row may be compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct NearGroup {
    pub(super) group: u32,
    /// The row's similarity to the centre of the group.
    pub(super) to_centre: f32,
}

/// The search for the nearest groups of the rows of a block.
pub(super) struct GroupSearch<'a, F> {
    /// The number of groups to find for each row.
    pub(super) wanted: usize,
    /// Returns a row's exact similarity to the centre of a group.
    pub(super) exact: F,
    /// A buffer for the row at hand.
    pub(super) buffer: NearestCentroids,
    /// The nearest groups of all rows, row by row.
    pub(super) nearest: &'a mut Vec<NearGroup>,
}

impl<F: Fn(usize, u32) -> NearGroup> Searcher for GroupSearch<'_, F> {
    fn rerank(&mut self, query: usize, found: SearchCandidates) {
        self.buffer.clear();
        for &Candidate { estimate, target } in found.candidates {
            let estimate = Estimate { similarity: estimate, bound: found.window / 2.0, centroid: target };
            self.buffer.add(estimate, self.wanted);
        }
        self.nearest.extend(self.buffer.best.iter().map(|estimate| (self.exact)(query, estimate.centroid)));
    }
}

/// A row of a block that is compared with the centroids of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    /// The row's place in the block.
    pub(super) row: usize,
    /// Its similarity to the centre of the group.
    pub(super) to_centre: f32,
}

/// A block of rows that are assigned together.
pub(super) struct RowBlock<'a> {
    /// The rows, encoded relative to zero.
    pub(super) codes: &'a Codes,
    pub(super) probes: Probes,
    /// The nearest centroids of each row so far.
    pub(super) nearest: &'a mut [NearestCentroids],
    /// The number of comparisons of a row with a centroid.
    pub(super) compared: u64,
}

impl RowBlock<'_> {
    /// Compares rows with the centroids of a group.
    pub(super) fn scan(&mut self, group: &Group, visits: &[Visit]) {
        let (codes, limit) = (self.codes, group.centroids.len());
        let queries: Vec<Query> = visits.iter().map(|visit| Query { row: visit.row, limit }).collect();
        let scan = GroupScan { block: self, group, visits, relative: None };
        scan.run(codes, &queries, &group.panels_for_whole);
    }

    /// Compares rows near the centre of a group with its centroids. It encodes the rows relative to
    /// the centre. `row(i)` returns row `i` of the block.
    pub(super) fn scan_near<'r>(
        &mut self,
        group: &Group,
        centre: &[f32],
        visits: &[Visit],
        row: impl Fn(usize) -> &'r [f32],
    ) {
        let limit = group.centroids.len();
        let codes = Codes::encode(visits.iter().map(|visit| row(visit.row)), centre, centre);
        let queries: Vec<Query> = (0..visits.len()).map(|row| Query { row, limit }).collect();
        let scan = GroupScan { block: self, group, visits, relative: Some(&codes) };
        scan.run(&codes, &queries, &group.panels);
    }
}

/// The comparison of some rows with the centroids of one group.
struct GroupScan<'a, 'b> {
    block: &'a mut RowBlock<'b>,
    group: &'a Group,
    visits: &'a [Visit],
    /// The rows relative to the centre, if they are near it.
    relative: Option<&'a Codes>,
}

impl GroupScan<'_, '_> {
    fn run(mut self, codes: &Codes, queries: &[Query], targets: &Panels) {
        self.block.compared += (queries.len() * targets.len()) as u64;
        let probes = self.block.probes;
        // In a dense group, all centroids may be within the gap. The highest estimates suffice.
        let top = match self.relative {
            Some(_) => TopK { count: probes.most(), gap: 0.0 },
            None => probes.top(),
        };
        let search = Search { codes, targets, top, max_candidates: probes.most() + MAX_CANDIDATES };
        search.run(queries, &mut self);
    }

    /// Returns what to add to an estimate of the search to get an estimated similarity.
    fn rest(&self, query: usize) -> f32 {
        match self.relative {
            Some(codes) => 1.0 - codes.half_square(query),
            None => self.visits[query].to_centre,
        }
    }

    /// Returns the rounding error of that addition.
    fn rounding(&self) -> f32 {
        if self.relative.is_some() { ROUNDED } else { 0.0 }
    }
}

impl Searcher for GroupScan<'_, '_> {
    fn min_estimate(&self, query: usize, bound: ErrorBound) -> f32 {
        let row = self.visits[query].row;
        self.block.nearest[row].threshold(self.block.probes, bound.any) - self.rest(query)
    }

    fn estimate_offset(&self, query: usize) -> f32 {
        self.relative.map_or(f32::NEG_INFINITY, |codes| -codes.half_square(query))
    }

    fn rerank(&mut self, query: usize, found: SearchCandidates) {
        let (row, rest, rounding) = (self.visits[query].row, self.rest(query), self.rounding());
        let most = self.block.probes.most();
        for &Candidate { estimate, target } in found.candidates {
            let estimate = Estimate {
                similarity: estimate + rest,
                bound: found.window / 2.0 + rounding,
                centroid: self.group.centroids[target as usize],
            };
            self.block.nearest[row].add(estimate, most);
        }
    }
}
