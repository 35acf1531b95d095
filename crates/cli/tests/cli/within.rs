//! Only rows that agree on a column are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::support::{Random, Sandbox, number, texts};

const LANGUAGES: [Option<&str>; 4] = [Some("en"), Some("de"), Some("fr"), None];

/// Rows with a text, which many share, and a language.
fn rows(count: usize) -> Vec<(String, Option<&'static str>)> {
    let mut random = Random(count as u64);
    let distinct: Vec<String> = texts(2 * count).into_iter().step_by(5).collect();
    let text = |random: &mut Random| distinct[random.below(count / 4)].clone();
    (0..count).map(|_| (text(&mut random), LANGUAGES[random.below(4)])).collect()
}

fn jsonl(rows: &[(String, Option<&str>)]) -> String {
    let line = |(row, (text, language)): (usize, &(String, Option<&str>))| {
        format!("{}\n", json!({"id": row, "text": text, "language": language}))
    };
    rows.iter().enumerate().map(line).collect()
}

fn removed(sandbox: &Sandbox, out: &str) -> BTreeSet<usize> {
    let ids = sandbox.column(&format!("{out}/removed.parquet"), "id");
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn of_equal_texts_the_first_of_each_language_stays_in_one_cluster_and_in_many() {
    let (sandbox, rows) = (Sandbox::new(), rows(600));
    sandbox.write("data.jsonl", jsonl(&rows));
    let mut seen = BTreeSet::new();
    let expected: BTreeSet<usize> = (0..rows.len()).filter(|&row| !seen.insert(rows[row].clone())).collect();
    let all = rows.iter().map(|(text, _)| text).collect::<BTreeSet<_>>().len();
    assert!(expected.len() > 100 && expected.len() < rows.len() - all);
    for (number, options) in ["", "--clusters 12", "--clusters 12 --probes 1"].iter().enumerate() {
        let typed =
            format!("run data.jsonl --id-column id --keep first --epsilon 0.001 --within language {options}");
        sandbox.semdedup(&format!("{typed} --out out{number}")).succeeded();
        assert_eq!(removed(&sandbox, &format!("out{number}")), expected, "{options}");
    }
}

/// Compares the rows that a run within languages removes by a rule with those that a run of each
/// language removes. Returns the summary of the former, and how many they are.
fn as_if_alone(rule: &str) -> (serde_json::Value, usize) {
    let (sandbox, rows) = (Sandbox::new(), rows(600));
    sandbox.write("data.jsonl", jsonl(&rows));
    // Up to 10,000 rows all are compared; a larger ε takes rows that are merely similar.
    let options = format!("--id-column id --keep first --epsilon 0.4 --rule {rule}");
    let summary = sandbox.summary(&format!("run data.jsonl {options} --within language --out out"));
    let mut alone = BTreeSet::new();
    for language in LANGUAGES {
        let of_language: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].1 == language).collect();
        let lines: String =
            of_language.iter().map(|&row| format!("{}\n", json!({"id": row, "text": rows[row].0}))).collect();
        let name = language.unwrap_or("none");
        sandbox.write(&format!("{name}.jsonl"), lines);
        sandbox.semdedup(&format!("run {name}.jsonl {options} --out {name}")).succeeded();
        alone.extend(removed(&sandbox, name));
    }
    assert_eq!(removed(&sandbox, "out"), alone, "{rule}");
    (summary, alone.len())
}

#[test]
fn each_group_is_deduplicated_as_if_it_were_alone_by_both_rules() {
    let (summary, gone) = as_if_alone("any-earlier");
    // Both comparisons found everything, so the recall is measured under the same rule.
    let at = summary["recall"].as_array().unwrap().iter().find(|at| at["epsilon"] == 0.4).unwrap();
    assert_eq!((&at["recall"], number(at, "rows") as usize), (&json!(1.0), gone));
    assert_eq!(summary["within"], "language");
    let (_, by_representatives) = as_if_alone("representative");
    assert!(0 < by_representatives && by_representatives <= gone, "{by_representatives} of {gone}");
}

#[test]
fn clusters_in_the_results_are_those_before_they_were_divided() {
    let (sandbox, rows) = (Sandbox::new(), rows(600));
    sandbox.write("data.jsonl", jsonl(&rows));
    let run = |options: &str, out: &str| {
        let summary =
            sandbox.summary(&format!("run data.jsonl --work work --clusters 9 {options} --out {out}"));
        let clusters = sandbox.column(&format!("{out}/scores.parquet"), "cluster");
        (summary, clusters)
    };
    let (whole, of_whole) = run("", "whole");
    let (within, of_within) = run("--within language", "within");
    assert_eq!(of_whole, of_within);
    assert_eq!(
        (&whole["clusters"], &whole["largest_cluster"]),
        (&within["clusters"], &within["largest_cluster"])
    );
    assert_eq!(within["reused_stages"], json!(["embed", "train", "assign"]));
    let (again, _) = run("--within language --epsilon 0.2", "again");
    assert_eq!(again["reused_stages"], json!(["embed", "train", "assign", "within", "score", "recall"]));
    // Rows of different languages are no duplicates of each other, whatever the ε.
    let of = sandbox.column("within/scores.parquet", "duplicate_of_row");
    let pairs = of.iter().enumerate().filter_map(|(row, of)| Some((row, of.parse::<usize>().ok()?)));
    let mut counts: BTreeMap<bool, usize> = BTreeMap::new();
    pairs.for_each(|(row, of)| *counts.entry(rows[row].1 == rows[of].1).or_default() += 1);
    assert!(counts[&true] > 500 && !counts.contains_key(&false), "{counts:?}");
}

#[test]
fn threads_and_memory_do_not_change_the_bytes() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", jsonl(&rows(3000)));
    let run = |options: &str, out: &str| {
        let typed = format!("run data.jsonl --clusters 20 --within language {options} --out {out}");
        sandbox.semdedup(&typed).succeeded();
        sandbox.result(out)
    };
    let expected = run("--threads 1", "one");
    for (options, out) in [("--threads 3", "three"), ("--memory 256MiB", "little")] {
        assert!(run(options, out) == expected, "{options}");
    }
}

#[test]
fn a_column_that_is_not_there_or_holds_lists_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    sandbox
        .write("data.jsonl", "{\"text\": \"One.\", \"tags\": [\"a\"]}\n{\"text\": \"Two.\", \"tags\": []}\n");
    let run = |column: &str| sandbox.semdedup(&format!("run data.jsonl --within {column} --out out"));
    run("language").failed_with(&["data.jsonl", "no column `language`", "tags"]).hinted("every file");
    run("tags").failed_with(&["data.jsonl: row 0: column `tags` is a list"]).hinted("categories");
    assert!(!sandbox.path("out").exists());
}
