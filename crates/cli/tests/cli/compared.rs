//! Every result says what was compared, and an uncertain guess is refused.

use semdedup::Comparison;
use serde_json::{Value, json};

use super::support::{Sandbox, number, texts};

/// Returns a line of JSON for each text.
fn lines(count: usize, line: impl Fn(usize, &str) -> Value) -> String {
    texts(count).iter().enumerate().map(|(row, text)| format!("{}\n", line(row, text))).collect()
}

/// Returns what was compared, from the metadata of a table.
fn stored(sandbox: &Sandbox, table: &str) -> Value {
    let metadata = sandbox.parquet_metadata(table);
    let pairs = metadata.metadata().file_metadata().key_value_metadata().unwrap();
    let pair = pairs
        .iter()
        .find(|pair| pair.key == "semdedup.compared")
        .unwrap_or_else(|| panic!("{table}: {pairs:?}"));
    serde_json::from_str(pair.value.as_ref().unwrap()).unwrap()
}

#[track_caller]
fn compared_line(stdout: &str) -> &str {
    stdout
        .lines()
        .find_map(|line| line.strip_prefix("compared"))
        .map(str::trim)
        .unwrap_or_else(|| panic!("{stdout}"))
}

#[test]
fn what_was_compared_is_in_the_table_the_summary_both_tables_the_plan_and_the_embeddings() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.jsonl", lines(30, |row, text| json!({"id": format!("r{row}"), "review": text})));
    sandbox.write("in/b.csv", format!("review\n{}", texts(20).join("\n")));
    let line = "column review (GUESSED from its values: --text-column names another) of 1 file (a.jsonl); column review (GUESSED \
                from its values: --text-column names another; delimiter ,) of 1 file (b.csv), by semdedup-text-v1";
    let said = sandbox.semdedup("run in --out out").succeeded();
    assert!(said.stdout.starts_with("compared "), "{}", said.stdout);
    assert_eq!(compared_line(&said.stdout), line);
    let expected = json!({"by": "text", "model": "semdedup-text-v1", "files": [
        {"count": 1, "names": ["a.jsonl"], "row": "record", "text": ["review"], "found": "values"},
        {"count": 1, "names": ["b.csv"], "row": "record", "text": ["review"], "found": "values", "delimiter": ","},
    ]});
    let summary: Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    assert_eq!(summary["compared"], expected);
    assert_eq!(stored(&sandbox, "out/removed.parquet"), expected);
    assert_eq!(stored(&sandbox, "out/scores.parquet"), expected);
    let again = sandbox.semdedup("run in --out out").succeeded();
    assert_eq!(compared_line(&again.stdout), line);
    let plan = sandbox.semdedup("run in --out other --dry-run").succeeded();
    assert_eq!(compared_line(&plan.stdout), line);
    assert_eq!(sandbox.summary("run in --out other --dry-run")["compared"], expected);
    let embedded = sandbox.semdedup("embed in --out vectors").succeeded();
    assert_eq!(compared_line(&embedded.stdout), line);
    assert_eq!(sandbox.summary("embed in --out vectors")["compared"], expected);
    sandbox.semdedup("select out/scores.parquet --epsilon 0.2 --out selected").succeeded();
    assert_eq!(stored(&sandbox, "selected/removed.parquet"), expected);
    let parsed: Comparison = serde_json::from_value(expected).unwrap();
    assert_eq!(parsed.to_string(), line);
}

#[test]
fn the_result_says_how_a_column_was_found() {
    let sandbox = Sandbox::new();
    sandbox.write("text.jsonl", lines(10, |_, text| json!({"text": text})));
    sandbox.write(
        "body.tsv",
        format!(
            "id\tbody\n{}",
            lines(10, |row, text| json!(format!("{row}\t{text}"))).replace('"', "").replace("\\t", "\t")
        ),
    );
    sandbox.write("lines.txt", texts(10).join("\n"));
    sandbox
        .write("chat.jsonl", lines(10, |_, text| json!({"messages": [{"role": "user", "content": text}]})));
    sandbox.write("strings.json", json!(texts(10)).to_string());
    let cases = [
        ("strings.json", "strings of 1 file, by semdedup-text"),
        ("text.jsonl", "column text of 1 file, by semdedup-text"),
        (
            "text.jsonl --text-column text",
            "column text (named with --text-column) of 1 file, by semdedup-text",
        ),
        ("body.tsv", "column body (found by its name; delimiter tab) of 1 file, by semdedup-text"),
        ("lines.txt", "lines of 1 file, by semdedup-text"),
        ("chat.jsonl", "column messages (found by its name; turns of all roles) of 1 file, by semdedup-text"),
        (
            "chat.jsonl --roles human",
            "column messages (found by its name; turns of user) of 1 file, by semdedup-text",
        ),
        (
            "chat.jsonl --text-column messages[-1].content",
            "column messages[-1].content (named with --text-column) of 1 file, by semdedup-text",
        ),
        (
            "body.tsv --text-column body,id",
            "columns body + id joined (named with --text-column; delimiter tab) of 1 file",
        ),
        ("text.jsonl chat.jsonl --text-column text,messages", ""),
    ];
    for (typed, expected) in cases {
        let said = sandbox.semdedup(&format!("run {typed} --out out --dry-run"));
        if expected.is_empty() {
            said.failed_with(&["text.jsonl", "no column `messages`"]);
        } else {
            let said = said.succeeded();
            assert!(compared_line(&said.stdout).starts_with(expected), "{typed}: {}", said.stdout);
        }
    }
}

