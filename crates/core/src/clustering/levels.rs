//! Spherical k-means in two levels or more: groups, and clusters in each group.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::clustering::lloyd::{Members, Trained, Training};
use crate::similarity::embeddings::{UnitEmbeddings, hash};
use crate::similarity::kernels::isa::Isa;

/// Up to so many clusters are trained at once; more by clusters of clusters.
pub(crate) const FLAT: usize = 64;

/// Rows a cluster that the clusters of clusters are trained on.
const ROWS_PER_GROUP: usize = 128;

/// The rows that have a direction, of equal ones the first.
pub(crate) fn distinct(rows: &UnitEmbeddings) -> Vec<usize> {
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

fn tree(rows: &UnitEmbeddings, chosen: &[usize], training: &Training) -> Vec<Trained> {
    let clusters = training.clusters.min(chosen.len());
    if clusters == chosen.len() {
        let mut centroids = UnitEmbeddings::empty(rows.dim());
        chosen.iter().for_each(|&row| centroids.push_unit(rows.row(row)));
        return vec![Trained { centroids, compared: 0 }];
    }
    if clusters <= FLAT {
        return vec![Members::new(rows, chosen).train(clusters, training)];
    }
    let groups = (clusters as f64).sqrt().round() as usize;
    let step = (chosen.len() / (groups * ROWS_PER_GROUP)).max(1);
    let sample: Vec<usize> = chosen.iter().copied().step_by(step).collect();
    let centres = Members::new(rows, &sample).train(groups, training);
    let all = Members::new(rows, chosen);
    let (home, compared) = all.nearest(&centres.centroids);
    let mut members = vec![Vec::new(); centres.centroids.len()];
    home.iter().zip(chosen).for_each(|(&(c, _), &row)| members[c as usize].push(row));
    let mut members: Vec<Vec<usize>> =
        chain(&centres.centroids).into_iter().map(|c| std::mem::take(&mut members[c])).collect();
    members.retain(|members| !members.is_empty());
    let shares = shares(clusters, &members);
    let mut branches: Vec<Trained> = members
        .par_iter()
        .zip(shares)
        .flat_map_iter(|(members, clusters)| match members.len() == chosen.len() {
            // All in one group: dividing further would not end.
            true => vec![Members::new(rows, members).train(clusters, training)],
            false => tree(rows, members, &Training { clusters, ..*training }),
        })
        .collect();
    branches[0].compared += centres.compared + compared;
    branches
}

/// How many of the clusters each group gets: one, and of the others a share in proportion to its further rows.
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

/// The centres in an order in which each is near the one before: a chain from the first to the nearest not yet taken.
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

/// Trains without refinements; `chosen` are the [distinct] rows.
pub(crate) fn train_levels(rows: &UnitEmbeddings, chosen: &[usize], training: &Training) -> Trained {
    let mut centroids = UnitEmbeddings::empty(rows.dim());
    let mut compared = 0;
    if chosen.is_empty() {
        // Nothing has a direction; clusters need at least one centroid, and this one gets no rows of the sample.
        centroids.push_unit(&vec![0.0; rows.dim()]);
        return Trained { centroids, compared };
    }
    for branch in tree(rows, chosen, training) {
        (0..branch.centroids.len()).for_each(|c| centroids.push_unit(branch.centroids.row(c)));
        compared += branch.compared;
    }
    Trained { centroids, compared }
}
