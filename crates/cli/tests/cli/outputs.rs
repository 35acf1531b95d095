//! What else a run writes than files: lists of ids, and all rows with columns added.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::support::{Place, csv, gzip, jsonl, number, parquet, texts, zstd};

/// All that a run wrote but the summary, which holds times.
fn results(place: &Place, out: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = place.files(out);
    files.retain(|name, _| !name.starts_with("work/") && name != "summary.json");
    files
}

fn uid(row: usize) -> String {
    // Far from ascending, and with both halves above i64::MAX now and then.
    let mixed = |x: u64| x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xff51_afd7_ed55_8ccd;
    format!("{:016x}{:016x}", mixed(row as u64 + 1), mixed(row as u64 + 1000))
}

fn with_uids(rows: usize) -> Place {
    let place = Place::new();
    let lines = texts(rows).into_iter().enumerate();
    let lines: String =
        lines.map(|(row, text)| format!("{}\n", json!({"uid": uid(row), "text": text}))).collect();
    place.write("data.jsonl", lines);
    place
}

#[test]
fn without_output_the_result_is_what_it_was_and_naming_files_is_the_same() {
    let place = Place::with_rows(300);
    place.semdedup("run data.jsonl --out a").succeeded();
    let names: Vec<String> = results(&place, "a").into_keys().collect();
    assert_eq!(names, ["kept/data.jsonl", "removed.parquet", "scores.parquet"]);
    let before = place.files("a");
    place.semdedup("run data.jsonl --out a --output files").succeeded();
    assert_eq!(place.files("a"), before, "it is the same result");
}

#[test]
fn a_dry_run_says_what_would_be_written() {
    let place = Place::with_rows(100);
    let plan = |options: &str| place.summary(&format!("run data.jsonl --out out --dry-run {options}"));
    assert_eq!(plan("")["written"], json!(["kept/"]));
    let more = plan("--output annotate,ids,files --ids-format parquet,txt");
    assert_eq!(more["written"], json!(["kept/", "annotated/", "ids.txt", "ids.parquet"]));
    assert!(number(&more, "disk_bytes") > number(&plan(""), "disk_bytes"));
    assert!(number(&plan("--output ids"), "disk_bytes") < number(&plan(""), "disk_bytes"));
    let said = place.semdedup("run data.jsonl --out out --dry-run --output ids").succeeded();
    assert!(said.stdout.contains("out (ids.txt)"), "{}", said.stdout);
    assert!(!place.path("out").exists());
}

#[test]
fn ids_of_a_column_are_the_rows_that_the_files_keep() {
    let place = Place::with_rows(300);
    place.semdedup("run data.jsonl --id-column id --out files --work work").succeeded();
    let kept = place.text("files/kept/data.jsonl");
    let kept: Vec<String> = kept
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let summary = place
        .summary("run data.jsonl --id-column id --out ids --work work --output ids --ids-format txt,parquet");
    assert_eq!(place.text("ids/ids.txt"), kept.join("\n") + "\n");
    assert_eq!(place.column("ids/ids.parquet", "id"), kept);
    let names: Vec<String> = results(&place, "ids").into_keys().collect();
    assert_eq!(names, ["ids.parquet", "ids.txt", "removed.parquet", "scores.parquet"]);
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
    let place = Place::with_rows(60);
    place.write("more.csv", csv(&texts(61)));
    place.semdedup("run data.jsonl more.csv --out out --output ids --ids-format txt,parquet").succeeded();
    let lines = place.text("out/ids.txt");
    let (files, rows) = (place.column("out/ids.parquet", "file"), place.column("out/ids.parquet", "row"));
    let named: Vec<String> = files.iter().zip(&rows).map(|(file, row)| format!("{file}:{row}")).collect();
    assert_eq!(lines.lines().collect::<Vec<_>>(), named);
    assert!(files.contains(&"more.csv".to_owned()) && files.contains(&"data.jsonl".to_owned()));
    place.write("data.parquet", parquet(&texts(60)));
    place.semdedup("run data.parquet --id-column id --out p --output ids --ids-format parquet").succeeded();
    let kind = place.parquet_metadata("p/ids.parquet").schema().field(0).data_type().clone();
    assert_eq!(kind, arrow::datatypes::DataType::Int64);
}

