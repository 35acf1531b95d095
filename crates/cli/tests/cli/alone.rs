//! Embeddings without rows beside them: their rows are the rows.

use std::collections::BTreeSet;

use serde_json::json;

use super::support::{Place, Random, Said, npy, npy_f32, number};

const DIM: usize = 16;

/// So many rows that point anywhere, of which from the fifth on every fifth is a copy of the one before.
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

/// Two files: a hundred rows of f32 and sixty of f16.
fn with_embeddings() -> Place {
    let place = Place::new();
    place.write("e/img_emb_0.npy", npy_f32(&values(100, 1), DIM));
    place.write("e/img_emb_1.npy", halves(&values(60, 2)));
    place
}

#[test]
fn embeddings_alone_give_the_ids_of_the_rows_that_rows_beside_them_would() {
    let place = with_embeddings();
    for (number, rows) in [(0, 100), (1, 60)] {
        place.write(&format!("m/metadata_{number}.jsonl"), "{\"key\": 1}\n".repeat(rows));
    }
    let beside = place.summary("run m --embeddings e --out beside --output ids --ids-format parquet");
    let summary =
        place.summary("run --embeddings e --out alone --epsilon 0.1 --output ids --ids-format txt,parquet");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (160, 0));
    assert_eq!(number(&summary, "rows_removed"), number(&beside, "rows_removed"));
    assert!(number(&summary, "rows_removed") >= 32, "{summary}");
    assert_eq!(place.column("alone/ids.parquet", "row"), place.column("beside/ids.parquet", "row"));
    assert_eq!(place.column("alone/scores.parquet", "score"), place.column("beside/scores.parquet", "score"));
    let named: Vec<String> = place
        .column("alone/ids.parquet", "file")
        .into_iter()
        .zip(place.column("alone/ids.parquet", "row"))
        .map(|(file, row)| format!("{file}:{row}"))
        .collect();
    assert_eq!(place.text("alone/ids.txt").lines().collect::<Vec<_>>(), named);
    assert!(named.iter().any(|id| id.starts_with("img_emb_1.npy:")), "{named:?}");
}

#[test]
fn ids_are_the_default_and_every_way_of_naming_the_files_is_the_same() {
    let place = with_embeddings();
    let summary = place.summary("run --embeddings e/img_emb_*.npy --out out");
    assert_eq!(summary["output"], json!(["ids"]));
    assert!(place.path("out/ids.txt").exists() && !place.path("out/kept").exists());
    place.semdedup("run --embeddings e/img_emb_0.npy --embeddings e/img_emb_1.npy --out named").succeeded();
    assert_eq!(place.result("named"), place.result("out"));
    place.semdedup("run --embeddings e --out dry --dry-run").succeeded();
    assert!(!place.path("dry").exists());
    place.semdedup("sweep out").succeeded();
    let shown = place.semdedup("show out").succeeded();
    assert!(shown.stdout.contains("(no text)") && shown.stdout.contains("img_emb_"), "{}", shown.stdout);
}

#[test]
fn the_rows_that_stay_can_be_written_back_in_their_own_type_and_bytes() {
    let place = with_embeddings();
    let summary = place.summary("run --embeddings e --out out --output files,ids");
    let mut kept = 0;
    for (file, rows, width) in [("img_emb_0.npy", 100, 4), ("img_emb_1.npy", 60, 2)] {
        let stays: BTreeSet<usize> = place
            .text("out/ids.txt")
            .lines()
            .filter_map(|id| id.strip_prefix(&format!("{file}:"))?.parse().ok())
            .collect();
        let (before, after) = (place.read(&format!("e/{file}")), place.read(&format!("out/kept/{file}")));
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
    // What was kept is embeddings again.
    place.semdedup("run --embeddings out/kept --out again").succeeded();
    assert_eq!(place.column("again/removed.parquet", "id").len(), 0);
}

#[test]
fn files_of_one_name_in_two_folders_are_told_apart() {
    let place = Place::new();
    for (folder, seed) in [("a", 3), ("b", 4)] {
        place.write(&format!("e/{folder}/emb.npy"), npy_f32(&values(40, seed), DIM));
    }
    place.semdedup("run --embeddings e/*/emb.npy --out out --output files,ids").succeeded();
    let ids = place.text("out/ids.txt");
    assert!(ids.contains("a/emb.npy:") && ids.contains("b/emb.npy:"), "{ids}");
    assert_eq!(place.files("out/kept").into_keys().collect::<Vec<_>>(), ["a/emb.npy", "b/emb.npy"]);
}

#[test]
fn what_embeddings_alone_do_not_have_is_refused_before_any_work() {
    let place = with_embeddings();
    let mut header = br#"{"emb":{"dtype":"F32","shape":[10,16],"data_offsets":[0,640]}}"#.to_vec();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.append(&mut header);
    file.extend(values(10, 5).iter().flat_map(|x| x.to_le_bytes()));
    place.write("t.safetensors", file);
    place.write("wide.npy", npy_f32(&values(20, 1), 2 * DIM));
    let before = place.files("");
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
        place.semdedup(&format!("run {typed} --out out")).failed_with(&words);
        assert_eq!(place.files(""), before, "{typed}");
    }
    place.semdedup("run --embeddings t.safetensors --out out").succeeded();
    assert_eq!(place.text("out/ids.txt").lines().count(), 8);
}

#[test]
fn embeddings_that_change_between_reading_and_writing_are_an_error() {
    let place = with_embeddings();
    place.semdedup("run --embeddings e --out out --work work").succeeded();
    place.write("e/img_emb_0.npy", npy_f32(&values(100, 9), DIM));
    let summary = place.summary("run --embeddings e --out new --work work");
    assert_eq!(summary["reused_stages"], json!([]), "other numbers are other embeddings");
}

#[test]
#[cfg(unix)]
fn more_shards_than_a_process_may_open_at_first_are_no_trouble_and_more_than_ever_say_so() {
    let place = Place::new();
    for shard in 0..200 {
        place.write(&format!("e/img_emb_{shard:03}.npy"), npy_f32(&values(5, shard), DIM));
    }
    let limited = |limit: &str, out: &str| {
        let command = place.command(&format!("run --embeddings e --out {out} --json"));
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.current_dir(command.get_current_dir().unwrap());
        Said::from(shell.stdin(std::process::Stdio::null()).output().unwrap())
    };
    assert_eq!(number(&limited("-Sn 100", "more").succeeded().json(), "rows_in"), 1000);
    let said = limited("-n 100", "fewer").failed_with(&["img_emb_", "Too many open files"]);
    assert!(said.stderr.contains("ulimit -Hn"), "{}", said.stderr);
}
