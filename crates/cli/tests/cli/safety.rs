//! Data must stay safe: foreign folders are not cleared, results are not mixed, and rows of two
//! inputs are not confused.

use std::time::SystemTime;

use super::support::{Sandbox, jsonl, number, texts};

#[test]
fn a_foreign_folder_with_a_file_called_lock_is_not_a_work_directory() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("project/lock", "");
    sandbox.write("project/train/model.bin", "weeks of training");
    let before = sandbox.files("project");
    sandbox
        .semdedup("run data.jsonl --out out --work project")
        .failed_with(&["project", "not a work directory"]);
    sandbox.write("project/manifest.json", "{\"name\": \"an app\"}");
    sandbox.semdedup("run data.jsonl --out out --work project").failed_with(&["manifest.json"]);
    std::fs::remove_file(sandbox.path("project/manifest.json")).unwrap();
    assert_eq!(sandbox.files("project"), before);
}

#[test]
fn an_edit_that_keeps_size_and_time_is_noticed() {
    let sandbox = Sandbox::with_rows(200);
    sandbox.semdedup("run data.jsonl --out out --work work").succeeded();
    let modified = std::fs::metadata(sandbox.path("data.jsonl")).unwrap().modified().unwrap();
    let mut lines: Vec<String> = sandbox.text("data.jsonl").lines().map(|line| format!("{line}\n")).collect();
    lines.reverse();
    sandbox.write("data.jsonl", lines.concat());
    set_modified(&sandbox, "data.jsonl", modified);
    let summary = sandbox.summary("run data.jsonl --out again --work work");
    assert_eq!(summary["reused_stages"].as_array().unwrap().len(), 0, "{summary}");
    sandbox.semdedup("run data.jsonl --out fresh").succeeded();
    assert_eq!(sandbox.result("again"), sandbox.result("fresh"));
}

fn set_modified(sandbox: &Sandbox, name: &str, time: SystemTime) {
    std::fs::File::options().write(true).open(sandbox.path(name)).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_result_is_shown_by_its_own_scores_after_other_runs_used_its_work_directory() {
    let sandbox = Sandbox::with_rows(200);
    sandbox.semdedup("run data.jsonl --out first").succeeded();
    let sweep = sandbox.semdedup("sweep first --epsilons 0.2,0.4").succeeded().stdout;
    let pairs = sandbox.semdedup("show first --random 5").succeeded().stdout;
    sandbox.semdedup("run data.jsonl --out second --work first/work --keep easy --clusters 3").succeeded();
    assert_eq!(sandbox.semdedup("show first --random 5").succeeded().stdout, pairs);
    let kept = |table: &str| -> Vec<String> {
        let columns = table.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
        columns.collect()
    };
    let again = sandbox.semdedup("sweep first --epsilons 0.2,0.4").succeeded().stdout;
    assert_eq!(kept(&again), kept(&sweep));
}

#[test]
fn texts_of_another_input_are_never_shown_for_the_rows_of_a_result() {
    let sandbox = Sandbox::with_rows(200);
    sandbox.write("other.jsonl", jsonl(&texts(150)));
    sandbox.semdedup("run data.jsonl --out first").succeeded();
    let pairs = sandbox.semdedup("show first --random 5").succeeded().stdout;
    // This run fails in training, after the work directory holds the other rows.
    let other = "run other.jsonl --out second --work first/work --clusters 9999";
    sandbox.semdedup(other).failed_with(&["9999"]);
    assert_eq!(sandbox.semdedup("show first --random 5").succeeded().stdout, pairs);
    sandbox.semdedup("show first/work").failed_with(&["no finished scores"]);
    sandbox.semdedup("sweep first").succeeded();
    // With another model, nothing of the first rows is left.
    let overwrite = "run other.jsonl --out second --work first/work --max-tokens 9 --overwrite";
    sandbox.semdedup(overwrite).succeeded();
    sandbox.semdedup("show first").failed_with(&["was reused for other rows"]);
}

#[test]
fn strict_refuses_the_rows_that_an_earlier_run_skipped() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("data.jsonl", format!("{}{{oops\n", sandbox.text("data.jsonl")));
    sandbox.semdedup("run data.jsonl --out out --work work").skipped_rows();
    sandbox.semdedup("run data.jsonl --out out --work work --strict").failed_with(&["skipped.parquet"]);
    sandbox.semdedup("run data.jsonl --out new --work work --strict").failed_with(&["row 40"]);
    sandbox.has_no_result("new");
}

