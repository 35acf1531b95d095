//! A crowd of near-equal rows does not make the work quadratic.

use std::sync::LazyLock;

use semdedup_core::{Assignment, Keep, Probes, Ranking, Training, UnitEmbeddings, train};

use crate::common::{TOLERANCE, assign, noise, scored};

const PROBES: [Probes; 3] = [Probes::Nearest(1), Probes::Nearest(2), Probes::Auto];

/// The comparisons for 40,000 rows, of which the first `crowd` lie within about `spread` of one direction.
fn compared(crowd: usize, spread: f32) -> [u64; 3] {
    let dim = 32;
    let value = |i: usize| match i / dim {
        row if row < crowd => noise(i % dim) + spread * noise(1000 + i),
        _ => noise(1000 + i),
    };
    let rows = UnitEmbeddings::new((0..40_000 * dim).map(value).collect(), dim).unwrap();
    let centroids =
        train(&rows, &Training { clusters: 350, iterations: 4, refinements: 0, seed: 1 }).centroids;
    PROBES.map(|probes| {
        let assignment = assign(&rows, &centroids, probes);
        scored(&rows, &centroids, &assignment, Ranking { keep: Keep::Hard, seed: 0 }).1
    })
}

/// Asserts that a crowd costs less than four times the comparisons of as many rows without one.
fn check(crowd: usize, spread: f32) {
    static EVEN: LazyLock<[u64; 3]> = LazyLock::new(|| compared(0, 0.0));
    for ((crowded, even), probes) in compared(crowd, spread).into_iter().zip(*EVEN).zip(PROBES) {
        let times = crowded as f64 / even as f64;
        assert!(times < 4.0, "{probes:?}: {crowded} comparisons are {times:.1} times {even}");
    }
}

#[test]
fn a_crowd_of_half_the_rows_costs_less_than_four_times_the_comparisons() {
    check(20_000, 1e-2);
}

#[test]
fn a_crowd_of_a_fifth_of_the_rows_costs_less_than_four_times_the_comparisons() {
    check(8_000, 1e-2);
}

#[test]
fn a_crowd_that_f32_cannot_tell_from_copies_costs_less_than_four_times_the_comparisons() {
    check(20_000, 1e-5);
    check(20_000, 1e-7);
}

#[test]
fn of_a_crowd_of_centroids_the_most_similar_are_found_exactly() {
    let (dim, crowd) = (32, 150);
    // A crowd, the rows of which are told apart by 8-bit codes relative to its centre only, and centroids far from it.
    let value = |i: usize| match i / dim {
        row if row < crowd => noise(i % dim) + 1e-3 * noise(1000 + i),
        _ => noise(1000 + i),
    };
    let all = UnitEmbeddings::new((0..400 * dim).map(value).collect(), dim).unwrap();
    let rows = UnitEmbeddings::new(all.values()[..200 * dim].to_vec(), dim).unwrap();
    let mut values = all.values()[100 * dim..].to_vec();
    // Another order of the centroids: those of the crowd need not come first.
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
fn two_crowds_that_probe_each_other_do_not_compare_every_row_in_every_piece() {
    let (rows, dim) = (40_000, 16);
    let value = |i: usize| noise(i % dim) + 1e-7 * noise(1000 + i);
    let rows = UnitEmbeddings::new((0..rows * dim).map(value).collect(), dim).unwrap();
    let centroids = UnitEmbeddings::new(rows.values()[..2 * dim].to_vec(), dim).unwrap();
    let cluster: Vec<u32> = (0..rows.len() as u32).map(|row| row % 2).collect();
    let probes = cluster.iter().map(|c| 1 - c).collect();
    let similarity = vec![1.0; rows.len()];
    let assignment = Assignment { cluster, similarity, probes, compared: 0 };
    let (_, compared) = scored(&rows, &centroids, &assignment, Ranking { keep: Keep::Random, seed: 0 });
    assert!(compared < 150 * rows.len() as u64, "{} comparisons a row", compared / rows.len() as u64);
}
