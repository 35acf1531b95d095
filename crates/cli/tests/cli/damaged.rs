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
        // A run that finds its scores reads them to find the rows that stand for others.
        let run = "run data.jsonl --id-column id --work work --out second --epsilon 0.2";
        sandbox.semdedup(run).failed_with(&["embeddings-00000.npy", PROBLEM]);
    });
    let ids = "work/embed/ids-00000-0.parquet";
    with_flipped_bit(&sandbox, ids, summed_bytes(&sandbox, ids) / 2, || {
        sandbox
            .semdedup("run data.jsonl --id-column id --work work --out other --clusters 3")
            .failed_with(&["ids-00000-0.parquet", PROBLEM]);
    });
    sandbox.semdedup("run data.jsonl --id-column id --work work --out other --clusters 3").succeeded();
}

/// Removes a field with a string from a JSON object.
fn without_field(sandbox: &Sandbox, file: &str, key: &str) {
    let json = sandbox.text(file);
    let start = json.find(&format!(",\"{key}\":\"")).unwrap_or_else(|| panic!("{key}: {json}"));
    let end = start + json[start..].find("\",").or_else(|| json[start..].find("\"}")).unwrap() + 1;
    sandbox.write(file, format!("{}{}", &json[..start], &json[end..]));
}

#[test]
fn a_work_directory_of_an_earlier_version_has_no_sums_and_is_read() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup("run data.jsonl --work work --out out").succeeded();
    for key in ["sum", "contents_sum", "record_sum"] {
        without_field(&sandbox, "work/embed/part-00000.json", key);
    }
    without_field(&sandbox, "work/embed/parts.json", "record_sum");
    let samples = sandbox.text("work/recall/samples.json");
    let (start, end) = (samples.find('[').unwrap(), samples.rfind(']').unwrap());
    sandbox.write("work/recall/samples.json", &samples[start..=end]);
    let mut scores = sandbox.read("work/score/scores.parquet");
    let key = last_place(&scores, "semdedup.sum");
    scores[key..key + 12].copy_from_slice(b"semdedup.old");
    sandbox.write("work/score/scores.parquet", &scores);
    sandbox.semdedup("run data.jsonl --work work --out second --epsilon 0.2").succeeded();
    sandbox.semdedup("run data.jsonl --work work --out third --clusters 3").succeeded();
    sandbox.write("data.jsonl", jsonl(&texts(110)));
    sandbox.semdedup("run data.jsonl --work work --out fourth").succeeded();
}

const BEGIN_ANEW: &str = "put the file back as it was, or delete the work directory to begin anew";

#[test]
fn a_changed_bit_in_records_and_samples_is_noticed() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --work work --out out").succeeded();
    let other = "run data.jsonl --work work --out other --epsilon 0.2";
    let digit = |file: &str, key: &str| {
        let text = sandbox.text(file);
        let from = text.find(key).unwrap() + key.len();
        from + text[from..].find(|c: char| c.is_ascii_digit()).unwrap()
    };
    for (file, key) in [
        ("work/embed/part-00000.json", "\"truncated\":"),
        ("work/embed/parts.json", "\"rows\":"),
        ("work/recall/samples.json", "\"samples\":"),
    ] {
        let place = digit(file, key);
        let bytes = sandbox.read(file);
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        sandbox.write(file, flipped);
        sandbox.semdedup(other).failed_with(&[file, PROBLEM]).hinted(BEGIN_ANEW);
        sandbox.has_no_result("other");
        sandbox.write(file, bytes);
    }
    let contents = "work/embed/contents-00000.bin";
    with_flipped_bit(&sandbox, contents, 50, || {
        sandbox.semdedup(other).failed_with(&[contents, PROBLEM]).hinted("or delete it");
    });
    std::fs::remove_file(sandbox.path(contents)).unwrap();
    sandbox.semdedup(other).succeeded();
}

#[test]
fn a_changed_bit_in_a_clustering_is_noticed_by_score() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("embed data.jsonl --out e").succeeded();
    sandbox.semdedup("cluster e --clusters 5 --probes 2 --out c").succeeded();
    let score = "score e --centroids c/centroids.npy --assignments c/assignments.npy --probes c/probes.npy \
                 --out scores.parquet";
    for (file, place) in [("c/centroids.npy", 1000), ("c/assignments.npy", 128), ("c/probes.npy", 129)] {
        with_flipped_bit(&sandbox, file, place, || {
            let said = sandbox.semdedup(score).failed_with(&[file]);
            assert!(said.stderr.contains(PROBLEM) || said.stderr.contains("cluster"), "{said:#?}");
            assert!(!sandbox.path("scores.parquet").exists());
        });
    }
    sandbox.semdedup(score).succeeded();
    let record = sandbox.text("c/clustered.json");
    let start = record.rfind(",\n  \"sums\"").unwrap();
    sandbox.write("c/clustered.json", format!("{}}}", &record[..start]));
    with_flipped_bit(&sandbox, "c/centroids.npy", 1000, || {
        sandbox.semdedup(&format!("{score} --overwrite")).succeeded();
    });
}

