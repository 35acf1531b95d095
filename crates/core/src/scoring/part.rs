//! A part.

use std::ops::Range;

use crate::clustering::probes::NO_CLUSTER;
use crate::similarity::embeddings::UnitRows;

/// Some clusters with all rows that are compared there: the unit of work.
pub struct Part<'a> {
    /// The rows.
    pub rows: &'a dyn UnitRows,
    /// Each row's number in the whole data.
    pub numbers: &'a [u64],
    /// Each row's own cluster, or [`crate::NO_CLUSTER`]. A row without direction is compared with nothing in any case.
    pub cluster: &'a [u32],
    /// The other clusters that each row is compared in, as in [`crate::Assignment::probes`]; rows × any number. Of rows
    /// of one cluster with the same vector, those of the first-ranking count.
    pub probes: &'a [u32],
    /// The clusters to compare in. Rows of other clusters take part where they probe one of these.
    pub clusters: Range<u32>,
}

/// The bytes that [`Scoring::compare`] takes for each row of a part, beside the part itself and what is made of the rows of
/// the cluster at hand.
pub fn part_row_bytes(dim: usize, probes_per_row: usize) -> u64 {
    let member = size_of::<Member>();
    // Order, rank and kind; the hash, alone and sorted; what is found, as it is kept and as it is handed over.
    let always = 16 + (8 + 24) + member + (8 + 20);
    let probing = if probes_per_row == 0 { 0 } else { dim.next_multiple_of(4) + 20 };
    (always + probing + probes_per_row * (4 + member)) as u64
}

impl Part<'_> {
    /// The other clusters that a row can be compared in.
    pub(crate) fn probes_per_row(&self) -> usize {
        self.probes.len() / self.numbers.len().max(1)
    }

    /// Those of the row at a place.
    pub(crate) fn probes(&self, place: usize) -> &[u32] {
        let width = self.probes_per_row();
        &self.probes[place * width..(place + 1) * width]
    }
}

/// A row of a cluster, or one that probes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) rank: u32,
    pub(crate) place: u32,
    /// To the centroid, of a row that probes the cluster; of no meaning for its own.
    pub(crate) similarity: f32,
}

/// The place of a cluster among those of a part.
pub(crate) fn place_in(part: &Part, cluster: u32) -> Option<usize> {
    (cluster != NO_CLUSTER && part.clusters.contains(&cluster))
        .then(|| (cluster - part.clusters.start) as usize)
}
