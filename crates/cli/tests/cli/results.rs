//! The result of a run: every row is accounted for, kept rows are unchanged, targets are met, and
//! the bytes are the same every time.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::{Compression, Type};

use super::support::{Sandbox, csv, gunzip, gzip, jsonl, number, parquet, texts, zstd};

#[test]
fn kept_and_removed_and_skipped_rows_are_all_the_rows() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.write("more.csv.gz", gzip(csv(&texts(40))));
    sandbox.write("bad.jsonl", "{\"text\": \"a good one\"}\nnot json\n");
    let said = sandbox.semdedup("run data.jsonl more.csv.gz bad.jsonl --out out --json").skipped_rows();
    let summary = said.json();
    let [rows_in, kept, removed, skipped] =
        ["rows_in", "rows_kept", "rows_removed", "rows_skipped"].map(|field| number(&summary, field));
    assert_eq!((rows_in, skipped), (342, 1));
    assert_eq!(kept + removed + skipped, rows_in);
    assert!(removed >= 68, "at least the exact copies are removed: {removed}");
    assert_eq!(sandbox.column("out/removed.parquet", "id").len() as u64, removed);
    let per_file: u64 =
        summary["files"].as_array().unwrap().iter().map(|file| number(file, "rows_kept")).sum();
    assert_eq!(per_file, kept);
}

#[test]
fn exact_copies_are_removed_and_different_rows_stay() {
    let sandbox = Sandbox::with_rows(300);
    sandbox.semdedup("run data.jsonl --id-column id --out out --epsilon 0.001").succeeded();
    let removed: HashSet<String> = sandbox.column("out/removed.parquet", "id").into_iter().collect();
    for row in (0..300).step_by(5) {
        let gone = |row: usize| removed.contains(&format!("r{row}"));
        assert!(!gone(row) && !gone(row + 1), "row {row} has no copy");
        assert_eq!(
            u8::from(gone(row + 2)) + u8::from(gone(row + 3)),
            1,
            "one of two copies at row {}",
            row + 2
        );
    }
}

#[test]
fn kept_lines_are_the_lines_of_the_input_in_their_order() {
    let sandbox = Sandbox::new();
    // Spacing, key order and escapes of the input must stay.
    let odd = "{\"text\":\"caf\\u00e9 in the old harbor\",  \"n\": 1.50}\n";
    let input = odd.to_owned() + &jsonl(&texts(200));
    sandbox.write("data.jsonl", &input);
    let summary = sandbox.summary("run data.jsonl --out out");
    let kept = sandbox.text("out/kept/data.jsonl");
    assert!(kept.starts_with(odd), "{kept:.100}");
    assert_eq!(kept.lines().count() as u64, number(&summary, "rows_kept"));
    let mut rest = input.lines();
    assert!(kept.lines().all(|line| rest.any(|other| other == line)), "not a subsequence of the input");
}

#[test]
fn every_format_is_kept_under_the_same_name() {
    let sandbox = Sandbox::new();
    let rows = texts(60);
    sandbox.write("in/a.jsonl.gz", gzip(jsonl(&rows)));
    sandbox.write("in/b/c.jsonl.zst", zstd(jsonl(&rows)));
    sandbox.write("in/d.csv", csv(&rows));
    sandbox.write("in/e.parquet", parquet(&rows));
    sandbox.write("in/f.txt", rows.join("\n") + "\n");
    let summary = sandbox.summary("run in in/f.txt --out out");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (300, 0));
    assert!(number(&summary, "rows_kept") <= 60 - 12, "each text occurs at least five times");

    let kept = sandbox.files("out/kept");
    let names: Vec<&str> = kept.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.jsonl.gz", "b/c.jsonl.zst", "d.csv", "e.parquet", "f.txt"]);
    let mut unpacked = gunzip(&kept["a.jsonl.gz"]);
    unpacked += &String::from_utf8(zstd::decode_all(&kept["b/c.jsonl.zst"][..]).unwrap()).unwrap();
    assert!(unpacked.lines().all(|line| jsonl(&rows).contains(line)));
    assert!(sandbox.text("out/kept/d.csv").starts_with("id,text\n"));
    assert_eq!(sandbox.text("out/kept/f.txt"), "", "all of its lines are in earlier files");
}