#[test]
fn a_changed_bit_in_the_clustering_of_a_work_directory_is_noticed_and_the_hint_helps() {
    let sandbox = Sandbox::with_rows(300);
    let run = "run data.jsonl --clusters 5 --probes 2 --work work";
    sandbox.semdedup(&format!("{run} --out out")).succeeded();
    let again = format!("{run} --keep easy --out other");
    let damaged = |file: &str, hint: &str| {
        let length = sandbox.read(file).len();
        for place in [7, 127, 128, length / 2, length - 1] {
            with_flipped_bit(&sandbox, file, place, || {
                sandbox.semdedup(&again).failed_with(&[file, PROBLEM]).hinted(hint);
                sandbox.has_no_result("other");
            });
        }
        let bytes = sandbox.read(file);
        sandbox.write(file, &bytes[..100]);
        sandbox.semdedup(&again).failed_with(&[file, PROBLEM]).hinted(hint);
        sandbox.write(file, bytes);
    };
    damaged("work/assign/assignments.npy", "delete work/assign: ");
    damaged("work/assign/probes.npy", "delete work/assign: ");
    damaged("work/assign/similarities.npy", "delete work/assign/similarities.npy: ");
    damaged("work/train/centroids.npy", "delete work/train: ");
    // What the hints say gives the result of a run that nothing has damaged.
    sandbox.semdedup("run data.jsonl --clusters 5 --probes 2 --keep easy --out whole").succeeded();
    let delete: [&dyn Fn(); 3] = [
        &|| std::fs::remove_file(sandbox.path("work/assign/similarities.npy")).unwrap(),
        &|| std::fs::remove_dir_all(sandbox.path("work/assign")).unwrap(),
        &|| std::fs::remove_dir_all(sandbox.path("work/train")).unwrap(),
    ];
    for (number, delete) in delete.iter().enumerate() {
        delete();
        let out = format!("again-{number}");
        sandbox.semdedup(&format!("{run} --keep easy --out {out}")).succeeded();
        assert!(sandbox.read(&format!("{out}/scores.parquet")) == sandbox.read("whole/scores.parquet"));
        sandbox.semdedup(&format!("{run} --out back-{number}")).succeeded();
    }
}

#[test]
fn similarities_without_a_sum_are_refused_if_a_row_with_a_cluster_has_none() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup("run data.jsonl --work work --out out").succeeded();
    // Earlier versions wrote no sums.
    let _ = std::fs::remove_file(sandbox.path("work/assign/sums.json"));
    let file = "work/assign/similarities.npy";
    let bytes = sandbox.read(file);
    let again = "run data.jsonl --work work --out other --keep easy";
    for value in [0.0f32, f32::NAN] {
        let mut changed = bytes.clone();
        changed[128..132].copy_from_slice(&value.to_le_bytes());
        sandbox.write(file, changed);
        let said = sandbox.semdedup(again).failed_with(&[file, "row 0 has a similarity of"]);
        said.hinted("the similarities are then computed again");
    }
    sandbox.write(file, bytes);
    sandbox.semdedup(again).succeeded();
}

#[test]
fn hints_for_files_of_the_work_directory_do_not_ask_the_user_to_write_them() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup("run data.jsonl --id-column id --work work --out out").succeeded();
    let again = "run data.jsonl --id-column id --work work --out other --clusters 3";
    let missing = |file: &str, check: &dyn Fn()| {
        let bytes = sandbox.read(file);
        std::fs::remove_file(sandbox.path(file)).unwrap();
        check();
        sandbox.write(file, bytes);
    };
    for file in ["work/embed/ids-00000-0.parquet", "work/embed/embeddings-00000.npy"] {
        missing(file, &|| {
            sandbox.semdedup(again).failed_with(&[file]).hinted(BEGIN_ANEW);
        });
    }
    let embeddings = "work/embed/embeddings-00000.npy";
    let bytes = sandbox.read(embeddings);
    sandbox.write(embeddings, &bytes[..50]);
    for typed in [again, "cluster work --out c"] {
        sandbox.semdedup(typed).failed_with(&[embeddings]).hinted(BEGIN_ANEW);
    }
    sandbox.write(embeddings, bytes);
    sandbox.semdedup("sweep out/none.parquet").failed_with(&["out/none.parquet: no such file or folder"]);
}

#[test]
fn a_message_about_a_damaged_table_has_no_values_that_only_programmers_read() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.semdedup("run data.jsonl --work work --out out").succeeded();
    let removed = "out/removed.parquet";
    // The encoded schema, of which the sum in the metadata is not.
    let place = last_place(&sandbox.read(removed), "ARROW:schema") + 12;
    let mut refused = 0;
    for place in (place..place + 120).step_by(6) {
        with_flipped_bit(&sandbox, removed, place, || {
            let said = sandbox.semdedup("show out");
            assert!(!said.stderr.contains(['{', '}']), "{place}: {}", said.stderr);
            refused += u32::from(said.code == 2);
        });
    }
    assert!(refused > 0);
}
