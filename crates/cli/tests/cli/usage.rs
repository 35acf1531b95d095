//! Command lines that cannot work are refused before a file is written.

use super::support::Sandbox;

#[track_caller]
fn refused(options: &str, words: &[&str]) {
    let sandbox = Sandbox::with_rows(20);
    let before = sandbox.files("");
    sandbox.semdedup(&format!("run data.jsonl --out out {options}")).failed_with(words);
    assert_eq!(sandbox.files(""), before, "a file was written");
}

#[test]
fn an_epsilon_out_of_range_is_refused_with_its_range() {
    for bad in ["0", "-0.1", "1.01", "NaN", "x"] {
        refused(&format!("--epsilon {bad}"), &["--epsilon", bad]);
    }
    refused("--epsilon 3", &["3", "above 0 and at most 1"]);
}

#[test]
fn a_share_out_of_range_is_refused_with_its_range() {
    for bad in ["0", "-1", "1.5", "NaN"] {
        refused(&format!("--keep-fraction {bad}"), &["--keep-fraction", bad, "above 0 and at most 1"]);
    }
}

#[test]
fn two_goals_at_once_are_refused() {
    refused("--epsilon 0.1 --keep-rows 3", &["--epsilon", "--keep-rows"]);
    refused("--keep-fraction 0.1 --keep-rows 3", &["--keep-fraction", "--keep-rows"]);
}

#[test]
fn more_rows_than_there_are_cannot_be_kept() {
    let sandbox = Sandbox::with_rows(20);
    sandbox.semdedup("run data.jsonl --out out --keep-rows 21").failed_with(&["21", "20"]);
    sandbox.has_no_result("out");
}

#[test]
fn more_clusters_than_rows_are_refused_with_both_numbers() {
    let sandbox = Sandbox::with_rows(20);
    sandbox.semdedup("run data.jsonl --out out --clusters 21").failed_with(&["21", "20"]);
    sandbox.has_no_result("out");
}

#[test]
fn an_unknown_model_is_refused_with_the_known_ones() {
    refused("--model gpt", &["gpt", "semdedup-text-v1"]);
}

#[test]
fn zero_threads_and_zero_clusters_are_refused() {
    refused("--threads 0", &["--threads", "0"]);
    refused("--clusters 0", &["--clusters", "0"]);
    refused("--clusters few", &["few", "auto"]);
    refused("--max-tokens 0", &["--max-tokens"]);
    refused("--max-row-bytes 0", &["--max-row-bytes"]);
}

#[test]
fn an_epsilon_that_is_a_similarity_is_refused_and_the_similarity_says_it_unmistakably() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    for command in [
        "run data.jsonl --out other --epsilon 0.9",
        "run data.jsonl --out other --dry-run --epsilon 0.9",
        "select out/scores.parquet --out other --epsilon 0.90",
        "sweep out --epsilons 0.1,0.9",
    ] {
        let said = sandbox.semdedup(command);
        let said = said
            .failed_with(&["epsilon 0.9 removes rows of a cosine above 0.1; did you mean 0.1 (cosine 0.9)?"]);
        said.hinted("--similarity 0.1");
        assert!(!sandbox.path("other").exists(), "{command}");
    }
    let said = sandbox.summary("select out/scores.parquet --out other --similarity 0.1");
    assert_eq!(said["epsilon"], 0.9);
    assert_eq!(sandbox.summary("sweep out --similarities 0.1")[0]["epsilon"], 0.9);
    assert_eq!(sandbox.summary("run data.jsonl --out third --similarity 0")["epsilon"], 1.0);
}

#[test]
fn a_similarity_is_the_same_result_as_its_epsilon() {
    let sandbox = Sandbox::with_rows(300);
    let by_epsilon = sandbox.summary("run data.jsonl --out a --epsilon 0.1");
    let by_similarity = sandbox.summary("run data.jsonl --out b --similarity 0.9");
    for field in ["fingerprint", "epsilon", "goal", "rows_removed", "recall"] {
        assert_eq!(by_epsilon[field], by_similarity[field], "{field}");
    }
    assert_eq!(sandbox.result("a"), sandbox.result("b"));
    // The finished result of the other spelling is found, and nothing is written again.
    sandbox.semdedup("run data.jsonl --out a --similarity 0.90").succeeded();
    let epsilons = sandbox.summary("sweep a --epsilons 0.1,0.05");
    assert_eq!(sandbox.summary("sweep a --similarities 0.9,0.95"), epsilons);
    for wrong in ["1", "1.5", "-0.1", "95", "NaN", "x"] {
        refused(&format!("--similarity={wrong}"), &["--similarity", wrong]);
    }
    refused("--similarity 0.9 --epsilon 0.1", &["--epsilon", "--similarity"]);
    refused("--similarity 0.9 --keep-rows 3", &["--similarity", "--keep-rows"]);
}

#[test]
fn a_word_of_other_programs_leads_to_the_option_that_it_means() {
    let sandbox = Sandbox::with_rows(20);
    let hinted = |options: &str, hint: &str| {
        sandbox.semdedup(&format!("run data.jsonl {options}")).failed_with(&[]).hinted(hint);
    };
    hinted(
        "--out out --threshold 0.9",
        "--epsilon (1 - cosine: a larger one removes more) or as --similarity",
    );
    hinted("--output-dir out", "--out");
    hinted("--output out", "--out");
    hinted("--out out --text-field body", "--text-column");
    hinted("--out out --learning-rate 0.1", "`semdedup run --help`");
    sandbox.semdedup("sweep out --threshold 0.9").failed_with(&["--threshold"]).hinted("--similarities");
    sandbox.semdedup("--threshold 0.9").failed_with(&["--threshold"]);
}

#[test]
fn a_misspelt_option_is_refused_with_the_right_one() {
    let sandbox = Sandbox::with_rows(20);
    let said = sandbox.semdedup("run data.jsonl --out out --keep-row 3").failed_with(&["--keep-row"]);
    assert!(said.stderr.contains("'--keep-rows'"), "{}", said.stderr);
}

#[test]
fn a_missing_output_folder_is_asked_for() {
    Sandbox::with_rows(20).semdedup("run data.jsonl").failed_with(&["--out"]);
}

#[test]
fn a_similarity_range_the_wrong_way_round_is_refused() {
    Sandbox::new().semdedup("show out --between 0.9 0.8").failed_with(&["0.9", "0.8"]);
    Sandbox::new().semdedup("show out --between 0.9 1.8").failed_with(&["1.8"]);
}

#[test]
fn a_memory_out_of_range_is_refused_with_the_least() {
    let sandbox = Sandbox::with_rows(20);
    let before = sandbox.files("");
    let score = "score e.npy --centroids c.npy --assignments a.npy --out s.parquet";
    for command in ["run data.jsonl --out out", "cluster e.npy --out c", score] {
        for little in ["10MB", "255MiB", "0", "1000000"] {
            let said = sandbox.semdedup(&format!("{command} --memory {little}"));
            said.failed_with(&["--memory", little, "at least 256"]);
        }
        for no_size in ["x", "2Xi", "-1"] {
            let said = sandbox.semdedup(&format!("{command} --memory={no_size}"));
            said.failed_with(&["--memory", no_size, "2GiB"]);
        }
    }
    assert_eq!(sandbox.files(""), before, "a file was written");
}
