//! Loads the rows that are compared at a time: those of a group of clusters, or of two blocks of
//! it.
//!
//! The rows are read from the files of the embeddings whenever a group needs them. A row belongs to
//! its own group and visits each other group in which it probes a cluster, so it is read about
//! twice. To find the rows that a group needs, the clusters and probes of all rows are read.

use std::ops::Range;

use rayon::prelude::*;
use semdedup_core::Part;

use crate::arrays::store::{EmbeddingStore, StoredRows};
use crate::error::Result;
use crate::score::compared_rows::{ComparedRows, RowCluster};
use crate::score::groups::{BlockPair, Groups};

/// The rows whose clusters a thread reads at a time.
const ROWS_PER_TASK: u64 = 1 << 14;

/// The tasks whose findings are in memory at once.
const TASKS: usize = 32;

/// The rows that are compared at a time, ascending, with everything that comparing them needs.
pub(crate) struct LoadedRows {
    rows: StoredRows,
    clusters: Range<u32>,
    list: RowList,
}

/// A list of rows and of the clusters in which they are compared.
#[derive(Default)]
struct RowList {
    numbers: Vec<u64>,
    /// The cluster of each row.
    cluster: Vec<u32>,
    /// The other clusters that each row is compared in, row-major.
    probes: Vec<u32>,
}

impl RowList {
    fn with_capacity(rows: usize, probes_per_row: usize) -> Self {
        let probes = Vec::with_capacity(rows * probes_per_row);
        Self { numbers: Vec::with_capacity(rows), cluster: Vec::with_capacity(rows), probes }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.cluster.clear();
        self.probes.clear();
    }

    fn push(&mut self, row: &RowCluster) {
        self.numbers.push(row.number);
        self.cluster.push(row.cluster);
        self.probes.extend(row.probes);
    }

    /// Appends some rows of another list.
    fn extend(&mut self, other: &Self, rows: Range<usize>) {
        let width = other.probes.len() / other.numbers.len().max(1);
        self.numbers.extend(&other.numbers[rows.clone()]);
        self.cluster.extend(&other.cluster[rows.clone()]);
        self.probes.extend(&other.probes[rows.start * width..rows.end * width]);
    }
}

impl LoadedRows {
    /// Returns the rows as the part that [`semdedup_core::Scoring`] compares.
    pub(crate) fn part(&self) -> Part<'_> {
        Part {
            rows: &self.rows,
            numbers: &self.list.numbers,
            cluster: &self.list.cluster,
            probes: &self.list.probes,
            clusters: self.clusters.clone(),
        }
    }
}

/// Loads the rows of pairs of blocks, each into the memory of the pair before.
pub(crate) struct Loader<'a> {
    pub(crate) store: &'a EmbeddingStore,
    compared: ComparedRows<'a>,
    pub(crate) groups: &'a Groups,
    loaded: LoadedRows,
}

impl<'a> Loader<'a> {
    /// Makes room for the rows of any pair of blocks.
    pub(crate) fn new(store: &'a EmbeddingStore, compared: ComparedRows<'a>, groups: &'a Groups) -> Self {
        let most = groups.most_loaded() as usize;
        let list = RowList::with_capacity(most, compared.clustering.probes_per_row());
        let loaded = LoadedRows { rows: store.no_rows(most), clusters: 0..0, list };
        Self { store, compared, groups, loaded }
    }

    /// Loads the rows of a pair of blocks.
    pub(crate) fn load(&mut self, pair: BlockPair) -> Result<&LoadedRows> {
        self.loaded.clusters = self.groups.clusters[pair.group].clone();
        self.list(pair)?;
        self.store.load(&self.loaded.list.numbers, &mut self.loaded.rows)?;
        Ok(&self.loaded)
    }

    /// Lists the rows of a pair of blocks, ascending.
    fn list(&mut self, pair: BlockPair) -> Result<()> {
        let LoadedRows { clusters, list, .. } = &mut self.loaded;
        list.clear();
        let block_rows = self.groups.block_rows(pair.group);
        let blocks = [pair.blocks.0, pair.blocks.1].map(|block| block * block_rows..(block + 1) * block_rows);
        let blocks = if pair.blocks.0 == pair.blocks.1 { &blocks[..1] } else { &blocks[..] };
        let (compared, all) = (self.compared, self.compared.all());
        let starts: Vec<u64> = (0..all).step_by(ROWS_PER_TASK as usize).collect();
        // The rows of the group that were found so far.
        let mut passed = 0;
        for starts in starts.chunks(TASKS) {
            let members = |&first: &u64| -> Result<RowList> {
                let mut found = RowList::default();
                let rows = compared.read(first..all.min(first + ROWS_PER_TASK))?;
                let members = rows.rows().filter(|row| row.is_in(clusters));
                members.for_each(|row| found.push(&row));
                Ok(found)
            };
            let found: Vec<RowList> = starts.par_iter().map(members).collect::<Result<_>>()?;
            for found in found {
                let next = passed + found.numbers.len() as u64;
                for block in blocks {
                    let wanted = block.start.max(passed)..block.end.min(next);
                    if wanted.start < wanted.end {
                        list.extend(&found, (wanted.start - passed) as usize..(wanted.end - passed) as usize);
                    }
                }
                passed = next;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "loader_case.rs"]
mod case;

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "loader_blocks_tests.rs"]
mod blocks_tests;
