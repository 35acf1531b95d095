//! Tests on generated cases against the definition, computed in f64 (the twin).

use proptest::prelude::*;
use semdedup_core::{
    AUTO_CLOSE, AUTO_GAP, Assignment, EXACT, Keep, NO_CLUSTER, NO_ROW, Probes, RankKey, RankedRows, Ranking,
    Scores, Training, UnitEmbeddings, centroid_similarity, train,
};

use crate::common::{OF_CODES, TOLERANCE, assign, bits, dot, scored_in, stored, unit_f64};

/// A generated case: rows in a few directions with noise, some of them copies, zeros or not finite.
#[derive(Debug, Clone)]
pub struct Case {
    pub values: Vec<f32>,
    pub dim: usize,
    pub clusters: usize,
    pub ranking: Ranking,
    pub probes: Probes,
}

const PROBES: [Probes; 4] = [Probes::Nearest(1), Probes::Nearest(2), Probes::Nearest(4), Probes::Auto];

pub fn case() -> impl Strategy<Value = Case> {
    let keep = proptest::sample::select(Keep::ALL.to_vec());
    let ranking = (keep, any::<u64>()).prop_map(|(keep, seed)| Ranking { keep, seed });
    let row = (0usize..6, 0u8..20, any::<u64>());
    let rows = proptest::collection::vec(row, 0..120);
    let probes = proptest::sample::select(PROBES.to_vec());
    (rows, 1usize..40, 1usize..140, ranking, probes).prop_map(|(rows, dim, clusters, ranking, probes)| {
        let values = rows.iter().flat_map(|&(direction, kind, noise)| generate(direction, kind, noise, dim));
        Case { values: values.collect(), dim, clusters, ranking, probes }
    })
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

/// Rows and centroids in f64, with the assignment to check.
pub struct Twin<'a> {
    pub rows: Vec<Vec<f64>>,
    pub centroids: Vec<Vec<f64>>,
    pub assignment: &'a Assignment,
    pub ranking: Ranking,
    /// The ranks that the caller gives the rows; empty if it gives none.
    pub ranks: Vec<u32>,
}

/// Returns the ranks that a caller gives the rows: a few different ones by every other seed, else none.
pub fn ranks(seed: u64, rows: usize) -> Vec<u32> {
    let rank = |row: u64| (row.wrapping_mul(7919) ^ seed.rotate_left(row as u32 % 64)) % 4;
    (0..rows as u64 * (seed % 2)).map(|row| rank(row) as u32).collect()
}

impl Twin<'_> {
    /// Returns the rank of a row: the caller's, then by the similarity to check.
    pub fn key(&self, row: usize) -> (u32, RankKey) {
        let rank = self.ranks.get(row).copied().unwrap_or(0);
        (rank, self.ranking.key(self.assignment.similarity[row], row as u64))
    }

    /// The probes of a row, padded with [`NO_CLUSTER`].
    fn probes(&self, row: usize) -> &[u32] {
        let width = self.assignment.probes.len() / self.rows.len();
        &self.assignment.probes[row * width..(row + 1) * width]
    }

    /// Lists the clusters that a row probes.
    fn probed(&self, row: usize) -> Vec<u32> {
        self.probes(row).iter().copied().filter(|&c| c != NO_CLUSTER).collect()
    }

    /// Returns whether row `i` counts for the score of row `j`: the definition, as plainly as
    /// possible.
    pub fn compared(&self, i: usize, j: usize) -> bool {
        let own = |row: usize| self.assignment.cluster[row];
        let met = own(i) == own(j) || self.probes(i).contains(&own(j)) || self.probes(j).contains(&own(i));
        met && own(i) != NO_CLUSTER && own(j) != NO_CLUSTER && self.key(i) < self.key(j)
    }

    /// Returns the highest similarity of row `j` with an earlier-ranking row that it is compared
    /// with.
    fn score(&self, j: usize) -> Option<f64> {
        let compared = (0..self.rows.len()).filter(|&i| self.compared(i, j));
        compared.map(|i| dot(&self.rows[i], &self.rows[j])).reduce(f64::max)
    }

    fn to_centroid(&self, row: usize, c: u32) -> f64 {
        dot(&self.rows[row], &self.centroids[c as usize])
    }
}

