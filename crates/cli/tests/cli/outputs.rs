//! Outputs of a run besides the kept files: lists of ids, and all rows with added columns.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::support::{Sandbox, csv, gunzip, gzip, jsonl, number, parquet, texts, zstd};

/// Returns everything that a run wrote except the summary, which has times in it.
pub fn results(sandbox: &Sandbox, out: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = sandbox.files(out);
    files.retain(|name, _| !name.starts_with("work/") && name != "summary.json");
    files
}

pub fn uid(row: usize) -> String {
    // Not ascending, and sometimes with halves above i64::MAX.
    let mixed = |x: u64| x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xff51_afd7_ed55_8ccd;
    format!("{:016x}{:016x}", mixed(row as u64 + 1), mixed(row as u64 + 1000))
}

pub fn with_uids(rows: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = texts(rows).into_iter().enumerate();
    let lines: String =
        lines.map(|(row, text)| format!("{}\n", json!({"uid": uid(row), "text": text}))).collect();
    sandbox.write("data.jsonl", lines);
    sandbox
}

#[test]
fn files_are_the_default_output() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --out a").succeeded();
    let names: Vec<String> = results(&sandbox, "a").into_keys().collect();
    assert_eq!(names, ["kept/data.jsonl", "removed.parquet", "representatives.parquet", "scores.parquet"]);
    let before = sandbox.files("a");
    sandbox.semdedup("run data.jsonl --out a --output files").succeeded();
    assert_eq!(sandbox.files("a"), before, "the result is the same");
}

#[test]
fn a_dry_run_says_what_would_be_written() {
    let sandbox = Sandbox::with_rows(100);
    let plan = |options: &str| sandbox.summary(&format!("run data.jsonl --out out --dry-run {options}"));
    assert_eq!(plan("")["written"], json!(["kept/"]));
    let more = plan("--output annotate,ids,files --ids-format parquet,txt");
    assert_eq!(more["written"], json!(["kept/", "annotated/", "ids.txt", "ids.parquet"]));
    assert!(number(&more, "disk_bytes") > number(&plan(""), "disk_bytes"));
    assert!(number(&plan("--output ids"), "disk_bytes") < number(&plan(""), "disk_bytes"));
    let said = sandbox.semdedup("run data.jsonl --out out --dry-run --output ids").succeeded();
    assert!(said.stdout.contains("out (ids.txt)"), "{}", said.stdout);
    assert!(!sandbox.path("out").exists());
}

#[test]
fn options_that_do_nothing_or_cannot_work_are_refused_before_any_work() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("plain.txt", "one\ntwo\n");
    sandbox.write("scored.csv", "text,score\na,1\nb,2\n");
    let before = sandbox.files("");
    for (typed, words) in [
        ("data.jsonl --output ids --ids-format datacomp", vec!["datacomp", "ids"]),
        ("data.jsonl --ids-format txt", vec!["--ids-format"]),
        ("data.jsonl --annotate-prefix x_", vec!["--annotate-prefix"]),
        ("data.jsonl --output file", vec!["file"]),
        ("data.jsonl plain.txt --output annotate", vec!["plain.txt", "columns"]),
        ("scored.csv --output files,annotate", vec!["scored.csv", "`score`"]),
    ] {
        for run in ["", " --dry-run"] {
            sandbox.semdedup(&format!("run {typed} --out out{run}")).failed_with(&words);
            assert_eq!(sandbox.files(""), before, "{typed}{run}");
        }
    }
    let prefixed = "run scored.csv --text-column text --output annotate --annotate-prefix dedup_ --out out";
    sandbox.semdedup(prefixed).succeeded();
    assert!(
        sandbox
            .text("out/annotated/scored.csv")
            .starts_with("text,score,dedup_score,dedup_duplicate_of,dedup_")
    );
}

/// Returns the id of a row and the values of the added columns, as JSON.
fn found(line: &Value) -> (String, [Value; 6]) {
    let value = |name: &str| line[name].clone();
    let names = ["score", "duplicate_of", "cluster", "kept", "kept_as", "duplicates"];
    (line["id"].as_str().unwrap().to_owned(), names.map(value))
}

#[test]
fn annotated_files_have_all_rows_and_the_values_of_scores_and_removed() {
    let sandbox = Sandbox::with_rows(300);
    let summary = sandbox.summary("run data.jsonl --id-column id --out out --output annotate");
    assert!(!sandbox.path("out/kept").exists());
    let text = sandbox.text("out/annotated/data.jsonl");
    assert_eq!(text.lines().count(), 300);
    let [ids, scores, of, clusters] =
        ["id", "score", "duplicate_of", "cluster"].map(|name| sandbox.column("out/scores.parquet", name));
    let removed = sandbox.column("out/removed.parquet", "id");
    let kept_as = sandbox.column("out/removed.parquet", "kept_as");
    let mut kept_rows = 0;
    for (row, (line, before)) in text.lines().zip(sandbox.text("data.jsonl").lines()).enumerate() {
        assert!(line.starts_with(&before[..before.len() - 1]), "row {row}: {line}");
        let (id, [score, duplicate_of, cluster, kept, stands, duplicates]) =
            found(&serde_json::from_str(line).unwrap());
        assert_eq!(id, ids[row]);
        assert_eq!(score.to_string().parse::<f32>().unwrap(), scores[row].parse::<f32>().unwrap());
        assert_eq!(duplicate_of.as_str().unwrap_or_default(), of[row]);
        assert_eq!(cluster.to_string(), clusters[row]);
        assert_eq!(kept, json!(!removed.contains(&id)));
        let place = removed.iter().position(|other| *other == id);
        assert_eq!(stands.as_str().unwrap_or_default(), place.map_or("", |place| &kept_as[place]));
        let count = kept_as.iter().filter(|other| **other == id).count();
        assert_eq!(duplicates, if place.is_none() { json!(count) } else { Value::Null });
        kept_rows += u64::from(kept == json!(true));
    }
    assert_eq!(kept_rows, number(&summary, "rows_kept"));
    assert!(number(&summary["files"][0], "bytes_annotated") == text.len() as u64);
}

