use super::*;
use crate::clustering::assign::Assigner;
use crate::clustering::assignment::Assignment;
use crate::clustering::lloyd::EncodedRows;
use crate::clustering::probes::Probes;
use crate::random;
use crate::similarity::kernels::isa::Isa;

fn noise(i: usize) -> f32 {
    random::unit(5, 99, i as u64) as f32 - 0.5
}

/// Returns `count` rows around each of `centres` random directions.
fn blobs(centres: usize, count: usize, dim: usize) -> UnitEmbeddings {
    let value = |i: usize, p: usize| 60.0 * noise(i / count * dim + p) + noise(10_000 + i * dim + p);
    let values = (0..centres * count).flat_map(|i| (0..dim).map(move |p| value(i, p)));
    UnitEmbeddings::new(values.collect(), dim).unwrap()
}

fn centroids(rows: &UnitEmbeddings, clusters: usize) -> UnitEmbeddings {
    train(rows, &Training { clusters, iterations: 8, refinements: 0, seed: 1 }).centroids
}

fn assign(rows: &UnitEmbeddings, centroids: &UnitEmbeddings) -> Assignment {
    Assigner::new(centroids).assign(rows, Probes::Nearest(1))
}

#[test]
fn well_separated_groups_become_the_clusters() {
    let rows = blobs(12, 30, 20);
    let centroids =
        train(&rows, &Training { clusters: 12, iterations: 20, refinements: 0, seed: 1 }).centroids;
    let assignment = assign(&rows, &centroids);
    for group in assignment.cluster.chunks(30) {
        assert!(group.iter().all(|c| c == &group[0]), "a group is split: {group:?}");
    }
    assert!(assignment.similarity.iter().all(|&s| s > 0.95));
}

#[test]
fn the_number_of_centroids_is_the_one_asked_for_or_that_of_distinct_rows() {
    assert_eq!(centroids(&blobs(5, 4, 9), 20).len(), 20);
    assert_eq!(centroids(&blobs(5, 4, 9), 21).len(), 20);
    assert_eq!(centroids(&blobs(300, 10, 9), 300).len(), 300);
    assert_eq!(centroids(&blobs(300, 10, 9), 2999).len(), 2999);
    assert_eq!(centroids(&blobs(300, 10, 9), 5000).len(), 3000);
    let copied = [blobs(100, 3, 9).values(), blobs(100, 3, 9).values(), &[0.0; 18], &[f32::NAN; 9]].concat();
    assert_eq!(centroids(&UnitEmbeddings::new(copied, 9).unwrap(), 1000).len(), 300);
    let same = UnitEmbeddings::new([1.0, 2.0, 3.0].repeat(50), 3).unwrap();
    assert_eq!(centroids(&same, 7).len(), 1);
    let zeros = UnitEmbeddings::new(vec![0.0; 30], 3).unwrap();
    assert_eq!(centroids(&zeros, 7).values(), [0.0; 3]);
}

#[test]
fn centroids_have_unit_length_and_with_as_many_clusters_as_rows_every_row_is_one() {
    let rows = blobs(40, 5, 8);
    let of_all = centroids(&rows, 200);
    let mut found: Vec<u32> = assign(&rows, &of_all).cluster;
    found.sort_unstable();
    assert_eq!(found, (0..200).collect::<Vec<u32>>());
    for trained in [of_all, centroids(&rows, 90), centroids(&rows, 3)] {
        assert!((0..trained.len()).all(|c| (Isa::detect().norm(trained.row(c)) - 1.0).abs() < 1e-6));
    }
}

#[test]
fn an_empty_cluster_restarts_at_the_row_farthest_from_its_centroid() {
    let rows = UnitEmbeddings::new(vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0], 2).unwrap();
    let centroids = UnitEmbeddings::new(vec![1.0, 0.0, -1.0, 0.0], 2).unwrap();
    let encoded = EncodedRows::new(&rows, &[0, 1, 2], NEVER);
    let found = encoded.nearest(&centroids);
    assert!(found.nearest.iter().all(|nearest| nearest.centroid == 0));
    assert_eq!(found.compared, 6);
    assert_eq!(encoded.means(&found.nearest, &centroids).row(1), [0.0, 1.0]);
}

