//! Spherical k-means in several levels: train √k groups of clusters, then the clusters of each
//! group.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::clustering::lloyd::{EncodedRows, Trained, Training};
use crate::similarity::embeddings::{UnitEmbeddings, hash};
use crate::similarity::kernels::isa::Isa;
use crate::stop::Stop;

/// The most clusters that are trained in one level.
pub(super) const MAX_FLAT_CLUSTERS: usize = 64;

/// The number of rows per group that the groups are trained on.
const ROWS_PER_GROUP: usize = 128;

/// Lists the rows that have a direction. Of rows with the same vector, it lists only the first.
pub(super) fn distinct(rows: &UnitEmbeddings) -> Vec<usize> {
    let hashes: Vec<u64> = (0..rows.len()).into_par_iter().map(|row| hash(rows.row(row))).collect();
    let mut seen: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut chosen = Vec::with_capacity(rows.len());
    for (row, hash) in hashes.into_iter().enumerate() {
        let same = seen.entry(hash).or_default();
        if rows.row(row).iter().any(|&x| x != 0.0) && same.iter().all(|&i| rows.row(i) != rows.row(row)) {
            same.push(row);
            chosen.push(row);
        }
    }
    chosen
}

/// Trains centroids on the chosen rows, which are [distinct], in as many levels as needed. Ignores
/// `training.refinements`.
pub(super) fn train_levels(
    rows: &UnitEmbeddings,
    chosen: &[usize],
    training: &Training,
    stop: &Stop,
) -> Trained {
    let mut centroids = UnitEmbeddings::empty(rows.dim());
    let mut compared = 0;
    if chosen.is_empty() {
        // No row has a direction. A clustering needs at least one centroid; this one gets no
        // training rows.
        centroids.push_unit(&vec![0.0; rows.dim()]);
        return Trained { centroids, compared };
    }
    for branch in tree(rows, chosen, training, stop) {
        (0..branch.centroids.len()).for_each(|c| centroids.push_unit(branch.centroids.row(c)));
        compared += branch.compared;
    }
    Trained { centroids, compared }
}

/// Trains the centroids of each group, recursively. Returns them group by group, similar groups
/// next to each other.
fn tree(rows: &UnitEmbeddings, chosen: &[usize], training: &Training, stop: &Stop) -> Vec<Trained> {
    if stop() {
        return vec![Trained { centroids: UnitEmbeddings::empty(rows.dim()), compared: 0 }];
    }
    let clusters = training.clusters.min(chosen.len());
    if clusters == chosen.len() {
        let mut centroids = UnitEmbeddings::empty(rows.dim());
        chosen.iter().for_each(|&row| centroids.push_unit(rows.row(row)));
        return vec![Trained { centroids, compared: 0 }];
    }
    if clusters <= MAX_FLAT_CLUSTERS {
        return vec![EncodedRows::new(rows, chosen, stop).train(clusters, training)];
    }
    let groups = (clusters as f64).sqrt().round() as usize;
    let step = (chosen.len() / (groups * ROWS_PER_GROUP)).max(1);
    let sample: Vec<usize> = chosen.iter().copied().step_by(step).collect();
    let centres = EncodedRows::new(rows, &sample, stop).train(groups, training);
    if stop() {
        return vec![centres];
    }
    let home = EncodedRows::new(rows, chosen, stop).nearest(&centres.centroids);
    let mut members = vec![Vec::new(); centres.centroids.len()];
    home.nearest.iter().zip(chosen).for_each(|(nearest, &row)| members[nearest.centroid as usize].push(row));
    let mut members: Vec<Vec<usize>> =
        chain(&centres.centroids).into_iter().map(|c| std::mem::take(&mut members[c])).collect();
    members.retain(|members| !members.is_empty());
    let shares = shares(clusters, &members);
    let mut branches: Vec<Trained> = members
        .par_iter()
        .zip(shares)
        .flat_map_iter(|(members, clusters)| match members.len() == chosen.len() {
            // All rows are in one group, so dividing further would never end.
            true => vec![EncodedRows::new(rows, members, stop).train(clusters, training)],
            false => tree(rows, members, &Training { clusters, ..*training }, stop),
        })
        .collect();
    branches[0].compared += centres.compared + home.compared;
    branches
}

/// Returns how many of the clusters each group gets: one, and a share of the remaining clusters in
/// proportion to the group's remaining rows.
fn shares(clusters: usize, groups: &[Vec<usize>]) -> Vec<usize> {
    let further: usize = groups.iter().map(|group| group.len() - 1).sum();
    let spare = clusters - groups.len();
    let exact = |group: &Vec<usize>| spare as u128 * (group.len() - 1) as u128;
    let mut shares: Vec<usize> =
        groups.iter().map(|group| 1 + (exact(group) / further.max(1) as u128) as usize).collect();
    let mut by_rest: Vec<usize> = (0..groups.len()).collect();
    by_rest.sort_by_key(|&g| std::cmp::Reverse(exact(&groups[g]) % further.max(1) as u128));
    let missing = clusters - shares.iter().sum::<usize>();
    by_rest.iter().take(missing).for_each(|&g| shares[g] += 1);
    shares
}

/// Orders the centres such that neighbours are similar: a chain that starts at the first centre and
/// continues with the most similar remaining one.
fn chain(centres: &UnitEmbeddings) -> Vec<usize> {
    let mut left: Vec<usize> = (1..centres.len()).collect();
    let mut chain = vec![0];
    while let Some(next) = (0..left.len()).max_by(|&a, &b| {
        let to = |i: usize| Isa::detect().dot(centres.row(chain[chain.len() - 1]), centres.row(left[i]));
        to(a).total_cmp(&to(b)).then(left[b].cmp(&left[a]))
    }) {
        chain.push(left.remove(next));
    }
    chain
}
