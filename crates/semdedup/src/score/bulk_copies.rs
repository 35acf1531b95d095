//! Finds the exact copies in large clusters before their rows are loaded to be compared, so that
//! memory does not depend on how often a row occurs.
//!
//! In other clusters the comparison itself collapses copies. Both ways give the same result.

use rayon::prelude::*;
use semdedup_core::{EXACT, NO_CLUSTER, NO_ROW, RankedRows, Scores};
use xxhash_rust::xxh3::xxh3_64;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{Clustering, sizes};
use crate::error::Result;
use crate::memory::Memory;
use crate::progress::StopSignal;
use crate::score::row_bits::RowBits;

/// Clusters of more rows than this, and of more than [`TIMES_THE_MEAN`] times the mean, are
/// searched.
const CROWD_ROWS: u64 = 1 << 13;

/// See [`CROWD_ROWS`].
const TIMES_THE_MEAN: u64 = 4;

/// A row of a crowd. The order by word and then row puts equal vectors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CrowdRow<N> {
    /// The hash of the row's vector; once the copies are found, the row that this one is a copy of.
    /// In halves, so that a row with a short number takes 12 bytes.
    word: [u32; 2],
    row: N,
}

/// A row number in memory.
trait RowNumber: Copy + Ord + Send + Sync {
    fn of(row: u64) -> Self;
    fn get(self) -> u64;
    fn listed(numbers: Vec<Self>) -> RowNumbers;
}

impl RowNumber for u32 {
    fn of(row: u64) -> Self {
        row as Self
    }
    fn get(self) -> u64 {
        self.into()
    }
    fn listed(numbers: Vec<Self>) -> RowNumbers {
        RowNumbers::Short(numbers)
    }
}

impl RowNumber for u64 {
    fn of(row: u64) -> Self {
        row
    }
    fn get(self) -> u64 {
        self
    }
    fn listed(numbers: Vec<Self>) -> RowNumbers {
        RowNumbers::Long(numbers)
    }
}

/// A list of row numbers, which are short if the data has fewer than 2³² rows.
#[derive(Debug)]
enum RowNumbers {
    Short(Vec<u32>),
    Long(Vec<u64>),
}

impl RowNumbers {
    fn get(&self, place: usize) -> u64 {
        match self {
            Self::Short(numbers) => numbers[place].into(),
            Self::Long(numbers) => numbers[place],
        }
    }
}

/// The copies in large clusters: rows with the same vector as a row of their cluster that ranks
/// before them. They take 4 bytes each and a bit for each row, or 8 bytes from 2³² rows on.
#[derive(Debug)]
pub(crate) struct BulkCopies {
    copies: RowBits,
    /// The row that each of them is a copy of, in the order of the copies.
    originals: RowNumbers,
}

impl Default for BulkCopies {
    fn default() -> Self {
        Self { copies: RowBits::default(), originals: RowNumbers::Short(Vec::new()) }
    }
}

impl BulkCopies {
    /// Lists the rows that are copies, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u64> {
        self.copies.rows().map(|row| row as u64)
    }

    /// Makes the copies in a block of rows that begins at row `first` take no part in the
    /// comparison.
    pub(crate) fn leave_out_of_block(&self, first: u64, cluster: &mut [u32]) {
        // Most data have no crowd, and each row is asked for in each group.
        if self.copies.is_without_room() {
            return;
        }
        let copies = (first as usize..).zip(cluster).filter(|(row, _)| self.copies.contains(*row));
        copies.for_each(|(_, cluster)| *cluster = NO_CLUSTER);
    }

    /// Gives the copies the scores that a comparison would give them.
    pub(crate) fn score(&self, scores: &mut Scores) {
        for (place, row) in self.copies.rows().enumerate() {
            scores.score[row] = EXACT;
            scores.duplicate_of[row] = self.originals.get(place);
        }
    }
}

