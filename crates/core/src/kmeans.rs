//! Spherical k-means: centroids of unit length, rows assigned by cosine similarity.

use rayon::prelude::*;

use crate::assign::{Assignment, NO_CLUSTER, assign};
use crate::embeddings::UnitEmbeddings;
use crate::random::{self, Stream};

/// How to train the centroids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Training {
    /// The number of centroids wanted (k); at least 1.
    pub clusters: usize,
    /// The most rounds of assigning and averaging; training ends earlier when no row changes its cluster.
    pub iterations: usize,
    /// Decides the first centroids.
    pub seed: u64,
}

/// Distances (1 − cosine) below this are rounding, not distance.
const SAME_PLACE: f32 = 1e-6;

/// Trains `clusters` centroids on rows (all, or a sample of the data).
///
/// There are fewer only where fewer distinct rows have a direction: then each is a centroid of its own. Rows without
/// direction take no part. A centroid that loses all its rows starts again at the row that is least similar to its
/// own centroid.
pub fn train(rows: &UnitEmbeddings, training: &Training) -> UnitEmbeddings {
    let mut centroids = seed_centroids(rows, training);
    if centroids.is_empty() {
        // Nothing has a direction; one centroid of zeros keeps "every row has a cluster" true.
        centroids.push_unit(&vec![0.0; rows.dim()]);
        return centroids;
    }
    let mut last = Vec::new();
    for _ in 0..training.iterations {
        let assignment = assign(rows, &centroids);
        if assignment.cluster == last {
            break;
        }
        centroids = means(rows, &assignment, &centroids);
        last = assignment.cluster;
    }
    centroids
}

/// k-means++ (Arthur and Vassilvitskii 2007) in rounds, as k-means|| does (Bahmani et al. 2012): each round draws an
/// eighth as many centroids as there are already, with probability in proportion to the distance 1 − cosine (half the
/// squared Euclidean distance) from the nearest one. The products are those of one assignment, and the passes over the
/// rows grow with log k instead of k; the first sixteen centroids come one by one, exactly as in k-means++.
fn seed_centroids(rows: &UnitEmbeddings, training: &Training) -> UnitEmbeddings {
    let mut distance = vec![1.0f32; rows.len()];
    for &row in rows.zero_rows().iter().chain(rows.non_finite_rows()) {
        distance[row] = 0.0;
    }
    let mut centroids = UnitEmbeddings::empty(rows.dim());
    let mut round = 0;
    while centroids.len() < training.clusters {
        let wanted = (centroids.len() / 8).clamp(1, training.clusters - centroids.len());
        let drawn = draw(&distance, wanted, training.seed, Stream::Seeding as u64 + round);
        if drawn.is_empty() {
            break;
        }
        let mut new = UnitEmbeddings::empty(rows.dim());
        for &row in &drawn {
            // Two draws of a round may be the same vector twice.
            let is_new = (0..new.len()).all(|c| new.row(c) != rows.row(row));
            if is_new {
                new.push_unit(rows.row(row));
                centroids.push_unit(rows.row(row));
            }
        }
        let nearest = assign(rows, &new).similarity;
        distance.par_iter_mut().zip(nearest).for_each(|(distance, similarity)| {
            let to_new = 1.0 - similarity;
            *distance = distance.min(if to_new < SAME_PLACE { 0.0 } else { to_new });
        });
        round += 1;
    }
    centroids
}

/// `count` rows without replacement, with probability in proportion to their weight: the largest `ln(u) / weight`
/// (Efraimidis and Spirakis 2006). Fewer where fewer have a weight.
fn draw(weight: &[f32], count: usize, seed: u64, stream: u64) -> Vec<usize> {
    let mut keys: Vec<(f64, usize)> = (0..weight.len())
        .into_par_iter()
        .filter(|&row| weight[row] > 0.0)
        .map(|row| (random::unit(seed, stream, row as u64).ln() / f64::from(weight[row]), row))
        .collect();
    let best_first = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if keys.len() > count {
        keys.select_nth_unstable_by(count, best_first);
        keys.truncate(count);
    }
    keys.sort_unstable_by(best_first);
    keys.into_iter().map(|(_, row)| row).collect()
}

