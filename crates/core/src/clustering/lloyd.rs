//! Spherical k-means in one level: seeding, and rounds of Lloyd's algorithm.

use rayon::prelude::*;

use crate::random::{self, Stream};
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::BLOCK;
use crate::similarity::panels::Panels;
use crate::similarity::search::{Likely, Query, Search, Searcher, most_similar};

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

/// Rows that are clustered together, encoded relative to their mean.
pub(crate) struct Members<'a> {
    rows: &'a UnitEmbeddings,
    chosen: &'a [usize],
    mean: Vec<f32>,
    codes: Codes,
}

/// Rows that a thread compares in one go.
const TOGETHER: usize = 32 * BLOCK;

impl<'a> Members<'a> {
    pub(crate) fn new(rows: &'a UnitEmbeddings, chosen: &'a [usize]) -> Self {
        let (mean, _) = sum(rows, chosen);
        let mean: Vec<f32> = mean.iter().map(|x| (x / chosen.len() as f64) as f32).collect();
        let codes = Codes::encode_all(chosen.len(), |i| rows.row(chosen[i]), &mean, &mean);
        Self { rows, chosen, mean, codes }
    }

    fn row(&self, i: usize) -> &'a [f32] {
        self.rows.row(self.chosen[i])
    }

    pub(crate) fn train(&self, clusters: usize, training: &Training) -> Trained {
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
    pub(crate) fn nearest(&self, centroids: &UnitEmbeddings) -> (Vec<(u32, f32)>, u64) {
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
    pub(super) fn means(&self, nearest: &[(u32, f32)], centroids: &UnitEmbeddings) -> UnitEmbeddings {
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
pub(crate) fn draw(weight: &[f32], any: f32, count: usize, (seed, stream): (u64, u64)) -> Vec<usize> {
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
pub(crate) fn mean_directions(
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
