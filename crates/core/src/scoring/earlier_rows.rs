//! The search for the most similar earlier-ranking row, decided by exact similarities.

use crate::scoring::part::Member;
use crate::similarity::candidates::{Candidate, SearchCandidates};
use crate::similarity::embeddings::UnitRows;
use crate::similarity::error_bound::{ErrorBound, ROUNDED};
use crate::similarity::kernels::isa::Isa;
use crate::similarity::search::{Query, Reranked, Searcher, most_similar};
use crate::similarity::thresholds::{BY_DISTANCE_MIN_COSINE, COPY, SATURATED};

/// A row's similarity to the earlier-ranking row that has this rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RankedSimilarity {
    pub(super) similarity: f32,
    pub(super) rank: u32,
}

impl RankedSimilarity {
    /// No earlier-ranking row so far.
    pub(super) const NONE: Self = Self { similarity: f32::NEG_INFINITY, rank: u32::MAX };

    /// The best match that a row can have.
    pub(super) const BEST: Self = Self { similarity: COPY, rank: 0 };

    /// Returns whether there is an earlier-ranking row.
    pub(super) fn is_some(self) -> bool {
        self.rank != Self::NONE.rank
    }

    /// Returns whether this is a better match: more similar, or as similar and earlier-ranking.
    pub(super) fn is_better_than(self, other: Self) -> bool {
        self.similarity > other.similarity || (self.similarity == other.similarity && self.rank < other.rank)
    }
}

/// A row to search the most similar earlier-ranking rows of.
pub(super) struct SearchRow {
    /// The row's index among the members of the cluster.
    pub(super) index: u32,
    /// The row's place in the part.
    pub(super) place: u32,
    pub(super) query: Query,
    /// The number to add to an estimate to get the similarity minus one.
    pub(super) offset: f32,
    /// The best match so far. Only better ones are searched.
    pub(super) best: RankedSimilarity,
}

/// A match of a searched row: its best one, or one of the best.
pub(super) struct BestMatch {
    /// The index of the searched row among the members of the cluster.
    pub(super) searched: u32,
    pub(super) best: RankedSimilarity,
}

/// Which matches of a row are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct WantedMatches {
    /// From this similarity on, no row counts as more similar: [`SATURATED`], or [`COPY`] if copies
    /// may meet.
    pub(super) settled: f32,
    /// How many of the most similar earlier-ranking rows are wanted, each more similar than the best
    /// match so far.
    pub(super) most: usize,
}

/// A search of some rows for their most similar earlier-ranking rows. The targets are in rank
/// order.
pub(super) struct EarlierSearch<'a> {
    rows: &'a dyn UnitRows,
    /// See [`WantedMatches`].
    settled: f32,
    /// See [`WantedMatches`].
    most: usize,
    searched: &'a [SearchRow],
    targets: &'a [Member],
    /// Room to decode two rows.
    buffers: [Vec<f32>; 2],
    pub(super) found: Vec<BestMatch>,
}

impl<'a> EarlierSearch<'a> {
    pub(super) fn new(
        rows: &'a dyn UnitRows,
        wanted: WantedMatches,
        searched: &'a [SearchRow],
        targets: &'a [Member],
    ) -> Self {
        let WantedMatches { settled, most } = wanted;
        let values = || vec![0.0; rows.dim()];
        let (buffers, found) = ([values(), values()], Vec::with_capacity(searched.len()));
        Self { rows, settled, most, searched, targets, buffers, found }
    }

    fn push(&mut self, query: usize, best: Reranked) {
        let rank = self.targets[best.target as usize].rank;
        let best = RankedSimilarity { similarity: best.similarity, rank };
        self.found.push(BestMatch { searched: self.searched[query].index, best });
    }

