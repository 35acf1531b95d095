//! Spherical k-means in one level: k-means++ seeding, then rounds of Lloyd's algorithm.

use rayon::prelude::*;

use crate::random::{RandomSequence, Stream};
use crate::similarity::candidates::SearchCandidates;
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::BLOCK;
use crate::similarity::panels::Panels;
use crate::similarity::search::{Query, Reranked, Search, Searcher, most_similar};
use crate::stop::Stop;

/// How to train the centroids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Training {
    /// The number of centroids (k), at least 1.
    pub clusters: usize,
    /// The most rounds of assigning and averaging. Training ends earlier if no row changes its
    /// cluster.
    pub iterations: usize,
    /// If not 0, more than 64 clusters are trained at once instead of in groups: from random rows,
    /// with this number of rounds. That takes longer, and leaves fewer rows in another cluster than
    /// their duplicates. Rows that probe other clusters do not need it.
    pub refinements: usize,
    /// Determines the first centroids.
    pub seed: u64,
}

/// The result of training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The centroids. Similar clusters have neighbouring numbers.
    pub centroids: UnitEmbeddings,
    /// The number of comparisons of a row with a centroid.
    pub compared: u64,
}

/// The rows that a thread compares per task.
const ROWS_PER_TASK: usize = 32 * BLOCK;

/// Rows that are clustered together, encoded relative to their mean.
pub(super) struct EncodedRows<'a> {
    rows: &'a UnitEmbeddings,
    /// The numbers of the rows that take part.
    chosen: &'a [usize],
    mean: Vec<f32>,
    codes: Codes,
    stop: &'a Stop<'a>,
}

/// The nearest centroid of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nearest {
    pub(super) centroid: u32,
    /// Half the squared distance, which is 1 − cosine.
    half_square: f32,
}

/// The nearest centroid of each row.
pub(super) struct NearestOfRows {
    pub(super) nearest: Vec<Nearest>,
    /// The number of comparisons of a row with a centroid.
    pub(super) compared: u64,
}

impl<'a> EncodedRows<'a> {
    pub(super) fn new(rows: &'a UnitEmbeddings, chosen: &'a [usize], stop: &'a Stop<'a>) -> Self {
        let mean: Vec<f32> = sum(rows, chosen).iter().map(|x| (x / chosen.len() as f64) as f32).collect();
        let codes = Codes::encode_all(chosen.len(), |i| rows.row(chosen[i]), &mean, &mean);
        Self { rows, chosen, mean, codes, stop }
    }

    fn row(&self, i: usize) -> &'a [f32] {
        self.rows.row(self.chosen[i])
    }

    /// Trains `clusters` centroids; of `training`, it uses the iterations and the seed.
    pub(super) fn train(&self, clusters: usize, training: &Training) -> Trained {
        let Trained { mut centroids, mut compared } = self.seed(clusters, training.seed);
        let mut last = Vec::new();
        for _ in 0..training.iterations {
            if (self.stop)() {
                break;
            }
            let found = self.nearest(&centroids);
            compared += found.compared;
            let home: Vec<u32> = found.nearest.iter().map(|nearest| nearest.centroid).collect();
            if home == last {
                break;
            }
            centroids = self.means(&found.nearest, &centroids);
            last = home;
        }
        Trained { centroids, compared }
    }

    /// Draws the first centroids.
    ///
    /// This is k-means++ (Arthur and Vassilvitskii 2007) in rounds, as in k-means|| (Bahmani et al.
    /// 2012). Each round draws an eighth of the number of centroids so far, with probability
    /// proportional to the distance 1 − cosine (half the squared Euclidean distance) from the
    /// nearest one. The comparisons are those of one assignment, and the number of passes over the
    /// rows grows with log k instead of k. The first sixteen centroids are drawn one by one, as in
    /// k-means++. After that, about half of the draws are uniform, so that a dense group of
    /// near-duplicates is divided too (the mixture of Bachem et al. 2016).
    fn seed(&self, clusters: usize, seed: u64) -> Trained {
        let mut distance = vec![1.0f32; self.chosen.len()];
        let mut centroids = UnitEmbeddings::empty(self.rows.dim());
        let (mut round, mut compared) = (0, 0);
        while centroids.len() < clusters && !(self.stop)() {
            let wanted = (centroids.len() / 8).clamp(1, clusters - centroids.len());
            let mean = distance.iter().map(|&d| f64::from(d)).sum::<f64>() / distance.len() as f64;
            let uniform = if wanted > 1 { mean as f32 } else { 0.0 };
            let stream = Stream::Seeding as u64 + round;
            let drawn = draw(&distance, uniform, wanted, RandomSequence { seed, stream });
            let mut new = UnitEmbeddings::empty(self.rows.dim());
            drawn.iter().for_each(|&i| new.push_unit(self.row(i)));
            drawn.iter().for_each(|&i| centroids.push_unit(self.row(i)));
            let found = self.nearest(&new);
            for (distance, nearest) in distance.iter_mut().zip(found.nearest) {
                // Rows are distinct, so each has some distance from the others, even below f32
                // resolution.
                *distance = distance.min(nearest.half_square.max(f32::MIN_POSITIVE));
            }
            drawn.iter().for_each(|&i| distance[i] = 0.0);
            round += 1;
            compared += found.compared;
        }
        Trained { centroids, compared }
    }

    /// Finds the nearest centroid of each row.
    pub(super) fn nearest(&self, centroids: &UnitEmbeddings) -> NearestOfRows {
        let encoded = Codes::encode_all(centroids.len(), |c| centroids.row(c), &self.mean, &self.mean);
        let panels = Panels::pack(&encoded, 0..encoded.len());
        let mut nearest = vec![Nearest::default(); self.chosen.len()];
        let search = Search { codes: &self.codes, targets: &panels };
        nearest.par_chunks_mut(ROWS_PER_TASK).enumerate().for_each(|(chunk, nearest)| {
            if (self.stop)() {
                return;
            }
            let first = chunk * ROWS_PER_TASK;
            let queries: Vec<Query> =
                (first..first + nearest.len()).map(|row| Query { row, limit: panels.len() }).collect();
            search.run(&queries, &mut NearestSearch { rows: self, centroids, first, nearest });
        });
        NearestOfRows { nearest, compared: (self.chosen.len() * centroids.len()) as u64 }
    }

    /// Returns the centroids of the next round: the mean direction of each cluster's rows. A
    /// centroid without rows restarts at a row that is far from its own centroid.
    pub(super) fn means(&self, nearest: &[Nearest], centroids: &UnitEmbeddings) -> UnitEmbeddings {
        let mut members = vec![Vec::new(); centroids.len()];
        nearest
            .iter()
            .zip(self.chosen)
            .for_each(|(nearest, &row)| members[nearest.centroid as usize].push(row));
        let empty = members.iter().filter(|members| members.is_empty()).count();
        let mut restarts = farthest(nearest, empty).into_iter();
        mean_directions(self.rows, &members, |c| match members[c].is_empty().then(|| restarts.next()) {
            Some(Some(i)) => self.row(i).to_vec(),
            _ => centroids.row(c).to_vec(),
        })
    }
}

