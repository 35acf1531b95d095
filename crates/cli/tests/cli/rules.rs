//! Which rows go by each rule, what stands for them, and the pairs, against plain loops over all pairs.

use std::collections::{BTreeMap, BTreeSet};

use super::support::{Random, Sandbox, npy_f32, number};

const ROWS: usize = 700;
const DIM: usize = 4;

/// Rows in chains and crowds, some of them copies of others.
fn vectors() -> Vec<Vec<f32>> {
    let mut random = Random(11);
    let mut value = move || random.below(2001) as f32 / 1000.0 - 1.0;
    let mut rows: Vec<Vec<f32>> = Vec::new();
    for row in 0..ROWS {
        let near = |rows: &[Vec<f32>], step: usize| rows[row - step].clone();
        rows.push(match row % 7 {
            1..=3 => near(&rows, 1).iter().map(|x| x + 0.2 * value()).collect(),
            4 => near(&rows, 4),
            5 => near(&rows, 3).iter().map(|x| x + 0.01 * value()).collect(),
            _ => (0..DIM).map(|_| value()).collect(),
        });
    }
    rows
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A sandbox in which every row is compared with every other, whatever its cluster, and the rows in
/// rank order.
struct Case {
    sandbox: Sandbox,
    rows: Vec<Vec<f32>>,
    order: Vec<usize>,
}

const RUN: &str = "run --embeddings e.npy --recall-sample 0 --overwrite --out out";

impl Case {
    fn new(clusters: usize) -> Self {
        let (sandbox, rows) = (Sandbox::new(), vectors());
        sandbox.write("e.npy", npy_f32(&rows.concat(), DIM));
        let case = Self { sandbox, rows, order: Vec::new() };
        case.run(&format!("--clusters {clusters} --probes {clusters} --work work"));
        let column = |name: &str| case.sandbox.column("out/scores.parquet", name);
        let similarity = column("centroid_similarity");
        let mut order: Vec<usize> = (0..ROWS).collect();
        order.sort_by(|&a, &b| {
            let of = |row: usize| similarity[row].parse::<f32>().unwrap();
            of(a).total_cmp(&of(b)).then(a.cmp(&b))
        });
        Self { order, ..case }
    }

    fn run(&self, options: &str) -> serde_json::Value {
        self.sandbox.summary(&format!("{RUN} {options}"))
    }

    /// Returns, for each row that goes, the row that stands for it, as the tables say.
    fn kept_as(&self) -> BTreeMap<usize, Option<usize>> {
        let column = |name: &str| self.sandbox.column("out/removed.parquet", name);
        let number = |text: &String| text.rsplit(':').next().unwrap().parse::<usize>().ok();
        let rows = column("row").into_iter().map(|row| row.parse().unwrap());
        rows.zip(column("kept_as").iter().map(number)).collect()
    }

    /// Returns the rows that go by a rule.
    fn walk(&self, epsilon: f64, goes: impl Fn(&[usize], &BTreeSet<usize>) -> bool) -> BTreeSet<usize> {
        let mut gone = BTreeSet::new();
        for (place, &row) in self.order.iter().enumerate() {
            let near = |&&other: &&usize| cosine(&self.rows[row], &self.rows[other]) > 1.0 - epsilon;
            let near: Vec<usize> = self.order[..place].iter().filter(near).copied().collect();
            if goes(&near, &gone) {
                gone.insert(row);
            }
        }
        gone
    }
}

#[test]
fn each_rule_removes_what_a_walk_in_rank_order_removes() {
    for clusters in [1, 6] {
        let case = Case::new(clusters);
        let same = format!("--clusters {clusters} --probes {clusters} --work work");
        for epsilon in [0.003, 0.02, 0.07, 0.3] {
            let summary = case.run(&format!("{same} --epsilon {epsilon} --rule representative"));
            let (kept_as, expected) =
                (case.kept_as(), case.walk(epsilon, |near, gone| near.iter().any(|row| !gone.contains(row))));
            assert_eq!(kept_as.keys().copied().collect::<BTreeSet<_>>(), expected, "{clusters} {epsilon}");
            assert_eq!(number(&summary, "without_representative"), 0);
            for (&row, kept) in &kept_as {
                let kept = kept.unwrap();
                assert!(
                    !expected.contains(&kept) && cosine(&case.rows[row], &case.rows[kept]) > 1.0 - epsilon
                );
            }
            let duplicates = case.sandbox.column("out/representatives.parquet", "duplicates");
            let sum: usize = duplicates.iter().map(|count| count.parse::<usize>().unwrap()).sum();
            assert_eq!(sum, kept_as.len());

            let summary = case.run(&format!("{same} --epsilon {epsilon} --rule any-earlier"));
            let (kept_as, expected) = (case.kept_as(), case.walk(epsilon, |near, _| !near.is_empty()));
            assert_eq!(kept_as.keys().copied().collect::<BTreeSet<_>>(), expected, "{clusters} {epsilon}");
            let stays = |row: usize| !expected.contains(&row);
            let mut alone = 0;
            for (&row, kept) in &kept_as {
                let near = |&other: &usize| {
                    stays(other) && cosine(&case.rows[row], &case.rows[other]) > 1.0 - epsilon
                };
                assert_eq!(kept.is_some(), (0..ROWS).any(|other| near(&other)), "row {row}");
                assert!(kept.is_none_or(|kept| near(&kept)), "row {row}");
                alone += u64::from(kept.is_none());
            }
            assert_eq!(number(&summary, "without_representative"), alone);
            assert!(epsilon < 0.02 || alone > 0, "{epsilon}: no chains");
        }
    }
}

#[test]
fn a_target_is_met_exactly_by_each_rule_and_each_removed_row_has_one_that_stands_for_it() {
    let case = Case::new(1);
    for rows in [ROWS - 1, 600, 400, 200] {
        let typed = format!("--clusters 1 --work work --keep-rows {rows} --rule representative");
        let summary = case.run(&typed);
        assert_eq!(number(&summary, "rows_kept"), rows as u64);
        let (kept_as, epsilon) = (case.kept_as(), summary["epsilon"].as_f64().unwrap());
        for (row, kept) in &kept_as {
            let kept = kept.unwrap();
            assert!(!kept_as.contains_key(&kept));
            assert!(cosine(&case.rows[*row], &case.rows[kept]) > 1.0 - epsilon - 1e-6, "row {row}");
        }
    }
    case.sandbox
        .semdedup(&format!("{RUN} --clusters 1 --work work --keep-rows 2 --rule representative"))
        .failed_with(&["cannot keep only 2 rows by the rule representative"]);
}

#[test]
fn a_target_that_removes_rows_without_any_match_says_that_nothing_stands_for_them() {
    let case = Case::new(6);
    // Each row is compared in its own cluster alone, so the first of each cluster has no match.
    let typed = "--clusters 6 --probes 1 --keep-rows 2 --rule any-earlier";
    let summary = case.run(&format!("{typed} --work alone"));
    let kept_as = case.kept_as();
    assert_eq!((kept_as.len(), number(&summary, "rows_kept")), (ROWS - 2, 2));
    let alone = kept_as.values().filter(|kept| kept.is_none()).count();
    assert!(alone >= 4 && number(&summary, "without_representative") == alone as u64);
}

#[test]
fn pairs_are_all_pairs_above_the_floor_and_crowds_of_copies_are_stars() {
    for clusters in [1, 6] {
        let case = Case::new(clusters);
        let same = format!("--clusters {clusters} --probes {clusters} --work work");
        let place: BTreeMap<usize, usize> = case.order.iter().copied().zip(0..).collect();
        let first =
            |row: usize| *case.order.iter().find(|&&other| case.rows[other] == case.rows[row]).unwrap();
        let mut expected: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
        for row in 0..ROWS {
            if first(row) != row {
                expected.insert(row, vec![(first(row), 1.0)]);
                continue;
            }
            let earlier = (0..ROWS).filter(|other| place[other] < place[&row] && first(*other) == *other);
            let earlier = earlier.map(|other| (other, cosine(&case.rows[row], &case.rows[other])));
            let mut near: Vec<_> = earlier.filter(|pair| pair.1 > 0.8).collect();
            near.sort_by(|a, b| b.1.total_cmp(&a.1));
            expected.entry(row).or_default().extend(near);
        }
        for per_row in [1000, 3, 1] {
            let typed = format!("{same} --pairs-above 0.8 --pairs-per-row {per_row}");
            let summary = case.run(&typed);
            let column = |name: &str| case.sandbox.column("out/pairs.parquet", name);
            let numbers =
                |name: &str| column(name).iter().map(|x| x.parse::<usize>().unwrap()).collect::<Vec<_>>();
            let (a, b, similarity) = (numbers("row_a"), numbers("row_b"), column("similarity"));
            assert!(b.is_sorted());
            let mut found: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
            for ((a, b), similarity) in a.into_iter().zip(b).zip(similarity) {
                found.entry(b).or_default().push((a, similarity.parse().unwrap()));
            }
            for (row, pairs) in &expected {
                let found = found.get(row).map_or(&[][..], Vec::as_slice);
                assert_eq!(found.len(), pairs.len().min(per_row), "row {row}");
                for (found, pair) in found.iter().zip(pairs) {
                    assert!((found.1 - pair.1).abs() < 2e-6, "row {row}: {found:?} {pair:?}");
                    assert!((cosine(&case.rows[*row], &case.rows[found.0]) - found.1).abs() < 2e-6);
                }
            }
            let cut = expected.values().filter(|pairs| pairs.len() > per_row).count() as u64;
            assert_eq!(number(&summary["pairs"], "rows_cut"), cut, "{per_row} a row");
            assert_eq!(
                number(&summary["pairs"], "pairs"),
                found.values().map(Vec::len).sum::<usize>() as u64
            );
        }
    }
}

#[test]
fn pairs_and_representatives_are_the_same_on_any_number_of_threads() {
    let sandbox = Sandbox::with_rows(600);
    let run = |threads: usize| {
        let typed = format!(
            "run data.jsonl --id-column id --clusters 20 --rule representative --epsilon 0.2 --pairs-above 0.5 \
             --pairs-per-row 4 --threads {threads} --out out{threads}"
        );
        sandbox.semdedup(&typed).succeeded();
        sandbox.result(&format!("out{threads}"))
    };
    let one = run(1);
    assert!(one.contains_key("pairs.parquet") && one == run(2) && one == run(5));
}

#[test]
fn pairs_out_of_range_are_refused() {
    let sandbox = Sandbox::with_rows(10);
    for (options, problem) in [
        ("--pairs-above 1", "below 1"),
        ("--pairs-above -0.1", "at least 0"),
        ("--pairs-above x", "not a number"),
        ("--pairs-above 0.8 --pairs-per-row 0", "1..=1000"),
        ("--pairs-per-row 5", "--pairs-above"),
        ("--rule first", "any-earlier"),
    ] {
        sandbox.semdedup(&format!("run data.jsonl --out out {options}")).failed_with(&[problem]);
    }
}

#[test]
fn a_sweep_says_that_it_counts_by_the_other_rule() {
    let sandbox = Sandbox::with_rows(60);
    for (rule, says) in [("any-earlier", false), ("representative", true)] {
        sandbox.semdedup(&format!("run data.jsonl --rule {rule} --out {rule}")).succeeded();
        let said = sandbox.semdedup(&format!("sweep {rule}")).succeeded();
        assert_eq!(said.stdout.contains("counted by the rule any-earlier"), says, "{}", said.stdout);
    }
}