    /// Takes the most similar candidates, on a tie the earliest-ranking ones.
    fn rerank_several(&mut self, query: usize, candidates: &[Candidate]) {
        let targets: Vec<u32> = candidates.iter().map(|found| found.target).collect();
        let mut exact: Vec<Reranked> = self.similarities(query, &targets).collect();
        exact.sort_unstable_by(|a, b| {
            b.similarity.total_cmp(&a.similarity).then_with(|| a.target.cmp(&b.target))
        });
        exact.truncate(self.most);
        exact.into_iter().for_each(|found| self.push(query, found));
    }

    /// Computes the exact similarities to some targets. A similarity that f32 cannot tell from
    /// that of equal rows becomes [`SATURATED`], or [`COPY`] for the same vector.
    fn similarities(&mut self, query: usize, targets: &[u32]) -> impl Iterator<Item = Reranked> {
        let rows = self.rows;
        let [buffer, other] = &mut self.buffers;
        let row = rows.row(self.searched[query].place as usize, buffer);
        let targets = targets.iter().map(|&target| (target, self.targets[target as usize].place));
        targets.map(move |(target, place)| {
            let other = rows.row(place as usize, other);
            let similarity = Isa::detect().similarity(row, other);
            if similarity < SATURATED {
                return Reranked { similarity, target };
            }
            // Copies meet here only if a clustering from elsewhere has them in different clusters.
            Reranked { similarity: if row == other { COPY } else { SATURATED }, target }
        })
    }
}

impl Searcher for EarlierSearch<'_> {
    fn min_estimate(&self, query: usize, bound: ErrorBound) -> f32 {
        let SearchRow { best, offset, .. } = &self.searched[query];
        let off = if best.similarity >= BY_DISTANCE_MIN_COSINE {
            bound.close(1.0 - best.similarity.min(1.0) + ROUNDED)
        } else {
            bound.any
        };
        // For a copy, there may be an earlier-ranking copy, and its estimate is that of equal rows.
        best.similarity.min(SATURATED) - 1.0 - offset - off
    }

    fn estimate_offset(&self, query: usize) -> f32 {
        self.searched[query].offset
    }

    fn most(&self) -> usize {
        self.most
    }

    /// Targets come in rank order, so no later one is a better match than a settled one.
    fn is_settled(&mut self, query: usize, target: u32) -> bool {
        let settled = self.settled;
        self.similarities(query, &[target]).any(|exact| exact.similarity >= settled)
    }

    fn prefetch(&self, query: usize, candidates: &[Candidate]) {
        let rows = self.rows;
        if !candidates.is_empty() {
            rows.prefetch(self.searched[query].place as usize);
        }
        for candidate in candidates {
            rows.prefetch(self.targets[candidate.target as usize].place as usize);
        }
    }

    fn rerank(&mut self, query: usize, found: SearchCandidates) {
        if found.candidates.is_empty() {
            return;
        }
        if self.most > 1 {
            return self.rerank_several(query, found.candidates);
        }
        let from = |estimate: f32| {
            let candidates = found.candidates.iter();
            candidates.filter(move |other| other.estimate >= estimate).map(|other| other.target)
        };
        let highest: Vec<u32> = from(found.highest_from).collect();
        let Some(mut best) = most_similar(self.similarities(query, &highest)) else { return };
        // Where rounding is larger, all candidates have been reranked already.
        if found.unrounded_bound == f32::INFINITY {
            return self.push(query, best);
        }
        // Once rounded, other candidates can be as similar, and the first of them is the match. In
        // a dense group of near-duplicates these can be nearly all candidates, so only those before
        // it are reranked.
        let least = best.similarity - ROUNDED - 1.0 - self.searched[query].offset - found.unrounded_bound;
        let before: Vec<u32> = from(least).take_while(|&other| other < best.target).collect();
        let as_similar = |other: &Reranked| other.similarity == best.similarity;
        if let Some(first) = self.similarities(query, &before).find(as_similar) {
            best = first;
        }
        self.push(query, best);
    }
}
