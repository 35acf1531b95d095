//! The numbers in the reports: rows that are compared with nothing, and the recall of the removed
//! rows.

use serde_json::{Value, json};

use super::support::{Sandbox, jsonl, npy_f32, npy_i32, number, read_npy_i32, texts};

const FILES: &str = "--centroids c/centroids.npy --assignments a.npy";

/// Embeds and clusters 200 texts, and writes their assignments to `a.npy` after `replace` has
/// changed them.
fn clustered(replace: impl Fn(usize, i32) -> i32) -> Sandbox {
    let sandbox = Sandbox::with_rows(200);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 5 --out c").succeeded();
    let (_, own) = read_npy_i32(&sandbox.read("c/assignments.npy"));
    let given: Vec<i32> = own.into_iter().enumerate().map(|(row, cluster)| replace(row, cluster)).collect();
    sandbox.write("a.npy", npy_i32(&given, "(200,)"));
    sandbox
}

/// Returns the recall at this epsilon, and the number of rows behind it.
fn recall(summary: &Value, epsilon: f64) -> (f64, u64) {
    let at = summary["recall"].as_array().unwrap().iter().find(|at| at["epsilon"] == epsilon).unwrap();
    (at["recall"].as_f64().unwrap(), number(at, "rows"))
}

#[test]
fn rows_without_a_cluster_count_as_missed_in_the_recall() {
    // In each five rows, the fourth is a copy of the third and the fifth is nearly a copy.
    let score = format!("score e {FILES} --probes c/probes.npy --out s.parquet --overwrite");
    let sandbox = clustered(|_, cluster| cluster);
    let whole = sandbox.summary(&score);
    let (all, duplicates) = recall(&whole, 0.001);
    assert_eq!((all, duplicates, number(&whole, "unclustered_rows")), (1.0, 40, 0));
    for keep in ["hard", "easy"] {
        // The copies, the originals or both have no cluster.
        for hidden in [vec![3], vec![2], vec![2, 3]] {
            let sandbox = clustered(|row, cluster| if hidden.contains(&(row % 5)) { -1 } else { cluster });
            let said = sandbox.semdedup(&format!("{score} --keep {keep} --json")).succeeded();
            let found = said.json();
            let (share, rows) = recall(&found, 0.001);
            assert_eq!((share, rows), (0.0, 40), "{keep} {hidden:?}");
            assert_eq!(found["recall"][0]["recall_distinct"], Value::Null, "all of them are copies");
            assert_eq!(number(&found, "recall_sample"), 200);
            let counts =
                ["unclustered_rows", "zero_rows", "non_finite_rows"].map(|field| number(&found, field));
            assert_eq!(counts, [40 * hidden.len() as u64, 0, 0]);
            assert!(said.stderr.contains("no cluster in the assignments (first: "), "{}", said.stderr);
            assert!(!said.stderr.contains("NaN"), "{}", said.stderr);
            assert_eq!(number(&found, "equal_embeddings"), 0);
        }
    }
    let said = sandbox.semdedup(&score).succeeded();
    assert!(!said.stdout.contains("no cluster") && !said.stderr.contains("no cluster"), "{said:?}");
}

#[test]
fn a_row_without_a_cluster_is_kept_by_every_target_and_has_nulls_in_the_scores() {
    let sandbox = clustered(|row, cluster| if row % 5 == 3 { -1 } else { cluster });
    sandbox.semdedup(&format!("score e {FILES} --out s.parquet")).succeeded();
    let column = |name: &str| sandbox.column("s.parquet", name);
    let (cluster, similarity) = (column("cluster"), column("centroid_similarity"));
    let (score, of) = (column("score"), column("duplicate_of_row"));
    for row in (3..200).step_by(5) {
        assert_eq!([&cluster[row], &similarity[row], &of[row]], ["", "", ""], "row {row}");
        assert_eq!(score[row], "0.0", "row {row}");
        assert!(!of.contains(&row.to_string()), "row {row}");
    }
    let said = sandbox.summary("select s.parquet --keep-rows 50 --out selected");
    assert_eq!(number(&said, "rows_kept"), 50);
    let kept = sandbox.column("selected/kept.parquet", "id");
    assert!((3..200).step_by(5).all(|row| kept.contains(&row.to_string())));
    sandbox.semdedup("select s.parquet --keep-rows 39 --out other").failed_with(&[
        "cannot keep only 39 rows",
        "40 rows",
        "no cluster",
    ]);
}

