//! Spherical k-means: centroids of unit length, rows assigned by cosine similarity.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::assign::{Assigner, Assignment, Probes};
use crate::codes::{Codes, Panels};
use crate::embeddings::{UnitEmbeddings, hash};
use crate::groups::groups;
use crate::kernels::{BLOCK, Isa};
use crate::random::{self, Stream};
use crate::search::{Likely, Query, Search, Searcher, most_similar};

/// How to train the centroids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Training {
    /// The number of centroids wanted (k); at least 1.
    pub clusters: usize,
    /// The most rounds of assigning and averaging; training ends earlier when no row changes its cluster.
    pub iterations: usize,
    /// If not 0, more than 64 clusters are not trained in groups, but begin at random rows and take so many rounds of
    /// assigning and averaging. That takes longer and lets fewer rows lie beyond a border from their duplicates; rows that
    /// probe other clusters have no need of it.
    pub refinements: usize,
    /// Decides the first centroids.
    pub seed: u64,
}

/// What training gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The centroids; those of similar clusters have near numbers.
    pub centroids: UnitEmbeddings,
    /// Comparisons of a row with a centroid that this took.
    pub compared: u64,
}

/// Up to so many clusters are trained at once; more by clusters of clusters.
const FLAT: usize = 64;

/// Rows a cluster that the clusters of clusters are trained on.
const ROWS_PER_GROUP: usize = 128;

/// Trains `clusters` centroids on rows (all, or a sample of the data).
///
/// There are fewer only where fewer distinct rows have a direction: then each is a centroid of its own. Rows without
/// direction take no part, and of equal rows one. More than 64 clusters are trained in two levels or more: √k
/// groups, then in each group a share of the clusters in proportion to its rows. That takes n·√k comparisons instead of
/// n·k, and a crowd of near-equal rows is divided like any other rows. A centroid that loses all its rows starts again at
/// the row that is least similar to its own centroid.
pub fn train(rows: &UnitEmbeddings, training: &Training) -> Trained {
    let chosen = distinct(rows);
    let mut centroids = UnitEmbeddings::empty(rows.dim());
    let mut compared = 0;
    if chosen.is_empty() {
        // Nothing has a direction; clusters need at least one centroid, and this one gets no rows of the sample.
        centroids.push_unit(&vec![0.0; rows.dim()]);
        return Trained { centroids, compared };
    }
    if training.refinements > 0 && (FLAT + 1..chosen.len()).contains(&training.clusters) {
        return refine(rows, &chosen, training);
    }
    for branch in tree(rows, &chosen, training) {
        (0..branch.centroids.len()).for_each(|c| centroids.push_unit(branch.centroids.row(c)));
        compared += branch.compared;
    }
    Trained { centroids, compared }
}

/// So many rounds after one in which each row has looked at all centroids, it looks only at those that were near it then:
/// its own and those that it would probe.
const ROUNDS_NEARBY: usize = 11;

