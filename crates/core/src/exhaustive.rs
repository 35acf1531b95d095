//! The comparison that SemDeDup avoids, for a sample of rows: each with every row of the whole data that ranks
//! before it. It is what recall is measured against.

use rayon::prelude::*;

use crate::embeddings::UnitEmbeddings;
use crate::kernels::{BLOCK, Isa, LANES, Panels, Products};
use crate::rank::RankKey;

/// A sample of rows that is being compared with the data, block by block, in any order of blocks.
pub struct ExhaustiveSearch {
    panels: Panels,
    keys: Vec<RankKey>,
    best: Vec<f32>,
}

impl ExhaustiveSearch {
    /// Starts with sampled rows and their places in the rank order.
    pub fn new(samples: &UnitEmbeddings, keys: Vec<RankKey>) -> Self {
        assert_eq!(samples.len(), keys.len(), "every sampled row has a rank");
        let panels = Panels::pack((0..samples.len()).map(|i| samples.row(i)), samples.dim());
        let best = vec![0.0; samples.len()];
        Self { panels, keys, best }
    }

    /// Compares the samples with a block of rows. `compared[i]` is the rank of row `i`, or none where the row need
    /// not be looked at: it has no direction, or it copies a row that ranks before it.
    pub fn compare(&mut self, rows: &UnitEmbeddings, compared: &[Option<RankKey>]) {
        let used: Vec<(RankKey, usize)> =
            compared.iter().enumerate().filter_map(|(i, key)| key.map(|key| (key, i))).collect();
        let found: Vec<Vec<(usize, f32)>> =
            used.par_chunks(BLOCK).map(|block| self.compare_block(rows, block)).collect();
        // The maximum of floats does not depend on the order in which they come.
        for (sample, similarity) in found.into_iter().flatten() {
            self.best[sample] = self.best[sample].max(similarity);
        }
    }

    fn compare_block(&self, rows: &UnitEmbeddings, block: &[(RankKey, usize)]) -> Vec<(usize, f32)> {
        let isa = Isa::detect();
        let block_rows: Vec<&[f32]> = block.iter().map(|&(_, i)| rows.row(i)).collect();
        let mut products: Products = [[0.0; LANES]; BLOCK];
        let mut found = Vec::new();
        for (first, used, panel) in self.panels.iter() {
            isa.products(&block_rows, panel, &mut products);
            let mut best = [f32::INFINITY; LANES]; // lanes without a sample are never exceeded
            best[..used].copy_from_slice(&self.best[first..first + used]);
            let mut better = [false; LANES];
            for ((key, _), lanes) in block.iter().zip(&products) {
                if lanes.iter().zip(&best).fold(false, |any, (x, best)| any | (x > best)) {
                    for l in 0..used {
                        if lanes[l] > best[l] && *key < self.keys[first + l] {
                            best[l] = lanes[l];
                            better[l] = true;
                        }
                    }
                }
            }
            found.extend((0..used).filter(|&l| better[l]).map(|l| (first + l, best[l])));
        }
        found
    }

    /// The highest similarity of each sample with a row that ranks before it, in [0, 1], 0 where there is none.
    pub fn finish(self) -> Vec<f32> {
        self.best.into_iter().map(|x| x.min(1.0)).collect()
    }
}