/// Returns 60 rows of 4 numbers. In each ten rows, the first is zeros and the second is not finite.
fn with_zeros() -> Vec<f32> {
    let value = |row: usize, p: usize| match row % 10 {
        0 => 0.0,
        1 => f32::NAN,
        _ => ((row * 4 + p) as f32 * 1.3).sin(),
    };
    (0..240).map(|i| value(i / 4, i % 4)).collect()
}

/// Checks the cluster, the similarity to the centroid, the score and `duplicate_of` of zero rows
/// and of rows that are not finite.
fn assert_uncompared(sandbox: &Sandbox, scores: &str) {
    let column = |name: &str| sandbox.column(scores, name);
    let (cluster, similarity) = (column("cluster"), column("centroid_similarity"));
    let (score, of) = (column("score"), column("duplicate_of_row"));
    for row in 0..60 {
        let expected = match row % 10 {
            0 => Some(["", "0.0", "0.0", ""]),
            1 => Some(["", "", "0.0", ""]),
            _ => None,
        };
        let found = [&cluster[row], &similarity[row], &score[row], &of[row]];
        match expected {
            Some(expected) => assert_eq!(found, expected, "{scores} row {row}"),
            None => assert!(!found[0].is_empty() && found[1] != "0.0", "{scores} row {row}: {found:?}"),
        }
        assert!(expected.is_none() || !of.contains(&row.to_string()), "{scores} row {row}");
    }
}

#[test]
fn zero_rows_are_counted_named_and_kept_and_are_in_no_cluster() {
    let sandbox = Sandbox::new();
    sandbox.write("e.npy", npy_f32(&with_zeros(), 4));
    sandbox.write("data.jsonl", jsonl(&texts(60)));
    let said =
        sandbox.semdedup("run data.jsonl --embeddings e.npy --similarity 0 --out out --json").succeeded();
    let summary = said.json();
    let counts = ["zero_rows", "non_finite_rows", "empty_rows"].map(|field| number(&summary, field));
    assert_eq!(counts, [6, 6, 0]);
    let first = "6 rows have an embedding of zeros (first: data.jsonl:0; data.jsonl:10; data.jsonl:20)";
    assert!(said.stderr.contains(first), "{}", said.stderr);
    assert!(number(&summary, "largest_cluster") <= 48, "{summary}");
    assert_eq!(number(&summary, "recall_sample"), 48);
    assert_uncompared(&sandbox, "out/scores.parquet");
    let removed = sandbox.column("out/removed.parquet", "row");
    assert!(!removed.is_empty() && removed.iter().all(|row| row.parse::<usize>().unwrap() % 10 > 1));

    let said = sandbox.semdedup("cluster e.npy --clusters 3 --out c --json").succeeded();
    assert!(said.stderr.contains("6 rows have an embedding of zeros (first: e.npy:0;"), "{}", said.stderr);
    let report = said.json();
    assert_eq!(["zero_rows", "non_finite_rows"].map(|field| number(&report, field)), [6, 6]);
    let (_, own) = read_npy_i32(&sandbox.read("c/assignments.npy"));
    assert!(own.iter().enumerate().all(|(row, &cluster)| (cluster == -1) == (row % 10 < 2)), "{own:?}");
    // Assignments of another program may give these rows a cluster.
    for (name, row_of_zeros) in [("c/assignments.npy", -1), ("other.npy", 0)] {
        let given: Vec<i32> = own.iter().map(|&c| if c == -1 { row_of_zeros } else { c }).collect();
        sandbox.write(name, npy_i32(&given, "(60,)"));
        let files = format!("--centroids c/centroids.npy --assignments {name}");
        let report = sandbox.summary(&format!("score e.npy {files} --out s.parquet --overwrite"));
        let counts = ["zero_rows", "non_finite_rows", "unclustered_rows"].map(|f| number(&report, f));
        assert_eq!((counts, number(&report, "recall_sample")), ([6, 6, 0], 48));
        assert_uncompared(&sandbox, "s.parquet");
    }
}

