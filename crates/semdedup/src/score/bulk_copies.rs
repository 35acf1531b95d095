//! Finds the exact copies in large clusters before their rows are loaded to be compared, so that
//! memory does not depend on how often a row occurs.
//!
//! In other clusters the comparison itself collapses copies. Both ways give the same result.

use std::collections::HashSet;

use rayon::prelude::*;
use semdedup_core::{EXACT, NO_CLUSTER, Ranking, Scores};
use xxhash_rust::xxh3::xxh3_64;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{Clustering, sizes};
use crate::error::Result;
use crate::memory::Memory;
use crate::progress::StopSignal;

/// Clusters of more rows than this, and of more than [`TIMES_THE_MEAN`] times the mean, are
/// searched.
const CROWD_ROWS: u64 = 1 << 13;

/// See [`CROWD_ROWS`].
const TIMES_THE_MEAN: u64 = 4;

/// A row with the same vector as a row of its cluster that ranks before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Copy {
    row: u64,
    original: u64,
}

/// The hash of a row's vector. The order by hash and then row puts equal vectors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct HashedRow {
    hash: u64,
    row: u64,
}

/// The copies in large clusters.
#[derive(Debug, Default)]
pub(crate) struct BulkCopies {
    /// The copies, ascending by row.
    copies: Vec<Copy>,
}

impl BulkCopies {
    /// Lists the rows that are copies, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u64> {
        self.copies.iter().map(|copy| copy.row)
    }

    /// Makes the copies in a block of rows that begins at row `first` take no part in the
    /// comparison.
    pub(crate) fn leave_out_of_block(&self, first: u64, cluster: &mut [u32]) {
        let start = self.copies.partition_point(|copy| copy.row < first);
        let end = self.copies.partition_point(|copy| copy.row < first + cluster.len() as u64);
        for copy in &self.copies[start..end] {
            cluster[(copy.row - first) as usize] = NO_CLUSTER;
        }
    }

    /// Gives the copies the scores that a comparison would give them.
    pub(crate) fn score(&self, scores: &mut Scores) {
        for copy in &self.copies {
            scores.score[copy.row as usize] = EXACT;
            scores.duplicate_of[copy.row as usize] = copy.original;
        }
    }
}

/// Finds the copies in clusters that are far larger than others. All rows that have a cluster must
/// have a direction.
#[derive(Clone, Copy)]
pub(crate) struct CopyFinder<'a> {
    pub(crate) store: &'a EmbeddingStore,
    pub(crate) clustering: &'a Clustering,
    pub(crate) ranking: &'a Ranking,
    pub(crate) memory: Memory,
    pub(crate) stop: &'a StopSignal<'a>,
}

impl CopyFinder<'_> {
    /// Finds the copies in the clusters that are far larger than others.
    pub(crate) fn find(&self) -> Result<BulkCopies> {
        let rows: u64 = sizes(&self.clustering.cluster).iter().sum();
        let mean = rows / self.clustering.clusters.max(1) as u64;
        let many = if self.clustering.clusters > 1 { TIMES_THE_MEAN * mean } else { 0 };
        self.find_in_clusters_above(CROWD_ROWS.max(many))
    }

    /// Finds the copies in the clusters of more than `rows` rows.
    fn find_in_clusters_above(&self, rows: u64) -> Result<BulkCopies> {
        let sizes = sizes(&self.clustering.cluster);
        let crowds: HashSet<u32> = (0..sizes.len() as u32).filter(|&c| sizes[c as usize] > rows).collect();
        if crowds.is_empty() {
            return Ok(BulkCopies::default());
        }
        let mut hashes = self.hash_rows(&crowds)?;
        hashes.par_sort_unstable();
        let mut copies = Vec::new();
        for run in hashes.chunk_by(|a, b| a.hash == b.hash).filter(|run| run.len() > 1) {
            let rows: Vec<u64> = run.iter().map(|hashed| hashed.row).collect();
            self.add_copies(&rows, &mut copies)?;
        }
        copies.par_sort_unstable_by_key(|copy| copy.row);
        Ok(BulkCopies { copies })
    }

    /// Hashes the rows of these clusters.
    fn hash_rows(&self, crowds: &HashSet<u32>) -> Result<Vec<HashedRow>> {
        let of_crowds = self.clustering.cluster.iter().zip(0u64..).filter(|(c, _)| crowds.contains(c));
        let mut of_crowds = of_crowds.map(|(_, row)| row);
        let mut hashes = Vec::new();
        loop {
            let rows: Vec<u64> = of_crowds.by_ref().take(self.block_rows()).collect();
            if rows.is_empty() {
                return Ok(hashes);
            }
            self.stop.check()?;
            let units = self.store.gather(&rows)?;
            let hash = |(i, &row): (usize, &u64)| {
                let hash = xxh3_64(bytemuck::cast_slice(units.row(i)));
                HashedRow { hash, row }
            };
            hashes.par_extend(rows.par_iter().enumerate().map(hash));
        }
    }

    /// Adds the copies among rows of one hash: the rows that have the cluster and the vector of the
    /// row that ranks first. Equal rows have equal similarities to the centroid, so the order among
    /// them does not depend on the similarity, and any value will do.
    fn add_copies(&self, rows: &[u64], copies: &mut Vec<Copy>) -> Result<()> {
        let first = rows.iter().min_by_key(|&&row| self.ranking.key(0.0, row));
        let Some(&original) = first else { return Ok(()) };
        let vector = self.store.gather(&[original])?;
        let clusters = &self.clustering.cluster;
        let cluster = clusters[original as usize];
        for rows in rows.chunks(self.block_rows()) {
            self.stop.check()?;
            let units = self.store.gather(rows)?;
            let same = rows.iter().enumerate().filter(|&(i, &row)| {
                row != original && clusters[row as usize] == cluster && units.row(i) == vector.row(0)
            });
            copies.extend(same.map(|(_, &row)| Copy { row, original }));
        }
        Ok(())
    }

    /// The rows that are read at once.
    fn block_rows(&self) -> usize {
        self.memory.block_rows(self.store.dim()) as usize
    }
}

#[cfg(test)]
#[path = "bulk_copies_tests.rs"]
mod tests;