#[test]
fn a_parquet_file_keeps_its_schema_and_its_compression() {
    let sandbox = Sandbox::new();
    sandbox.write("data.parquet", parquet(&texts(100)));
    let summary = sandbox.summary("run data.parquet --id-column id --out out");
    let (before, after) =
        (sandbox.parquet_metadata("data.parquet"), sandbox.parquet_metadata("out/kept/data.parquet"));
    assert_eq!(before.schema(), after.schema());
    let compression =
        |metadata: &ArrowReaderMetadata| metadata.metadata().row_group(0).column(1).compression();
    assert!(matches!(compression(&before), Compression::ZSTD(_)));
    assert_eq!(compression(&before), compression(&after));
    assert_eq!(sandbox.column("out/kept/data.parquet", "id").len() as u64, number(&summary, "rows_kept"));
    let removed = sandbox.parquet_metadata("out/removed.parquet");
    assert_eq!(
        removed.schema().field_with_name("id").unwrap().data_type(),
        &DataType::Int64,
        "ids keep their type"
    );
}

#[test]
fn the_input_is_never_changed() {
    let sandbox = Sandbox::with_rows(100);
    let before = sandbox.read("data.jsonl");
    sandbox.semdedup("run data.jsonl --out out").succeeded();
    assert_eq!(sandbox.read("data.jsonl"), before);
}

#[test]
fn json_prints_one_object_that_equals_summary_json() {
    let sandbox = Sandbox::with_rows(100);
    let summary = sandbox.summary("run data.jsonl --out out --epsilon 0.05 --seed 3");
    assert_eq!(summary["epsilon"], 0.05);
    assert_eq!(summary["seed"], 3);
    let stored: serde_json::Value = serde_json::from_slice(&sandbox.read("out/summary.json")).unwrap();
    assert_eq!(stored, summary);
}