#[test]
fn every_format_with_columns_is_annotated_alike_and_skipped_rows_get_nulls() {
    let sandbox = Sandbox::new();
    let rows = texts(60);
    let lines = jsonl(&rows);
    sandbox.write("in/a.jsonl.gz", gzip(format!("{lines}{{oops\n{{\"id\": \"bad\", \"text\": 7}}\n")));
    sandbox.write("in/b/c.jsonl.zst", zstd(&lines));
    sandbox.write("in/d.csv", format!("{}r60\n", csv(&rows)));
    sandbox.write("in/e.parquet", parquet(&rows));
    let said = sandbox.semdedup("run in --out out --output files,ids,annotate --json").skipped_rows();
    let summary = said.json();
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (243, 3));
    let names: Vec<String> = results(&sandbox, "out").into_keys().collect();
    let mut expected =
        ["ids.txt", "removed.parquet", "representatives.parquet", "scores.parquet", "skipped.parquet"]
            .map(str::to_owned)
            .to_vec();
    for file in ["a.jsonl.gz", "b/c.jsonl.zst", "d.csv", "e.parquet"] {
        expected.extend([format!("annotated/{file}"), format!("kept/{file}")]);
    }
    expected.sort_unstable();
    assert_eq!(names, expected);
    let annotated = sandbox.files("out/annotated");
    let unpacked = gunzip(&annotated["a.jsonl.gz"]);
    assert!(unpacked.ends_with(
        "{oops\n{\"id\": \"bad\", \"text\": 7,\"score\":null,\"duplicate_of\":null,\"cluster\":null,\"kept\":null,\"kept_as\":null,\"duplicates\":null}\n"
    ));
    assert!(sandbox.text("out/annotated/d.csv").ends_with("\nr60,,,,,,\n"));
    let zst = String::from_utf8(zstd::decode_all(&annotated["b/c.jsonl.zst"][..]).unwrap()).unwrap();
    let parquet = sandbox.column("out/annotated/e.parquet", "kept");
    let kept = HashMap::from([
        ("a.jsonl.gz", unpacked.matches("\"kept\":true,").count()),
        ("b/c.jsonl.zst", zst.matches("\"kept\":true,").count()),
        ("d.csv", sandbox.text("out/annotated/d.csv").matches(",true,,").count()),
        ("e.parquet", parquet.iter().filter(|kept| *kept == "true").count()),
    ]);
    for file in summary["files"].as_array().unwrap() {
        assert_eq!(kept[file["kept"].as_str().unwrap()] as u64, number(file, "rows_kept"), "{file}");
    }
}

#[test]
fn another_output_is_another_result_and_replaces_files_only_with_overwrite() {
    let sandbox = Sandbox::with_rows(100);
    let run = "run data.jsonl --out out --work work";
    sandbox.semdedup(&format!("{run} --output files,ids,annotate --ids-format txt,parquet")).succeeded();
    let before = sandbox.files("out");
    sandbox.semdedup(run).failed_with(&["out", "another result"]);
    assert_eq!(sandbox.files("out"), before);
    sandbox.semdedup(&format!("{run} --overwrite")).succeeded();
    let names: Vec<String> = results(&sandbox, "out").into_keys().collect();
    assert_eq!(
        names,
        ["kept/data.jsonl", "removed.parquet", "representatives.parquet", "scores.parquet"],
        "the old result is removed"
    );
    sandbox.write("out/ids.txt", "mine");
    sandbox.semdedup(&format!("{run} --output ids --overwrite")).failed_with(&["out/ids.txt"]);
    assert_eq!(sandbox.text("out/ids.txt"), "mine");
    std::fs::remove_file(sandbox.path("out/ids.txt")).unwrap();
    sandbox.semdedup(&format!("{run} --output ids --overwrite")).succeeded();
    assert!(!sandbox.path("out/kept").exists());
    sandbox.write("out/ids.txt", "edited");
    sandbox.semdedup(&format!("{run} --output ids")).failed_with(&["out/ids.txt", "another size"]);
    sandbox.semdedup("run data.jsonl --work out/annotated --out out --overwrite").failed_with(&["annotated"]);
}

#[test]
fn any_number_of_threads_gives_the_same_ids_and_annotations() {
    let sandbox = with_uids(700);
    for threads in [1, 2, 5] {
        sandbox
            .semdedup(&format!(
                "run data.jsonl --id-column uid --output ids,annotate --ids-format txt,parquet,datacomp \
                 --out out{threads} --threads {threads}"
            ))
            .succeeded();
    }
    assert_eq!(results(&sandbox, "out1").len(), 7);
    assert!(results(&sandbox, "out1") == results(&sandbox, "out2"));
    assert!(results(&sandbox, "out1") == results(&sandbox, "out5"));
}
