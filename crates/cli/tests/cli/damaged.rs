//! Bits that a disk or a copy has changed in what an earlier run stored are noticed.

use super::support::{Sandbox, jsonl, texts};

const PROBLEM: &str = "is damaged: its bytes are not those that were written";

/// Changes a bit of a file, calls `check`, and changes it back.
fn with_flipped_bit(sandbox: &Sandbox, file: &str, place: usize, check: impl FnOnce()) {
    let bytes = sandbox.read(file);
    let mut flipped = bytes.clone();
    flipped[place] ^= 1 << (place % 8);
    sandbox.write(file, flipped);
    check();
    sandbox.write(file, bytes);
}

/// Returns how many bytes of a table the sum in its metadata is of.
fn summed_bytes(sandbox: &Sandbox, table: &str) -> usize {
    let metadata = sandbox.parquet_metadata(table);
    let pairs = metadata.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let sum = pairs.into_iter().find(|pair| pair.key == "semdedup.sum").unwrap().value.unwrap();
    sum.split(' ').next().unwrap().parse().unwrap()
}

/// Returns where a text is for the last time in a file.
fn last_place(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).rposition(|part| part == text.as_bytes()).unwrap()
}

#[test]
fn a_changed_bit_in_the_scores_is_noticed_by_all_who_read_them() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --work work --out out").succeeded();
    let (scores, stored) = ("out/scores.parquet", "work/score/scores.parquet");
    let rows = summed_bytes(&sandbox, scores);
    let names = last_place(&sandbox.read(scores), "data.jsonl");
    assert!(names > rows);
    for place in (4..rows).step_by(rows / 12).chain([rows - 1, names]) {
        with_flipped_bit(&sandbox, scores, place, || {
            sandbox
                .semdedup("select out/scores.parquet --epsilon 0.2 --out selected")
                .failed_with(&["scores.parquet", PROBLEM])
                .hinted("put it back as it was, or make it again from the input");
            assert!(!sandbox.path("selected/kept.parquet").exists(), "{place}");
        });
    }
    for typed in ["show out", "sweep out"] {
        with_flipped_bit(&sandbox, scores, rows / 2, || {
            sandbox.semdedup(typed).failed_with(&["scores.parquet", PROBLEM]);
        });
    }
    with_flipped_bit(&sandbox, stored, rows / 2, || {
        let typed = "run data.jsonl --work work --out other --epsilon 0.2";
        sandbox.semdedup(typed).failed_with(&["scores.parquet", PROBLEM]);
        sandbox.has_no_result("other");
    });
    sandbox.semdedup("run data.jsonl --work work --out other --epsilon 0.2").succeeded();
}

#[test]
fn a_changed_bit_in_the_list_of_removed_rows_is_noticed_by_show() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --work work --out out --epsilon 0.2").succeeded();
    let table = "out/removed.parquet";
    let rows = summed_bytes(&sandbox, table);
    for place in (4..rows).step_by(rows / 12).chain([rows - 1]) {
        with_flipped_bit(&sandbox, table, place, || {
            sandbox
                .semdedup("show out")
                .failed_with(&["removed.parquet", PROBLEM])
                .hinted("put it back as it was, or make it again from the input");
        });
    }
    sandbox.semdedup("show out").succeeded();
}

#[test]
fn a_changed_bit_in_embeddings_or_ids_is_noticed_by_a_run_that_uses_them() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --id-column id --work work --out out").succeeded();
    let embeddings = "work/embed/embeddings-00000.npy";
    let length = sandbox.read(embeddings).len();
    for place in [0, 20, 127, 128, length / 2, length - 1] {
        with_flipped_bit(&sandbox, embeddings, place, || {
            sandbox
                .semdedup("run data.jsonl --id-column id --work work --out other --clusters 3")
                .failed_with(&["embeddings-00000.npy", PROBLEM])
                .hinted("put the file back as it was, or delete the work directory to begin anew");
            sandbox.has_no_result("other");
        });
    }
    with_flipped_bit(&sandbox, embeddings, length / 2, || {
        sandbox.semdedup("cluster work --out clusters").failed_with(&["embeddings-00000.npy", PROBLEM]);
        // A run that finds its scores does not read them.
        sandbox.semdedup("run data.jsonl --id-column id --work work --out second --epsilon 0.2").succeeded();
    });
    let ids = "work/embed/ids-00000-0.parquet";
    with_flipped_bit(&sandbox, ids, summed_bytes(&sandbox, ids) / 2, || {
        sandbox
            .semdedup("run data.jsonl --id-column id --work work --out other --clusters 3")
            .failed_with(&["ids-00000-0.parquet", PROBLEM]);
    });
    sandbox.semdedup("run data.jsonl --id-column id --work work --out other --clusters 3").succeeded();
}

#[test]
fn a_work_directory_of_an_earlier_version_has_no_sums_and_is_read() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup("run data.jsonl --work work --out out").succeeded();
    let record = sandbox.text("work/embed/part-00000.json");
    assert!(record.contains("\"sum\":\""), "{record}");
    let start = record.find("\"sum\"").unwrap();
    let end = start + record[start..].find(',').unwrap() + 1;
    sandbox.write("work/embed/part-00000.json", format!("{}{}", &record[..start], &record[end..]));
    let mut scores = sandbox.read("work/score/scores.parquet");
    let key = last_place(&scores, "semdedup.sum");
    scores[key..key + 12].copy_from_slice(b"semdedup.old");
    sandbox.write("work/score/scores.parquet", &scores);
    sandbox.semdedup("run data.jsonl --work work --out second --epsilon 0.2").succeeded();
    sandbox.semdedup("run data.jsonl --work work --out third --clusters 3").succeeded();
    sandbox.write("data.jsonl", jsonl(&texts(110)));
    sandbox.semdedup("run data.jsonl --work work --out fourth").succeeded();
}
