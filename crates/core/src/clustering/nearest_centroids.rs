//! The search for the nearest centroids of a block of rows: estimates first, exact similarities
//! only where the estimates leave the nearest one open.

use crate::clustering::centroid_groups::{Group, MAX_FLAT_CENTROIDS};
use crate::clustering::visits::Visit;
use crate::similarity::candidates::Candidate;
use crate::similarity::codes::Codes;
use crate::similarity::error_bound::{ErrorBound, ROUNDED};
use crate::similarity::panels::Panels;
use crate::similarity::top_search::{TopSearch, TopSearcher, Wanted};

/// The most centroids beyond those to probe that are compared exactly. Up to [`MAX_FLAT_CENTROIDS`]
/// centroids, none is dropped, so the nearest one is always found. In a larger dense group, whose
/// centroids are all about equally near, the highest estimates are kept.
pub(super) const MAX_CANDIDATES: usize = MAX_FLAT_CENTROIDS;

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
#[derive(Debug, Default)]
pub(super) struct NearestCentroids {
    /// The centroids that may be wanted.
    found: Vec<Estimate>,
    /// The limits that further centroids must reach. It is none after centroids were added.
    limits: Option<Limits>,
}

/// The limits that a centroid must reach to be wanted: one of the two suffices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The lowest estimate of a centroid that is wanted by its estimate.
    by_estimate: f32,
    /// A lower bound of the similarity of the most similar centroid.
    least: f32,
}

impl NearestCentroids {
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.limits = None;
    }

    /// Adds the candidates of a search.
    fn add(&mut self, candidates: impl Iterator<Item = Estimate>) {
        self.found.extend(candidates);
        self.limits = None;
    }

    /// Returns what an estimate must reach to matter, given its error bound.
    pub(super) fn min_estimate(&mut self, wanted: &Wanted, bound: f32) -> f32 {
        let Limits { by_estimate, least } = self.limits.unwrap_or_else(|| self.settle(wanted));
        by_estimate.min(least - bound)
    }

    /// Sorts the centroids and drops the unwanted ones. In a dense group, it keeps only the highest
    /// estimates.
    pub(super) fn settle(&mut self, wanted: &Wanted) -> Limits {
        self.found.sort_unstable_by(Estimate::order);
        let least = self.found.iter().map(|other| other.similarity - other.bound).reduce(f32::max);
        let least = least.unwrap_or(f32::NEG_INFINITY);
        let mut place = 0;
        self.found.retain(|other| {
            place += 1;
            place <= wanted.most || other.similarity + other.bound >= least
        });
        self.found.truncate(wanted.most + MAX_CANDIDATES);
        let highest = |n: usize| self.found.get(n - 1).map_or(f32::NEG_INFINITY, |other| other.similarity);
        *self.limits.insert(Limits { by_estimate: wanted.min_estimate(highest, least), least })
    }

    /// Lists the centroids that may be the most similar one. Call [`settle`](Self::settle) first.
    pub(super) fn undecided(&self) -> impl Iterator<Item = &Estimate> {
        let least = self.limits.map_or(f32::NEG_INFINITY, |limits| limits.least);
        self.found.iter().filter(move |other| other.similarity + other.bound >= least)
    }

    /// Reranks the centroids: those that may be the most similar one by exact similarity, all
    /// others by their estimates. Returns them in descending order, on a tie by ascending number.
    /// Call [`settle`](Self::settle) first.
    pub(super) fn decide(&mut self, exact: impl Fn(u32) -> f32) -> &[Estimate] {
        let least = self.limits.map_or(f32::NEG_INFINITY, |limits| limits.least);
        for estimate in &mut self.found {
            if estimate.similarity + estimate.bound >= least {
                estimate.similarity = exact(estimate.centroid);
            }
        }
        self.found.sort_unstable_by(Estimate::order);
        &self.found
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
    pub(super) wanted: Wanted,
    /// Returns a row's exact similarity to the centre of a group.
    pub(super) exact: F,
    /// A buffer for the row at hand.
    pub(super) buffer: Vec<Candidate>,
    /// The nearest groups of all rows, row by row.
    pub(super) nearest: &'a mut Vec<NearGroup>,
}

impl<F: Fn(usize, u32) -> f32> TopSearcher for GroupSearch<'_, F> {
    fn min_estimate(&mut self, _: usize, _: ErrorBound) -> f32 {
        f32::NEG_INFINITY
    }

    fn take(&mut self, query: usize, candidates: &[Candidate], _: f32) {
        let Self { wanted, exact, buffer, nearest } = self;
        buffer.clear();
        buffer.extend(candidates);
        buffer.sort_unstable_by(|a, b| b.estimate.total_cmp(&a.estimate).then(a.target.cmp(&b.target)));
        let groups = buffer.iter().take(wanted.most).map(|found| found.target);
        nearest.extend(groups.map(|group| NearGroup { group, to_centre: exact(query, group) }));
    }
}

/// A block of rows that are assigned together.
pub(super) struct RowBlock<'a> {
    /// The rows, encoded relative to zero.
    pub(super) codes: &'a Codes,
    pub(super) wanted: Wanted,
    /// The nearest centroids of each row so far.
    pub(super) nearest: &'a mut [NearestCentroids],
    /// The number of comparisons of a row with a centroid.
    pub(super) compared: u64,
}

impl RowBlock<'_> {
    /// Compares rows with the centroids of a group.
    pub(super) fn scan(&mut self, group: &Group, visits: &[Visit]) {
        if visits.is_empty() {
            return;
        }
        let codes = self.codes;
        let queries: Vec<usize> = visits.iter().map(|visit| visit.row as usize).collect();
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
        if visits.is_empty() {
            return;
        }
        let codes = Codes::encode_alike(visits.iter().map(|visit| row(visit.row as usize)), centre, centre);
        let queries: Vec<usize> = (0..visits.len()).collect();
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
    fn run(mut self, codes: &Codes, queries: &[usize], targets: &Panels) {
        self.block.compared += (queries.len() * targets.len()) as u64;
        let wanted = self.block.wanted;
        let max_candidates = wanted.most + MAX_CANDIDATES;
        TopSearch { codes, targets, wanted, max_candidates }.run(queries, &mut self);
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

impl TopSearcher for GroupScan<'_, '_> {
    fn min_estimate(&mut self, query: usize, bound: ErrorBound) -> f32 {
        let nearest = &mut self.block.nearest[self.visits[query].row as usize];
        nearest.min_estimate(&self.block.wanted, bound.any) - self.rest(query)
    }

    fn estimate_offset(&self, query: usize) -> f32 {
        self.relative.map_or(f32::NEG_INFINITY, |codes| -codes.half_square(query))
    }

    fn take(&mut self, query: usize, candidates: &[Candidate], bound: f32) {
        let (row, rest, bound) = (self.visits[query].row, self.rest(query), bound + self.rounding());
        let Self { block, group, .. } = self;
        block.nearest[row as usize].add(candidates.iter().map(|&Candidate { estimate, target }| Estimate {
            similarity: estimate + rest,
            bound,
            centroid: group.centroids[target as usize],
        }));
    }
}