#[test]
fn an_empty_text_is_not_a_zero_row_and_a_text_without_tokens_is_one() {
    let sandbox = Sandbox::new();
    let rows = texts(12).into_iter().chain(["", " \u{200b}\u{200b}", "", "\n"].map(str::to_owned));
    sandbox.write("data.jsonl", jsonl(&rows.collect::<Vec<String>>()));
    let said = sandbox.semdedup("run data.jsonl --out out --json").succeeded();
    let summary = said.json();
    let zeros = sandbox.column("out/scores.parquet", "centroid_similarity");
    let zeros: Vec<usize> = (0..16).filter(|&row| zeros[row] == "0.0").collect();
    assert_eq!(zeros, [12, 13, 14, 15]);
    let counts = ["zero_rows", "empty_rows"].map(|field| number(&summary, field));
    assert_eq!(counts, [1, 3], "a text of white space is empty, a text of invisible characters is not");
    assert!(
        said.stderr.contains("embedding of zeros") && said.stderr.contains("data.jsonl:13"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("data.jsonl:12"), "{}", said.stderr);
    let report = sandbox.summary("embed data.jsonl --out e");
    assert_eq!(["zero_rows", "empty_rows"].map(|field| number(&report, field)), counts);
}

#[test]
fn embeddings_of_a_version_without_counts_of_zero_rows_are_reused_and_counted() {
    let sandbox = Sandbox::new();
    sandbox.write("e.npy", npy_f32(&with_zeros(), 4));
    sandbox.write("data.jsonl", jsonl(&texts(60)));
    let typed = "run data.jsonl --embeddings e.npy --work work";
    sandbox.semdedup(&format!("{typed} --out out")).succeeded();
    let record = "work/embed/part-00000.json";
    let mut part: Value = serde_json::from_str(&sandbox.text(record)).unwrap();
    assert_eq!(part["zero"], json!({"rows": 6, "first": [0, 10, 20]}));
    for field in ["zero", "record_sum"] {
        part.as_object_mut().unwrap().remove(field).unwrap();
    }
    sandbox.write(record, part.to_string());
    let said = sandbox.semdedup(&format!("{typed} --epsilon 0.01 --out again --json")).succeeded();
    let summary = said.json();
    assert!(summary["reused_stages"].as_array().unwrap().contains(&json!("embed")), "{summary}");
    assert_eq!(number(&summary, "zero_rows"), 6);
    assert!(said.stderr.contains("data.jsonl:10"), "{}", said.stderr);
}

/// Returns a sandbox with five texts, each ten times.
fn copies() -> Sandbox {
    let sandbox = Sandbox::new();
    let texts: Vec<String> = texts(60).into_iter().step_by(5).take(5).collect();
    sandbox.write("data.jsonl", jsonl(&(0..50).map(|row| texts[row % 5].clone()).collect::<Vec<String>>()));
    sandbox
}

#[test]
fn a_target_that_keeps_some_copies_reports_the_recall_of_all_copies() {
    let sandbox = copies();
    for (rows, removed) in [(49, 1), (30, 20), (10, 40), (6, 44)] {
        let run = format!("run data.jsonl --work work --out out --overwrite --keep-rows {rows}");
        let said = sandbox.semdedup(&run).succeeded();
        assert!(!said.stdout.contains("none"), "{}", said.stdout);
        assert!(said.stdout.contains("of 45 duplicates in a sample of 50"), "{}", said.stdout);
        assert!(said.stdout.contains("the target keeps some of them"), "{}", said.stdout);
        let summary: Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
        assert_eq!((number(&summary, "rows_removed"), summary["epsilon"].as_f64()), (removed, Some(0.0)));
        let at = &summary["recall"][0];
        let found = [&at["epsilon"], &at["with_ties"], &at["recall"], &at["rows"], &at["recall_distinct"]];
        assert_eq!(found, [&json!(0.0), &json!(true), &json!(1.0), &json!(45), &Value::Null]);
    }
}

#[test]
fn a_target_between_scores_reports_the_recall_at_its_epsilon_and_one_that_removes_nothing_says_so() {
    let sandbox = copies();
    let run = "run data.jsonl --work work --out out --overwrite";
    let said = sandbox.semdedup(&format!("{run} --keep-rows 5")).succeeded();
    assert!(said.stdout.contains("of 45 duplicates in a sample of 50"), "{}", said.stdout);
    assert!(!said.stdout.contains("the target keeps some of them"), "{}", said.stdout);
    let said = sandbox.semdedup(&format!("{run} --keep-rows 50")).succeeded();
    assert!(said.stdout.contains("none: `keep 50 rows` removes nothing"), "{}", said.stdout);
    // A sample without duplicates does not measure the recall of the removed rows.
    let said = sandbox.semdedup(&format!("{run} --keep-rows 49 --recall-sample 1 --seed 1")).succeeded();
    assert!(!said.stdout.contains("none"), "{}", said.stdout);
    let unlike: Vec<String> = texts(60).into_iter().step_by(5).collect();
    sandbox.write("unlike.jsonl", jsonl(&unlike));
    let said = sandbox.semdedup("run unlike.jsonl --out unlike --epsilon 0.01").succeeded();
    let none = "none: of 12 sampled rows none has a duplicate at epsilon 0.01";
    assert!(said.stdout.contains(none), "{}", said.stdout);
}
