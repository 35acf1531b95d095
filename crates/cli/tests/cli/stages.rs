//! The commands for single stages.

use std::collections::BTreeSet;

use super::support::{Sandbox, jsonl, npy_f32, number, texts};

fn staged(sandbox: &Sandbox, keep: &str, goal: &str) {
    let stages = [
        "embed data.jsonl --out e".to_owned(),
        "cluster e --seed 3 --out c".to_owned(),
        format!(
            "score e --centroids c/centroids.npy --assignments c/assignments.npy --keep {keep} --seed 3 --out s.parquet"
        ),
        format!("select s.parquet {goal} --out selected"),
    ];
    for stage in stages {
        sandbox.semdedup(&stage).succeeded();
    }
}

#[test]
fn stage_by_stage_removes_the_same_rows_as_a_run() {
    for (keep, goal) in [("hard", "--epsilon 0.05"), ("random", "--keep-fraction 0.7")] {
        let sandbox = Sandbox::with_rows(500);
        sandbox.semdedup(&format!("run data.jsonl --seed 3 --keep {keep} {goal} --out out")).succeeded();
        staged(&sandbox, keep, goal);
        let in_run: BTreeSet<String> = sandbox
            .column("out/removed.parquet", "id")
            .into_iter()
            .map(|id| id.trim_start_matches("data.jsonl:").to_owned())
            .collect();
        let in_stages: BTreeSet<String> =
            sandbox.column("selected/removed.parquet", "id").into_iter().collect();
        assert!(!in_run.is_empty());
        assert_eq!(in_run, in_stages);
        assert_eq!(sandbox.column("selected/kept.parquet", "id").len() + in_stages.len(), 500);
    }
}

#[test]
fn each_stage_reports_what_it_did() {
    let sandbox = Sandbox::with_rows(200);
    let embed = sandbox.summary("embed data.jsonl --out e");
    assert_eq!((number(&embed, "rows"), number(&embed, "dim")), (200, 256));
    let cluster = sandbox.summary("cluster e --clusters 7 --out c");
    assert_eq!((number(&cluster, "rows"), number(&cluster, "clusters")), (200, 7));
    let files = "--centroids c/centroids.npy --assignments c/assignments.npy --out s.parquet";
    let score = sandbox.summary(&format!("score e {files}"));
    assert!(number(&score, "equal_embeddings") >= 40, "{score}");
    let select = sandbox.summary("select s.parquet --keep-rows 100 --out selected");
    assert_eq!((number(&select, "rows_kept"), number(&select, "rows_removed")), (100, 100));
}

#[test]
fn rows_that_cannot_be_embedded_are_listed_beside_the_embeddings() {
    let sandbox = Sandbox::new();
    let rows = |bad: &str| format!("{{\"text\": \"A whole row.\"}}\n{bad}\n{{\"text\": \"Another row.\"}}\n");
    sandbox.write("data.jsonl", rows("{\"text\": \"half a row"));
    sandbox.semdedup("embed data.jsonl --out e").skipped_rows();
    assert_eq!(sandbox.column("e/skipped.parquet", "row"), ["1"]);
    assert!(sandbox.column("e/skipped.parquet", "reason")[0].contains("not valid JSON"));
    sandbox.write("data.jsonl", rows("{\"text\": \"A row that was mended.\"}"));
    sandbox.semdedup("embed data.jsonl --out e --overwrite").succeeded();
    assert!(sandbox.column("e/skipped.parquet", "row").is_empty());
}

#[test]
fn embeddings_may_be_named_as_files_folders_or_patterns() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    for (out, named) in [("c1", "e"), ("c2", "e/embed/*.npy"), ("c3", "e/embed/embeddings-00000.npy")] {
        sandbox.semdedup(&format!("cluster {named} --clusters 4 --out {out}")).succeeded();
        assert_eq!(sandbox.read(&format!("{out}/centroids.npy")), sandbox.read("c1/centroids.npy"));
    }
}

#[test]
fn clusters_in_the_folder_of_the_embeddings_are_not_read_as_embeddings() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 4 --out e").succeeded();
    let files = "--centroids e/centroids.npy --assignments e/assignments.npy --out s.parquet";
    assert_eq!(number(&sandbox.summary(&format!("score e {files}")), "rows"), 60);
}

#[test]
fn missing_or_damaged_embeddings_are_errors_that_name_them() {
    let sandbox = Sandbox::with_rows(20);
    sandbox.semdedup("cluster nowhere.npy --out c").failed_with(&["nowhere.npy"]);
    sandbox.semdedup("cluster no*.npy --out c").failed_with(&["no*.npy"]);
    sandbox.write("folder/readme.md", "none");
    sandbox.semdedup("cluster folder --out c").failed_with(&["folder"]);
    sandbox.write("broken.npy", b"\x93NUMPY\x01\x00garbage");
    sandbox.semdedup("cluster broken.npy --out c").failed_with(&["broken.npy"]);
    assert!(!sandbox.path("c/centroids.npy").exists());
}

#[test]
fn assignments_of_other_embeddings_are_refused() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 4 --out c").succeeded();
    sandbox.write("double.jsonl", jsonl(&texts(120)));
    sandbox.semdedup("embed double.jsonl --out d").succeeded();
    sandbox.semdedup("cluster d --clusters 4 --out twice").succeeded();
    let files = "--centroids c/centroids.npy --assignments twice/assignments.npy --out s.parquet";
    sandbox.semdedup(&format!("score e {files}")).failed_with(&["120", "60"]);
    assert!(!sandbox.path("s.parquet").exists());
}