#[test]
fn a_dry_run_refuses_what_the_run_would_refuse() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("out/thesis.txt", "years of work");
    let before = sandbox.files("");
    sandbox.semdedup("run data.jsonl --out out --dry-run").failed_with(&["out"]);
    sandbox.semdedup("run data.jsonl --out . --dry-run").failed_with(&["data.jsonl"]);
    assert_eq!(sandbox.files(""), before);
}

#[test]
fn a_small_share_keeps_at_least_one_row() {
    let sandbox = Sandbox::with_rows(40);
    let summary = sandbox.summary("run data.jsonl --out out --keep-fraction 0.001");
    assert_eq!(number(&summary, "rows_kept"), 1);
}

#[test]
fn selecting_into_the_result_of_a_whole_run_is_refused() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let before = sandbox.files("out");
    sandbox.semdedup("select out/scores.parquet --epsilon 0.2 --out out --overwrite").failed_with(&["out"]);
    assert_eq!(sandbox.files("out"), before);
}

#[test]
fn other_embeddings_are_replaced_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    let before = sandbox.files("e");
    sandbox.semdedup("embed data.jsonl --out e --max-tokens 3").failed_with(&[
        "e",
        "holds other embeddings",
        "other options",
    ]);
    assert_eq!(sandbox.files("e"), before);
    sandbox.semdedup("embed data.jsonl --out e --max-tokens 3 --overwrite").succeeded();
    assert_ne!(sandbox.files("e"), before);
}

#[test]
fn embeddings_of_other_rows_in_a_work_directory_are_removed_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("other.jsonl", jsonl(&texts(70)[50..]));
    sandbox.semdedup("run data.jsonl --out a --work w").succeeded();
    let before = sandbox.files("w/embed");
    sandbox.semdedup("run other.jsonl --out b --work w").succeeded();
    assert_eq!(sandbox.files("w/embed"), before);
    let summary = sandbox.summary("run data.jsonl --out a2 --work w");
    assert!(summary["reused_stages"].to_string().contains("embed"), "{summary}");
    assert_eq!(sandbox.result("a2"), sandbox.result("a"));
    sandbox.write("third.jsonl", jsonl(&texts(100)[80..]));
    sandbox.semdedup("run third.jsonl --out c --work w --overwrite").succeeded();
    let stored = sandbox.files("w").into_keys().filter(|name| name.contains("embeddings-"));
    assert_eq!(stored.count(), 1);
}

#[test]
fn an_input_is_never_replaced_even_with_overwrite() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 3 --out c").succeeded();
    let before = sandbox.files("c");
    let files = "--centroids c/centroids.npy --assignments c/assignments.npy";
    sandbox
        .semdedup(&format!("score e {files} --out c/centroids.npy --overwrite"))
        .failed_with(&["one of the inputs"]);
    sandbox
        .semdedup("cluster c/centroids.npy --clusters 1 --out c --overwrite")
        .failed_with(&["one of the inputs"]);
    assert_eq!(sandbox.files("c"), before);
}

#[test]
fn a_kept_file_that_was_cut_or_edited_is_noticed_and_written_again_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    let whole = sandbox.result("out");
    for now in ["", "edited by hand for days"] {
        sandbox.write("out/kept/data.jsonl", now);
        sandbox.semdedup("run data.jsonl --out out").failed_with(&["out/kept/data.jsonl", "another size"]);
        assert_eq!(sandbox.text("out/kept/data.jsonl"), now);
        sandbox.semdedup("run data.jsonl --out out --overwrite").succeeded();
        assert_eq!(sandbox.result("out"), whole);
    }
}

#[test]
fn a_summary_of_another_program_is_never_replaced_even_with_overwrite() {
    for foreign in ["{}", "[1]", "not JSON", "{\"rows_in\": 3, \"goal\": \"mine\"}"] {
        let sandbox = Sandbox::with_rows(40);
        sandbox.write("out/summary.json", foreign);
        sandbox.semdedup("run data.jsonl --out out --overwrite").failed_with(&["out/summary.json"]);
        assert_eq!(sandbox.text("out/summary.json"), foreign);
    }
}

#[test]
fn scores_at_the_path_of_a_selection_are_never_replaced() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    sandbox.write("mine/kept.parquet", sandbox.read("out/scores.parquet"));
    sandbox
        .semdedup("select mine/kept.parquet --out mine --overwrite")
        .failed_with(&["mine/kept.parquet", "inputs"]);
    assert_eq!(sandbox.read("mine/kept.parquet"), sandbox.read("out/scores.parquet"));
}
