//! Runs that reuse the work of earlier runs.

use super::support::{Sandbox, jsonl, number, texts};

#[test]
fn another_epsilon_reuses_the_stages_before_and_gives_the_bytes_of_a_fresh_run() {
    let sandbox = Sandbox::with_rows(400);
    sandbox.semdedup("run data.jsonl --work work --out a --epsilon 0.01").succeeded();
    let said = sandbox.semdedup("run data.jsonl --work work --out b --epsilon 0.3 --json").succeeded();
    let summary = said.json();
    let reused: Vec<&str> =
        summary["reused_stages"].as_array().unwrap().iter().map(|stage| stage.as_str().unwrap()).collect();
    for stage in ["embed", "train", "assign", "score"] {
        assert!(reused.contains(&stage), "{stage} is not in {reused:?}");
        assert!(said.stderr.contains(&format!("{stage}: done by an earlier run")), "{}", said.stderr);
    }
    sandbox.semdedup("run data.jsonl --out fresh --epsilon 0.3").succeeded();
    assert_eq!(sandbox.result("b"), sandbox.result("fresh"));
}

#[test]
fn a_changed_input_is_read_again() {
    let sandbox = Sandbox::with_rows(400);
    sandbox.semdedup("run data.jsonl --work work --out a").succeeded();
    sandbox.write("data.jsonl", jsonl(&texts(410)));
    let summary = sandbox.summary("run data.jsonl --work work --out b");
    assert_eq!(number(&summary, "rows_in"), 410);
    assert_eq!(summary["reused_stages"].as_array().unwrap().len(), 0, "{summary}");
    sandbox.semdedup("run data.jsonl --out fresh").succeeded();
    assert_eq!(sandbox.result("b"), sandbox.result("fresh"));
}

#[test]
fn the_same_command_again_gives_the_stored_result_at_once() {
    let sandbox = Sandbox::with_rows(100);
    let first = sandbox.summary("run data.jsonl --out out");
    let files = sandbox.files("out");
    let said = sandbox.semdedup("run data.jsonl --out out --json").succeeded();
    let again = said.json();
    for stage in ["embed", "train", "assign", "score", "recall", "select", "write"] {
        assert!(said.stderr.contains(&format!("{stage}: done by an earlier run")), "{}", said.stderr);
    }
    for field in ["rows_in", "rows_kept", "rows_removed", "epsilon", "clusters", "files"] {
        assert_eq!(first[field], again[field], "{field}");
    }
    assert_eq!(sandbox.files("out"), files);
}

#[test]
fn another_seed_is_another_run() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --work work --out a --clusters 9").succeeded();
    let summary = sandbox.summary("run data.jsonl --work work --out b --clusters 9 --seed 1");
    assert_eq!(summary["reused_stages"], serde_json::json!(["embed"]));
}