#[test]
fn chats_are_compared_by_their_turns_and_not_by_their_ids() {
    let sandbox = Sandbox::new();
    let turns = |text: &str| json!([{"from": "human", "value": text}, {"from": "gpt", "value": format!("ok {text}")}]);
    sandbox.write(
        "chat.jsonl",
        lines(100, |row, text| json!({"id": format!("identity_{row}"), "conversations": turns(text)})),
    );
    sandbox.write(
        "text.jsonl",
        lines(100, |_, text| json!({"text": format!("user: {text}\nassistant: ok {text}")})),
    );
    let chat = sandbox.summary("run chat.jsonl --out chat");
    let text = sandbox.summary("run text.jsonl --out text");
    assert_eq!(chat["rows_removed"], text["rows_removed"]);
    assert!((20..50).contains(&number(&chat, "rows_removed")), "{chat}");
    let shown = sandbox.semdedup("show chat").succeeded();
    assert!(shown.stdout.contains("user: ") && shown.stdout.contains("assistant: ok"), "{}", shown.stdout);
}

#[test]
fn chats_that_differ_only_in_a_long_instruction_and_chats_that_share_one_are_kept() {
    let sandbox = Sandbox::new();
    let long = |row: usize| {
        format!(
            "Translate what follows into plain words, keep its tone, add nothing of your own, and sign it as author {row}."
        )
    };
    let turns = |instruction: String, said: &str| json!({"messages": [{"role": "system", "content": instruction}, {"role": "user", "content": said}]});
    sandbox.write("tasks.jsonl", lines(60, |row, _| turns(long(row), "Go.")));
    let said = [
        "What is the capital of France?",
        "Sort these numbers for me.",
        "Write a poem about rain.",
        "Who won?",
    ];
    sandbox.write("one.jsonl", lines(4, |row, _| turns(long(0), said[row])));
    for file in ["tasks", "one"] {
        assert_eq!(
            number(&sandbox.summary(&format!("run {file}.jsonl --out {file}")), "rows_removed"),
            0,
            "{file}"
        );
    }
}

#[test]
fn ids_beside_token_ids_are_refused_with_the_columns_and_what_to_type() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "data.jsonl",
        lines(40, |row, _| json!({"source": format!("web-{row}"), "input_ids": [row, 7, 9]})),
    );
    let words = ["data.jsonl", "source (a string: \"web-0\")", "input_ids (a list: [0,7,9])"];
    let said = sandbox.semdedup("run data.jsonl --out out").failed_with(&words);
    assert!(said.stderr.contains("--text-column source"), "{}", said.stderr);
    sandbox.has_no_result("out");
    sandbox.semdedup("embed data.jsonl --out vectors").failed_with(&words);
}

#[test]
fn repeated_texts_with_different_images_or_answers_are_refused() {
    let sandbox = Sandbox::new();
    let question = "What can be seen in the middle of this picture?";
    sandbox.write(
        "image.jsonl",
        lines(40, |row, _| json!({"caption": question, "image": format!("{row}.jpg")})),
    );
    sandbox.write("answer.jsonl", lines(40, |_, text| json!({"text": question, "answer": text})));
    for command in ["run", "embed"] {
        for (file, text, other) in [("image.jsonl", "caption", "image"), ("answer.jsonl", "text", "answer")] {
            let said = sandbox.semdedup(&format!("{command} {file} --out {command}-{text}"));
            let said = said.failed_with(&["39 of the first 40 rows", &format!("another `{other}`")]);
            said.hinted(match other {
                "image" => "--image-column image --by both the images that it names too",
                _ => "--text-column text,answer joins both",
            });
        }
    }
    sandbox.has_no_result("run-text");
    let removed = |arguments: &str| number(&sandbox.summary(arguments), "rows_removed");
    assert_eq!(removed("run image.jsonl --out image --by text"), 39);
    assert_eq!(removed("run answer.jsonl --out alone --text-column text"), 39);
    assert!(removed("run answer.jsonl --out both --text-column text,answer") < 39);
}

