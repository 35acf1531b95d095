//! The comparison that SemDeDup avoids, for a sample of rows: each with every row of the whole data that ranks
//! before it. It is what recall is measured against.

use rayon::prelude::*;

use crate::ranking::RankKey;
use crate::scoring::score::EXACT;
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::{UnitEmbeddings, hash};
use crate::similarity::error_bound::Tolerance;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::panels::Panels;
use crate::similarity::search::{Likely, Query, Search, Searcher};
use crate::similarity::thresholds::{COPY, SATURATED};

/// A sample of rows that is being compared with the data, block by block, in any order of blocks.
pub struct ExhaustiveSearch<'a> {
    samples: &'a UnitEmbeddings,
    keys: &'a [RankKey],
    /// The samples by rank: (rank, sample).
    ranked: Vec<(RankKey, usize)>,
    /// In that order.
    codes: Codes,
    /// The samples by the hash of their bits: (hash, sample).
    hashed: Vec<(u64, usize)>,
    best: Vec<f32>,
    compared: u64,
}

/// Rows that all samples are compared with while they are in the cache.
const TOGETHER: usize = 1024;

impl<'a> ExhaustiveSearch<'a> {
    /// Starts with sampled rows and their places in the rank order.
    pub fn new(samples: &'a UnitEmbeddings, keys: &'a [RankKey]) -> Self {
        assert_eq!(samples.len(), keys.len(), "every sampled row has a rank");
        let mut ranked: Vec<(RankKey, usize)> = keys.iter().copied().zip(0..).collect();
        ranked.sort_unstable();
        let origin = vec![0.0; samples.dim()];
        let codes = Codes::encode_all(ranked.len(), |i| samples.row(ranked[i].1), &origin, &origin);
        let mut hashed: Vec<(u64, usize)> = (0..samples.len()).map(|i| (hash(samples.row(i)), i)).collect();
        hashed.sort_unstable();
        Self { samples, keys, best: vec![0.0; ranked.len()], ranked, codes, hashed, compared: 0 }
    }

    /// Compares the samples with a block of rows. `compared[i]` is the rank of row `i`, or none where the row need
    /// not be looked at: it has no direction, or it copies a row that ranks before it.
    pub fn compare(&mut self, rows: &UnitEmbeddings, compared: &[Option<RankKey>]) {
        let mut used: Vec<(RankKey, usize)> =
            compared.iter().enumerate().filter_map(|(i, key)| key.map(|key| (key, i))).collect();
        let found: Vec<Vec<(usize, f32)>> =
            used.par_chunks_mut(TOGETHER).map(|some| self.compare_some(rows, some)).collect();
        self.compared += (used.len() * self.ranked.len()) as u64;
        // The maximum of floats does not depend on the order in which they come.
        for (sample, similarity) in found.into_iter().flatten() {
            self.best[sample] = self.best[sample].max(similarity);
        }
        let copied: Vec<Vec<usize>> =
            used.par_chunks(TOGETHER).map(|some| self.copied_by(rows, some)).collect();
        copied.into_iter().flatten().for_each(|sample| self.best[sample] = COPY);
    }

    /// Lists the samples that copy one of these rows, which ranks before them.
    fn copied_by(&self, rows: &UnitEmbeddings, some: &[(RankKey, usize)]) -> Vec<usize> {
        let mut copied = Vec::new();
        for &(key, row) in some {
            let row = rows.row(row);
            let hash = hash(row);
            let first = self.hashed.partition_point(|&(other, _)| other < hash);
            let same = self.hashed[first..].iter().take_while(|&&(other, _)| other == hash);
            let later = same.filter(|&&(_, sample)| key < self.keys[sample]);
            copied.extend(later.map(|&(_, sample)| sample).filter(|&sample| self.samples.row(sample) == row));
        }
        copied
    }

    fn compare_some(&self, rows: &UnitEmbeddings, some: &mut [(RankKey, usize)]) -> Vec<(usize, f32)> {
        some.sort_unstable();
        let origin = vec![0.0; rows.dim()];
        let codes = Codes::encode(some.iter().map(|&(_, i)| rows.row(i)), &origin, &origin);
        let panels = Panels::pack(&codes, 0..codes.len());
        let queries: Vec<Query> = self
            .ranked
            .iter()
            .enumerate()
            .map(|(row, (key, _))| Query { row, limit: some.partition_point(|(other, _)| other < key) })
            .collect();
        let mut better = Better { search: self, rows, some, found: Vec::new() };
        Search { codes: &self.codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX }
            .run(&queries, &mut better);
        better.found
    }

    /// Comparisons of two rows so far.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// The highest similarity of each sample with a row that ranks before it, in [0, 1]: 0 where there is none, [`EXACT`]
    /// where that row has the same vector, and below it for all others.
    pub fn finish(self) -> Vec<f32> {
        self.best.into_iter().map(|x| if x == COPY { EXACT } else { x.min(SATURATED) }).collect()
    }
}

/// A search among some rows for anything more similar than what the samples have found.
struct Better<'a> {
    search: &'a ExhaustiveSearch<'a>,
    rows: &'a UnitEmbeddings,
    some: &'a [(RankKey, usize)],
    found: Vec<(usize, f32)>,
}

impl Better<'_> {
    fn sample(&self, query: usize) -> usize {
        self.search.ranked[query].1
    }

    fn similarity(&self, query: usize, target: u32) -> f32 {
        let row = self.rows.row(self.some[target as usize].1);
        Isa::detect().similarity(self.search.samples.row(self.sample(query)), row)
    }
}

impl Searcher for Better<'_> {
    fn least(&self, query: usize, off: Tolerance) -> f32 {
        self.search.best[self.sample(query)] - off.any
    }

    fn settled(&mut self, query: usize, target: u32) -> bool {
        self.similarity(query, target) >= SATURATED
    }

    fn found(&mut self, query: usize, likely: Likely) {
        let exact = likely.candidates.iter().map(|&(_, target)| self.similarity(query, target));
        if let Some(best) = exact.reduce(f32::max) {
            self.found.push((self.sample(query), best));
        }
    }
}
