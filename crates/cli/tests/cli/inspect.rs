//! `sweep` and `show`: inspecting the result of a run.

use super::support::{Sandbox, number};

#[test]
fn a_sweep_shows_that_a_larger_epsilon_removes_more() {
    let sandbox = Sandbox::with_rows(300);
    let run = sandbox.summary("run data.jsonl --out out --epsilon 0.05");
    let rows = sandbox.summary("sweep out --epsilons 0.01,0.05,0.5");
    let removed: Vec<u64> = rows.as_array().unwrap().iter().map(|row| number(row, "rows_removed")).collect();
    assert!(removed.is_sorted() && removed[0] < removed[2], "{removed:?}");
    assert_eq!(removed[1], number(&run, "rows_removed"));
    for work in ["out/work", "out/scores.parquet"] {
        let same = sandbox.summary(&format!("sweep {work} --epsilons 0.01,0.05,0.5"));
        for (row, count) in same.as_array().unwrap().iter().zip(&removed) {
            assert_eq!(number(row, "rows_removed"), *count, "{work}");
        }
    }
}

#[test]
fn a_path_without_a_run_is_refused_with_what_to_give_instead() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    sandbox.semdedup("select out/scores.parquet --out selected").succeeded();
    for (typed, problem) in [
        ("show out/scores.parquet", "out/scores.parquet: a file, not the folder of a run"),
        ("show selected", "selected: no finished scores here"),
        ("sweep selected", "selected: no finished scores here"),
        ("sweep nowhere", "nowhere: no such file or folder"),
    ] {
        let said = sandbox.semdedup(typed).failed_with(&[problem]);
        assert!(said.stderr.contains("--out or --work folder"), "{}", said.stderr);
    }
}

#[test]
fn the_table_of_a_sweep_has_a_line_for_each_epsilon() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let said = sandbox.semdedup("sweep out --quiet").succeeded();
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 10, "{}", said.stdout);
    assert!(
        ["epsilon", "kept", "removed", "share kept", "recall"].iter().all(|word| lines[0].contains(word))
    );
    assert!(lines[1].trim_start().starts_with("0.001"));
}

#[test]
fn a_pair_is_shown_with_its_similarity_its_origins_and_both_texts() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --id-column id --out out --epsilon 0.01").succeeded();
    let removed = sandbox.column("out/removed.parquet", "id");
    let said = sandbox.semdedup(&format!("show out --id {}", removed[0])).succeeded();
    for word in
        ["similarity", "the first goes, the second stays", "removed", "kept", &removed[0], "data.jsonl row"]
    {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    let pairs = sandbox.summary(&format!("show out/work --id {}", removed[0]));
    assert_eq!(pairs[0]["row"]["id"], removed[0].as_str());
    assert!(sandbox.text("data.jsonl").contains(pairs[0]["row"]["text"].as_str().unwrap()));
}

#[test]
fn a_pair_says_what_differs_between_its_texts() {
    let text = "The office in the old harbour answers letters of all travellers from 8 to 17 on weekdays.";
    for (other, kind) in [(text.to_uppercase(), "formatting"), (text.replace('8', "9"), "numbers")] {
        let sandbox = Sandbox::new();
        sandbox.write("data.txt", format!("{text}\n{other}\n"));
        sandbox.semdedup("run data.txt --out out --epsilon 0.5").succeeded();
        let pairs = sandbox.summary("show out");
        assert_eq!(pairs[0]["difference"]["kind"], kind);
        assert_eq!(pairs[0]["difference"]["numbers"], kind == "numbers");
        let shown = sandbox.semdedup("show out").succeeded().stdout;
        assert!(shown.contains(&format!("  differs in: {kind}\n")), "{shown}");
    }
}

#[test]
fn random_pairs_are_as_many_as_asked_for_and_the_same_for_a_seed() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let show = |options: &str| sandbox.semdedup(&format!("show out {options}")).succeeded().stdout;
    assert_eq!(show("").matches("similarity").count(), 10);
    assert_eq!(show("--random 3 --seed 4").matches("similarity").count(), 3);
    assert_eq!(show("--random 3 --seed 4"), show("--random 3 --seed 4"));
    assert_ne!(show("--random 3 --seed 4"), show("--random 3 --seed 5"));
}

#[test]
fn pairs_of_a_range_are_in_that_range() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let pairs = sandbox.summary("show out --between 0.9 0.9999 --random 7");
    let pairs = pairs.as_array().unwrap();
    assert!(!pairs.is_empty() && pairs.len() <= 7);
    assert!(pairs.iter().all(|pair| (0.9..=0.9999).contains(&pair["score"].as_f64().unwrap())));
}

#[test]
fn an_unknown_id_and_a_folder_without_a_run_are_errors_that_name_them() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("run data.jsonl --id-column id --out out").succeeded();
    sandbox.semdedup("show out --id nobody").failed_with(&["nobody"]);
    sandbox.semdedup("show nowhere").failed_with(&["nowhere"]);
    sandbox.semdedup("sweep nowhere").failed_with(&["nowhere"]);
    sandbox.write("other/file.txt", "no work");
    sandbox.semdedup("sweep other").failed_with(&["other"]);
}

#[test]
fn pairs_are_not_shown_with_texts_of_an_input_that_has_changed_or_gone() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let reversed: Vec<String> =
        sandbox.text("data.jsonl").lines().rev().map(|line| format!("{line}\n")).collect();
    sandbox.write("data.jsonl", reversed.concat());
    sandbox.semdedup("show out").failed_with(&["data.jsonl"]);
    std::fs::remove_file(sandbox.path("data.jsonl")).unwrap();
    sandbox.semdedup("show out").failed_with(&["data.jsonl"]);
}