#[test]
fn datacomp_gets_sorted_pairs_of_the_uids_that_stay() {
    let place = with_uids(300);
    let run = "run data.jsonl --id-column uid --out out --output files,ids --ids-format datacomp";
    let summary = place.summary(run);
    let kept = place.text("out/kept/data.jsonl");
    let mut expected: Vec<(u64, u64)> = kept
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let uid = line["uid"].as_str().unwrap();
            (u64::from_str_radix(&uid[..16], 16).unwrap(), u64::from_str_radix(&uid[16..], 16).unwrap())
        })
        .collect();
    expected.sort_unstable();
    let bytes = place.read("out/ids.npy");
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
fn an_id_that_a_list_cannot_hold_is_an_error_with_its_row_before_anything_takes_long() {
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
        let place = Place::new();
        place.write("data.jsonl", rows(&[&good, id]));
        let run = format!("run data.jsonl --id-column uid --out out --output ids --ids-format {format}");
        let said = place.semdedup(&run).failed_with(&words);
        assert!(said.stderr.contains("--ids-format"), "{}", said.stderr);
        place.has_no_result("out");
        assert!(!place.path("out/work/train/centroids.npy").exists(), "{id}: found too late");
        place
            .semdedup("run data.jsonl --id-column uid --out p --output ids --ids-format parquet")
            .succeeded();
        assert_eq!(place.column("p/ids.parquet", "id").len(), 2);
    }
    let place = Place::new();
    place.write("data.jsonl", rows(&[&good, &good.to_uppercase()]));
    place
        .semdedup(
            "run data.jsonl --id-column uid --epsilon 0.00001 --out out --output ids --ids-format datacomp",
        )
        .failed_with(&["data.jsonl:0", "data.jsonl:1", &good]);
    place.has_no_result("out");
}

#[test]
fn options_that_do_nothing_or_cannot_work_are_refused_before_any_work() {
    let place = Place::with_rows(40);
    place.write("plain.txt", "one\ntwo\n");
    place.write("scored.csv", "text,score\na,1\nb,2\n");
    let before = place.files("");
    for (typed, words) in [
        ("data.jsonl --output ids --ids-format datacomp", vec!["datacomp", "ids"]),
        ("data.jsonl --ids-format txt", vec!["--ids-format"]),
        ("data.jsonl --annotate-prefix x_", vec!["--annotate-prefix"]),
        ("data.jsonl --output file", vec!["file"]),
        ("data.jsonl plain.txt --output annotate", vec!["plain.txt", "columns"]),
        ("scored.csv --output files,annotate", vec!["scored.csv", "`score`"]),
    ] {
        for run in ["", " --dry-run"] {
            place.semdedup(&format!("run {typed} --out out{run}")).failed_with(&words);
            assert_eq!(place.files(""), before, "{typed}{run}");
        }
    }
    let prefixed = "run scored.csv --text-column text --output annotate --annotate-prefix dedup_ --out out";
    place.semdedup(prefixed).succeeded();
    assert!(
        place
            .text("out/annotated/scored.csv")
            .starts_with("text,score,dedup_score,dedup_duplicate_of,dedup_")
    );
}

/// Of each row its id and the added values, as JSON.
fn found(line: &Value) -> (String, [Value; 4]) {
    let value = |name: &str| line[name].clone();
    (line["id"].as_str().unwrap().to_owned(), ["score", "duplicate_of", "cluster", "kept"].map(value))
}

