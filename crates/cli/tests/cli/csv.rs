//! CSV files of other dialects and encodings: what is found or given is printed, stored, and part of the run.

use serde_json::{Value, json};

use super::support::{Sandbox, number, texts};

/// Returns a CSV file with these delimiters.
fn table(count: usize, delimiter: &str) -> String {
    let rows = texts(count).into_iter().enumerate();
    let rows = rows.map(|(row, text)| format!("{row}{delimiter}{}\n", text.replacen(' ', ", ", 1)));
    std::iter::once(format!("id{delimiter}text\n")).chain(rows).collect()
}

#[track_caller]
fn compared(sandbox: &Sandbox, typed: &str) -> (String, Value) {
    let said = sandbox.semdedup(&format!("{typed} --dry-run")).succeeded();
    let line = said.stdout.lines().find_map(|line| line.strip_prefix("compared")).unwrap().trim().to_owned();
    let files = sandbox.summary(typed)["compared"]["files"][0].clone();
    (line, files)
}

#[test]
fn the_dialect_that_was_found_is_printed_and_stored() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.csv", format!("sep=;\n{}", table(30, ";")));
    let (line, files) = compared(&sandbox, "run in --out out");
    let expected = "column text (delimiter ;; 1 line above the header skipped) of 1 file, by semdedup-text";
    assert!(line.starts_with(expected), "{line}");
    assert_eq!(
        files,
        json!({"count": 1, "row": "record", "text": ["text"], "found": "text", "delimiter": ";", "lines_above_header": 1})
    );
    let kept = sandbox.text("out/kept/a.csv");
    assert!(kept.starts_with("sep=;\nid;text\n0;"), "{kept}");
    let plain = Sandbox::new();
    plain.write("in/a.csv", table(30, ",").replace(", ", " "));
    let summary = plain.summary("run in --out out");
    assert_eq!(number(&summary, "rows_kept") as usize, kept.lines().count() - 2);
    let (_, files) = compared(&plain, "run in --out out");
    assert_eq!(
        files,
        json!({"count": 1, "row": "record", "text": ["text"], "found": "text", "delimiter": ","})
    );
}

#[test]
fn options_overrule_what_is_found_and_another_dialect_is_another_run() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", table(40, "|").replacen("id|text\n", "", 1).replace(", ", " "));
    let typed = "run a.csv --text-column column_2 --no-header --work work";
    let (line, files) = compared(&sandbox, &format!("{typed} --out out"));
    assert!(
        line.starts_with("column column_2 (named with --text-column; delimiter |; no header) of 1 file"),
        "{line}"
    );
    assert_eq!((&files["no_header"], &files["delimiter"]), (&json!(true), &json!("|")));
    let found = sandbox.summary(&format!("{typed} --out out"));
    assert_eq!(number(&found, "rows_in"), 40);
    let same = sandbox.summary(&format!("{typed} --out same --delimiter |"));
    assert_eq!(same["rows_fingerprint"], found["rows_fingerprint"]);
    let other = sandbox.summary(&format!("{typed} --out other --overwrite --quote none"));
    assert_ne!(other["rows_fingerprint"], found["rows_fingerprint"]);
    assert_eq!(other["compared"]["files"][0].get("quote"), Some(&Value::Null));
    let (line, _) = compared(&sandbox, &format!("{typed} --out other --overwrite --quote none --escape \\"));
    assert!(line.contains("; no quotes; escape \\; no header)"), "{line}");
}

#[test]
fn a_character_that_cannot_be_a_delimiter_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", table(5, ";"));
    for (typed, word) in [
        ("--delimiter ;;", "one ASCII character"),
        ("--quote é", "one ASCII character"),
        ("--escape ab", "ASCII"),
    ] {
        let said = sandbox.semdedup(&format!("run a.csv --out out {typed}"));
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(word), "{}", said.stderr);
    }
    sandbox
        .semdedup("run a.csv --out out --delimiter ; --quote ;")
        .failed_with(&["--delimiter and --quote are both `;`"]);
}

