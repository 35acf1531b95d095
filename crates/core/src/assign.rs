//! Each row to its most similar centroid.

use rayon::prelude::*;

use crate::embeddings::UnitEmbeddings;
use crate::kernels::{BLOCK, Isa, LANES, Panels, Products, largest};

/// The cluster of a row that has no place in the clustering: it had a NaN or an infinity.
pub const NO_CLUSTER: u32 = u32::MAX;

/// The cluster of each row and the cosine similarity to its centroid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// The number of the centroid, or [`NO_CLUSTER`].
    pub cluster: Vec<u32>,
    /// In [−1, 1] up to rounding; exactly 0 for a row without direction, and for no other.
    pub similarity: Vec<f32>,
}

/// Finds for each row the centroid with the highest cosine similarity, the lowest-numbered one on a tie. A zero row
/// is equally far from all, so it goes to cluster 0.
pub fn assign(rows: &UnitEmbeddings, centroids: &UnitEmbeddings) -> Assignment {
    assert_eq!(rows.dim(), centroids.dim(), "rows and centroids have the same dimension");
    assert!(!centroids.is_empty() || rows.is_empty(), "rows need at least one centroid");
    let panels = Panels::pack((0..centroids.len()).map(|c| centroids.row(c)), centroids.dim());
    let mut cluster = vec![0; rows.len()];
    let mut similarity = vec![0.0; rows.len()];
    let blocks = cluster.par_chunks_mut(BLOCK).zip(similarity.par_chunks_mut(BLOCK));
    blocks.enumerate().for_each(|(block, (cluster, similarity))| {
        let first = block * BLOCK;
        let rows: Vec<&[f32]> = (first..first + cluster.len()).map(|i| rows.row(i)).collect();
        nearest(&rows, &panels, cluster, similarity);
    });
    for &row in rows.non_finite_rows() {
        cluster[row] = NO_CLUSTER;
    }
    mark_directed(rows, &mut similarity);
    Assignment { cluster, similarity }
}

fn nearest(rows: &[&[f32]], panels: &Panels, cluster: &mut [u32], similarity: &mut [f32]) {
    let isa = Isa::detect();
    let mut products: Products = [[0.0; LANES]; BLOCK];
    similarity.fill(f32::NEG_INFINITY);
    for (first, used, panel) in panels.iter() {
        isa.products(rows, panel, &mut products);
        for ((lanes, best), cluster) in products.iter_mut().zip(similarity.iter_mut()).zip(cluster.iter_mut())
        {
            lanes[used..].fill(f32::NEG_INFINITY);
            let max = largest(lanes);
            if max > *best {
                *best = max;
                *cluster = (first + lane_of(lanes, max)) as u32;
            }
        }
    }
}

/// The first lane that holds a value known to be there.
pub(crate) fn lane_of(lanes: &[f32; LANES], value: f32) -> usize {
    lanes.iter().position(|&x| x == value).unwrap_or(0)
}

/// Sees to it that a similarity of exactly 0 means a row without direction: one that is at right angles to its
/// centroid gets the smallest number there is, which is far below rounding.
fn mark_directed(rows: &UnitEmbeddings, similarity: &mut [f32]) {
    for similarity in similarity.iter_mut().filter(|similarity| **similarity == 0.0) {
        *similarity = f32::MIN_POSITIVE;
    }
    for &row in rows.zero_rows().iter().chain(rows.non_finite_rows()) {
        similarity[row] = 0.0;
    }
}

/// The cosine similarity of each row with the centroid of its given cluster; 0 where the row has no direction.
///
/// The bits are those that [`assign`] gives for the same pair.
pub fn centroid_similarity(rows: &UnitEmbeddings, centroids: &UnitEmbeddings, cluster: &[u32]) -> Vec<f32> {
    assert_eq!(rows.len(), cluster.len(), "every row has a cluster");
    let mut by_cluster: Vec<usize> = (0..rows.len()).filter(|&i| cluster[i] != NO_CLUSTER).collect();
    by_cluster.sort_unstable_by_key(|&i| (cluster[i], i));
    let groups: Vec<&[usize]> = by_cluster.chunk_by(|&a, &b| cluster[a] == cluster[b]).collect();
    let found: Vec<(usize, f32)> = groups
        .into_par_iter()
        .flat_map_iter(|group| {
            let centroid = centroids.row(cluster[group[0]] as usize);
            let panels = Panels::pack([centroid].into_iter(), centroids.dim());
            let mut products: Products = [[0.0; LANES]; BLOCK];
            let mut found = Vec::with_capacity(group.len());
            for block in group.chunks(BLOCK) {
                let block_rows: Vec<&[f32]> = block.iter().map(|&i| rows.row(i)).collect();
                for (_, _, panel) in panels.iter() {
                    Isa::detect().products(&block_rows, panel, &mut products);
                }
                found.extend(block.iter().zip(&products).map(|(&i, lanes)| (i, lanes[0])));
            }
            found
        })
        .collect();
    let mut similarity = vec![0.0; rows.len()];
    for (i, value) in found {
        similarity[i] = value;
    }
    mark_directed(rows, &mut similarity);
    similarity
}