#[test]
fn assignments_are_tied_to_their_embeddings_in_their_order_whatever_these_are_called() {
    let sandbox = Sandbox::with_rows(60);
    let all = texts(180);
    for (name, texts) in ["a", "b", "c"].into_iter().zip(all.chunks(60)) {
        sandbox.write(&format!("{name}.jsonl"), jsonl(texts));
        sandbox.semdedup(&format!("embed {name}.jsonl --out {name}")).succeeded();
        sandbox.write(&format!("{name}.npy"), sandbox.read(&format!("{name}/embed/embeddings-00000.npy")));
    }
    sandbox.semdedup("cluster a.npy b.npy --clusters 4 --out k").succeeded();
    let files = "--centroids k/centroids.npy --assignments k/assignments.npy --out s.parquet";
    sandbox.semdedup(&format!("score b.npy a.npy {files}")).failed_with(&[
        "k/assignments.npy",
        "in another order: a.npy (60 rows), b.npy (60 rows); given: b.npy",
    ]);
    sandbox.semdedup(&format!("score a.npy c.npy {files}")).failed_with(&[
        "k/assignments.npy",
        "of other embeddings",
        "c.npy (60 rows)",
    ]);
    assert!(!sandbox.path("s.parquet").exists());
    let same = "a/embed/embeddings-00000.npy b/embed/embeddings-00000.npy";
    sandbox.semdedup(&format!("score {same} {files}")).succeeded();
}

#[test]
fn embeddings_named_twice_or_not_finished_are_refused() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox
        .semdedup("cluster e e/embed/embeddings-00000.npy --out c")
        .failed_with(&["embeddings-00000.npy", "twice"]);
    let mut manifest: serde_json::Value = serde_json::from_str(&sandbox.text("e/manifest.json")).unwrap();
    manifest["stages"]["embed"]["seconds"] = serde_json::Value::Null;
    sandbox.write("e/manifest.json", manifest.to_string());
    sandbox.semdedup("cluster e --out c").failed_with(&["e", "not finished"]);
}

#[test]
fn a_file_of_scores_is_replaced_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 4 --out c").succeeded();
    let files = "--centroids c/centroids.npy --assignments c/assignments.npy --out s.parquet";
    sandbox.write("s.parquet", "somebody's");
    sandbox.semdedup(&format!("score e {files}")).failed_with(&["s.parquet"]);
    assert_eq!(sandbox.read("s.parquet"), b"somebody's");
    sandbox.semdedup(&format!("score e {files} --overwrite")).succeeded();
}

#[test]
fn a_selection_is_replaced_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    sandbox.semdedup("select out/scores.parquet --epsilon 0.01 --out selected").succeeded();
    let before = sandbox.files("selected");
    sandbox.semdedup("select out/scores.parquet --epsilon 0.8 --out selected").failed_with(&["selected"]);
    assert_eq!(sandbox.files("selected"), before);
    let report = sandbox.summary("select out/scores.parquet --epsilon 0.8 --out selected --overwrite");
    assert_eq!(sandbox.column("selected/kept.parquet", "id").len() as u64, number(&report, "rows_kept"));
    assert_ne!(sandbox.files("selected"), before);
}

#[test]
fn a_clustering_replaces_clusterings_and_nothing_else() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    let cluster = |options: &str| sandbox.semdedup(&format!("cluster e --clusters 4 --out c {options}"));
    sandbox.write("c/centroids.npy", "somebody's");
    cluster("").failed_with(&["c/centroids.npy", "exists already"]);
    cluster("--overwrite").failed_with(&["c/centroids.npy", "earlier clustering"]);
    assert_eq!(sandbox.text("c/centroids.npy"), "somebody's");
    std::fs::remove_file(sandbox.path("c/centroids.npy")).unwrap();
    cluster("").succeeded();
    let files = sandbox.files("c");
    assert_eq!(files.len(), 4, "{:?}", files.keys());
    cluster("").failed_with(&["exists already"]);
    // The state after a kill before the centroids are written.
    let mark: Vec<&String> = files.keys().collect();
    sandbox.write("c/.semdedup-writing/files.json", serde_json::to_string(&mark).unwrap());
    std::fs::remove_file(sandbox.path("c/centroids.npy")).unwrap();
    sandbox.write("c/probes.npy", "half");
    cluster("").succeeded();
    assert_eq!(sandbox.files("c"), files);
}

#[test]
fn an_impossible_output_path_is_refused_before_the_work() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 4 --out c").succeeded();
    sandbox.write("file", "somebody's");
    let files = "--centroids c/centroids.npy --assignments c/assignments.npy";
    for typed in [
        "cluster e --out file --overwrite".to_owned(),
        format!("score e {files} --out c --overwrite"),
        "select nowhere.parquet --out file --overwrite".to_owned(),
    ] {
        let said = sandbox.semdedup(&typed).failed_with(&["folder"]);
        assert!(!said.stderr.contains(" rows, "), "after the work: {}", said.stderr);
    }
    assert_eq!(sandbox.text("file"), "somebody's");
}

#[test]
fn a_manifest_of_another_program_beside_embeddings_is_ignored() {
    let sandbox = Sandbox::new();
    sandbox.write("e/a.npy", npy_f32(&[1.0, 0.0, 0.0, 1.0], 2));
    sandbox.write("e/manifest.json", "{\"name\": \"a model\"}");
    assert_eq!(number(&sandbox.summary("cluster e --out c"), "rows"), 2);
}