/// Checks that the own centroid is the most similar one, that the probes are the next ones in
/// order, as exactly as codes can tell, and that their number is right.
fn check_assignment(twin: &Twin, row: usize, probes: Probes) -> Result<(), TestCaseError> {
    let own = twin.assignment.cluster[row];
    let mut nearest: Vec<f64> = (0..twin.centroids.len() as u32).map(|c| twin.to_centroid(row, c)).collect();
    nearest.sort_by(|a, b| b.total_cmp(a));
    let similarity = f64::from(twin.assignment.similarity[row]);
    prop_assert!((similarity - twin.to_centroid(row, own)).abs() < TOLERANCE, "row {}", row);
    prop_assert!((similarity - nearest[0]).abs() < TOLERANCE, "row {}: not the nearest", row);

    let probed = twin.probed(row);
    let mut all = [&[own], &probed[..]].concat();
    for (&c, expected) in all.iter().zip(&nearest) {
        prop_assert!((twin.to_centroid(row, c) - expected).abs() < OF_CODES, "row {}: {:?}", row, all);
    }
    prop_assert!(twin.probes(row)[probed.len()..].iter().all(|&c| c == NO_CLUSTER), "row {}: a gap", row);
    let others = nearest.len() - 1;
    match probes {
        Probes::Nearest(count) => prop_assert_eq!(probed.len(), others.min(count - 1)),
        Probes::Auto => {
            let within = |gap: f64| nearest[1..].iter().filter(|&x| nearest[0] - x <= gap).count();
            let gap = f64::from(AUTO_GAP);
            let most_others = if twin.assignment.similarity[row] >= AUTO_CLOSE { 3 } else { 7 };
            let most = |count: usize| count.clamp(1, most_others).min(others);
            let (least, most) = (most(within(gap - OF_CODES)), most(within(gap + OF_CODES)));
            prop_assert!((least..=most).contains(&probed.len()), "row {}: {:?} {:?}", row, all, nearest);
        }
    }
    all.sort_unstable();
    all.dedup();
    prop_assert_eq!(all.len(), 1 + probed.len(), "row {}: a cluster comes twice", row);
    Ok(())
}

/// Checks a case from training to scores.
fn check(case: &Case) -> Result<(), TestCaseError> {
    let Case { dim, clusters, ranking, probes, .. } = *case;
    let rows = UnitEmbeddings::new(case.values.clone(), dim).unwrap();
    let centroids = train(
        &rows,
        &Training { clusters, iterations: 4, refinements: ranking.seed as usize % 3, seed: ranking.seed },
    )
    .centroids;
    prop_assert!(!centroids.is_empty() && centroids.len() <= clusters);
    let assignment = assign(&rows, &centroids, probes);
    let Assignment { cluster, similarity, .. } = &assignment;
    prop_assert_eq!(bits(similarity), bits(&centroid_similarity(&rows, &centroids, &mut cluster.to_vec())));
    let (rows64, centroids64) = (unit_f64(rows.values(), dim), unit_f64(centroids.values(), dim));
    let ranks = ranks(ranking.seed, rows.len());
    let twin = Twin { rows: rows64, centroids: centroids64, assignment: &assignment, ranking, ranks };
    let order = RankedRows::new(ranking, similarity, &twin.ranks);
    let scores = scored_in(&rows, &centroids, &assignment, order).scores;

    (0..rows.len())
        .filter(|&row| twin.assignment.cluster[row] != NO_CLUSTER)
        .try_for_each(|row| check_assignment(&twin, row, probes))?;
    (0..rows.len()).try_for_each(|row| check_row(&twin, &rows, &scores, row))
}