#[test]
fn annotated_rows_are_all_rows_with_what_scores_and_removed_say() {
    let place = Place::with_rows(300);
    let summary = place.summary("run data.jsonl --id-column id --out out --output annotate");
    assert!(!place.path("out/kept").exists());
    let text = place.text("out/annotated/data.jsonl");
    assert_eq!(text.lines().count(), 300);
    let [ids, scores, of, clusters] =
        ["id", "score", "duplicate_of", "cluster"].map(|name| place.column("out/scores.parquet", name));
    let removed = place.column("out/removed.parquet", "id");
    let mut kept_rows = 0;
    for (row, (line, before)) in text.lines().zip(place.text("data.jsonl").lines()).enumerate() {
        assert!(line.starts_with(&before[..before.len() - 1]), "row {row}: {line}");
        let (id, [score, duplicate_of, cluster, kept]) = found(&serde_json::from_str(line).unwrap());
        assert_eq!(id, ids[row]);
        assert_eq!(score.to_string().parse::<f32>().unwrap(), scores[row].parse::<f32>().unwrap());
        assert_eq!(duplicate_of.as_str().unwrap_or_default(), of[row]);
        assert_eq!(cluster.to_string(), clusters[row]);
        assert_eq!(kept, json!(!removed.contains(&id)));
        kept_rows += u64::from(kept == json!(true));
    }
    assert_eq!(kept_rows, number(&summary, "rows_kept"));
    assert!(number(&summary["files"][0], "bytes_annotated") == text.len() as u64);
}

#[test]
fn every_format_with_columns_says_the_same_and_bad_rows_stay_with_nothing_said() {
    let place = Place::new();
    let rows = texts(60);
    let lines = jsonl(&rows);
    place.write("in/a.jsonl.gz", gzip(format!("{lines}{{oops\n{{\"id\": \"bad\", \"text\": 7}}\n")));
    place.write("in/b/c.jsonl.zst", zstd(&lines));
    place.write("in/d.csv", format!("{}r60\n", csv(&rows)));
    place.write("in/e.parquet", parquet(&rows));
    let said = place.semdedup("run in --out out --output files,ids,annotate --json").skipped_rows();
    let summary = said.json();
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (243, 3));
    let names: Vec<String> = results(&place, "out").into_keys().collect();
    assert_eq!(
        names,
        [
            "annotated/a.jsonl.gz",
            "annotated/b/c.jsonl.zst",
            "annotated/d.csv",
            "annotated/e.parquet",
            "ids.txt",
            "kept/a.jsonl.gz",
            "kept/b/c.jsonl.zst",
            "kept/d.csv",
            "kept/e.parquet",
            "removed.parquet",
            "scores.parquet",
            "skipped.parquet",
        ]
    );
    let annotated = place.files("out/annotated");
    let mut unpacked = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&annotated["a.jsonl.gz"][..]),
        &mut unpacked,
    )
    .unwrap();
    assert!(unpacked.ends_with(
        "{oops\n{\"id\": \"bad\", \"text\": 7,\"score\":null,\"duplicate_of\":null,\"cluster\":null,\"kept\":null}\n"
    ));
    assert!(place.text("out/annotated/d.csv").ends_with("\nr60,,,,\n"));
    let mut kept: HashMap<String, usize> = HashMap::new();
    *kept.entry("a.jsonl.gz".into()).or_default() += unpacked.matches("\"kept\":true}").count();
    let zst = String::from_utf8(zstd::decode_all(&annotated["b/c.jsonl.zst"][..]).unwrap()).unwrap();
    *kept.entry("b/c.jsonl.zst".into()).or_default() += zst.matches("\"kept\":true}").count();
    *kept.entry("d.csv".into()).or_default() += place.text("out/annotated/d.csv").matches(",true\n").count();
    let parquet = place.column("out/annotated/e.parquet", "kept");
    *kept.entry("e.parquet".into()).or_default() += parquet.iter().filter(|kept| *kept == "true").count();
    for file in summary["files"].as_array().unwrap() {
        assert_eq!(kept[file["kept"].as_str().unwrap()] as u64, number(file, "rows_kept"), "{file}");
    }
}

#[test]
fn another_output_is_another_result_and_replaces_files_only_with_overwrite() {
    let place = Place::with_rows(100);
    let run = "run data.jsonl --out out --work work";
    place.semdedup(&format!("{run} --output files,ids,annotate --ids-format txt,parquet")).succeeded();
    let before = place.files("out");
    place.semdedup(run).failed_with(&["out", "another result"]);
    assert_eq!(place.files("out"), before);
    place.semdedup(&format!("{run} --overwrite")).succeeded();
    let names: Vec<String> = results(&place, "out").into_keys().collect();
    assert_eq!(
        names,
        ["kept/data.jsonl", "removed.parquet", "scores.parquet"],
        "nothing of the old result is left"
    );
    place.write("out/ids.txt", "mine");
    place.semdedup(&format!("{run} --output ids --overwrite")).failed_with(&["out/ids.txt"]);
    assert_eq!(place.text("out/ids.txt"), "mine");
    std::fs::remove_file(place.path("out/ids.txt")).unwrap();
    place.semdedup(&format!("{run} --output ids --overwrite")).succeeded();
    assert!(!place.path("out/kept").exists());
    place.write("out/ids.txt", "edited");
    place.semdedup(&format!("{run} --output ids")).failed_with(&["out/ids.txt", "another size"]);
    place.semdedup("run data.jsonl --work out/annotated --out out --overwrite").failed_with(&["annotated"]);
}

