//! Embeddings alone: input without any rows beside the embeddings.

use std::collections::BTreeSet;

use serde_json::json;

use super::support::{Finished, Random, Sandbox, npy, npy_f32, number};

const DIM: usize = 16;

/// Returns the values of random rows. Every fifth row is a copy of the row before it.
fn values(rows: usize, seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    let mut values = Vec::with_capacity(rows * DIM);
    for row in 0..rows {
        if row % 5 == 4 {
            values.extend_from_within((row - 1) * DIM..row * DIM);
        } else {
            values.extend((0..DIM).map(|_| random.below(2001) as f32 / 1000.0 - 1.0));
        }
    }
    values
}

fn halves(values: &[f32]) -> Vec<u8> {
    let bytes = values.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
    npy("<f2", &format!("({}, {DIM})", values.len() / DIM), bytes)
}

/// Returns a sandbox with two files: 100 rows of f32 and 60 rows of f16.
fn with_embeddings() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("e/img_emb_0.npy", npy_f32(&values(100, 1), DIM));
    sandbox.write("e/img_emb_1.npy", halves(&values(60, 2)));
    sandbox
}

#[test]
fn embeddings_alone_keep_the_same_rows_as_embeddings_beside_rows() {
    let sandbox = with_embeddings();
    for (number, rows) in [(0, 100), (1, 60)] {
        sandbox.write(&format!("m/metadata_{number}.jsonl"), "{\"key\": 1}\n".repeat(rows));
    }
    let beside = sandbox.summary("run m --embeddings e --out beside --output ids --ids-format parquet");
    let summary =
        sandbox.summary("run --embeddings e --out alone --epsilon 0.1 --output ids --ids-format txt,parquet");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (160, 0));
    assert_eq!(number(&summary, "rows_removed"), number(&beside, "rows_removed"));
    assert!(number(&summary, "rows_removed") >= 32, "{summary}");
    assert_eq!(sandbox.column("alone/ids.parquet", "row"), sandbox.column("beside/ids.parquet", "row"));
    assert_eq!(
        sandbox.column("alone/scores.parquet", "score"),
        sandbox.column("beside/scores.parquet", "score")
    );
    let named: Vec<String> = sandbox
        .column("alone/ids.parquet", "file")
        .into_iter()
        .zip(sandbox.column("alone/ids.parquet", "row"))
        .map(|(file, row)| format!("{file}:{row}"))
        .collect();
    assert_eq!(sandbox.text("alone/ids.txt").lines().collect::<Vec<_>>(), named);
    assert!(named.iter().any(|id| id.starts_with("img_emb_1.npy:")), "{named:?}");
}

#[test]
fn ids_are_the_default_and_every_way_of_naming_the_files_is_the_same() {
    let sandbox = with_embeddings();
    let summary = sandbox.summary("run --embeddings e/img_emb_*.npy --out out");
    assert_eq!(summary["output"], json!(["ids"]));
    assert!(sandbox.path("out/ids.txt").exists() && !sandbox.path("out/kept").exists());
    sandbox.semdedup("run --embeddings e/img_emb_0.npy --embeddings e/img_emb_1.npy --out named").succeeded();
    assert_eq!(sandbox.result("named"), sandbox.result("out"));
    sandbox.semdedup("run --embeddings e --out dry --dry-run").succeeded();
    assert!(!sandbox.path("dry").exists());
    sandbox.semdedup("sweep out").succeeded();
    let shown = sandbox.semdedup("show out").succeeded();
    assert!(shown.stdout.contains("(no text)") && shown.stdout.contains("img_emb_"), "{}", shown.stdout);
}

#[test]
fn the_rows_that_stay_can_be_written_back_in_their_own_type_and_bytes() {
    let sandbox = with_embeddings();
    let summary = sandbox.summary("run --embeddings e --out out --output files,ids");
    let mut kept = 0;
    for (file, rows, width) in [("img_emb_0.npy", 100, 4), ("img_emb_1.npy", 60, 2)] {
        let stays: BTreeSet<usize> = sandbox
            .text("out/ids.txt")
            .lines()
            .filter_map(|id| id.strip_prefix(&format!("{file}:"))?.parse().ok())
            .collect();
        let (before, after) = (sandbox.read(&format!("e/{file}")), sandbox.read(&format!("out/kept/{file}")));
        let bytes = width * DIM;
        let expected: Vec<u8> = (0..rows)
            .filter(|row| stays.contains(row))
            .flat_map(|row| before[128 + row * bytes..128 + (row + 1) * bytes].to_vec())
            .collect();
        assert_eq!(after[128..], expected, "{file}");
        let header = String::from_utf8_lossy(&after[10..128]).into_owned();
        assert!(
            header.contains(&format!(
                "'descr': '<f{width}', 'fortran_order': False, 'shape': ({}, {DIM})",
                stays.len()
            )),
            "{header}"
        );
        kept += stays.len() as u64;
    }
    assert_eq!(number(&summary, "rows_kept"), kept);
    // The kept files are valid embeddings.
    sandbox.semdedup("run --embeddings out/kept --out again").succeeded();
    assert_eq!(sandbox.column("again/removed.parquet", "id").len(), 0);
}