/// Finds the copies in clusters that are far larger than others. All rows that have a cluster must
/// have a direction.
#[derive(Clone, Copy)]
pub(crate) struct CopyFinder<'a> {
    pub(crate) store: &'a EmbeddingStore,
    pub(crate) clustering: &'a Clustering,
    pub(crate) order: RankedRows<'a>,
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
        match u32::try_from(self.store.rows()) {
            Ok(_) => self.find_among::<u32>(rows),
            Err(_) => self.find_among::<u64>(rows),
        }
    }

    fn find_among<N: RowNumber>(&self, rows: u64) -> Result<BulkCopies> {
        let sizes = sizes(&self.clustering.cluster);
        let is_crowd: Vec<bool> = sizes.iter().map(|&size| size > rows).collect();
        let in_crowds: u64 = sizes.iter().filter(|&&size| size > rows).sum();
        if in_crowds == 0 {
            return Ok(BulkCopies::default());
        }
        let mut crowds: Vec<CrowdRow<N>> = Vec::with_capacity(in_crowds as usize);
        self.hash_rows(&is_crowd, &mut crowds)?;
        crowds.par_sort_unstable();
        for equal in crowds.chunk_by_mut(|a, b| a.word == b.word) {
            self.find_originals(equal)?;
        }
        crowds.retain(|copy| copy.word != halves(NO_ROW));
        crowds.par_sort_unstable_by_key(|copy| copy.row);
        let mut copies = RowBits::with_room(self.clustering.cluster.len());
        crowds.iter().for_each(|copy| copies.insert(copy.row.get() as usize));
        let original = |copy: &CrowdRow<N>| N::of(u64::from(copy.word[0]) << 32 | u64::from(copy.word[1]));
        Ok(BulkCopies { copies, originals: N::listed(crowds.iter().map(original).collect()) })
    }

    /// Lists the rows of the clusters that are crowds, with their hashes.
    fn hash_rows<N: RowNumber>(&self, is_crowd: &[bool], crowds: &mut Vec<CrowdRow<N>>) -> Result<()> {
        let is_in_crowd = |cluster: u32| is_crowd.get(cluster as usize) == Some(&true);
        let rows = self.clustering.cluster.iter().zip(0u64..).filter(|(cluster, _)| is_in_crowd(**cluster));
        let mut rows = rows.map(|(_, row)| row);
        loop {
            let block: Vec<u64> = rows.by_ref().take(self.block_rows()).collect();
            if block.is_empty() {
                return Ok(());
            }
            self.stop.check()?;
            let units = self.store.gather(&block)?;
            let hashed = |(i, &row): (usize, &u64)| {
                let word = halves(xxh3_64(bytemuck::cast_slice(units.row(i))));
                CrowdRow { word, row: N::of(row) }
            };
            crowds.par_extend(block.par_iter().enumerate().map(hashed));
        }
    }

    /// Finds the copies among rows of one hash: the rows that have the cluster and the vector of the
    /// row that ranks first. Replaces the hash of each by that row, and that of another row by
    /// [`NO_ROW`].
    fn find_originals<N: RowNumber>(&self, rows: &mut [CrowdRow<N>]) -> Result<()> {
        if let [row] = rows {
            row.word = halves(NO_ROW);
            return Ok(());
        }
        let first = rows.iter().map(|row| row.row.get()).min_by_key(|&row| self.order.key(row));
        let Some(original) = first else { return Ok(()) };
        let vector = self.store.gather(&[original])?;
        let clusters = &self.clustering.cluster;
        for rows in rows.chunks_mut(self.block_rows()) {
            self.stop.check()?;
            let numbers: Vec<u64> = rows.iter().map(|row| row.row.get()).collect();
            let units = self.store.gather(&numbers)?;
            for ((i, row), number) in rows.iter_mut().enumerate().zip(numbers) {
                let is_copy = number != original
                    && clusters[number as usize] == clusters[original as usize]
                    && units.row(i) == vector.row(0);
                row.word = halves(if is_copy { original } else { NO_ROW });
            }
        }
        Ok(())
    }

    /// The rows that are read at once.
    fn block_rows(&self) -> usize {
        self.memory.block_rows(self.store.dim()) as usize
    }
}

/// Returns the halves of a number.
fn halves(number: u64) -> [u32; 2] {
    [(number >> 32) as u32, number as u32]
}

#[cfg(test)]
#[path = "bulk_copies_tests.rs"]
mod tests;