#[test]
fn a_dense_group_of_near_duplicates_is_divided_like_other_rows() {
    let dim = 16;
    let value = |i: usize| match i / dim {
        row if row < 2000 => noise(i % dim) + 1e-2 * noise(1000 + i),
        _ => noise(1000 + i),
    };
    let rows = UnitEmbeddings::new((0..4000 * dim).map(value).collect(), dim).unwrap();
    assert!((1..2000).all(|i| Isa::detect().dot(rows.row(0), rows.row(i)) > 1.0 - 1e-3));
    let centroids = centroids(&rows, 100);
    assert_eq!(centroids.len(), 100);
    let mut sizes = [0; 100];
    assign(&rows, &centroids).cluster.iter().for_each(|&c| sizes[c as usize] += 1);
    assert!(sizes.iter().all(|&size| size <= 8 * 4000 / 100), "{sizes:?}");
}

#[test]
fn two_levels_bring_rows_about_as_near_to_their_centroids_as_one() {
    let rows = UnitEmbeddings::new((0..6000 * 12).map(noise).collect(), 12).unwrap();
    let mean = |centroids: &UnitEmbeddings| {
        assign(&rows, centroids).similarity.iter().map(|&s| f64::from(s)).sum::<f64>() / 6000.0
    };
    let chosen: Vec<usize> = (0..6000).collect();
    let one = EncodedRows::new(&rows, &chosen, NEVER)
        .train(200, &Training { clusters: 200, iterations: 8, refinements: 0, seed: 1 });
    let (one, two) = (mean(&one.centroids), mean(&centroids(&rows, 200)));
    assert!(1.0 - two < 1.1 * (1.0 - one), "{one} in one level, {two} in two");
}

#[test]
fn refinements_bring_rows_nearer_to_their_centroids_and_keep_their_number() {
    let rows = UnitEmbeddings::new((0..6000 * 12).map(noise).collect(), 12).unwrap();
    let trained =
        |refinements| train(&rows, &Training { clusters: 300, iterations: 4, refinements, seed: 1 });
    let mean = |trained: &Trained| {
        let similarity = assign(&rows, &trained.centroids).similarity;
        similarity.iter().map(|&s| f64::from(s)).sum::<f64>() / 6000.0
    };
    let (none, two) = (trained(0), trained(8));
    assert_eq!((none.centroids.len(), two.centroids.len()), (300, 300));
    assert!(mean(&two) > mean(&none) && two.compared > none.compared);
}

#[test]
fn the_centroids_depend_on_the_seed_alone() {
    let rows = blobs(40, 5, 8);
    for clusters in [10, 100] {
        let with = |seed| train(&rows, &Training { clusters, iterations: 2, refinements: 0, seed });
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }
}

#[test]
fn training_that_is_stopped_ends_wherever_it_is_and_otherwise_stopping_changes_nothing() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let rows = blobs(300, 8, 16);
    for refinements in [0, 24] {
        let training = Training { clusters: 200, iterations: 4, refinements, seed: 1 };
        let calls = AtomicUsize::new(0);
        let counted =
            |limit: usize| move |calls: &AtomicUsize| calls.fetch_add(1, Ordering::Relaxed) >= limit;
        let whole = train_until(&rows, &training, &|| counted(usize::MAX)(&calls)).unwrap();
        assert_eq!(whole, train(&rows, &training));
        let all = calls.load(Ordering::Relaxed);
        assert!(all > 20, "{all}");
        for limit in (0..all - 1).step_by(all / 20) {
            let calls = AtomicUsize::new(0);
            assert_eq!(train_until(&rows, &training, &|| counted(limit)(&calls)), None, "{limit} of {all}");
            // What was running ends without starting anything new.
            assert!(calls.load(Ordering::Relaxed) <= limit + 60, "{limit}: {calls:?}");
        }
    }
}
