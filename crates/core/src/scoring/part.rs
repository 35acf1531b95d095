//! The unit of work: some clusters with all rows that are compared there.

use std::ops::Range;

use crate::clustering::probes::NO_CLUSTER;
use crate::similarity::embeddings::UnitRows;

/// Some clusters with all rows that are compared there.
pub struct Part<'a> {
    /// The rows. A row's *place* is its index among them.
    pub rows: &'a dyn UnitRows,
    /// Each row's number in the whole data.
    pub numbers: &'a [u64],
    /// Each row's own cluster, or [`NO_CLUSTER`]. A row without direction is never compared,
    /// whatever its cluster.
    pub cluster: &'a [u32],
    /// The other clusters that each row is compared in, as in
    /// [`Assignment::probes`](crate::Assignment::probes): rows × any number of probes. If rows of
    /// one cluster have the same vector, only the probes of the first-ranking one count.
    pub probes: &'a [u32],
    /// The clusters to compare in. Rows of other clusters take part if they probe one of these.
    pub clusters: Range<u32>,
}

/// The result of comparing a part: matches of its rows with earlier-ranking ones.
///
/// Of [`Scoring`](crate::Scoring), the best match of each row that has one, except those for which
/// the parts that were added before have a more similar one; of [`Pairing`](crate::Pairing), several
/// of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartMatches {
    /// The row numbers.
    pub rows: Vec<u64>,
    /// The cosine similarity of each match. In scores it is 2, more than any similarity, for the same
    /// vector.
    pub similarity: Vec<f32>,
    /// The number of the earlier-ranking row.
    pub duplicate_of: Vec<u64>,
    /// The number of comparisons of two rows.
    pub compared: u64,
}

/// Returns the bytes that [`Scoring::compare`](crate::Scoring::compare) allocates for each row of a
/// part. The part itself and the encoded rows of the current cluster come on top.
pub fn part_row_bytes(dim: usize, probes_per_row: usize) -> u64 {
    let member = size_of::<Member>();
    // Order, rank and kind; the hash, alone and sorted; the member; the match, while comparing and
    // as returned.
    let always = 16 + (8 + 24) + member + (8 + 20);
    let probing = if probes_per_row == 0 { 0 } else { dim.next_multiple_of(4) + 20 };
    (always + probing + probes_per_row * (4 + member)) as u64
}

impl Part<'_> {
    /// The number of other clusters that a row can be compared in.
    pub(super) fn probes_per_row(&self) -> usize {
        self.probes.len() / self.numbers.len().max(1)
    }

    /// The other clusters that the row at a place is compared in.
    pub(super) fn probes(&self, place: usize) -> &[u32] {
        let width = self.probes_per_row();
        &self.probes[place * width..(place + 1) * width]
    }

    /// Returns the index of a cluster in `clusters`, or none if it is not among them.
    pub(super) fn cluster_index(&self, cluster: u32) -> Option<usize> {
        (cluster != NO_CLUSTER && self.clusters.contains(&cluster))
            .then(|| (cluster - self.clusters.start) as usize)
    }
}

/// A row that takes part in a cluster, as its own row or as a border row of another cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The row's rank in the part; the lowest ranks first.
    pub(super) rank: u32,
    /// The row's place in the part.
    pub(super) place: u32,
    /// The similarity of a border row to the centroid. It has no meaning for the cluster's own
    /// rows.
    pub(super) similarity: f32,
}
