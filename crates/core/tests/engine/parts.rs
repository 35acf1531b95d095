//! The bits of the results do not depend on how the work is divided.

use std::ops::Range;

use semdedup_core::{
    Assignment, EXACT, Keep, NO_CLUSTER, Part, Probes, RankedRows, Ranking, Scores, Scoring, Training,
    UnitEmbeddings, train,
};

use crate::common::{ScoredRows, assign, bits, noise, scored, stored};

/// Returns whether scores have the same bits.
fn same(a: &Scores, b: &Scores) -> bool {
    bits(&a.score) == bits(&b.score) && a.duplicate_of == b.duplicate_of
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let rows = stored();
    for (clusters, probes) in [(37, Probes::Nearest(1)), (37, Probes::Auto), (2100, Probes::Nearest(3))] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let trained = train(&rows, &Training { clusters, iterations: 8, refinements: 2, seed: 5 });
                let assignment = assign(&rows, &trained.centroids, probes);
                let ranking = Ranking { keep: Keep::Hard, seed: 9 };
                let ScoredRows { scores, compared } = scored(&rows, &trained.centroids, &assignment, ranking);
                let floats = [trained.centroids.values(), &assignment.similarity, &scores.score];
                let Assignment { cluster, probes, compared: assigned, .. } = assignment;
                let counts = [trained.compared, assigned, compared];
                (floats.map(bits), cluster, probes, scores.duplicate_of, counts)
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(5), "{clusters} clusters, {probes:?}");
    }
}

/// Scores the clusters range by range, each range as a part with only the rows that take part
/// there.
fn in_parts(whole: &Whole, ranges: &[Range<u32>]) -> ScoredRows {
    let Whole { rows, centroids, assignment, ranking } = whole;
    let mut scoring = Scoring::new(RankedRows::new(*ranking, &assignment.similarity, &[]), centroids);
    let width = assignment.probes.len() / rows.len();
    let probes = |row: usize| &assignment.probes[row * width..(row + 1) * width];
    for clusters in ranges {
        let takes_part = |&row: &usize| {
            clusters.contains(&assignment.cluster[row]) || probes(row).iter().any(|c| clusters.contains(c))
        };
        let chosen: Vec<usize> = (0..rows.len()).filter(takes_part).collect();
        let values = chosen.iter().flat_map(|&row| rows.row(row).to_vec()).collect();
        let part = Part {
            rows: &UnitEmbeddings::new(values, rows.dim()).unwrap(),
            numbers: &chosen.iter().map(|&row| row as u64).collect::<Vec<_>>(),
            cluster: &chosen.iter().map(|&row| assignment.cluster[row]).collect::<Vec<_>>(),
            probes: &chosen.iter().flat_map(|&row| probes(row).to_vec()).collect::<Vec<_>>(),
            clusters: clusters.clone(),
        };
        scoring.add(&scoring.compare(&part, &mut |_| ()));
    }
    let compared = scoring.compared();
    ScoredRows { scores: scoring.finish(), compared }
}

/// All rows with their clusters.
struct Whole {
    rows: UnitEmbeddings,
    centroids: UnitEmbeddings,
    assignment: Assignment,
    ranking: Ranking,
}

#[test]
fn scoring_clusters_in_parts_in_any_order_gives_the_scores_of_the_whole() {
    let rows = stored();
    let centroids =
        train(&rows, &Training { clusters: 100, iterations: 3, refinements: 0, seed: 2 }).centroids;
    let k = centroids.len() as u32;
    let divisions: [Vec<Range<u32>>; 3] = [
        vec![0..1, 1..40, 40..40, 40..k],
        vec![60..k, 0..17, 17..60],
        (0..k).rev().map(|c| c..c + 1).collect(),
    ];
    for probes in [Probes::Nearest(1), Probes::Nearest(2), Probes::Nearest(4), Probes::Auto] {
        for keep in Keep::ALL {
            let (rows, centroids) = (rows.clone(), centroids.clone());
            let assignment = assign(&rows, &centroids, probes);
            let ranking = Ranking { keep, seed: 9 };
            let whole = Whole { rows, centroids, assignment, ranking };
            let of_whole = scored(&whole.rows, &whole.centroids, &whole.assignment, ranking);
            for ranges in &divisions {
                let of_parts = in_parts(&whole, ranges);
                assert!(same(&of_parts.scores, &of_whole.scores), "{probes:?} {keep:?} {ranges:?}");
                assert_eq!(of_parts.compared, of_whole.compared, "{probes:?} {keep:?} {ranges:?}");
            }
        }
    }
}

