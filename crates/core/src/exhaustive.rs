//! The exhaustive comparison that SemDeDup avoids: each row of a sample with every row of the whole
//! data that ranks before it. Recall is measured against it.

use rayon::prelude::*;

use crate::ranking::RankKey;
use crate::scoring::score::EXACT;
use crate::similarity::candidates::SearchCandidates;
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::{UnitEmbeddings, hash};
use crate::similarity::error_bound::ErrorBound;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::panels::Panels;
use crate::similarity::search::{Query, Search, Searcher};
use crate::similarity::thresholds::{COPY, SATURATED};

/// Compares a sample of rows with the data, block by block, in any order of blocks.
pub struct ExhaustiveSearch<'a> {
    samples: &'a UnitEmbeddings,
    keys: &'a [RankKey],
    /// The samples in rank order.
    ranked: Vec<RankedRow>,
    /// The codes of the samples, in rank order.
    codes: Codes,
    /// The samples in the order of the hashes of their bits.
    hashed: Vec<HashedSample>,
    /// The highest similarity of each sample so far.
    best: Vec<f32>,
    compared: u64,
}

/// A sample or a row of a block, with its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RankedRow {
    key: RankKey,
    /// Its index among the samples or in the block.
    index: usize,
}

/// A sample, with the hash of its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct HashedSample {
    hash: u64,
    sample: usize,
}

/// A similarity that a sample reaches.
struct SampleMatch {
    sample: usize,
    similarity: f32,
}

/// The rows that all samples are compared with while the rows are in the cache.
const ROWS_PER_CACHE_BLOCK: usize = 1024;

impl<'a> ExhaustiveSearch<'a> {
    /// Starts with sampled rows and their places in the rank order.
    ///
    /// # Panics
    /// If there is not one key per sample.
    pub fn new(samples: &'a UnitEmbeddings, keys: &'a [RankKey]) -> Self {
        assert_eq!(samples.len(), keys.len(), "every sampled row has a rank");
        let mut ranked: Vec<RankedRow> =
            keys.iter().zip(0..).map(|(&key, index)| RankedRow { key, index }).collect();
        ranked.sort_unstable();
        let origin = vec![0.0; samples.dim()];
        let codes = Codes::encode_all(ranked.len(), |i| samples.row(ranked[i].index), &origin, &origin);
        let hashed = |sample| HashedSample { hash: hash(samples.row(sample)), sample };
        let mut hashed: Vec<HashedSample> = (0..samples.len()).map(hashed).collect();
        hashed.sort_unstable();
        Self { samples, keys, best: vec![0.0; ranked.len()], ranked, codes, hashed, compared: 0 }
    }

    /// Compares the samples with a block of rows. `compared[i]` is the rank of row `i`, or none if
    /// the row can be skipped: it has no direction, or it copies an earlier-ranking row.
    pub fn compare(&mut self, rows: &UnitEmbeddings, compared: &[Option<RankKey>]) {
        let ranked = compared.iter().enumerate();
        let mut used: Vec<RankedRow> =
            ranked.filter_map(|(index, key)| key.map(|key| RankedRow { key, index })).collect();
        let found: Vec<Vec<SampleMatch>> =
            used.par_chunks_mut(ROWS_PER_CACHE_BLOCK).map(|block| self.compare_block(rows, block)).collect();
        self.compared += (used.len() * self.ranked.len()) as u64;
        // The maximum of floats does not depend on their order.
        for SampleMatch { sample, similarity } in found.into_iter().flatten() {
            self.best[sample] = self.best[sample].max(similarity);
        }
        let copies: Vec<Vec<usize>> =
            used.par_chunks(ROWS_PER_CACHE_BLOCK).map(|block| self.copies_of(rows, block)).collect();
        copies.into_iter().flatten().for_each(|sample| self.best[sample] = COPY);
    }

    /// Lists the samples that copy one of these rows, and rank after it.
    fn copies_of(&self, rows: &UnitEmbeddings, block: &[RankedRow]) -> Vec<usize> {
        let mut copies = Vec::new();
        for &RankedRow { key, index } in block {
            let row = rows.row(index);
            let hash = hash(row);
            let first = self.hashed.partition_point(|other| other.hash < hash);
            let same = self.hashed[first..].iter().take_while(|other| other.hash == hash);
            let later = same.map(|other| other.sample).filter(|&sample| key < self.keys[sample]);
            copies.extend(later.filter(|&sample| self.samples.row(sample) == row));
        }
        copies
    }

    /// Finds the similarities of samples to rows of a block that are higher than their best so far.
    /// Sorts the block by rank.
    fn compare_block(&self, rows: &UnitEmbeddings, block: &mut [RankedRow]) -> Vec<SampleMatch> {
        block.sort_unstable();
        let origin = vec![0.0; rows.dim()];
        let codes = Codes::encode(block.iter().map(|row| rows.row(row.index)), &origin, &origin);
        let panels = Panels::pack(&codes, 0..codes.len());
        let limit = |sample: &RankedRow| block.partition_point(|other| other.key < sample.key);
        let queries = self.ranked.iter().enumerate();
        let queries: Vec<Query> = queries.map(|(row, sample)| Query { row, limit: limit(sample) }).collect();
        let mut search = BlockSearch { exhaustive: self, rows, block, found: Vec::new() };
        Search { codes: &self.codes, targets: &panels }.run(&queries, &mut search);
        search.found
    }

    /// The number of comparisons of two rows so far.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// Returns the highest similarity of each sample with an earlier-ranking row, in [0, 1]: 0 if
    /// there is none, [`EXACT`] if that row has the same vector, and less than that otherwise.
    pub fn finish(self) -> Vec<f32> {
        self.best.into_iter().map(|x| if x == COPY { EXACT } else { x.min(SATURATED) }).collect()
    }
}

/// A search of a block of rows for rows that are more similar to the samples than their best so
/// far.
struct BlockSearch<'a> {
    exhaustive: &'a ExhaustiveSearch<'a>,
    rows: &'a UnitEmbeddings,
    block: &'a [RankedRow],
    found: Vec<SampleMatch>,
}

impl BlockSearch<'_> {
    fn sample(&self, query: usize) -> usize {
        self.exhaustive.ranked[query].index
    }

    fn similarity(&self, query: usize, target: u32) -> f32 {
        let row = self.rows.row(self.block[target as usize].index);
        Isa::detect().similarity(self.exhaustive.samples.row(self.sample(query)), row)
    }
}

impl Searcher for BlockSearch<'_> {
    fn min_estimate(&self, query: usize, bound: ErrorBound) -> f32 {
        self.exhaustive.best[self.sample(query)] - bound.any
    }

    fn is_settled(&mut self, query: usize, target: u32) -> bool {
        self.similarity(query, target) >= SATURATED
    }

    fn rerank(&mut self, query: usize, found: SearchCandidates) {
        let exact = found.candidates.iter().map(|other| self.similarity(query, other.target));
        if let Some(similarity) = exact.reduce(f32::max) {
            self.found.push(SampleMatch { sample: self.sample(query), similarity });
        }
    }
}