/// Begins at random rows, as dense where they are dense, and takes rounds over all clusters.
fn refine(rows: &UnitEmbeddings, chosen: &[usize], training: &Training) -> Trained {
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

/// The rows that have a direction, of equal ones the first.
fn distinct(rows: &UnitEmbeddings) -> Vec<usize> {
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

/// Rows that are clustered together, encoded relative to their mean.
struct Members<'a> {
    rows: &'a UnitEmbeddings,
    chosen: &'a [usize],
    mean: Vec<f32>,
    codes: Codes,
}

/// Rows that a thread compares in one go.
const TOGETHER: usize = 32 * BLOCK;

impl<'a> Members<'a> {
    fn new(rows: &'a UnitEmbeddings, chosen: &'a [usize]) -> Self {
        let (mean, _) = sum(rows, chosen);
        let mean: Vec<f32> = mean.iter().map(|x| (x / chosen.len() as f64) as f32).collect();
        let codes = Codes::encode_all(chosen.len(), |i| rows.row(chosen[i]), &mean, &mean);
        Self { rows, chosen, mean, codes }
    }

    fn row(&self, i: usize) -> &'a [f32] {
        self.rows.row(self.chosen[i])
    }

    fn train(&self, clusters: usize, training: &Training) -> Trained {
        let (mut centroids, mut compared) = self.seed(clusters, training.seed);
        let mut last = Vec::new();
        for _ in 0..training.iterations {
            let (nearest, products) = self.nearest(&centroids);
            compared += products;
            let home: Vec<u32> = nearest.iter().map(|&(c, _)| c).collect();
            if home == last {
                break;
            }
            centroids = self.means(&nearest, &centroids);
            last = home;
        }
        Trained { centroids, compared }
    }

    /// k-means++ (Arthur and Vassilvitskii 2007) in rounds, as k-means|| does (Bahmani et al. 2012): each round draws
    /// an eighth as many centroids as there are already, with probability in proportion to the distance 1 − cosine (half
    /// the squared Euclidean distance) from the nearest one. The products are those of one assignment, and the passes
    /// over the rows grow with log k instead of k; the first sixteen centroids come one by one, as in k-means++. From
    /// then on about half of the draws are of any row, so that a crowd of near-equal rows is divided too (the mixture of
    /// Bachem et al. 2016).
    fn seed(&self, clusters: usize, seed: u64) -> (UnitEmbeddings, u64) {
        let mut distance = vec![1.0f32; self.chosen.len()];
        let mut centroids = UnitEmbeddings::empty(self.rows.dim());
        let (mut round, mut compared) = (0, 0);
        while centroids.len() < clusters {
            let wanted = (centroids.len() / 8).clamp(1, clusters - centroids.len());
            let mean = distance.iter().map(|&d| f64::from(d)).sum::<f64>() / distance.len() as f64;
            let any = if wanted > 1 { mean as f32 } else { 0.0 };
            let drawn = draw(&distance, any, wanted, (seed, Stream::Seeding as u64 + round));
            let mut new = UnitEmbeddings::empty(self.rows.dim());
            drawn.iter().for_each(|&i| new.push_unit(self.row(i)));
            drawn.iter().for_each(|&i| centroids.push_unit(self.row(i)));
            let (nearest, products) = self.nearest(&new);
            for (distance, (_, to_new)) in distance.iter_mut().zip(nearest) {
                // Rows are distinct, so all but those drawn are at some distance, be it below what f32 resolves.
                *distance = distance.min(to_new.max(f32::MIN_POSITIVE));
            }
            drawn.iter().for_each(|&i| distance[i] = 0.0);
            round += 1;
            compared += products;
        }
        (centroids, compared)
    }

    /// The nearest centroid of each row with half its squared distance, which is 1 − cosine. And the comparisons it took.
    fn nearest(&self, centroids: &UnitEmbeddings) -> (Vec<(u32, f32)>, u64) {
        let encoded = Codes::encode_all(centroids.len(), |c| centroids.row(c), &self.mean, &self.mean);
        let panels = Panels::pack(&encoded, 0..encoded.len());
        let mut nearest = vec![(0, 0.0); self.chosen.len()];
        let search = Search { codes: &self.codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX };
        nearest.par_chunks_mut(TOGETHER).enumerate().for_each(|(chunk, nearest)| {
            let first = chunk * TOGETHER;
            let queries: Vec<Query> =
                (first..first + nearest.len()).map(|row| Query { row, limit: panels.len() }).collect();
            search.run(&queries, &mut Nearest { members: self, centroids, first, nearest });
        });
        (nearest, (self.chosen.len() * centroids.len()) as u64)
    }

    /// The centroids of the next round: the mean direction of each cluster's rows.
    fn means(&self, nearest: &[(u32, f32)], centroids: &UnitEmbeddings) -> UnitEmbeddings {
        let mut members = vec![Vec::new(); centroids.len()];
        nearest.iter().zip(self.chosen).for_each(|(&(c, _), &row)| members[c as usize].push(row));
        let empty = members.iter().filter(|members| members.is_empty()).count();
        let mut restarts = farthest(nearest, empty).into_iter();
        mean_directions(self.rows, &members, |c| match members[c].is_empty().then(|| restarts.next()) {
            Some(Some(i)) => self.row(i).to_vec(),
            _ => centroids.row(c).to_vec(),
        })
    }
}

