//! Pairs above a floor against the definition, computed in f64 (the twin), and in any division.

use std::collections::BTreeMap;

use proptest::prelude::*;
use semdedup_core::{
    Assignment, EXACT, Found, Keep, NO_CLUSTER, Pairing, Part, PartMatches, Probes, RankedRows, Ranking,
    Training, UnitEmbeddings, train,
};

use crate::common::{TOLERANCE, assign, dot, noise, scored_in, stored, unit_f64};
use crate::twin::{Case, Twin, case, ranks};

/// The pairs of each row: the earlier-ranking row and the similarity, the most similar first.
type Pairs = BTreeMap<u64, Vec<(u64, f32)>>;

/// What is searched.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    floor: f32,
    most: usize,
}

/// Rows with their clusters, in which copies are in no cluster.
struct Data {
    rows: UnitEmbeddings,
    centroids: UnitEmbeddings,
    assignment: Assignment,
    ranking: Ranking,
    ranks: Vec<u32>,
    score: Vec<f32>,
}

impl Data {
    fn new(rows: UnitEmbeddings, training: &Training, probes: Probes, ranking: Ranking) -> Self {
        let centroids = train(&rows, training).centroids;
        let mut assignment = assign(&rows, &centroids, probes);
        let ranks = ranks(ranking.seed, rows.len());
        let order = RankedRows::new(ranking, &assignment.similarity, &ranks);
        let score = scored_in(&rows, &centroids, &assignment, order).scores.score;
        let copies = assignment.cluster.iter_mut().zip(&score).filter(|(_, score)| **score == EXACT);
        copies.for_each(|(cluster, _)| *cluster = NO_CLUSTER);
        Self { rows, centroids, assignment, ranking, ranks, score }
    }

    /// Finds the pairs in some clusters, among the rows that `takes_part`.
    fn part(
        &self,
        wanted: Wanted,
        clusters: std::ops::Range<u32>,
        takes_part: &dyn Fn(usize) -> bool,
    ) -> PartMatches {
        let Wanted { floor, most } = wanted;
        let chosen: Vec<usize> = (0..self.rows.len()).filter(|&row| takes_part(row)).collect();
        let values = chosen.iter().flat_map(|&row| self.rows.row(row).to_vec()).collect();
        let width = self.assignment.probes.len() / self.rows.len().max(1);
        let probes = |row: usize| self.assignment.probes[row * width..(row + 1) * width].to_vec();
        let part = Part {
            rows: &UnitEmbeddings::new(values, self.rows.dim()).unwrap(),
            numbers: &chosen.iter().map(|&row| row as u64).collect::<Vec<_>>(),
            cluster: &chosen.iter().map(|&row| self.assignment.cluster[row]).collect::<Vec<_>>(),
            probes: &chosen.iter().flat_map(|&row| probes(row)).collect::<Vec<_>>(),
            clusters,
        };
        let pairing = Pairing {
            order: RankedRows::new(self.ranking, &self.assignment.similarity, &self.ranks),
            centroids: &self.centroids,
            is_searched: &|row| self.score[row as usize] > floor,
            found: Found::Earlier,
            floor,
            most,
        };
        pairing.compare_until(&part, &mut |_| (), &|| false).unwrap()
    }

    fn pairs(&self, wanted: Wanted) -> Pairs {
        by_row([self.part(wanted, 0..self.centroids.len() as u32, &|_| true)])
    }
}

fn by_row(parts: impl IntoIterator<Item = PartMatches>) -> Pairs {
    let mut pairs = Pairs::new();
    for part in parts {
        for ((row, of), similarity) in part.rows.into_iter().zip(part.duplicate_of).zip(part.similarity) {
            pairs.entry(row).or_default().push((of, similarity));
        }
    }
    pairs
}

