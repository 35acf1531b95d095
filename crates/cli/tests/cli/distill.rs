//! `semdedup distill`: models of one's own.

use std::path::Path;

use super::support::{Sandbox, number};

/// Returns the folder of a small model for tests.
fn teacher(name: &str) -> String {
    format!("{}/../embed/tests/data/models/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns the words of the files of a model.
fn model(sandbox: &Sandbox, folder: &str) -> [Vec<u8>; 3] {
    ["config.json", "vocab.txt", "table.bin"].map(|name| sandbox.read(&format!("{folder}/{name}")))
}

#[test]
fn a_model_is_made_once_for_any_number_of_threads_and_used_by_its_folder() {
    let sandbox = Sandbox::with_rows(2_100);
    let teacher = teacher("bert-tiny");
    let make = |options: &str| format!("distill --teacher {teacher} --corpus data.jsonl --steps 6 {options}");
    let report = sandbox.summary(&make("--dim 64 --out one --threads 1"));
    assert_eq!(number(&report, "texts"), 2_100);
    assert_eq!(number(&report, "dim"), 64);
    let losses: Vec<f64> =
        report["loss"].as_array().unwrap().iter().map(|loss| loss.as_f64().unwrap()).collect();
    assert!(losses[1] < losses[0], "{losses:?}");
    sandbox.semdedup(&make("--dim 64 --out three --threads 3")).succeeded();
    assert!(model(&sandbox, "one") == model(&sandbox, "three"), "the number of threads decides");
    sandbox.semdedup(&make("--dim 64 --out other --seed 1 --work one/work")).succeeded();
    assert!(model(&sandbox, "one")[2] != model(&sandbox, "other")[2], "the seed has no effect");

    let run = "run data.jsonl --model one --out deduped --epsilon 0.0001";
    let summary = sandbox.summary(run);
    assert_eq!(summary["model"], "one");
    // A fifth of the rows are copies of the ones before them.
    assert!(number(&summary, "exact_duplicates") >= 400, "{summary}");
    assert!(Path::new(&sandbox.path("deduped/removed.parquet")).exists());
    sandbox
        .semdedup(&format!("{run} --precision f16 --overwrite"))
        .failed_with(&["--precision", "pretrained"]);
}

#[test]
fn what_the_teacher_embedded_is_kept_and_a_model_is_replaced_only_if_asked() {
    let sandbox = Sandbox::with_rows(2_100);
    let make = format!("distill --teacher {} --corpus data.jsonl --dim 64 --out m", teacher("bert-tiny"));
    sandbox.semdedup(&format!("{make} --steps 2")).succeeded();
    let first = model(&sandbox, "m");
    sandbox
        .semdedup(&format!("{make} --steps 4"))
        .failed_with(&["m/", "exists already"])
        .hinted("--overwrite");
    assert!(model(&sandbox, "m") == first);
    let embedded = sandbox.files("m/work");
    sandbox.semdedup(&format!("{make} --steps 4 --overwrite")).succeeded();
    assert!(model(&sandbox, "m")[2] != first[2]);
    assert_eq!(sandbox.files("m/work"), embedded, "the corpus was embedded again");
    let (stored, second) = ("m/work/embed/embeddings-00000.npy", model(&sandbox, "m"));
    let mut damaged = sandbox.read(stored);
    damaged[50_000] ^= 1;
    sandbox.write(stored, damaged);
    sandbox.semdedup(&format!("{make} --steps 4 --overwrite")).failed_with(&["is damaged"]);
    assert!(model(&sandbox, "m") == second);
}

#[test]
fn what_cannot_teach_is_refused() {
    let sandbox = Sandbox::with_rows(100);
    let make = |teacher: &str, more: &str| {
        sandbox.semdedup(&format!("distill --teacher {teacher} --corpus data.jsonl --out m {more}"))
    };
    make(&teacher("bert-tiny"), "").failed_with(&["100 texts", "2048"]).hinted("--corpus");
    make(&teacher("vit-tiny"), "").failed_with(&["reads images, not texts"]);
    make("semdedup-text-v1", "").failed_with(&["it is a static model itself"]).hinted("a transformer");
    make("nowhere/", "").failed_with(&["--teacher", "nowhere/: no such folder"]);
    make(&teacher("bert-tiny"), "--dim 100").failed_with(&["--dim 100", "32"]);
    sandbox.semdedup("run data.jsonl --model m --out o").failed_with(&["--model", "m: no config.json"]);
}
