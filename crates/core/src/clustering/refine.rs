//! Spherical k-means over all clusters at once.

use rayon::prelude::*;

use crate::clustering::assign::{Assigner, groups};
use crate::clustering::assignment::Assignment;
use crate::clustering::lloyd::{Trained, Training, draw, mean_directions};
use crate::clustering::probes::Probes;
use crate::random::Stream;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::search::most_similar;

/// So many rounds after one in which each row has looked at all centroids, it looks only at those that were near it then:
/// its own and those that it would probe.
const ROUNDS_NEARBY: usize = 11;

/// Begins at random rows, as dense where they are dense, and takes rounds over all clusters.
pub(crate) fn refine(rows: &UnitEmbeddings, chosen: &[usize], training: &Training) -> Trained {
    let first =
        draw(&vec![1.0; chosen.len()], 0.0, training.clusters, (training.seed, Stream::Seeding as u64));
    let mut centroids = UnitEmbeddings::empty(rows.dim());
    first.iter().for_each(|&i| centroids.push_unit(rows.row(chosen[i])));
    let mut compared = 0;
    let mut near = Assignment::default();
    for round in 0..training.refinements {
        let home: Vec<u32> = if round % (1 + ROUNDS_NEARBY) == 0 {
            near = Assigner::new(&centroids).assign(rows, Probes::Auto);
            compared += near.compared;
            chosen.iter().map(|&row| near.cluster[row]).collect()
        } else {
            compared += chosen.iter().map(|&row| near.clusters(row).count() as u64).sum::<u64>();
            let to =
                |row: usize, c: u32| (Isa::detect().similarity(rows.row(row), centroids.row(c as usize)), c);
            let nearest = |&row: &usize| most_similar(near.clusters(row).map(|c| to(row, c)));
            chosen.par_iter().map(|row| nearest(row).map_or(0, |(_, c)| c)).collect()
        };
        let mut members = vec![Vec::new(); centroids.len()];
        home.iter().zip(chosen).for_each(|(&c, &row)| members[c as usize].push(row));
        centroids = mean_directions(rows, &members, |c| centroids.row(c).to_vec());
    }
    // Similar centroids get near numbers.
    let mut ordered = UnitEmbeddings::empty(rows.dim());
    groups(&centroids).1.iter().flatten().for_each(|&c| ordered.push_unit(centroids.row(c as usize)));
    Trained { centroids: ordered, compared }
}