/// Checks the pairs of a row against the definition.
fn check_row(twin: &Twin, row: usize, found: &[(u64, f32)], wanted: Wanted) -> Result<(), TestCaseError> {
    let Wanted { floor, most } = wanted;
    let exact = |i: usize| dot(&twin.rows[i], &twin.rows[row]);
    for &(of, similarity) in found {
        prop_assert!(twin.compared(of as usize, row), "row {} with {}", row, of);
        prop_assert!(similarity > floor && similarity < EXACT);
        prop_assert!(
            (f64::from(similarity) - exact(of as usize)).abs() < TOLERANCE,
            "row {} with {}",
            row,
            of
        );
    }
    let in_order = |a: &(u64, f32), b: &(u64, f32)| {
        a.1 > b.1 || (a.1 == b.1 && twin.key(a.0 as usize) < twin.key(b.0 as usize))
    };
    prop_assert!(found.is_sorted_by(in_order), "row {}: {:?}", row, found);
    prop_assert!(found.len() <= most);
    let lowest = found.last().filter(|_| found.len() == most).map_or(floor, |pair| pair.1);
    for i in (0..twin.rows.len()).filter(|&i| twin.compared(i, row)) {
        let is_found = found.iter().any(|pair| pair.0 == i as u64);
        prop_assert!(is_found || exact(i) < f64::from(lowest) + TOLERANCE, "row {} without {}", row, i);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn pairs_agree_with_the_twin(case in case(), floor in 0.0f32..0.9999, most in 1usize..12) {
        let Case { values, dim, clusters, ranking, probes } = case;
        let training = Training { clusters, iterations: 4, refinements: 0, seed: ranking.seed };
        let rows = UnitEmbeddings::new(values, dim).unwrap();
        let data = Data::new(rows, &training, probes, ranking);
        let (rows, centroids) = (unit_f64(data.rows.values(), dim), unit_f64(data.centroids.values(), dim));
        let twin = Twin { rows, centroids, assignment: &data.assignment, ranking, ranks: data.ranks.clone() };
        let wanted = Wanted { floor, most };
        let pairs = data.pairs(wanted);
        for row in 0..data.rows.len() {
            check_row(&twin, row, pairs.get(&(row as u64)).map_or(&[], Vec::as_slice), wanted)?;
        }
    }
}

#[test]
fn the_best_pair_of_a_row_is_its_score() {
    let training = Training { clusters: 40, iterations: 3, refinements: 0, seed: 2 };
    let data = Data::new(stored(), &training, Probes::Auto, Ranking { keep: Keep::Hard, seed: 0 });
    let pairs = data.pairs(Wanted { floor: 0.3, most: 32 });
    for (row, &score) in data.score.iter().enumerate().filter(|(_, score)| (0.3..EXACT).contains(*score)) {
        let found = pairs.get(&(row as u64)).map(|pairs| pairs[0].1);
        assert_eq!(found, (score > 0.3).then_some(score), "row {row}");
    }
}

#[test]
fn the_pairs_of_parts_are_those_of_the_whole() {
    let training = Training { clusters: 40, iterations: 3, refinements: 0, seed: 2 };
    let data = Data::new(stored(), &training, Probes::Auto, Ranking { keep: Keep::Random, seed: 7 });
    let wanted = Wanted { floor: 0.5, most: 6 };
    let whole = data.pairs(wanted);
    let k = data.centroids.len() as u32;
    let parts = [0..1, 1..17, 17..k].map(|clusters| data.part(wanted, clusters, &|_| true));
    let mut merged = by_row(parts);
    for (row, pairs) in &mut merged {
        let order = RankedRows::new(data.ranking, &data.assignment.similarity, &data.ranks);
        let key = |of: u64| order.key(of);
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| key(a.0).cmp(&key(b.0))));
        pairs.dedup();
        pairs.truncate(wanted.most);
        assert_eq!(whole.get(row), Some(&*pairs), "row {row}");
    }
    assert_eq!(whole.len(), merged.len());
}

/// A crowd of rows that f32 can hardly tell from each other, or not at all.
#[test]
fn each_row_of_a_crowd_has_its_most_similar_pairs() {
    let (dim, crowd) = (24, 700);
    for spread in [1e-1, 1e-2, 1e-4, 1e-6, 1e-8] {
        let value = |i: usize| noise(i % dim) + spread * noise(1000 + i);
        let rows = UnitEmbeddings::new((0..crowd * dim).map(value).collect(), dim).unwrap();
        let training = Training { clusters: 3, iterations: 3, refinements: 0, seed: 2 };
        let data = Data::new(rows, &training, Probes::Nearest(2), Ranking { keep: Keep::Hard, seed: 0 });
        let (rows, centroids) = (unit_f64(data.rows.values(), dim), unit_f64(data.centroids.values(), dim));
        let twin = Twin {
            rows,
            centroids,
            assignment: &data.assignment,
            ranking: data.ranking,
            ranks: data.ranks.clone(),
        };
        let wanted = Wanted { floor: 0.5, most: 5 };
        let pairs = data.pairs(wanted);
        for row in 0..crowd {
            let found = pairs.get(&(row as u64)).map_or(&[][..], Vec::as_slice);
            check_row(&twin, row, found, wanted).unwrap();
        }
    }
}
