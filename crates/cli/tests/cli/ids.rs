//! Lists of the ids that stay, from a run and from a selection.

use serde_json::{Value, json};

use super::outputs::{results, uid, with_uids};
use super::support::{Sandbox, csv, number, parquet, texts};

#[test]
fn ids_of_a_column_are_the_rows_that_the_files_keep() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --id-column id --out files --work work").succeeded();
    let kept = sandbox.text("files/kept/data.jsonl");
    let kept: Vec<String> = kept
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let summary = sandbox
        .summary("run data.jsonl --id-column id --out ids --work work --output ids --ids-format txt,parquet");
    assert_eq!(sandbox.text("ids/ids.txt"), kept.join("\n") + "\n");
    assert_eq!(sandbox.column("ids/ids.parquet", "id"), kept);
    let names: Vec<String> = results(&sandbox, "ids").into_keys().collect();
    assert_eq!(
        names,
        ["ids.parquet", "ids.txt", "removed.parquet", "representatives.parquet", "scores.parquet"]
    );
    assert_eq!(summary["output"], json!(["ids"]));
    let lists: Vec<(&str, u64)> = summary["lists"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| (list["file"].as_str().unwrap(), number(list, "rows")))
        .collect();
    let rows = number(&summary, "rows_kept");
    assert_eq!(lists, [("ids.txt", rows), ("ids.parquet", rows)]);
    assert_eq!(rows, kept.len() as u64);
    for stage in ["embed", "train", "assign", "score", "recall"] {
        assert!(
            summary["reused_stages"].as_array().unwrap().iter().any(|reused| reused == stage),
            "{summary}"
        );
    }
}

#[test]
fn without_a_column_ids_are_file_and_row_and_numbers_stay_numbers() {
    let sandbox = Sandbox::with_rows(60);
    sandbox.write("more.csv", csv(&texts(61)));
    sandbox.semdedup("run data.jsonl more.csv --out out --output ids --ids-format txt,parquet").succeeded();
    let lines = sandbox.text("out/ids.txt");
    let (files, rows) = (sandbox.column("out/ids.parquet", "file"), sandbox.column("out/ids.parquet", "row"));
    let named: Vec<String> = files.iter().zip(&rows).map(|(file, row)| format!("{file}:{row}")).collect();
    assert_eq!(lines.lines().collect::<Vec<_>>(), named);
    assert!(files.contains(&"more.csv".to_owned()) && files.contains(&"data.jsonl".to_owned()));
    sandbox.write("data.parquet", parquet(&texts(60)));
    sandbox.semdedup("run data.parquet --id-column id --out p --output ids --ids-format parquet").succeeded();
    let kind = sandbox.parquet_metadata("p/ids.parquet").schema().field(0).data_type().clone();
    assert_eq!(kind, arrow_schema::DataType::Int64);
}

#[test]
fn datacomp_gets_sorted_pairs_of_the_uids_that_stay() {
    let sandbox = with_uids(300);
    let run = "run data.jsonl --id-column uid --out out --output files,ids --ids-format datacomp";
    let summary = sandbox.summary(run);
    let kept = sandbox.text("out/kept/data.jsonl");
    let mut expected: Vec<(u64, u64)> = kept
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let uid = line["uid"].as_str().unwrap();
            (u64::from_str_radix(&uid[..16], 16).unwrap(), u64::from_str_radix(&uid[16..], 16).unwrap())
        })
        .collect();
    expected.sort_unstable();
    let bytes = sandbox.read("out/ids.npy");
    let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
    let shape = format!(
        "'descr': [('f0', '<u8'), ('f1', '<u8')], 'fortran_order': False, 'shape': ({},)",
        expected.len()
    );
    assert!(header.contains(&shape), "{header}");
    let half = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let pairs: Vec<(u64, u64)> =
        bytes[128..].chunks_exact(16).map(|pair| (half(&pair[..8]), half(&pair[8..]))).collect();
    assert_eq!(pairs, expected);
    assert_eq!(number(&summary, "rows_kept"), expected.len() as u64);
}

