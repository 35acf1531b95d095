//! `stats`: what a run did with groups of rows, and `run --watch`.

use serde_json::{Value, json};

use super::support::{Sandbox, npy_f32, number, texts};

/// Returns distinct sentences of different words.
fn distinct(count: usize) -> Vec<String> {
    texts(5 * count).into_iter().step_by(5).collect()
}

fn row(text: &str, source: Value) -> String {
    format!("{}\n", json!({"text": text, "meta": {"source": source}}))
}

/// Returns a sandbox with a result of three sources: distinct texts, the same texts again,
/// and one a single text 30 times.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let sentences = distinct(40);
    let web: String = sentences.iter().map(|text| row(text, json!("web"))).collect();
    let copy: String = sentences.iter().take(25).map(|text| row(text, json!("mirror"))).collect();
    let same: String = (0..30).map(|_| row("the same notice under every page", json!(7))).collect();
    let rest = format!("{}no json\n{}", row("a row without a source", Value::Null), row("", json!("web")));
    sandbox.write("in/one.jsonl", web + &copy);
    sandbox.write("in/two.jsonl", same + &rest);
    sandbox
}

fn group<'a>(stats: &'a Value, value: &Value) -> &'a Value {
    let groups = stats["groups"].as_array().unwrap();
    groups.iter().find(|group| group["value"] == *value).unwrap_or_else(|| panic!("{value}: {stats}"))
}

fn counts(group: &Value) -> [u64; 4] {
    ["rows", "rows_kept", "rows_removed", "equal_rows"].map(|name| number(group, name))
}

#[test]
fn each_value_of_a_column_has_its_rows_and_those_that_it_lost_and_to_which() {
    let sandbox = sandbox();
    let run = sandbox.semdedup("run in --out out --json").skipped_rows().json();
    let stats = sandbox.summary("stats out --by meta.source");
    assert_eq!(counts(group(&stats, &json!("7"))), [30, 1, 29, 29]);
    assert_eq!(group(&stats, &json!("7"))["lost_most_to"], json!({"value": "7", "rows": 29}));
    // Of equal rows the first one stays.
    assert_eq!(counts(group(&stats, &json!("mirror"))), [25, 0, 25, 25]);
    assert_eq!(group(&stats, &json!("mirror"))["lost_most_to"], json!({"value": "web", "rows": 25}));
    assert_eq!(counts(group(&stats, &json!("web"))), [41, 41, 0, 0]);
    assert!(group(&stats, &json!("web"))["lost_most_to"].is_null());
    assert_eq!(
        counts(group(&stats, &Value::Null)),
        [1, 1, 0, 0],
        "a row that could not be read does not count"
    );
    let groups = stats["groups"].as_array().unwrap();
    let total = |name: &str| groups.iter().map(|group| number(group, name)).sum::<u64>();
    assert_eq!(total("rows_removed"), number(&run, "rows_removed"));
    assert_eq!(total("rows_kept"), number(&run, "rows_kept"));
    assert!(groups.windows(2).all(|two| number(&two[0], "rows") >= number(&two[1], "rows")), "{stats}");
    let bands = stats["bands"].as_array().unwrap();
    let rows = |band: &Value| number(band, "rows");
    assert_eq!(bands.iter().map(rows).sum::<u64>(), 97);
    assert_eq!((rows(&bands[0]), &bands[0]["from"]), (total("equal_rows"), &json!(1.0)));
}

#[test]
fn rows_are_grouped_by_file_length_and_script_too() {
    let sandbox = sandbox();
    let run = sandbox.semdedup("run in --out out --json").skipped_rows().json();
    let stats = sandbox.summary("stats out --by file");
    for (number_of, name) in ["one.jsonl", "two.jsonl"].into_iter().enumerate() {
        let file = &run["files"][number_of];
        assert_eq!(file["kept"], name);
        let group = group(&stats, &json!(name));
        assert_eq!(number(group, "rows_removed"), number(file, "rows_removed"));
        assert_eq!(number(group, "rows_kept"), number(file, "rows_kept"));
    }
    let stats = sandbox.summary("stats out --by length");
    assert_eq!(counts(group(&stats, &json!("empty"))), [1, 1, 0, 0]);
    // "the same notice under every page" has 32 characters.
    assert_eq!(number(group(&stats, &json!("32 to 63 characters")), "equal_rows"), 29);
    let stats = sandbox.summary("stats out --by script");
    assert_eq!(number(group(&stats, &json!("Latin")), "rows"), 96);
}

#[test]
fn the_groups_are_printed_as_a_table_or_as_csv() {
    let sandbox = sandbox();
    sandbox.semdedup("run in --out out").skipped_rows();
    let table = sandbox.semdedup("stats out --by meta.source").succeeded().stdout;
    for word in ["meta.source", "share removed", "96.7 %", "(none)", "7 (29)", "score", "below 0.7"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    let csv = sandbox.semdedup("stats out --by meta.source --csv").succeeded().stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("\"meta.source\",rows,rows_kept,rows_removed,"), "{csv}");
    assert!(
        lines.iter().any(|line| line.starts_with("\"7\",30,1,29,0.96") && line.ends_with(",29,\"7\",29")),
        "{csv}"
    );
    assert_eq!(lines.len(), 5, "{csv}");
}