#[test]
fn any_number_of_threads_gives_the_same_ids_and_annotations() {
    let place = with_uids(700);
    for threads in [1, 2, 5] {
        place
            .semdedup(&format!(
                "run data.jsonl --id-column uid --output ids,annotate --ids-format txt,parquet,datacomp \
                 --out out{threads} --threads {threads}"
            ))
            .succeeded();
    }
    assert_eq!(results(&place, "out1").len(), 6);
    assert!(results(&place, "out1") == results(&place, "out2"));
    assert!(results(&place, "out1") == results(&place, "out5"));
}

#[test]
fn a_selection_writes_the_lists_of_a_run_and_leaves_none_of_an_earlier_one() {
    let place = with_uids(200);
    let run = "run data.jsonl --id-column uid --output ids --ids-format txt,parquet,datacomp --epsilon 0.05 --out out";
    place.semdedup(run).succeeded();
    let select = "select out/scores.parquet --epsilon 0.05 --out selected";
    let report = place.summary(&format!("{select} --ids-format datacomp,txt,parquet"));
    for list in ["ids.txt", "ids.parquet", "ids.npy"] {
        assert!(place.read(&format!("selected/{list}")) == place.read(&format!("out/{list}")), "{list}");
    }
    assert_eq!(report["lists"].as_array().unwrap().len(), 3, "{report}");
    place.semdedup(&format!("{select} --ids-format txt")).failed_with(&["selected", "exists already"]);
    place.semdedup(&format!("{select} --overwrite")).succeeded();
    let names: Vec<String> = place.files("selected").into_keys().collect();
    assert_eq!(names, ["kept.parquet", "removed.parquet", "summary.json"]);
    // A list that no selection wrote is somebody's own.
    place.write("selected/ids.txt", "mine");
    place.semdedup(&format!("{select} --overwrite")).succeeded();
    assert_eq!(place.text("selected/ids.txt"), "mine");
    place.semdedup(&format!("{select} --ids-format txt")).failed_with(&["selected", "exists already"]);
    place
        .semdedup(&format!("{select} --ids-format txt --overwrite"))
        .failed_with(&["ids.txt", "earlier selection"]);
    assert_eq!(place.text("selected/ids.txt"), "mine");
}

#[test]
fn a_selection_that_was_killed_is_done_again_and_leaves_none_of_its_lists() {
    let place = with_uids(200);
    place.semdedup("run data.jsonl --id-column uid --epsilon 0.05 --out out").succeeded();
    let select = "select out/scores.parquet --out selected";
    place.semdedup(&format!("{select} --epsilon 0.5 --ids-format parquet")).succeeded();
    // As a kill before the summary leaves it.
    std::fs::remove_file(place.path("selected/summary.json")).unwrap();
    place.write(
        "selected/.semdedup-select.json",
        r#"["ids.parquet", "kept.parquet", "removed.parquet", "summary.json"]"#,
    );
    place.semdedup(&format!("{select} --epsilon 0.01")).failed_with(&["exists already"]);
    place.semdedup(&format!("{select} --epsilon 0.01 --overwrite")).succeeded();
    let names: Vec<String> = place.files("selected").into_keys().collect();
    assert_eq!(names, ["kept.parquet", "removed.parquet", "summary.json"]);
}

#[test]
fn a_row_without_an_id_is_told_as_such() {
    let place = Place::new();
    place.write("data.jsonl", "{\"id\":\"a\",\"text\":\"one\"}\n{\"text\":\"two\"}\n");
    place
        .semdedup("run data.jsonl --id-column id --out out --output ids")
        .failed_with(&["data.jsonl:1", "has no id"]);
}