/// Checks a row's score and the row that it duplicates.
fn check_row(twin: &Twin, rows: &UnitEmbeddings, scores: &Scores, row: usize) -> Result<(), TestCaseError> {
    let zero = rows.zero_rows().contains(&row);
    let undirected = zero || rows.non_finite_rows().contains(&row);
    if undirected {
        prop_assert_eq!(twin.assignment.cluster[row], NO_CLUSTER);
        let similarity = twin.assignment.similarity[row];
        prop_assert!(if zero { similarity == 0.0 } else { similarity.is_nan() }, "row {}", row);
        prop_assert!(twin.probed(row).is_empty(), "row {} has no direction", row);
        prop_assert!(scores.score[row] == 0.0, "row {} has no direction", row);
    } else {
        prop_assert!(twin.assignment.cluster[row] != NO_CLUSTER, "row {}", row);
    }
    let expected = twin.score(row);
    prop_assert_eq!(expected.is_some(), scores.duplicate_of[row] != NO_ROW, "row {}", row);
    let expected = expected.unwrap_or(0.0);
    prop_assert!((f64::from(scores.score[row]) - expected.max(0.0)).abs() < TOLERANCE, "row {}", row);
    let mut copies = (0..rows.len()).filter(|&i| twin.compared(i, row) && rows.row(i) == rows.row(row));
    prop_assert_eq!(scores.score[row] == EXACT, !undirected && copies.next().is_some(), "row {}", row);
    if scores.duplicate_of[row] != NO_ROW {
        let of = scores.duplicate_of[row] as usize;
        prop_assert!(twin.compared(of, row), "row {}", row);
        prop_assert!((dot(&twin.rows[of], &twin.rows[row]) - expected).abs() < TOLERANCE, "row {}", row);
        // Of rows with the same vector, which are equally similar, the earliest-ranking one counts.
        let earlier = |i: usize| twin.key(i) < twin.key(of) && rows.row(i) == rows.row(of);
        let earlier = (0..rows.len()).find(|&i| twin.compared(i, row) && earlier(i));
        prop_assert_eq!(earlier, None, "row {}: {} does not rank first", row, of);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn generated_cases_agree_with_the_twin(case in case()) {
        check(&case)?;
    }
}

#[test]
fn corner_cases_agree_with_the_twin() {
    let noise: Vec<f32> = (0..997 * 7).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 100.0).collect();
    let cases: [(&str, &[f32], usize, usize); 12] = [
        ("empty input", &[], 5, 3),
        ("one row", &[1.0, 2.0, 3.0], 3, 1),
        ("k = 1", &noise, 7, 1),
        ("k = n", &noise[..70], 7, 10),
        ("k > n", &noise[..70], 7, 1000),
        ("d = 1", &[1.0, -2.0, 3.0, 0.0], 1, 2),
        ("all rows equal", &[0.3, -0.1, 0.7].repeat(200), 3, 4),
        ("all zero", &[0.0; 300], 3, 4),
        ("all not finite", &[f32::NAN; 30], 3, 4),
        ("more than one block and panel", &noise, 7, 3),
        ("groups of clusters", &noise, 7, 100),
        ("nearly as many centroids as rows", &noise, 7, 900),
    ];
    for (name, values, dim, clusters) in cases {
        for keep in Keep::ALL {
            for probes in PROBES {
                let ranking = Ranking { keep, seed: 1 };
                check(&Case { values: values.to_vec(), dim, clusters, ranking, probes })
                    .unwrap_or_else(|error| panic!("{name}, {keep:?}, {probes:?}: {error}"));
            }
        }
    }
}

#[test]
fn with_more_than_2048_centroids_the_nearest_are_found_nearly_always() {
    let rows = stored();
    let centroids =
        train(&rows, &Training { clusters: 2200, iterations: 3, refinements: 1, seed: 1 }).centroids;
    let assignment = assign(&rows, &centroids, Probes::Nearest(4));
    let (rows64, centroids64) = (unit_f64(rows.values(), 256), unit_f64(centroids.values(), 256));
    let ranking = Ranking { keep: Keep::Hard, seed: 0 };
    let twin =
        Twin { rows: rows64, centroids: centroids64, assignment: &assignment, ranking, ranks: Vec::new() };
    let (mut own, mut probes) = (0, 0);
    for row in (0..rows.len()).filter(|row| !rows.zero_rows().contains(row)) {
        let mut nearest: Vec<f64> = (0..2200).map(|c| twin.to_centroid(row, c)).collect();
        nearest.sort_by(|a, b| b.total_cmp(a));
        let to = |c: u32| twin.to_centroid(row, c);
        let chosen = [&[assignment.cluster[row]], twin.probes(row)].concat();
        assert!(chosen[1..].iter().all(|&c| to(c) < to(chosen[0]) + TOLERANCE), "row {row}");
        assert!(chosen.is_sorted_by(|&a, &b| to(a) > to(b) - OF_CODES), "row {row}");
        assert!((0..4).all(|i| !chosen[..i].contains(&chosen[i])), "row {row}: {chosen:?}");
        own += usize::from(to(chosen[0]) > nearest[0] - TOLERANCE);
        probes += chosen[1..].iter().filter(|&&c| to(c) > nearest[3] - OF_CODES).count();
    }
    assert!(own > 2400 && probes > 3 * 2300, "of 2,499 rows {own}, of their probes {probes}");
    assert!(assignment.compared < 2500 * 2200 / 3, "{} comparisons", assignment.compared);
}
