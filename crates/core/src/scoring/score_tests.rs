use proptest::prelude::*;

use super::*;
use crate::clustering::assign::Assigner;
use crate::clustering::assignment::Assignment;
use crate::clustering::lloyd::Training;
use crate::clustering::probes::Probes;
use crate::clustering::train::train;
use crate::random;
use crate::ranking::{Keep, Ranking};
use crate::similarity::kernels::isa::Isa;

/// Returns rows around one direction per spread, at a distance of about ten to the power of the
/// spread.
fn dense_groups(dim: usize, spreads: &[f32], rows: usize, seed: u64) -> UnitEmbeddings {
    let noise = |stream: u64, i: usize| random::unit(seed, stream, i as u64) as f32 - 0.5;
    let value = |row: usize, p: usize| {
        let group = row % spreads.len();
        noise(group as u64, p) + 10f32.powf(spreads[group]) * noise(1000 + row as u64, p)
    };
    UnitEmbeddings::new((0..rows).flat_map(|row| (0..dim).map(move |p| value(row, p))).collect(), dim)
        .unwrap()
}

/// Scores each row by comparing it exactly with every other row.
fn by_brute_force(rows: &UnitEmbeddings, assignment: &Assignment, ranking: Ranking) -> Scores {
    let clusters: Vec<Vec<u32>> = (0..rows.len()).map(|row| assignment.clusters(row).collect()).collect();
    let key = |row: usize| ranking.key(assignment.similarity[row], row as u64);
    let meet =
        |i: usize, j: usize| clusters[i].contains(&clusters[j][0]) || clusters[j].contains(&clusters[i][0]);
    let score = |j: usize| {
        let earlier = (0..rows.len()).filter(|&i| key(i) < key(j) && meet(i, j));
        let similarity = |i: usize| Isa::detect().similarity(rows.row(i), rows.row(j)).min(SATURATED);
        let best = earlier.map(|i| (similarity(i), key(i), i as u64));
        let better =
            |a: (f32, RankKey, u64), b: (f32, RankKey, u64)| if (b.0, a.1) > (a.0, b.1) { b } else { a };
        best.reduce(better).map_or((0.0, NO_ROW), |(similarity, _, i)| (similarity.max(0.0), i))
    };
    let (score, duplicate_of) = (0..rows.len()).map(score).unzip();
    Scores { score, duplicate_of }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn scores_in_dense_groups_are_those_of_all_pairs_bit_for_bit(
        dim in prop_oneof![3usize..20, Just(64), Just(200)],
        spreads in proptest::collection::vec(-5.0f32..1.0, 1..6),
        (rows, clusters) in (50usize..400, 1usize..40),
        probes in proptest::sample::select(vec![Probes::Nearest(1), Probes::Nearest(3), Probes::Auto]),
        seed in any::<u64>(),
    ) {
        let rows = dense_groups(dim, &spreads, rows, seed);
        let training = Training { clusters, iterations: 3, refinements: 0, seed };
        let centroids = train(&rows, &training).centroids;
        let assignment = Assigner::new(&centroids).assign(&rows, probes);
        let ranking = Ranking { keep: Keep::Hard, seed };
        let numbers: Vec<u64> = (0..rows.len() as u64).collect();
        let part = Part {
            rows: &rows,
            numbers: &numbers,
            cluster: &assignment.cluster,
            probes: &assignment.probes,
            clusters: 0..centroids.len() as u32,
        };
        let mut scoring = Scoring::new(RankedRows::new(ranking, &assignment.similarity, &[]), &centroids);
        let found = scoring.compare(&part, &mut |_| {});
        scoring.add(&found);
        let scores = scoring.finish();
        let distinct = |a: usize, b: usize| a == b || rows.row(a) != rows.row(b);
        prop_assume!((0..rows.len()).all(|a| (0..a).all(|b| distinct(a, b))));
        prop_assert_eq!(scores, by_brute_force(&rows, &assignment, ranking));
    }
}

#[test]
fn a_comparison_that_is_stopped_ends_and_otherwise_stopping_changes_nothing() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let rows = dense_groups(16, &[-1.0, 0.0, 1.0], 3000, 7);
    let training = Training { clusters: 20, iterations: 3, refinements: 0, seed: 7 };
    let centroids = train(&rows, &training).centroids;
    let assignment = Assigner::new(&centroids).assign(&rows, Probes::Auto);
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let part = Part {
        rows: &rows,
        numbers: &numbers,
        cluster: &assignment.cluster,
        probes: &assignment.probes,
        clusters: 0..centroids.len() as u32,
    };
    let order = RankedRows::new(Ranking { keep: Keep::Hard, seed: 0 }, &assignment.similarity, &[]);
    let scoring = Scoring::new(order, &centroids);
    let calls = AtomicUsize::new(0);
    let stop_at = |limit: usize| calls.fetch_add(1, Ordering::Relaxed) >= limit;
    let whole = scoring.compare_until(&part, &mut |_| {}, &|| stop_at(usize::MAX)).unwrap();
    assert_eq!(whole, scoring.compare(&part, &mut |_| {}));
    let all = calls.swap(0, Ordering::Relaxed);
    for limit in (0..all - 1).step_by((all / 10).max(1)) {
        calls.store(0, Ordering::Relaxed);
        assert_eq!(scoring.compare_until(&part, &mut |_| {}, &|| stop_at(limit)), None, "{limit} of {all}");
    }
}