/// The centroids of the next round: the mean direction of each cluster's rows.
fn means(rows: &UnitEmbeddings, assignment: &Assignment, centroids: &UnitEmbeddings) -> UnitEmbeddings {
    let members = members(&assignment.cluster, centroids.len());
    // One cluster is summed by one thread, in row order: the order of the sum does not depend on the schedule.
    let sums: Vec<Option<Vec<f32>>> =
        members.par_iter().map(|members| mean_direction(rows, members)).collect();
    let empty = sums.iter().filter(|sum| sum.is_none()).count();
    let mut restarts = least_similar(assignment, rows, empty).into_iter();
    let mut next = UnitEmbeddings::empty(rows.dim());
    for (c, sum) in sums.iter().enumerate() {
        match (sum, restarts.len()) {
            (Some(direction), _) => next.push_unit(direction),
            (None, 0) => next.push_unit(centroids.row(c)),
            (None, _) => restarts.by_ref().take(1).for_each(|row| next.push_unit(rows.row(row))),
        }
    }
    next
}

/// The rows of each cluster, ascending.
fn members(cluster: &[u32], clusters: usize) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); clusters];
    for (row, &c) in cluster.iter().enumerate().filter(|&(_, &c)| c != NO_CLUSTER) {
        members[c as usize].push(row);
    }
    members
}

/// The unit vector along the sum of some rows; none if there are none or they cancel out.
fn mean_direction(rows: &UnitEmbeddings, members: &[usize]) -> Option<Vec<f32>> {
    let mut sum = vec![0.0f64; rows.dim()];
    for &row in members {
        for (sum, &x) in sum.iter_mut().zip(rows.row(row)) {
            *sum += f64::from(x);
        }
    }
    let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    (norm > 1e-6).then(|| sum.iter().map(|x| (x / norm) as f32).collect())
}

/// The rows that are farthest from their centroids, distinct vectors, farthest first.
fn least_similar(assignment: &Assignment, rows: &UnitEmbeddings, count: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    if count == 0 {
        return chosen;
    }
    let undirected = |row: &usize| rows.row(*row).iter().all(|&x| x == 0.0);
    let mut by_similarity: Vec<usize> = (0..rows.len()).collect();
    by_similarity.sort_unstable_by(|&a, &b| {
        assignment.similarity[a].total_cmp(&assignment.similarity[b]).then(a.cmp(&b))
    });
    for row in by_similarity.into_iter().filter(|row| !undirected(row)) {
        if chosen.len() == count {
            break;
        }
        if chosen.iter().all(|&other| rows.row(other) != rows.row(row)) {
            chosen.push(row);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` rows around each of `centres` random directions.
    fn blobs(centres: usize, count: usize, dim: usize) -> UnitEmbeddings {
        let noise = |i: usize| random::unit(5, 99, i as u64) as f32 - 0.5;
        let values = (0..centres * count).flat_map(|i| {
            (0..dim).map(move |p| 60.0 * noise(i / count * dim + p) + noise(10_000 + i * dim + p))
        });
        UnitEmbeddings::new(values.collect(), dim).unwrap()
    }

    #[test]
    fn well_separated_groups_become_the_clusters() {
        let rows = blobs(12, 30, 20);
        let centroids = train(&rows, &Training { clusters: 12, iterations: 20, seed: 1 });
        let assignment = assign(&rows, &centroids);
        for group in assignment.cluster.chunks(30) {
            assert!(group.iter().all(|c| c == &group[0]), "a group is split: {group:?}");
        }
        assert!(assignment.similarity.iter().all(|&s| s > 0.95));
    }

    #[test]
    fn there_are_as_many_centroids_as_asked_for_or_as_there_are_distinct_directions() {
        let rows = blobs(5, 4, 9);
        assert_eq!(train(&rows, &Training { clusters: 20, iterations: 5, seed: 0 }).len(), 20);
        let same = UnitEmbeddings::new([1.0, 2.0, 3.0].repeat(50), 3).unwrap();
        assert_eq!(train(&same, &Training { clusters: 7, iterations: 5, seed: 0 }).len(), 1);
        let zeros = UnitEmbeddings::new(vec![0.0; 30], 3).unwrap();
        assert_eq!(train(&zeros, &Training { clusters: 7, iterations: 5, seed: 0 }).len(), 1);
    }

    #[test]
    fn an_empty_cluster_starts_again_at_the_row_farthest_from_its_centroid() {
        let rows = UnitEmbeddings::new(vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0], 2).unwrap();
        let centroids = UnitEmbeddings::new(vec![1.0, 0.0, -1.0, 0.0], 2).unwrap();
        let assignment = assign(&rows, &centroids);
        assert_eq!(assignment.cluster, [0, 0, 0]);
        assert_eq!(means(&rows, &assignment, &centroids).row(1), [0.0, 1.0]);
    }

    #[test]
    fn another_seed_gives_other_centroids_and_the_same_seed_the_same() {
        let rows = blobs(40, 5, 8);
        let with = |seed| train(&rows, &Training { clusters: 10, iterations: 2, seed });
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }
}
