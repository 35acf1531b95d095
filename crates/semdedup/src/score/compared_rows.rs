//! Tells which rows are compared, and in which clusters.

use std::ops::Range;

use semdedup_core::NO_CLUSTER;

use crate::cluster::clustering::{self, Clustering};
use crate::error::Result;
use crate::score::bulk_copies::BulkCopies;

/// The rows that are compared: those with a cluster, except copies that need no comparison.
#[derive(Clone, Copy)]
pub(crate) struct ComparedRows<'a> {
    pub(crate) clustering: &'a Clustering,
    pub(crate) copies: &'a BulkCopies,
}

/// The clusters of some consecutive rows.
pub(crate) struct RowClusters {
    /// The number of the first row.
    first: u64,
    /// The cluster of each row; [`NO_CLUSTER`] for a row that takes no part in the comparison.
    cluster: Vec<u32>,
    /// The other clusters that each row is compared in, row-major.
    probes: Vec<u32>,
    probes_per_row: usize,
}

/// The clusters in which a row is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowCluster<'a> {
    /// The number of the row.
    pub(crate) number: u64,
    /// Its own cluster.
    pub(crate) cluster: u32,
    /// The other clusters; [`NO_CLUSTER`] for none.
    pub(crate) probes: &'a [u32],
}

impl RowCluster<'_> {
    /// Returns whether the row is compared in one of these clusters.
    pub(crate) fn is_in(self, clusters: &Range<u32>) -> bool {
        // No cluster of a range is NO_CLUSTER.
        let is_in = |cluster: u32| cluster.wrapping_sub(clusters.start) < clusters.end - clusters.start;
        self.probes.iter().fold(is_in(self.cluster), |found, &cluster| found | is_in(cluster))
    }

    /// Lists the clusters in which the row is compared.
    pub(crate) fn clusters(self) -> impl Iterator<Item = u32> {
        let probes = self.probes.iter().copied().filter(|&cluster| cluster != NO_CLUSTER);
        std::iter::once(self.cluster).chain(probes)
    }
}

impl ComparedRows<'_> {
    /// Returns the number of rows of the data.
    pub(crate) fn all(self) -> u64 {
        self.clustering.cluster.len() as u64
    }

    /// Counts the compared rows of each cluster.
    pub(crate) fn sizes(self) -> Vec<u64> {
        let cluster = &self.clustering.cluster;
        let mut sizes = clustering::sizes(cluster);
        sizes.resize(self.clustering.clusters, 0);
        self.copies.rows().for_each(|row| sizes[cluster[row as usize] as usize] -= 1);
        sizes
    }

    /// Reads the clusters of a range of rows.
    pub(crate) fn read(self, rows: Range<u64>) -> Result<RowClusters> {
        let probes = self.clustering.probes(rows.clone())?;
        let first = rows.start;
        let mut cluster = self.clustering.cluster[rows.start as usize..rows.end as usize].to_vec();
        self.copies.leave_out_of_block(first, &mut cluster);
        Ok(RowClusters { first, cluster, probes, probes_per_row: self.clustering.probes_per_row() })
    }
}

impl RowClusters {
    /// Lists the rows that are compared.
    pub(crate) fn rows(&self) -> impl Iterator<Item = RowCluster<'_>> {
        let width = self.probes_per_row;
        let row = move |(i, &cluster): (usize, &u32)| RowCluster {
            number: self.first + i as u64,
            cluster,
            probes: &self.probes[i * width..(i + 1) * width],
        };
        self.cluster.iter().enumerate().map(row).filter(|row| row.cluster != NO_CLUSTER)
    }
}
