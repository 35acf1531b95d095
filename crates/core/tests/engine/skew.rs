//! A crowd of near-equal rows does not make the work quadratic.

use std::sync::LazyLock;

use semdedup_core::{Keep, Probes, Ranking, Training, UnitEmbeddings, train};

use crate::common::{assign, noise, scored};

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