#[test]
fn columns_of_tables_are_read_with_their_types() {
    let sandbox = Sandbox::new();
    sandbox.write("data.csv", "text,lang\na cat sat here,en\na cat sat here,en\nein Hund,\"d,e\"\n");
    sandbox.write("data.parquet", super::support::parquet(&texts(20)));
    for name in ["csv", "parquet"] {
        sandbox.semdedup(&format!("run data.{name} --out out-{name}")).succeeded();
    }
    let stats = sandbox.summary("stats out-csv --by lang");
    assert_eq!(counts(group(&stats, &json!("en"))), [2, 1, 1, 1]);
    assert_eq!(counts(group(&stats, &json!("d,e"))), [1, 1, 0, 0]);
    let stats = sandbox.summary("stats out-parquet --by id");
    assert_eq!(
        (stats["groups"].as_array().unwrap().len(), number(group(&stats, &json!("7")), "rows")),
        (20, 1)
    );
}

#[test]
fn what_cannot_be_grouped_is_refused() {
    let sandbox = sandbox();
    sandbox.semdedup("run in --out out").skipped_rows();
    sandbox.semdedup("stats out --by nothing").failed_with(&["no row has a value in a column `nothing`"]);
    sandbox.semdedup("stats out/work --by file").failed_with(&["out/work"]);
    sandbox.semdedup("stats nowhere --by file").failed_with(&["nowhere"]);
    sandbox.semdedup("stats out").failed_with(&["--by"]);
    sandbox.write("in/two.jsonl", "{\"text\": \"other\"}\n");
    sandbox.semdedup("stats out --by meta.source").failed_with(&["two.jsonl"]);
    sandbox.summary("stats out --by file");
}

#[test]
fn a_watched_value_that_loses_nearly_everything_is_named_by_every_run() {
    let sandbox = sandbox();
    let words = "2 values of the column meta.source lose nearly all of their rows: mirror loses 25 of 25 (100.0 %), \
                 7 loses 29 of 30 (96.7 %);";
    // The result of the first run is there for the second one.
    for _ in 0..2 {
        let said = sandbox.semdedup("run in --out out --watch meta.source");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains(words), "{said:?}");
        assert!(said.stderr.contains("`semdedup stats OUT --by meta.source`"), "{said:?}");
    }
    let summary: Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    let warnings = summary["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains(words)), "{summary}");
    let said = sandbox.semdedup("run in --out out");
    assert!(!said.stderr.contains("nearly all"), "{}", said.stderr);
}

#[test]
fn what_a_watched_value_loses_is_what_the_rule_removes() {
    let sandbox = Sandbox::new();
    // A chain: each row is alike its neighbours alone. By the default rule one row stays; by the rule
    // `representative` about every second one does.
    let angles = (0..30).map(|row| 0.1 * row as f32);
    let rows: Vec<f32> = angles.flat_map(|angle| [angle.cos(), angle.sin()]).collect();
    sandbox.write("e.npy", npy_f32(&rows, 2));
    sandbox.write("data.jsonl", row("a link of the chain", json!("chain")).repeat(30));
    for (rule, is_warned) in [("any-earlier", true), ("representative", false)] {
        let run = format!(
            "run data.jsonl --embeddings e.npy --keep easy --epsilon 0.01 --out {rule} --rule {rule}"
        );
        // The result of the first run is there for the second one.
        for _ in 0..2 {
            let said = sandbox.semdedup(&format!("{run} --watch meta.source")).succeeded();
            assert_eq!(said.stderr.contains("chain loses 29 of 30"), is_warned, "{said:?}");
            assert_eq!(said.stderr.contains("nearly all"), is_warned, "{said:?}");
        }
    }
}

#[test]
fn a_value_with_few_rows_or_one_that_keeps_some_is_not_named() {
    let sandbox = Sandbox::new();
    let rows = |text: &str, source: &str, count: usize| row(text, json!(source)).repeat(count);
    let spread: String = distinct(20).iter().map(|text| row(text, json!("some"))).collect();
    sandbox.write(
        "data.jsonl",
        rows("nineteen times the same", "few", 19) + &rows("many times the same", "some", 300) + &spread,
    );
    let said = sandbox.semdedup("run data.jsonl --out out --watch meta.source").succeeded();
    assert!(!said.stderr.contains("nearly all"), "{}", said.stderr);
}

#[test]
fn a_watched_column_that_is_not_there_is_refused_before_the_work() {
    let sandbox = sandbox();
    sandbox.write("data.csv", "text,lang\na,en\nb,en\n");
    for (input, column) in [("in", "meta.sorce"), ("data.csv", "language")] {
        let said = sandbox.semdedup(&format!("run {input} --out out --watch {column}"));
        said.failed_with(&[column]);
        assert!(!sandbox.path("out").exists());
    }
}
