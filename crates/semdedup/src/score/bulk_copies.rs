//! Crowds of exact copies: in clusters far larger than others, the copies of a vector are found before the rows are loaded
//! to be compared, so that memory never depends on how often a row occurs.
//!
//! In other clusters the comparison itself collapses copies; both ways give the same result.

use std::collections::HashSet;

use rayon::prelude::*;
use semdedup_core::{Direction, EXACT, NO_CLUSTER, Ranking, Scores, UnitRows};
use xxhash_rust::xxh3::xxh3_64;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{Clustering, sizes};
use crate::error::Result;
use crate::memory::Memory;

/// Clusters of more rows than this, and of more than [`TIMES_THE_MEAN`], are looked at.
const CROWD_ROWS: u64 = 1 << 13;
const TIMES_THE_MEAN: u64 = 4;

/// A row whose vector another row of its cluster has that ranks before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Copy {
    row: u64,
    original: u64,
}

/// The copies in crowds, ascending by row.
#[derive(Debug, Default)]
pub(crate) struct BulkCopies {
    copies: Vec<Copy>,
    /// The rows of crowds that have no direction: assignments that were made elsewhere may give them a cluster.
    undirected: Vec<u64>,
}

impl BulkCopies {
    /// Finds the copies in the clusters that are far larger than others.
    pub(crate) fn find(
        store: &EmbeddingStore,
        clustering: &Clustering,
        ranking: &Ranking,
        memory: Memory,
    ) -> Result<Self> {
        let rows: u64 = sizes(&clustering.cluster).iter().sum();
        let mean = rows / clustering.clusters.max(1) as u64;
        let many = if clustering.clusters > 1 { TIMES_THE_MEAN * mean } else { 0 };
        Self::in_clusters_above(CROWD_ROWS.max(many), (store, clustering), ranking, memory)
    }

    fn in_clusters_above(
        rows: u64,
        (store, clustering): (&EmbeddingStore, &Clustering),
        ranking: &Ranking,
        memory: Memory,
    ) -> Result<Self> {
        let sizes = sizes(&clustering.cluster);
        let crowds: HashSet<u32> = (0..sizes.len() as u32).filter(|&c| sizes[c as usize] > rows).collect();
        if crowds.is_empty() {
            return Ok(Self::default());
        }
        let block = memory.block_rows(store.dim()) as usize;
        let mut hashes: Vec<(u64, u64)> = Vec::new();
        let of_crowds = clustering.cluster.iter().zip(0u64..).filter(|(c, _)| crowds.contains(c));
        let rows: Vec<u64> = of_crowds.map(|(_, row)| row).collect();
        let mut undirected = Vec::new();
        for rows in rows.chunks(block) {
            let units = store.gather(rows)?;
            let hash = |(i, &row): (usize, &u64)| (xxh3_64(bytemuck::cast_slice(units.row(i))), row);
            let directed = |(i, _): &(usize, &u64)| units.direction(*i) == Direction::Unit;
            hashes.par_extend(rows.par_iter().enumerate().filter(directed).map(hash));
            let others = units.zero_rows().iter().chain(units.non_finite_rows());
            undirected.extend(others.map(|&i| rows[i]));
        }
        drop(rows);
        hashes.par_sort_unstable();
        let mut copies = Vec::new();
        for run in hashes.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
            let rows: Vec<u64> = run.iter().map(|&(_, row)| row).collect();
            add_copies(store, clustering, (&rows, ranking, block), &mut copies)?;
        }
        copies.par_sort_unstable_by_key(|copy| copy.row);
        Ok(Self { copies, undirected })
    }

    /// The clusters of all rows without the copies and without the rows that have no direction, which take no part in the
    /// comparison.
    pub(crate) fn leave_out(&self, cluster: &mut [u32]) {
        let copies = self.copies.iter().map(|copy| copy.row);
        copies.chain(self.undirected.iter().copied()).for_each(|row| cluster[row as usize] = NO_CLUSTER);
    }

    /// The clusters of a block of rows without the copies.
    pub(crate) fn leave_out_of_block(&self, first: u64, cluster: &mut [u32]) {
        let start = self.copies.partition_point(|copy| copy.row < first);
        let end = self.copies.partition_point(|copy| copy.row < first + cluster.len() as u64);
        for copy in &self.copies[start..end] {
            cluster[(copy.row - first) as usize] = NO_CLUSTER;
        }
    }

    /// Gives the copies the scores that they would have if they had been compared.
    pub(crate) fn score(&self, scores: &mut Scores) {
        for copy in &self.copies {
            scores.score[copy.row as usize] = EXACT;
            scores.duplicate_of[copy.row as usize] = copy.original;
        }
    }
}

/// The copies among rows of one hash: those of the cluster and with the vector of the row that ranks first. Similarity to
/// the centroid is the same for all of them, so it does not matter here.
fn add_copies(
    store: &EmbeddingStore,
    clustering: &Clustering,
    (rows, ranking, block): (&[u64], &Ranking, usize),
    copies: &mut Vec<Copy>,
) -> Result<()> {
    let Some(&original) = rows.iter().min_by_key(|&&row| ranking.key(0.0, row)) else { return Ok(()) };
    let vector = store.gather(&[original])?;
    let cluster = clustering.cluster[original as usize];
    for rows in rows.chunks(block) {
        let units = store.gather(rows)?;
        let same = rows.iter().enumerate().filter(|&(i, &row)| {
            row != original && clustering.cluster[row as usize] == cluster && units.row(i) == vector.row(0)
        });
        copies.extend(same.map(|(_, &row)| Copy { row, original }));
    }
    Ok(())
}

#[cfg(test)]
#[path = "bulk_copies_tests.rs"]
mod tests;