#[test]
fn completed_rows_are_counted_once_each_in_their_own_cluster_including_copies() {
    let values = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let rows = UnitEmbeddings::new(values.to_vec(), 2).unwrap();
    let centroids = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0], 2).unwrap();
    let Assignment { cluster, similarity, probes, .. } = assign(&rows, &centroids, Probes::Nearest(2));
    let order = RankedRows::new(Ranking { keep: Keep::Hard, seed: 0 }, &similarity, &[]);
    let scoring = Scoring::new(order, &centroids);
    let numbers: Vec<u64> = (0..7).collect();
    let mut completed = Vec::new();
    for clusters in [1..2, 0..1] {
        let part = Part { rows: &rows, numbers: &numbers, cluster: &cluster, probes: &probes, clusters };
        let mut rows = 0;
        scoring.compare(&part, &mut |some| rows += some);
        completed.push(rows);
    }
    assert_eq!(cluster, [0, 0, 1, 1, NO_CLUSTER, NO_CLUSTER, 0]);
    assert_eq!(completed, [2, 3]);
}

#[test]
fn a_tie_between_rows_of_different_clusters_goes_to_the_earliest_ranking_one() {
    let rows = UnitEmbeddings::new(vec![3.0, 4.0, 0.0, 3.0, 0.0, 4.0, 1.0, 0.0, 0.0], 3).unwrap();
    let clusters = [[0..1, 1..2, 2..3], [2..3, 1..2, 0..1]];
    for (similarity, first) in [(vec![0.1, 0.2, 0.3], 0), (vec![0.2, 0.1, 0.3], 1), (vec![0.1, 0.1, 0.1], 0)]
    {
        for ranges in &clusters {
            let assignment = Assignment {
                cluster: vec![0, 1, 2],
                similarity: similarity.clone(),
                probes: [[u32::MAX; 2], [u32::MAX; 2], [1, 0]].concat(),
                compared: 0,
            };
            let ranking = Ranking { keep: Keep::Hard, seed: 0 };
            let whole = Whole { rows: rows.clone(), centroids: rows.clone(), assignment, ranking };
            let ScoredRows { scores, compared } = in_parts(&whole, ranges);
            assert_eq!((scores.score[2], scores.duplicate_of[2], compared), (0.6, first, 2));
        }
    }
}

#[test]
fn a_copy_in_another_cluster_is_found_among_rows_that_f32_cannot_tell_from_it() {
    let (group, dim) = (250, 16);
    let mut values: Vec<f32> = (0..group * dim).map(|i| noise(i % dim) + 1e-7 * noise(1000 + i)).collect();
    values.extend_from_within((group - 1) * dim..); // the last row again, but in a cluster of its own
    let rows = UnitEmbeddings::new(values, dim).unwrap();
    let centroids = UnitEmbeddings::new(rows.values()[..2 * dim].to_vec(), dim).unwrap();
    let mut cluster = vec![0; group + 1];
    let mut probes = vec![NO_CLUSTER; group + 1];
    (cluster[group], probes[group]) = (1, 0);
    let assignment = Assignment { cluster, similarity: vec![1.0; group + 1], probes, compared: 0 };
    let scores = (0..20).map(|seed| Ranking { keep: Keep::Random, seed }).map(|ranking| {
        let earlier = ranking.key(1.0, group as u64 - 1) < ranking.key(1.0, group as u64);
        let ScoredRows { scores, .. } = scored(&rows, &centroids, &assignment, ranking);
        let (later, other) = if earlier { (group, group - 1) } else { (group - 1, group) };
        (scores.score[later], scores.duplicate_of[later] == other as u64)
    });
    assert!(scores.into_iter().all(|found| found == (EXACT, true)));
}
