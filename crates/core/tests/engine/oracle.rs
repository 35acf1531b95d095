//! Tests against stored results of the numpy oracles.

use semdedup_core::{
    Assignment, Epsilon, Goal, Keep, NO_CLUSTER, NO_ROW, Probes, RankedRows, Ranking, Scored, Scores,
    Scoring, UnitEmbeddings, centroid_similarity, select,
};

use crate::common::{OF_CODES, ScoredRows, TOLERANCE, assign, npy, scored, stored};

/// The stored rows, with their clusters.
struct Stored {
    rows: UnitEmbeddings,
    centroids: UnitEmbeddings,
    assignment: Assignment,
}

/// Reads the stored case, with the clusters of the oracle and the given probes.
fn case(probes: Vec<u32>) -> Stored {
    let rows = stored();
    let centroids = UnitEmbeddings::new(npy("centroids", f32::from_le_bytes), 256).unwrap();
    let cluster: Vec<u32> = npy("cluster", i64::from_le_bytes).iter().map(|&c| c as u32).collect();
    let similarity = centroid_similarity(&rows, &centroids, &mut cluster.clone());
    Stored { rows, centroids, assignment: Assignment { cluster, similarity, probes, compared: 0 } }
}

fn stored_probes() -> Vec<u32> {
    npy("probes", i32::from_le_bytes).iter().map(|&c| u32::try_from(c).unwrap_or(NO_CLUSTER)).collect()
}

/// Checks that the scores are the oracle's, and that a row is the duplicate of the same row, or of
/// one that is as similar up to float error. The oracle compares a row of zeros like any other,
/// with a score of 0; the library does not compare it.
fn agree(rows: &UnitEmbeddings, ours: &Scores, name: &str) {
    let theirs = npy(&format!("score_{name}"), f32::from_le_bytes);
    let duplicate_of = npy(&format!("duplicate_of_{name}"), i64::from_le_bytes);
    for row in 0..rows.len() {
        let gap = f64::from((ours.score[row] - theirs[row]).abs());
        assert!(gap < TOLERANCE, "{name} row {row}: {} is not {}", ours.score[row], theirs[row]);
        let theirs = u64::try_from(duplicate_of[row]).unwrap_or(NO_ROW);
        let ours = ours.duplicate_of[row];
        let is_zero = |row: u64| rows.zero_rows().contains(&(row as usize));
        assert!(!is_zero(ours), "{name} row {row}: {ours} is a row of zeros");
        if is_zero(row as u64) {
            assert_eq!(ours, NO_ROW, "{name} row {row}");
        } else if ours != theirs && !is_zero(theirs) {
            let similarity_with = |of: u64| {
                let (a, b) = (rows.row(row), rows.row(of as usize));
                a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>()
            };
            assert!(ours != NO_ROW && theirs != NO_ROW, "{name} row {row}: {ours} is not {theirs}");
            let gap = (similarity_with(ours) - similarity_with(theirs)).abs();
            assert!(gap < TOLERANCE, "{name} row {row}: {ours} is not {theirs}");
        }
    }
}

#[test]
fn scores_of_real_embeddings_are_the_oracles() {
    let Stored { rows, centroids, assignment } = case(vec![]);
    let similarity = &assignment.similarity;
    for (ours, theirs) in similarity.iter().zip(npy("sim_to_centroid", f32::from_le_bytes)) {
        assert!(f64::from((ours - theirs).abs()) < TOLERANCE);
    }
    for (keep, name) in [(Keep::Hard, "hard"), (Keep::Easy, "easy")] {
        let ranking = Ranking { keep, seed: 9 };
        let ours = scored(&rows, &centroids, &assignment, ranking).scores;
        agree(&rows, &ours, name);
        let theirs = npy(&format!("score_{name}"), f32::from_le_bytes);
        for epsilon in [0.001, 0.01, 0.05, 0.1, 0.2, 0.3] {
            let goal = Goal::Epsilon(Epsilon::new(epsilon).unwrap());
            let order = RankedRows::new(ranking, similarity, &[]);
            let removed = select(&Scored { score: &ours.score, order }, goal).unwrap().removed;
            for row in 0..rows.len() {
                let (score, threshold) = (f64::from(theirs[row]), 1.0 - epsilon);
                if (score - threshold).abs() > TOLERANCE {
                    assert_eq!(removed[row], score > threshold, "{name} ε {epsilon} row {row}");
                }
            }
        }
    }
}

#[test]
fn scores_with_probes_are_the_oracles() {
    let Stored { rows, centroids, assignment } = case(stored_probes());
    for (keep, name) in [(Keep::Hard, "probes_hard"), (Keep::Easy, "probes_easy")] {
        agree(&rows, &scored(&rows, &centroids, &assignment, Ranking { keep, seed: 9 }).scores, name);
    }
}

