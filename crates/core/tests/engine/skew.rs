//! A dense group of near-duplicates does not make the work quadratic.

use std::sync::LazyLock;

use semdedup_core::{Assignment, Keep, Probes, Ranking, Training, UnitEmbeddings, train};

use crate::common::{TOLERANCE, assign, noise, scored};

const PROBES: [Probes; 3] = [Probes::Nearest(1), Probes::Nearest(2), Probes::Auto];

/// Counts the comparisons for 40,000 rows, of which the first `group` lie within about `spread` of
/// one direction.
fn compared(group: usize, spread: f32) -> [u64; 3] {
    let dim = 32;
    let value = |i: usize| match i / dim {
        row if row < group => noise(i % dim) + spread * noise(1000 + i),
        _ => noise(1000 + i),
    };
    let rows = UnitEmbeddings::new((0..40_000 * dim).map(value).collect(), dim).unwrap();
    let centroids =
        train(&rows, &Training { clusters: 350, iterations: 4, refinements: 0, seed: 1 }).centroids;
    PROBES.map(|probes| {
        let assignment = assign(&rows, &centroids, probes);
        scored(&rows, &centroids, &assignment, Ranking { keep: Keep::Hard, seed: 0 }).compared
    })
}

/// Asserts that a dense group costs less than four times the comparisons of the same number of even
/// rows.
fn check(group: usize, spread: f32) {
    static EVEN: LazyLock<[u64; 3]> = LazyLock::new(|| compared(0, 0.0));
    for ((dense, even), probes) in compared(group, spread).into_iter().zip(*EVEN).zip(PROBES) {
        let times = dense as f64 / even as f64;
        assert!(times < 4.0, "{probes:?}: {dense} comparisons are {times:.1} times {even}");
    }
}

#[test]
fn a_dense_group_of_half_the_rows_costs_less_than_four_times_the_comparisons() {
    check(20_000, 1e-2);
}

#[test]
fn a_dense_group_of_a_fifth_of_the_rows_costs_less_than_four_times_the_comparisons() {
    check(8_000, 1e-2);
}

#[test]
fn a_dense_group_that_f32_cannot_tell_from_copies_costs_less_than_four_times_the_comparisons() {
    check(20_000, 1e-5);
    check(20_000, 1e-7);
}

#[test]
fn the_most_similar_of_a_dense_group_of_centroids_is_found_exactly() {
    let (dim, group) = (32, 150);
    // 8-bit codes only tell the rows of the dense group apart relative to its centre. Other rows
    // are far away.
    let value = |i: usize| match i / dim {
        row if row < group => noise(i % dim) + 1e-3 * noise(1000 + i),
        _ => noise(1000 + i),
    };
    let all = UnitEmbeddings::new((0..400 * dim).map(value).collect(), dim).unwrap();
    let rows = UnitEmbeddings::new(all.values()[..200 * dim].to_vec(), dim).unwrap();
    let mut values = all.values()[100 * dim..].to_vec();
    // The centroids of the dense group need not come first.
    values.rotate_left(60 * dim);
    let centroids = UnitEmbeddings::new(values, dim).unwrap();
    for probes in PROBES {
        let found = assign(&rows, &centroids, probes);
        for row in 0..rows.len() {
            let similarity = |c: usize| {
                let pairs = rows.row(row).iter().zip(centroids.row(c));
                pairs.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>()
            };
            let best = (0..centroids.len()).map(similarity).fold(f64::NEG_INFINITY, f64::max);
            let own = similarity(found.cluster[row] as usize);
            assert!((own - best).abs() < TOLERANCE, "{probes:?}, row {row}: {own} instead of {best}");
        }
    }
}

#[test]
fn two_dense_groups_that_probe_each_other_do_not_compare_every_pair() {
    let (rows, dim) = (40_000, 16);
    let value = |i: usize| noise(i % dim) + 1e-7 * noise(1000 + i);
    let rows = UnitEmbeddings::new((0..rows * dim).map(value).collect(), dim).unwrap();
    let centroids = UnitEmbeddings::new(rows.values()[..2 * dim].to_vec(), dim).unwrap();
    let cluster: Vec<u32> = (0..rows.len() as u32).map(|row| row % 2).collect();
    let probes = cluster.iter().map(|c| 1 - c).collect();
    let similarity = vec![1.0; rows.len()];
    let assignment = Assignment { cluster, similarity, probes, compared: 0 };
    let compared = scored(&rows, &centroids, &assignment, Ranking { keep: Keep::Random, seed: 0 }).compared;
    assert!(compared < 150 * rows.len() as u64, "{} comparisons a row", compared / rows.len() as u64);
}