#[test]
fn an_id_that_a_list_cannot_hold_is_an_error_with_its_row_before_the_long_work() {
    let rows = |ids: &[&str]| -> String {
        let texts = ["a river in the north", "bread and cheese"];
        let row = |(id, text)| format!("{}\n", json!({"uid": id, "text": text}));
        ids.iter().zip(texts).map(row).collect()
    };
    let good = uid(1);
    for (id, format, words) in [
        ("0123", "datacomp", ["data.jsonl:1", "\"0123\"", "32 hexadecimal digits"]),
        (
            "g123456789abcdef0123456789abcdef",
            "txt,datacomp",
            ["data.jsonl:1", "g123", "32 hexadecimal digits"],
        ),
        ("one\ntwo", "txt", ["data.jsonl:1", "one", "line break"]),
        ("", "txt", ["data.jsonl:1", "\"\"", "is empty"]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("data.jsonl", rows(&[&good, id]));
        let run = format!("run data.jsonl --id-column uid --out out --output ids --ids-format {format}");
        let said = sandbox.semdedup(&run).failed_with(&words);
        assert!(said.stderr.contains("--ids-format"), "{}", said.stderr);
        sandbox.has_no_result("out");
        assert!(!sandbox.path("out/work/train/centroids.npy").exists(), "{id}: found too late");
        sandbox
            .semdedup("run data.jsonl --id-column uid --out p --output ids --ids-format parquet")
            .succeeded();
        assert_eq!(sandbox.column("p/ids.parquet", "id").len(), 2);
    }
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", rows(&[&good, &good.to_uppercase()]));
    sandbox
        .semdedup(
            "run data.jsonl --id-column uid --epsilon 0.00001 --out out --output ids --ids-format datacomp",
        )
        .failed_with(&["data.jsonl:0", "data.jsonl:1", &good]);
    sandbox.has_no_result("out");
}

#[test]
fn a_row_without_an_id_is_an_error_that_names_it() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", "{\"id\":\"a\",\"text\":\"one\"}\n{\"text\":\"two\"}\n");
    sandbox
        .semdedup("run data.jsonl --id-column id --out out --output ids")
        .failed_with(&["data.jsonl:1", "has no id"]);
}

#[test]
fn a_selection_writes_the_lists_of_a_run_and_leaves_none_of_an_earlier_one() {
    let sandbox = with_uids(200);
    let run = "run data.jsonl --id-column uid --output ids --ids-format txt,parquet,datacomp --epsilon 0.05 --out out";
    sandbox.semdedup(run).succeeded();
    let select = "select out/scores.parquet --epsilon 0.05 --out selected";
    let report = sandbox.summary(&format!("{select} --ids-format datacomp,txt,parquet"));
    for list in ["ids.txt", "ids.parquet", "ids.npy"] {
        assert!(sandbox.read(&format!("selected/{list}")) == sandbox.read(&format!("out/{list}")), "{list}");
    }
    assert_eq!(report["lists"].as_array().unwrap().len(), 3, "{report}");
    sandbox.semdedup(&format!("{select} --ids-format txt")).failed_with(&["selected", "exists already"]);
    sandbox.semdedup(&format!("{select} --overwrite")).succeeded();
    let names: Vec<String> = sandbox.files("selected").into_keys().collect();
    assert_eq!(names, ["kept.parquet", "removed.parquet", "summary.json"]);
    // A list that no selection wrote belongs to the user.
    sandbox.write("selected/ids.txt", "mine");
    sandbox.semdedup(&format!("{select} --overwrite")).succeeded();
    assert_eq!(sandbox.text("selected/ids.txt"), "mine");
    sandbox.semdedup(&format!("{select} --ids-format txt")).failed_with(&["selected", "exists already"]);
    sandbox
        .semdedup(&format!("{select} --ids-format txt --overwrite"))
        .failed_with(&["ids.txt", "earlier selection"]);
    assert_eq!(sandbox.text("selected/ids.txt"), "mine");
}

#[test]
fn a_selection_that_was_killed_is_done_again_and_leaves_none_of_its_lists() {
    let sandbox = with_uids(200);
    sandbox.semdedup("run data.jsonl --id-column uid --epsilon 0.05 --out out").succeeded();
    let select = "select out/scores.parquet --out selected";
    sandbox.semdedup(&format!("{select} --epsilon 0.5 --ids-format parquet")).succeeded();
    // The state after a kill just before the summary is written.
    std::fs::remove_file(sandbox.path("selected/summary.json")).unwrap();
    sandbox.write(
        "selected/.semdedup-writing/files.json",
        r#"["ids.parquet", "kept.parquet", "removed.parquet", "summary.json"]"#,
    );
    let lock = std::fs::File::create(sandbox.path("selected/.semdedup-writing/lock")).unwrap();
    lock.lock().unwrap();
    let before = sandbox.files("selected");
    sandbox.semdedup(&format!("{select} --epsilon 0.01")).failed_with(&["selected", "another semdedup"]);
    assert_eq!(sandbox.files("selected"), before);
    drop(lock);
    sandbox.semdedup(&format!("{select} --epsilon 0.01")).succeeded();
    let names: Vec<String> = sandbox.files("selected").into_keys().collect();
    assert_eq!(names, ["kept.parquet", "removed.parquet", "summary.json"]);
}
