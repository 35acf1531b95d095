//! 8-bit codes find candidates and change no decision: hostile rows, checked against all pairs in
//! f64.

use semdedup_core::{
    Assignment, Keep, NO_ROW, Probes, Ranking, Scores, Training, UnitEmbeddings, centroid_similarity, train,
};

use crate::common::{TOLERANCE, assign, noise, scored};

const RANKING: Ranking = Ranking { keep: Keep::Hard, seed: 0 };

/// Returns the similarity of two rows as they are stored, without rounding.
fn exact(rows: &UnitEmbeddings, a: usize, b: usize) -> f64 {
    rows.row(a).iter().zip(rows.row(b)).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// Checks that each score is the highest of all similarities, and that the duplicate has that
/// similarity.
fn check(rows: &UnitEmbeddings, assignment: &Assignment, scores: &Scores) -> Result<(), String> {
    let Assignment { cluster, similarity, probes, .. } = assignment;
    let width = probes.len() / rows.len();
    let probed = |row: usize| &probes[row * width..(row + 1) * width];
    let key = |row: usize| RANKING.key(similarity[row], row as u64);
    for row in 0..rows.len() {
        let meets = |&i: &usize| {
            let (a, b) = (cluster[i], cluster[row]);
            key(i) < key(row) && (a == b || probed(i).contains(&b) || probed(row).contains(&a))
        };
        let best = (0..rows.len()).filter(meets).map(|i| exact(rows, i, row)).reduce(f64::max);
        let reached = match scores.duplicate_of[row] {
            NO_ROW => None,
            of => Some(exact(rows, of as usize, row)),
        };
        let near = |a: f64, b: f64| (a - b).abs() < TOLERANCE;
        let same = match (best, reached) {
            (Some(best), Some(reached)) => {
                near(best, reached) && near(f64::from(scores.score[row]), best.clamp(0.0, 1.0))
            }
            (best, reached) => best == reached,
        };
        if !same {
            let score = scores.score[row];
            return Err(format!("row {row}: best {best:?}, reached {reached:?}, score {score}"));
        }
    }
    Ok(())
}

/// Returns the value of a row at an index of the dimension.
type Value = fn(usize, usize) -> f32;

/// Rows that 8-bit codes represent badly.
const KINDS: [(&str, Value); 6] = [
    ("noise of 1e-1 to 1e-6 around one direction", |row, p| {
        noise(p) + noise(1000 + row * 1000 + p) * 10f32.powi(-(row as i32 % 6) - 1)
    }),
    ("the same around two directions, with one huge dimension", |row, p| match p {
        0 => 1e4,
        p => noise(row % 2 * 500 + p) + noise(1000 + row * 1000 + p) * 10f32.powi(-(row as i32 % 6) - 1),
    }),
    ("one huge dimension, another one for each row", |row, p| match p {
        p if p == row % 7 => 300.0,
        p => noise(1000 + row * 1000 + p),
    }),
    ("tiny values", |row, p| noise(1000 + row * 1000 + p) * 1e-30),
    ("values of all sizes", |row, p| noise(1000 + row * 1000 + p) * 10f32.powi(-((p * 5 + row) as i32 % 12))),
    ("steps of half a code", |row, p| match p {
        0 => 127.0,
        p => ((row * 31 + p * 17) % 5) as f32 * 0.5 + noise(1000 + row * 1000 + p) * 0.02,
    }),
];

#[test]
fn scores_of_hostile_rows_are_those_of_all_pairs_in_full_precision() {
    for dim in [1, 2, 3, 5, 8, 31, 33, 63, 64, 65, 100, 129, 191, 256, 257, 299, 300] {
        for (name, value) in KINDS {
            let values = (0..230).flat_map(|row| (0..dim).map(move |p| value(row, p))).collect();
            let rows = UnitEmbeddings::new(values, dim).unwrap();
            for clusters in [1, 6] {
                let centroids =
                    train(&rows, &Training { clusters, iterations: 3, refinements: 0, seed: 0 }).centroids;
                let assignment = assign(&rows, &centroids, Probes::Nearest(2));
                let scores = scored(&rows, &centroids, &assignment, RANKING).scores;
                check(&rows, &assignment, &scores)
                    .unwrap_or_else(|error| panic!("{name}, dimension {dim}, {clusters} clusters: {error}"));
            }
        }
    }
}

/// The codes estimate the better row at 0, because each of its values is a little less than half a
/// step, and the other row at twice its similarity, because its values are a little more. So the
/// difference of the estimates is 98 % of the error bound, and the search must not trust them
/// further.
#[test]
fn a_row_whose_values_the_codes_round_to_zero_is_found() {
    let other = [vec![127.0], vec![0.505; 250], vec![0.0; 6]].concat();
    let better = [vec![127.0], vec![0.499; 256]].concat();
    let searched_for = [vec![0.0], vec![1.0; 256]].concat();
    let rows = UnitEmbeddings::new([other, better, searched_for].concat(), 257).unwrap();
    assert!(exact(&rows, 1, 2) > exact(&rows, 0, 2) + 1e-4);
    // The codes are relative to zero. The similarities, and so the ranks, are not those to the
    // centroid.
    let centroids = UnitEmbeddings::new(vec![0.0; 257], 257).unwrap();
    let similarity = vec![0.1, 0.2, 0.3];
    let assignment = Assignment { cluster: vec![0; 3], similarity, probes: vec![], compared: 0 };
    let scores = scored(&rows, &centroids, &assignment, RANKING).scores;
    assert_eq!(scores.duplicate_of, [NO_ROW, 0, 1]);
    check(&rows, &assignment, &scores).unwrap();
}

#[test]
fn rows_far_from_their_centroid_are_compared_as_exactly() {
    let dim = 70;
    let values = (0..400 * dim).map(noise).collect();
    let rows = UnitEmbeddings::new(values, dim).unwrap();
    let centroids = UnitEmbeddings::new((0..3 * dim).map(|i| noise(900_000 + i)).collect(), dim).unwrap();
    let cluster: Vec<u32> = (0..400).map(|row| row % 3).collect();
    let similarity = centroid_similarity(&rows, &centroids, &mut cluster.clone());
    let probes = cluster.iter().map(|c| (c + 1) % 3).collect();
    let assignment = Assignment { cluster, similarity, probes, compared: 0 };
    let scores = scored(&rows, &centroids, &assignment, RANKING).scores;
    check(&rows, &assignment, &scores).unwrap();
}
