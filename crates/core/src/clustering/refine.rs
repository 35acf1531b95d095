//! Spherical k-means over all clusters at once, with the assigner as the index of the centroids.

use rayon::prelude::*;

use crate::clustering::assign::{Assigner, cluster_centroids};
use crate::clustering::assignment::Assignment;
use crate::clustering::lloyd::{Trained, Training, draw, mean_directions};
use crate::clustering::probes::Probes;
use crate::random::{RandomSequence, Stream};
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::search::{Reranked, most_similar};
use crate::stop::Stop;

/// The rounds that follow each full round. In a full round, a row is assigned to the nearest of all
/// centroids. In the rounds after it, the row is compared only with the clusters that it was in or
/// probed then.
const ROUNDS_NEARBY: usize = 11;

/// Trains the centroids from random rows, which are dense where the rows are dense, in
/// `training.refinements` rounds. The chosen rows are distinct.
pub(super) fn refine(rows: &UnitEmbeddings, chosen: &[usize], training: &Training, stop: &Stop) -> Trained {
    let random = RandomSequence { seed: training.seed, stream: Stream::Seeding as u64 };
    let first = draw(&vec![1.0; chosen.len()], 0.0, training.clusters, random);
    let mut centroids = UnitEmbeddings::empty(rows.dim());
    first.iter().for_each(|&i| centroids.push_unit(rows.row(chosen[i])));
    let mut compared = 0;
    let mut near = Assignment::default();
    for round in 0..training.refinements {
        if stop() {
            return Trained { centroids, compared };
        }
        let home: Vec<u32> = if round % (1 + ROUNDS_NEARBY) == 0 {
            near = Assigner::new(&centroids).assign_until(rows, Probes::Auto, stop);
            if stop() {
                return Trained { centroids, compared };
            }
            compared += near.compared;
            chosen.iter().map(|&row| near.cluster[row]).collect()
        } else {
            compared += chosen.iter().map(|&row| near.clusters(row).count() as u64).sum::<u64>();
            nearest_nearby(rows, chosen, &centroids, &near)
        };
        let mut members = vec![Vec::new(); centroids.len()];
        home.iter().zip(chosen).for_each(|(&c, &row)| members[c as usize].push(row));
        centroids = mean_directions(rows, &members, |c| centroids.row(c).to_vec());
    }
    Trained { centroids: in_order_of_similarity(&centroids), compared }
}

/// Returns the nearest centroid of each chosen row, out of the clusters that the row was in or
/// probed in the last full round.
fn nearest_nearby(
    rows: &UnitEmbeddings,
    chosen: &[usize],
    centroids: &UnitEmbeddings,
    near: &Assignment,
) -> Vec<u32> {
    let to = |row: usize, c: u32| Reranked {
        similarity: Isa::detect().similarity(rows.row(row), centroids.row(c as usize)),
        target: c,
    };
    let nearest = |&row: &usize| most_similar(near.clusters(row).map(|c| to(row, c)));
    chosen.par_iter().map(|row| nearest(row).map_or(0, |nearest| nearest.target)).collect()
}

/// Renumbers the centroids such that similar ones have neighbouring numbers.
fn in_order_of_similarity(centroids: &UnitEmbeddings) -> UnitEmbeddings {
    let mut ordered = UnitEmbeddings::empty(centroids.dim());
    let groups = cluster_centroids(centroids).members;
    groups.iter().flatten().for_each(|&c| ordered.push_unit(centroids.row(c as usize)));
    ordered
}
