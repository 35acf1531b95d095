//! Assigned rows.

use rayon::prelude::*;

use crate::clustering::probes::NO_CLUSTER;
use crate::similarity::embeddings::{Direction, UnitEmbeddings, UnitRows};
use crate::similarity::kernels::isa::Isa;

/// The cluster of each row and the cosine similarity to its centroid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// The number of the centroid, or [`NO_CLUSTER`].
    pub cluster: Vec<u32>,
    /// In [−1, 1] up to rounding; exactly 0 for a row of zeros, and for no other; NaN for any other row without a cluster.
    /// See [`is_compared`].
    pub similarity: Vec<f32>,
    /// The other clusters that a row is compared in, most similar first (by the estimates of 8-bit codes, exact to about
    /// 0.01), then [`NO_CLUSTER`]: rows × ([`Probes::most`] − 1).
    pub probes: Vec<u32>,
    /// Comparisons of a row with a centroid that this took.
    pub compared: u64,
}

impl Assignment {
    /// All clusters that a row is compared in, its own first.
    pub(crate) fn clusters(&self, row: usize) -> impl Iterator<Item = u32> {
        let width = self.probes.len() / self.cluster.len();
        let probes = &self.probes[row * width..(row + 1) * width];
        std::iter::once(self.cluster[row]).chain(probes.iter().copied()).filter(|&c| c != NO_CLUSTER)
    }
}

/// The cosine similarity of each row with the centroid of its given cluster: exactly 0 for a row of zeros, NaN for any other
/// row without a cluster.
///
/// The bits are those that [`Assigner::assign`] gives for the same pair. Clusters that were made elsewhere may contain rows
/// without direction. These rows get [`NO_CLUSTER`].
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
            _ => directed(Isa::detect().similarity(rows.row(row, buffer), centroids.row(*c as usize))),
        }
    };
    cluster.par_iter_mut().enumerate().with_min_len(256).map_init(buffer, to_own).collect()
}

/// Whether a row with this similarity to its centroid is compared with others: it has a direction and a cluster. A row that
/// is not is never removed, and no other row is removed for it.
pub fn is_compared(centroid_similarity: f32) -> bool {
    centroid_similarity != 0.0 && !centroid_similarity.is_nan()
}

/// Ensures that a similarity of exactly 0 means a row of zeros: one that is at right angles to its centroid gets the
/// smallest number there is, which is far below rounding.
pub(crate) fn directed(similarity: f32) -> f32 {
    if similarity == 0.0 { f32::MIN_POSITIVE } else { similarity }
}
