//! Which cluster each row is in, and how similar it is to that cluster's centroid.

use rayon::prelude::*;

use crate::clustering::probes::NO_CLUSTER;
use crate::similarity::embeddings::{Direction, UnitEmbeddings, UnitRows};
use crate::similarity::kernels::isa::Isa;

/// The clusters of each row and its cosine similarity to its own centroid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// The number of each row's centroid, or [`NO_CLUSTER`].
    pub cluster: Vec<u32>,
    /// Each row's cosine similarity to that centroid, in [−1, 1] up to rounding. It is exactly 0
    /// for a row of zeros and for no other row, and NaN for any other row without a cluster; see
    /// [`is_compared`].
    pub similarity: Vec<f32>,
    /// The other clusters that each row is compared in: rows ×
    /// ([`Probes::most`](crate::Probes::most) − 1). They are in descending order of the similarity
    /// that 8-bit codes estimate (exact to about 0.01; exact for centroids that may be the nearest),
    /// and padded with [`NO_CLUSTER`].
    pub probes: Vec<u32>,
    /// The number of comparisons of a row with a centroid.
    pub compared: u64,
}

impl Assignment {
    /// Lists all clusters that a row is compared in, its own first.
    pub(crate) fn clusters(&self, row: usize) -> impl Iterator<Item = u32> {
        let width = self.probes.len() / self.cluster.len();
        let probes = &self.probes[row * width..(row + 1) * width];
        std::iter::once(self.cluster[row]).chain(probes.iter().copied()).filter(|&c| c != NO_CLUSTER)
    }
}

/// Returns the cosine similarity of each row to the centroid of its given cluster: exactly 0 for a
/// row of zeros, NaN for any other row without a cluster.
///
/// A pair has the same bits here as in [`Assigner::assign`](crate::Assigner::assign). A clustering
/// from elsewhere may contain rows without direction: their clusters are set to [`NO_CLUSTER`].
pub fn centroid_similarity(rows: &dyn UnitRows, centroids: &UnitEmbeddings, cluster: &mut [u32]) -> Vec<f32> {
    let buffer = || vec![0.0; rows.dim()];
    let to_own = |buffer: &mut Vec<f32>, (row, c): (usize, &mut u32)| {
        let direction = rows.direction(row);
        if direction != Direction::Unit {
            *c = NO_CLUSTER;
        }
        match direction {
            Direction::Zero => 0.0,
            _ if *c == NO_CLUSTER => f32::NAN,
            _ => nonzero(Isa::detect().similarity(rows.row(row, buffer), centroids.row(*c as usize))),
        }
    };
    cluster.par_iter_mut().enumerate().with_min_len(256).map_init(buffer, to_own).collect()
}

/// Returns whether a row with this similarity to its centroid is compared with others: whether it
/// has a direction and a cluster. A row that is not compared is never removed, and no row is
/// removed for it.
pub fn is_compared(centroid_similarity: f32) -> bool {
    centroid_similarity != 0.0 && !centroid_similarity.is_nan()
}

/// Keeps a similarity of exactly 0 for rows of zeros. A row at a right angle to its centroid gets
/// the smallest positive number instead, which is far below rounding.
pub(super) fn nonzero(similarity: f32) -> f32 {
    if similarity == 0.0 { f32::MIN_POSITIVE } else { similarity }
}
