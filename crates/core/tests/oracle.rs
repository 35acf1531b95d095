//! The engine against the SemDeDup rule: the stored answers of the numpy oracle, and a slow twin in f64 on
//! generated cases.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use proptest::prelude::*;
use semdedup_core::{
    Assignment, EXACT, Epsilon, Goal, Keep, NO_CLUSTER, Part, Ranking, Scored, Scores, Training,
    UnitEmbeddings, assign, centroid_similarity, score, select, train,
};

/// Float error that decisions may differ by: pairs closer than this to a threshold, or to each other.
const TOLERANCE: f64 = 2e-6;

/// The values of a little-endian .npy file of version 1, as numpy writes it.
fn npy<const BYTES: usize, T>(name: &str, from: fn([u8; BYTES]) -> T) -> Vec<T> {
    let path = format!("{}/tests/data/oracle-2500x256/{name}.npy", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(BYTES).map(|x| from(x.try_into().unwrap())).collect()
}

fn unit_f64(values: &[f32], dim: usize) -> Vec<Vec<f64>> {
    let unit = |row: &[f32]| {
        let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        row.iter().map(|&x| if norm > 0.0 { f64::from(x) / norm } else { 0.0 }).collect()
    };
    values.chunks_exact(dim).map(unit).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn scored(rows: &UnitEmbeddings, cluster: &[u32], similarity: &[f32], keep: Keep) -> Scores {
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    score(&Part { rows, numbers: &numbers, cluster, similarity }, &Ranking { keep, seed: 9 })
}

#[test]
fn the_engine_gives_the_oracles_answer_on_real_embeddings() {
    let embeddings = UnitEmbeddings::new(npy("embeddings", f32::from_le_bytes), 256).unwrap();
    let centroids = UnitEmbeddings::new(npy("centroids", f32::from_le_bytes), 256).unwrap();
    let cluster: Vec<u32> = npy("cluster", i64::from_le_bytes).iter().map(|&c| c as u32).collect();
    let similarity = centroid_similarity(&embeddings, &centroids, &cluster);
    for (ours, theirs) in similarity.iter().zip(npy("sim_to_centroid", f32::from_le_bytes)) {
        assert!(f64::from((ours - theirs).abs()) < TOLERANCE);
    }
    for (keep, name) in [(Keep::Hard, "hard"), (Keep::Easy, "easy")] {
        let ours = scored(&embeddings, &cluster, &similarity, keep);
        let theirs = npy(&format!("score_{name}"), f32::from_le_bytes);
        let duplicate_of = npy(&format!("duplicate_of_{name}"), i64::from_le_bytes);
        for row in 0..embeddings.len() {
            let gap = f64::from((ours.score[row] - theirs[row]).abs());
            assert!(gap < TOLERANCE, "{name} row {row}: {} is not {}", ours.score[row], theirs[row]);
            let other = ours.duplicate_of[row].map_or(-1, |of| of as i64);
            if other != duplicate_of[row] {
                // Only where both rows are as similar, up to float error.
                let similarity_with = |of: i64| {
                    let (a, b) = (embeddings.row(row), embeddings.row(of as usize));
                    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>()
                };
                assert!(other >= 0 && duplicate_of[row] >= 0, "{name} row {row}");
                let gap = (similarity_with(other) - similarity_with(duplicate_of[row])).abs();
                assert!(gap < TOLERANCE, "{name} row {row}: {other} is not {}", duplicate_of[row]);
            }
        }
        for epsilon in [0.001, 0.01, 0.05, 0.1, 0.2, 0.3] {
            let goal = Goal::Epsilon(Epsilon::new(epsilon).unwrap());
            let scored = Scored { score: &ours.score, similarity: &similarity };
            let removed = select(&scored, &Ranking { keep, seed: 0 }, goal).unwrap().removed;
            for row in 0..embeddings.len() {
                let threshold = 1.0 - epsilon;
                if (f64::from(theirs[row]) - threshold).abs() > TOLERANCE {
                    assert_eq!(
                        removed[row],
                        f64::from(theirs[row]) > threshold,
                        "{name} ε {epsilon} row {row}"
                    );
                }
            }
        }
    }
}

/// A generated case: rows out of a few directions with noise, some of them copies, zeros or not finite.
#[derive(Debug, Clone)]
struct Case {
    values: Vec<f32>,
    dim: usize,
    clusters: usize,
    keep: Keep,
    seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let keep = prop_oneof![Just(Keep::Hard), Just(Keep::Easy), Just(Keep::Random)];
    let row = (0usize..6, 0u8..20, any::<u64>());
    (proptest::collection::vec(row, 0..120), 1usize..40, 1usize..140, keep, any::<u64>()).prop_map(
        |(rows, dim, clusters, keep, seed)| {
            let values =
                rows.iter().flat_map(|&(direction, kind, noise)| generate(direction, kind, noise, dim));
            Case { values: values.collect(), dim, clusters, keep, seed }
        },
    )
}

fn generate(direction: usize, kind: u8, noise: u64, dim: usize) -> Vec<f32> {
    let wave = |x: u64, p: usize| ((x % 100_003) as f32 * (p as f32 + 1.7)).sin();
    let value = |p: usize| match kind {
        0 => 0.0,
        1 => f32::NAN,
        2 => wave(direction as u64 + 1, p), // an exact copy of the others of its direction
        3 => wave(direction as u64 + 1, p) * 4.0, // the same direction, another length
        4..10 => wave(direction as u64 + 1, p) + 0.05 * wave(noise, p),
        10..15 => wave(direction as u64 + 1, p) + 0.4 * wave(noise, p),
        _ => wave(noise, p),
    };
    (0..dim).map(value).collect()
}

/// The rule, written as plainly as it can be, in f64, over the ranks that the engine's own similarities give.
fn slow_twin(
    rows: &[Vec<f64>],
    cluster: &[u32],
    key: &dyn Fn(usize) -> semdedup_core::RankKey,
) -> Vec<Option<f64>> {
    (0..rows.len())
        .map(|j| {
            (0..rows.len())
                .filter(|&i| cluster[i] == cluster[j] && cluster[j] != NO_CLUSTER && key(i) < key(j))
                .map(|i| dot(&rows[i], &rows[j]))
                .reduce(f64::max)
        })
        .collect()
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let rows = UnitEmbeddings::new(case.values.clone(), case.dim).unwrap();
    let centroids = train(&rows, &Training { clusters: case.clusters, iterations: 4, seed: case.seed });
    prop_assert!(!centroids.is_empty() && centroids.len() <= case.clusters);
    let Assignment { cluster, similarity } = assign(&rows, &centroids);
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    prop_assert_eq!(bits(&similarity), bits(&centroid_similarity(&rows, &centroids, &cluster)));

    let (rows64, centroids64) = (unit_f64(rows.values(), case.dim), unit_f64(centroids.values(), case.dim));
    for row in 0..rows.len() {
        if rows.non_finite_rows().contains(&row) {
            prop_assert_eq!(cluster[row], NO_CLUSTER);
            continue;
        }
        let to = |c: usize| dot(&rows64[row], &centroids64[c]);
        let best = (0..centroids.len()).map(to).fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((f64::from(similarity[row]) - to(cluster[row] as usize)).abs() < TOLERANCE);
        prop_assert!(to(cluster[row] as usize) > best - TOLERANCE);
    }

    let ranking = Ranking { keep: case.keep, seed: 9 };
    let scores = scored(&rows, &cluster, &similarity, case.keep);
    let key = |row: usize| ranking.key(similarity[row], row as u64);
    for (row, expected) in slow_twin(&rows64, &cluster, &key).into_iter().enumerate() {
        prop_assert_eq!(expected.is_some(), scores.duplicate_of[row].is_some(), "row {}", row);
        let expected = expected.unwrap_or(0.0);
        prop_assert!((f64::from(scores.score[row]) - expected.max(0.0)).abs() < TOLERANCE, "row {}", row);
        if let Some(of) = scores.duplicate_of[row] {
            let of = of as usize;
            prop_assert!(key(of) < key(row) && cluster[of] == cluster[row]);
            prop_assert!((dot(&rows64[of], &rows64[row]) - expected).abs() < TOLERANCE);
        }
        let copies =
            |i: usize| cluster[i] == cluster[row] && rows.row(i) == rows.row(row) && key(i) < key(row);
        let undirected = rows.zero_rows().contains(&row) || rows.non_finite_rows().contains(&row);
        prop_assert_eq!(scores.score[row] == EXACT, !undirected && (0..rows.len()).any(copies));
        prop_assert!(!undirected || scores.score[row] == 0.0, "row {} has no direction", row);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_engine_agrees_with_the_slow_twin(case in case()) {
        check(&case)?;
    }
}

#[test]
fn the_corner_cases_agree_with_the_slow_twin_too() {
    let base = |values: Vec<f32>, dim, clusters| Case { values, dim, clusters, keep: Keep::Hard, seed: 1 };
    let noise: Vec<f32> = (0..997 * 7).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 100.0).collect();
    let cases = [
        ("empty input", base(vec![], 5, 3)),
        ("one row", base(vec![1.0, 2.0, 3.0], 3, 1)),
        ("k = 1", base(noise.clone(), 7, 1)),
        ("k = n", base(noise[..70].to_vec(), 7, 10)),
        ("k > n", base(noise[..70].to_vec(), 7, 1000)),
        ("d = 1", base(vec![1.0, -2.0, 3.0, 0.0], 1, 2)),
        ("all rows equal", base([0.3, -0.1, 0.7].repeat(200), 3, 4)),
        ("all zero", base(vec![0.0; 300], 3, 4)),
        ("all not finite", base(vec![f32::NAN; 30], 3, 4)),
        ("more than one block and panel", base(noise, 7, 3)),
    ];
    for (name, case) in cases {
        for keep in [Keep::Hard, Keep::Easy, Keep::Random] {
            check(&Case { keep, ..case.clone() }).unwrap_or_else(|error| panic!("{name}, {keep:?}: {error}"));
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let rows = UnitEmbeddings::new(npy("embeddings", f32::from_le_bytes), 256).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let centroids = train(&rows, &Training { clusters: 37, iterations: 8, seed: 5 });
            let Assignment { cluster, similarity } = assign(&rows, &centroids);
            let scores = scored(&rows, &cluster, &similarity, Keep::Hard);
            let bits: Vec<u32> =
                centroids.values().iter().chain(&scores.score).map(|x| x.to_bits()).collect();
            (bits, cluster, scores.duplicate_of)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
}

#[test]
fn scoring_clusters_in_parts_gives_the_scores_of_the_whole() {
    let rows = UnitEmbeddings::new(npy("embeddings", f32::from_le_bytes), 256).unwrap();
    let centroids = train(&rows, &Training { clusters: 11, iterations: 3, seed: 2 });
    let Assignment { cluster, similarity } = assign(&rows, &centroids);
    let whole = scored(&rows, &cluster, &similarity, Keep::Easy);
    for parity in 0..2 {
        let numbers: Vec<u64> =
            (0..rows.len() as u64).filter(|&i| cluster[i as usize] % 2 == parity).collect();
        let pick = |i: &u64| *i as usize;
        let values = numbers.iter().flat_map(|i| rows.row(pick(i)).to_vec()).collect();
        let part = UnitEmbeddings::new(values, 256).unwrap();
        let part_cluster: Vec<u32> = numbers.iter().map(|i| cluster[pick(i)]).collect();
        let part_similarity: Vec<f32> = numbers.iter().map(|i| similarity[pick(i)]).collect();
        let scores = score(
            &Part { rows: &part, numbers: &numbers, cluster: &part_cluster, similarity: &part_similarity },
            &Ranking { keep: Keep::Easy, seed: 9 },
        );
        for (local, i) in numbers.iter().enumerate() {
            assert_eq!(scores.score[local].to_bits(), whole.score[pick(i)].to_bits());
            assert_eq!(scores.duplicate_of[local], whole.duplicate_of[pick(i)]);
        }
    }
}

#[test]
fn a_row_at_right_angles_to_its_centroid_is_a_row_like_others() {
    let rows = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0], 2).unwrap();
    let centroids = UnitEmbeddings::new(vec![1.0, 0.0], 2).unwrap();
    let similarity = centroid_similarity(&rows, &centroids, &[0; 4]);
    assert_eq!(similarity, assign(&rows, &centroids).similarity);
    assert!(similarity[1] > 0.0 && similarity[1] < 1e-30 && similarity[3] == 0.0);
    let scores = scored(&rows, &[0; 4], &similarity, Keep::Hard);
    let scored = Scored { score: &scores.score, similarity: &similarity };
    let selection = select(&scored, &Ranking { keep: Keep::Hard, seed: 0 }, Goal::KeepRows(3)).unwrap();
    assert_eq!(selection.removed, [false, false, true, false]);
}

#[test]
fn no_score_is_a_negative_zero() {
    let tiny = 1e-30;
    let values = vec![1.0, 0.0, 0.0, 0.0, tiny, 0.0, 1.0, 0.0, 0.0, -tiny];
    let rows = UnitEmbeddings::new(values, 5).unwrap();
    let scores = scored(&rows, &[0, 0], &[0.5, 0.6], Keep::Hard);
    assert!(scores.score.iter().all(|score| score.is_sign_positive()), "{:?}", scores.score);
}