#[test]
fn clusters_and_probes_are_the_oracles_nearest_centroids() {
    let Stored { rows, centroids, assignment } = case(stored_probes());
    let ours = assign(&rows, &centroids, Probes::Nearest(4));
    let to = |row: usize, c: u32| -> f64 {
        let (a, b) = (rows.row(row), centroids.row(c as usize));
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    let own = (0..2500).map(|row| (row, ours.cluster[row], assignment.cluster[row], TOLERANCE));
    let probes = (0..7500).map(|i| (i / 3, ours.probes[i], assignment.probes[i], OF_CODES));
    for (row, ours, theirs, tolerance) in own.chain(probes) {
        if rows.zero_rows().contains(&row) {
            assert_eq!(ours, NO_CLUSTER, "row {row}");
            continue;
        }
        assert_eq!(ours == NO_CLUSTER, theirs == NO_CLUSTER, "row {row}");
        if ours != theirs {
            assert!((to(row, ours) - to(row, theirs)).abs() < tolerance, "row {row}: {ours} is not {theirs}");
        }
    }
}

#[test]
fn a_row_at_a_right_angle_to_its_centroid_is_compared_like_others() {
    let rows = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0], 2).unwrap();
    let centroids = UnitEmbeddings::new(vec![1.0, 0.0], 2).unwrap();
    let assignment = assign(&rows, &centroids, Probes::Nearest(1));
    let similarity = &assignment.similarity;
    assert_eq!(similarity, &centroid_similarity(&rows, &centroids, &mut [0; 4]));
    assert!(similarity[1] > 0.0 && similarity[1] < 1e-30 && similarity[3] == 0.0);
    let ranking = Ranking { keep: Keep::Hard, seed: 0 };
    let scores = scored(&rows, &centroids, &assignment, ranking).scores;
    let order = RankedRows::new(ranking, similarity, &[]);
    let selection = select(&Scored { score: &scores.score, order }, Goal::KeepRows(3)).unwrap();
    assert_eq!(selection.removed, [false, false, true, false]);
}

#[test]
fn a_row_without_direction_is_not_compared_even_if_it_was_given_a_cluster() {
    let values = vec![0.0, 0.0, 1.0, 0.0, f32::NAN, 0.0, -1.0, 0.0, 0.0, 0.0];
    let rows = UnitEmbeddings::new(values, 2).unwrap();
    let centroids = UnitEmbeddings::new(vec![1.0, 0.0], 2).unwrap();
    let mut cluster = vec![0; 5];
    let similarity = centroid_similarity(&rows, &centroids, &mut cluster);
    assert_eq!(cluster, [NO_CLUSTER, 0, NO_CLUSTER, 0, NO_CLUSTER]);
    assert!([0, 4].into_iter().all(|row| similarity[row] == 0.0) && similarity[2].is_nan());
    for keep in Keep::ALL {
        for cluster in [cluster.clone(), vec![0; 5]] {
            let assignment =
                Assignment { cluster, similarity: similarity.clone(), probes: vec![], compared: 0 };
            let ScoredRows { scores, compared } =
                scored(&rows, &centroids, &assignment, Ranking { keep, seed: 0 });
            assert_eq!((scores.score, compared), (vec![0.0; 5], 1));
            let of: Vec<u64> = scores.duplicate_of.into_iter().filter(|&of| of != NO_ROW).collect();
            assert!(of == [1] || of == [3], "{keep:?}: {of:?}");
        }
    }
}

#[test]
fn a_row_without_a_cluster_has_no_similarity_to_a_centroid_and_is_never_removed() {
    let rows = UnitEmbeddings::new([1.0, 0.0].repeat(4), 2).unwrap();
    let centroids = UnitEmbeddings::new(vec![1.0, 0.0], 2).unwrap();
    let mut cluster = vec![0, NO_CLUSTER, 0, NO_CLUSTER];
    let similarity = centroid_similarity(&rows, &centroids, &mut cluster);
    assert_eq!(cluster, [0, NO_CLUSTER, 0, NO_CLUSTER]);
    assert!([1, 3].into_iter().all(|row| similarity[row].is_nan()));
    let assignment = Assignment { cluster, similarity, probes: vec![], compared: 0 };
    let ranking = Ranking { keep: Keep::Hard, seed: 0 };
    let scores = scored(&rows, &centroids, &assignment, ranking).scores;
    assert_eq!(scores.score, [0.0, 0.0, 1.0, 0.0]);
    let order = RankedRows::new(ranking, &assignment.similarity, &[]);
    let scored = Scored { score: &scores.score, order };
    let selection = select(&scored, Goal::KeepRows(2)).unwrap();
    assert_eq!(selection.removed, [true, false, true, false]);
    assert!(select(&scored, Goal::KeepRows(1)).is_err());
}

#[test]
fn no_score_is_a_negative_zero() {
    let tiny = 1e-30;
    let values = vec![1.0, 0.0, 0.0, 0.0, tiny, 0.0, 1.0, 0.0, 0.0, -tiny];
    let rows = UnitEmbeddings::new(values, 5).unwrap();
    let similarity = vec![0.5, 0.6];
    let assignment = Assignment { cluster: vec![0, 0], similarity, probes: vec![], compared: 0 };
    let scores = scored(&rows, &rows, &assignment, Ranking { keep: Keep::Hard, seed: 0 }).scores;
    assert!(scores.score.iter().all(|score| score.is_sign_positive()), "{:?}", scores.score);
}

#[test]
fn rows_that_were_not_compared_have_score_0_and_no_duplicate() {
    let rows = UnitEmbeddings::new(vec![1.0, 0.0, 0.6, 0.8], 2).unwrap();
    let order = RankedRows::new(Ranking { keep: Keep::Hard, seed: 0 }, &[1.0, 1.0], &[]);
    let scores = Scoring::new(order, &rows).finish();
    assert_eq!(scores, Scores { score: vec![0.0; 2], duplicate_of: vec![NO_ROW; 2] });
}