#[test]
fn a_question_that_was_answered_is_not_asked_again_for_annotated_files() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", table(30, "::").replace(", ", " "));
    sandbox
        .semdedup("run a.csv --out out")
        .failed_with(&["the header is one column, `id::text`, with `::` in it"]);
    sandbox.semdedup("run a.csv --out out --text-column id::text --output annotate").succeeded();
    assert!(sandbox.text("out/annotated/a.csv").starts_with("id::text,score,"));
    sandbox.write("b.json", r#"{"text": "a", "data": [{"text": "b"}]}"#);
    sandbox.semdedup("run b.json --out b").failed_with(&["its rows seem to be in `data`"]);
    sandbox.semdedup("run b.json --out b --text-column text --output annotate").succeeded();
}

#[test]
fn a_delimiter_may_be_typed_as_an_escape() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", table(30, "\x01"));
    sandbox.write("b.csv", table(30, "\t"));
    for (file, typed, shown) in [
        ("a.csv", "", "\\x01"),
        ("a.csv", "--delimiter \\x01", "\\x01"),
        ("a.csv", "--delimiter \\u0001", "\\x01"),
        ("b.csv", "--delimiter \\t", "tab"),
        ("b.csv", "--delimiter \\x09", "tab"),
    ] {
        let said = sandbox.semdedup(&format!("run {file} --out out --dry-run {typed}")).succeeded();
        assert!(said.stdout.contains(&format!("column text (delimiter {shown})")), "{}", said.stdout);
    }
    for typed in ["\\x", "\\x1", "\\x+1", "\\x80", "\\u00e9", "\\x00", "\\x0a", "::"] {
        let said = sandbox.semdedup(&format!("run a.csv --out out --delimiter {typed}"));
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("an escape such as `\\x01`"), "{}", said.stderr);
    }
}

#[test]
fn annotated_files_of_other_dialects_are_read_again() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.csv", table(30, ";"));
    sandbox.write("in/b.csv", table(30, "\t"));
    sandbox.semdedup("run in --out out --output annotate").succeeded();
    assert!(
        sandbox
            .text("out/annotated/a.csv")
            .starts_with("id;text;score;duplicate_of;cluster;kept;kept_as;duplicates\n0;")
    );
    assert!(sandbox.text("out/annotated/b.csv").starts_with("id\ttext\tscore\t"));
    let again = sandbox.summary("run out/annotated --out again");
    assert_eq!((number(&again, "rows_in"), number(&again, "rows_skipped")), (60, 0));
}

#[test]
fn a_file_of_another_encoding_is_warned_of_with_the_option_that_reads_it() {
    let sandbox = Sandbox::new();
    let rows = texts(60).into_iter().enumerate().map(|(row, text)| format!("{row},{text} caf\u{e9}\n"));
    let table: String = std::iter::once("id,text\n".to_owned()).chain(rows).collect();
    let latin: Vec<u8> = table.chars().map(|character| u32::from(character) as u8).collect();
    sandbox.write("a.csv", &latin);
    let said = sandbox.semdedup("run a.csv --out out").failed_with(&["all 60 rows were skipped"]);
    let hint = "its bytes look like WINDOWS-1252: --encoding WINDOWS-1252 reads it";
    assert!(said.stderr.contains(hint), "{}", said.stderr);
    sandbox.write("b.csv", [latin.as_slice(), table.replace("id,text\n", "").as_bytes()].concat());
    let said = sandbox.semdedup("run b.csv --out b").skipped_rows();
    let warning = "60 of 120 rows of b.csv are not UTF-8; its bytes look like WINDOWS-1252";
    assert!(said.stderr.contains(warning), "{}", said.stderr);
    sandbox.write("c.csv", b"id,text,caf\xe9\n1,a,b\n");
    let said = sandbox.semdedup("run c.csv --out c").failed_with(&["c.csv: header: "]);
    assert!(said.stderr.contains("--encoding WINDOWS-1252"), "{}", said.stderr);
}