#[test]
fn the_table_says_what_happened_and_what_to_try_next() {
    let sandbox = Sandbox::with_rows(300);
    let said = sandbox.semdedup("run data.jsonl --out out").succeeded();
    for word in [
        "rows in",
        "kept",
        "removed",
        "exact copies",
        "epsilon",
        "clusters",
        "recall",
        "95 % interval",
        "time",
    ] {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    assert!(said.stdout.contains("semdedup sweep out ") && said.stdout.contains("semdedup show out "));
    assert!(said.stdout.lines().count() <= 16, "{}", said.stdout);
    for stage in ["embed: ", "train: ", "assign: ", "score: ", "recall: ", "write: "] {
        assert!(said.stderr.contains(stage), "{stage}: {}", said.stderr);
    }
}

#[test]
fn truncated_and_empty_texts_are_reported() {
    let sandbox = Sandbox::with_rows(40);
    sandbox.write("odd.jsonl", "{\"text\": \"\"}\n");
    let said = sandbox.semdedup("run data.jsonl odd.jsonl --max-tokens 4 --out out").succeeded();
    assert!(
        said.stdout.contains("1, all kept") && said.stdout.contains("40, read up to --max-tokens"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_quiet_run_prints_nothing() {
    let said = Sandbox::with_rows(100).semdedup("run data.jsonl --out out --quiet").succeeded();
    assert_eq!(said.stdout + &said.stderr, "");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let sandbox = Sandbox::with_rows(100);
    sandbox.write("more.csv", csv(&texts(30)));
    let before = sandbox.files("");
    let said = sandbox.semdedup("run data.jsonl more.csv --out out --dry-run").succeeded();
    for word in ["data.jsonl", "more.csv", "100", "30", "130", "text", "clusters", "memory", "disk"] {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    let plan = sandbox.summary("run data.jsonl more.csv --out out --dry-run");
    assert_eq!(number(&plan, "rows"), 130);
    assert_eq!(sandbox.files(""), before);
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_share_or_a_number_of_rows_is_met_exactly() {
    let sandbox = Sandbox::with_rows(301);
    for (options, kept) in [
        ("--keep-fraction 0.5", 151),
        ("--keep-fraction 1", 301),
        ("--keep-rows 17", 17),
        ("--keep-rows 301", 301),
    ] {
        let summary = sandbox.summary(&format!("run data.jsonl --work work --out out --overwrite {options}"));
        assert_eq!(number(&summary, "rows_kept"), kept, "{options}");
        assert_eq!(sandbox.text("out/kept/data.jsonl").lines().count() as u64, kept, "{options}");
    }
}

#[test]
fn which_of_two_copies_stays_is_chosen_by_keep() {
    let sandbox = Sandbox::with_rows(300);
    let removed = |keep: &str| {
        let out = format!("out-{keep}");
        sandbox.semdedup(&format!("run data.jsonl --keep {keep} --seed 5 --out {out}")).succeeded();
        sandbox.column(&format!("{out}/removed.parquet"), "id")
    };
    let (hard, easy, random) = (removed("hard"), removed("easy"), removed("random"));
    assert!(hard != easy && hard != random && easy != random);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let sandbox = Sandbox::with_rows(700);
    for threads in [1, 2, 5] {
        let typed = format!("run data.jsonl --out out{threads} --threads {threads} --json");
        let summary = sandbox.semdedup(&typed).succeeded().json();
        assert_eq!(number(&summary, "threads"), threads);
    }
    assert_eq!(sandbox.result("out1"), sandbox.result("out2"));
    assert_eq!(sandbox.result("out1"), sandbox.result("out5"));
}

/// Returns a Parquet file with a number (`id`) and a binary column of these values, without a
/// logical type.
fn bytes_in(column: &str, values: &[Vec<u8>]) -> Vec<u8> {
    let ids: ArrayRef = Arc::new((0..values.len() as i64).collect::<Int64Array>());
    let values: ArrayRef = Arc::new(values.iter().map(Some).collect::<BinaryArray>());
    let batch = RecordBatch::try_from_iter([("id", ids), (column, values)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn texts_in_a_column_of_bytes_are_compared_as_texts_and_kept_as_bytes() {
    let sandbox = Sandbox::new();
    let mut bytes: Vec<Vec<u8>> = texts(40).into_iter().map(String::into_bytes).collect();
    sandbox.write("data.parquet", bytes_in("text", &bytes));
    sandbox.write("strings.parquet", parquet(&texts(40)));
    sandbox.summary("run data.parquet --out out");
    sandbox.summary("run strings.parquet --out strings");
    let removed = sandbox.column("strings/removed.parquet", "row");
    assert!(removed.len() > 5);
    assert_eq!(sandbox.column("out/removed.parquet", "row"), removed);
    let kept = sandbox.parquet_metadata("out/kept/data.parquet");
    assert_eq!(kept.schema().field(1).data_type(), &DataType::Binary);
    let hex =
        |row: &String| bytes[row.parse::<usize>().unwrap()].iter().map(|b| format!("{b:02x}")).collect();
    let stays: Vec<String> = sandbox.column("out/kept/data.parquet", "id").iter().map(hex).collect();
    assert_eq!(sandbox.column("out/kept/data.parquet", "text"), stays);

    bytes[7] = b"caf\xe9".to_vec();
    sandbox.write("body.parquet", bytes_in("body", &bytes));
    sandbox
        .semdedup("run body.parquet --out body")
        .failed_with(&["columns are id (Int64: 0), body (binary)"]);
    let said = sandbox.semdedup("run body.parquet --out body --text-column body").skipped_rows();
    assert!(said.stderr.contains("1 row"), "{}", said.stderr);
    let reasons = sandbox.column("body/skipped.parquet", "reason");
    assert_eq!(reasons, ["column `body` is not valid UTF-8 at byte 3"]);
}

#[test]
fn times_that_spark_wrote_as_int96_are_int96_in_every_file() {
    let sandbox = Sandbox::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../semdedup/tests/data/spark_int96.parquet");
    std::fs::copy(fixture, sandbox.path("data.parquet")).unwrap();
    sandbox.summary("run data.parquet --text-column text --keep-rows 20 --out out --output files,annotate");
    let types = |file: &str| {
        let metadata = sandbox.parquet_metadata(file);
        let columns = metadata.parquet_schema().columns();
        columns.iter().map(|column| column.physical_type()).filter(|&kind| kind == Type::INT96).count()
    };
    for file in ["data.parquet", "out/kept/data.parquet", "out/annotated/data.parquet"] {
        assert_eq!(types(file), 5, "{file}");
    }
    assert_eq!(sandbox.column("out/kept/data.parquet", "id").len(), 20);
}