/// Searches the nearest centroids of a chunk of rows.
struct NearestSearch<'a> {
    rows: &'a EncodedRows<'a>,
    centroids: &'a UnitEmbeddings,
    /// The number of the first row of the chunk.
    first: usize,
    nearest: &'a mut [Nearest],
}

impl Searcher for NearestSearch<'_> {
    fn rerank(&mut self, query: usize, found: SearchCandidates) {
        let row = self.rows.row(self.first + query);
        let exact = found.candidates.iter().map(|candidate| {
            let centroid = self.centroids.row(candidate.target as usize);
            let similarity = -Isa::detect().squared_distance(row, centroid) / 2.0;
            Reranked { similarity, target: candidate.target }
        });
        let nearest = most_similar(exact).unwrap_or(Reranked { similarity: 0.0, target: 0 });
        self.nearest[query] = Nearest { centroid: nearest.target, half_square: -nearest.similarity };
    }
}

/// The rows that a thread computes the keys of per task.
const KEYS_PER_TASK: usize = 4096;

/// Draws `count` rows without replacement, with probability proportional to `weight + uniform`:
/// those with the largest `ln(u) / weight` (Efraimidis and Spirakis 2006). Rows with weight 0 are
/// never drawn. `random(row)` returns a random number in (0, 1).
pub(super) fn draw(weight: &[f32], uniform: f32, count: usize, random: RandomSequence) -> Vec<usize> {
    let keys_of = |(chunk, weight): (usize, &[f32])| -> Vec<(f64, usize)> {
        let rows = (chunk * KEYS_PER_TASK..).zip(weight).filter(|&(_, &weight)| weight > 0.0);
        let key = |row, weight| random.unit(row as u64).ln() / f64::from(weight + uniform);
        rows.map(|(row, &weight)| (key(row, weight), row)).collect()
    };
    let mut keys: Vec<(f64, usize)> =
        weight.par_chunks(KEYS_PER_TASK).enumerate().flat_map_iter(keys_of).collect();
    let best_first = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if keys.len() > count {
        keys.select_nth_unstable_by(count, best_first);
        keys.truncate(count);
    }
    keys.sort_unstable_by(best_first);
    keys.into_iter().map(|(_, row)| row).collect()
}

/// Returns the sum of some rows.
fn sum(rows: &UnitEmbeddings, members: &[usize]) -> Vec<f64> {
    let mut sum = vec![0.0f64; rows.dim()];
    members.iter().for_each(|&row| Isa::detect().add(&mut sum, rows.row(row)));
    sum
}

/// Returns the mean direction of each cluster's rows: a unit vector, or `otherwise(cluster)` if
/// there are no rows or they cancel out.
///
/// One thread sums the rows of a cluster, in row order, so the order of summation does not depend
/// on the schedule.
pub(super) fn mean_directions(
    rows: &UnitEmbeddings,
    members: &[Vec<usize>],
    mut otherwise: impl FnMut(usize) -> Vec<f32>,
) -> UnitEmbeddings {
    let direction = |members: &Vec<usize>| {
        let sum = sum(rows, members);
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        (norm > 1e-6).then(|| sum.iter().map(|x| (x / norm) as f32).collect::<Vec<f32>>())
    };
    let directions: Vec<Option<Vec<f32>>> = members.par_iter().map(direction).collect();
    let mut means = UnitEmbeddings::empty(rows.dim());
    for (c, direction) in directions.into_iter().enumerate() {
        means.push_unit(&direction.unwrap_or_else(|| otherwise(c)));
    }
    means
}

/// Lists the `count` rows that are farthest from their centroids, farthest first.
fn farthest(nearest: &[Nearest], count: usize) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let distance = |row: usize| nearest[row].half_square;
    let mut by_distance: Vec<usize> = (0..nearest.len()).collect();
    by_distance.sort_unstable_by(|&a, &b| distance(b).total_cmp(&distance(a)).then(a.cmp(&b)));
    by_distance.truncate(count);
    by_distance
}