/// A search for the nearest centroid of some members.
struct Nearest<'a> {
    members: &'a Members<'a>,
    centroids: &'a UnitEmbeddings,
    first: usize,
    nearest: &'a mut [(u32, f32)],
}

impl Searcher for Nearest<'_> {
    fn found(&mut self, query: usize, likely: Likely) {
        let row = self.members.row(self.first + query);
        let apart = |&(_, c): &(f32, u32)| {
            (-Isa::detect().squared_distance(row, self.centroids.row(c as usize)) / 2.0, c)
        };
        let (apart, c) = most_similar(likely.candidates.iter().map(apart)).unwrap_or((0.0, 0));
        self.nearest[query] = (c, -apart);
    }
}

/// `count` rows without replacement, with probability in proportion to their weight and `any`: the largest
/// `ln(u) / weight` (Efraimidis and Spirakis 2006). Rows without weight are not drawn.
fn draw(weight: &[f32], any: f32, count: usize, (seed, stream): (u64, u64)) -> Vec<usize> {
    let key = |row: usize| random::unit(seed, stream, row as u64).ln() / f64::from(weight[row] + any);
    let mut keys: Vec<(f64, usize)> = (0..weight.len())
        .into_par_iter()
        .with_min_len(4096)
        .filter(|&row| weight[row] > 0.0)
        .map(|row| (key(row), row))
        .collect();
    let best_first = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if keys.len() > count {
        keys.select_nth_unstable_by(count, best_first);
        keys.truncate(count);
    }
    keys.sort_unstable_by(best_first);
    keys.into_iter().map(|(_, row)| row).collect()
}

/// The sum of some rows and its length.
fn sum(rows: &UnitEmbeddings, members: &[usize]) -> (Vec<f64>, f64) {
    let mut sum = vec![0.0f64; rows.dim()];
    members.iter().for_each(|&row| Isa::detect().add(&mut sum, rows.row(row)));
    let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    (sum, norm)
}

/// The unit vectors along the sums of each cluster's rows; `otherwise` where there are none or they cancel out.
///
/// One cluster is summed by one thread, in row order: the order of the sum does not depend on the schedule.
fn mean_directions(
    rows: &UnitEmbeddings,
    members: &[Vec<usize>],
    mut otherwise: impl FnMut(usize) -> Vec<f32>,
) -> UnitEmbeddings {
    let direction = |members: &Vec<usize>| {
        let (sum, norm) = sum(rows, members);
        (norm > 1e-6).then(|| sum.iter().map(|x| (x / norm) as f32).collect::<Vec<f32>>())
    };
    let directions: Vec<Option<Vec<f32>>> = members.par_iter().map(direction).collect();
    let mut means = UnitEmbeddings::empty(rows.dim());
    for (c, direction) in directions.into_iter().enumerate() {
        means.push_unit(&direction.unwrap_or_else(|| otherwise(c)));
    }
    means
}

/// The rows that are farthest from their centroids, farthest first.
fn farthest(nearest: &[(u32, f32)], count: usize) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let mut by_distance: Vec<usize> = (0..nearest.len()).collect();
    by_distance.sort_unstable_by(|&a, &b| nearest[b].1.total_cmp(&nearest[a].1).then(a.cmp(&b)));
    by_distance.truncate(count);
    by_distance
}

#[cfg(test)]
#[path = "kmeans_tests.rs"]
mod tests;