#[test]
fn a_text_further_down_ends_the_run_and_leaves_no_result() {
    let sandbox = Sandbox::new();
    let titles = lines(5000, |_, text| json!({"title": text}));
    sandbox.write("data.jsonl", titles + "{\"title\": \"x\", \"text\": \"the text itself\"}\n");
    let said = sandbox.semdedup("run data.jsonl --out out").failed_with(&[
        "data.jsonl",
        "row 5000",
        "`text`",
        "`title`",
    ]);
    assert!(said.stderr.contains("--text-column title"), "{}", said.stderr);
    sandbox.has_no_result("out");
    sandbox.semdedup("run data.jsonl --out out --text-column title").succeeded();
    sandbox.semdedup("run data.jsonl --out other --work out/work --overwrite").failed_with(&["row 5000"]);
}

#[test]
fn roles_that_no_turn_has_are_an_error() {
    let sandbox = Sandbox::new();
    sandbox
        .write("chat.jsonl", lines(20, |_, text| json!({"messages": [{"role": "user", "content": text}]})));
    for command in ["run", "embed"] {
        let with =
            |role| sandbox.semdedup(&format!("{command} chat.jsonl --roles {role} --out out-{command}"));
        with("tool").failed_with(&["--roles tool", "20 rows"]);
        with("user,asistant")
            .failed_with(&["--roles asistant", "no turn in the first rows has a text in this role"]);
    }
    sandbox.has_no_result("out-run");
}

#[test]
fn joined_columns_and_roles_change_the_fingerprint() {
    let sandbox = Sandbox::new();
    let turns =
        |text: &str| json!([{"role": "user", "content": text}, {"role": "assistant", "content": "yes"}]);
    sandbox.write(
        "data.jsonl",
        lines(40, |_, text| json!({"title": "A notice", "text": text, "messages": turns(text)})),
    );
    let mut fingerprints = Vec::new();
    let by_option = sandbox.summary("run data.jsonl --out asked --text-column text");
    for typed in [
        "",
        "--text-column text,title",
        "--text-column title,text",
        "--text-column messages",
        "--text-column messages --roles user",
    ] {
        let summary = sandbox.summary(&format!("run data.jsonl --out out --overwrite {typed}"));
        assert!(!fingerprints.contains(&summary["rows_fingerprint"]), "{typed}");
        fingerprints.push(summary["rows_fingerprint"].clone());
    }
    assert_eq!(by_option["rows_fingerprint"], fingerprints[0]);
    let first = sandbox.summary("run data.jsonl --out out --overwrite --text-column text,title");
    assert!(number(&first, "rows_removed") > 0, "{first}");
    let shown = sandbox.semdedup("show out").succeeded();
    assert!(shown.stdout.contains("A notice"), "{}", shown.stdout);
}

#[test]
fn a_csv_whose_delimiter_is_not_certain_is_refused_with_what_to_type() {
    let sandbox = Sandbox::new();
    sandbox.write("one.csv", "id;text\n1;a, b\n");
    let said = sandbox.semdedup("run one.csv --out out").failed_with(&["one.csv", "`id;text`", "`;`"]);
    assert!(said.stderr.contains("type --delimiter ';'"), "{}", said.stderr);
    sandbox.write("two.csv", "id;name, text\n1;a, b\n2;c, d\n");
    let said = sandbox.semdedup("run two.csv --out out").failed_with(&["two.csv", "`,`", "`;`"]);
    assert!(said.stderr.contains("type which it is: --delimiter , or --delimiter ';'"), "{}", said.stderr);
}

#[test]
fn the_bars_of_a_psv_file_are_in_what_was_compared() {
    let sandbox = Sandbox::new();
    sandbox.write("a.psv", format!("id|text\n0|{}\n", texts(20).join("\n1|")));
    let plan = sandbox.semdedup("run a.psv --out out --dry-run").succeeded();
    let line = "column text (delimiter |) of 1 file, by semdedup-text-v1";
    assert_eq!(compared_line(&plan.stdout), line);
}