#[test]
fn files_with_the_same_name_in_two_folders_are_distinguished() {
    let sandbox = Sandbox::new();
    for (folder, seed) in [("a", 3), ("b", 4)] {
        sandbox.write(&format!("e/{folder}/emb.npy"), npy_f32(&values(40, seed), DIM));
    }
    sandbox.semdedup("run --embeddings e/*/emb.npy --out out --output files,ids").succeeded();
    let ids = sandbox.text("out/ids.txt");
    assert!(ids.contains("a/emb.npy:") && ids.contains("b/emb.npy:"), "{ids}");
    assert_eq!(sandbox.files("out/kept").into_keys().collect::<Vec<_>>(), ["a/emb.npy", "b/emb.npy"]);
}

#[test]
fn options_that_embeddings_alone_cannot_serve_are_refused_before_any_work() {
    let sandbox = with_embeddings();
    let mut header = br#"{"emb":{"dtype":"F32","shape":[10,16],"data_offsets":[0,640]}}"#.to_vec();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.append(&mut header);
    file.extend(values(10, 5).iter().flat_map(|x| x.to_le_bytes()));
    sandbox.write("t.safetensors", file);
    sandbox.write("wide.npy", npy_f32(&values(20, 1), 2 * DIM));
    let before = sandbox.files("");
    for (typed, words) in [
        ("--embeddings e --id-column key", vec!["--id-column key"]),
        ("--embeddings e --text-column text", vec!["--text-column text"]),
        ("--embeddings e --output annotate", vec!["img_emb_0.npy", "annotated"]),
        ("--embeddings e --output ids --ids-format datacomp", vec!["datacomp"]),
        ("--embeddings t.safetensors --output files", vec!["t.safetensors", ".npy"]),
        ("--embeddings e --embeddings wide.npy", vec!["wide.npy", "32", "16"]),
        ("--embeddings none.npy", vec!["none.npy"]),
        ("", vec!["INPUT"]),
    ] {
        sandbox.semdedup(&format!("run {typed} --out out")).failed_with(&words);
        assert_eq!(sandbox.files(""), before, "{typed}");
    }
    sandbox.semdedup("run --embeddings t.safetensors --out out").succeeded();
    assert_eq!(sandbox.text("out/ids.txt").lines().count(), 8);
}

#[test]
fn changed_embeddings_are_not_reused() {
    let sandbox = with_embeddings();
    sandbox.semdedup("run --embeddings e --out out --work work").succeeded();
    sandbox.write("e/img_emb_0.npy", npy_f32(&values(100, 9), DIM));
    let summary = sandbox.summary("run --embeddings e --out new --work work");
    assert_eq!(summary["reused_stages"], json!([]), "other values are other embeddings");
}

#[test]
#[cfg(unix)]
fn the_soft_limit_on_open_files_is_raised_and_the_hard_limit_is_an_error() {
    let sandbox = Sandbox::new();
    for shard in 0..200 {
        sandbox.write(&format!("e/img_emb_{shard:03}.npy"), npy_f32(&values(5, shard), DIM));
    }
    let limited = |limit: &str, out: &str| {
        let command = sandbox.command(&format!("run --embeddings e --out {out} --json"));
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.current_dir(command.get_current_dir().unwrap());
        Finished::from(shell.stdin(std::process::Stdio::null()).output().unwrap())
    };
    assert_eq!(number(&limited("-Sn 100", "more").succeeded().json(), "rows_in"), 1000);
    let said = limited("-n 100", "fewer").failed_with(&["img_emb_", "Too many open files"]);
    assert!(said.stderr.contains("ulimit -Hn"), "{}", said.stderr);
}
