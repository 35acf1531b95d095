//! The text column is settled before any work starts.

use semdedup::formats::resolve_columns;

use crate::support::*;

fn error_of(name: &str, content: &str, text: Option<&str>, id: Option<&str>) -> (String, String) {
    let input = input(name, content.as_bytes());
    let error = resolve_one(&input.file, &choice(text, id)).unwrap_err();
    let place = format!("{}: ", input.file.path.display());
    let message = error.to_string();
    (message.strip_prefix(&place).unwrap().to_owned(), error.hint_text().unwrap().to_owned())
}

#[test]
fn the_text_column_is_the_one_asked_for_else_text_else_the_only_one_named_for_texts() {
    let cases = [
        ("a.jsonl", r#"{"id":"a","text":"b"}"#, None, None, "text"),
        ("a.jsonl", r#"{"id":"a","text":"b"}"#, Some("id"), None, "id"),
        ("a.jsonl", r#"{"n":1,"body":"b","x":null}"#, None, None, "body"),
        ("a.jsonl", r#"{"id":"a","body":"b"}"#, None, Some("id"), "body"),
        ("a.csv", "id,text\n", None, None, "text"),
        ("a.csv", "id,body\n", None, Some("id"), "body"),
        ("a.tsv", "body\n", None, None, "body"),
        ("a.jsonl", "", None, Some("id"), "text"),
        ("a.csv", "", Some("body"), None, "body"),
    ];
    for (name, content, text, id, expected) in cases {
        let input = input(name, content.as_bytes());
        let columns = resolve_one(&input.file, &choice(text, id)).unwrap();
        assert_eq!(
            (columns.text.as_deref().unwrap(), columns.id.as_deref()),
            (expected, id),
            "{name}: {content}"
        );
    }
}

#[test]
fn a_missing_column_is_an_error_that_lists_the_columns() {
    let (error, hint) = error_of("a.csv", "id,headline,title\n1,b,t\n", None, None);
    assert_eq!(error, "no column `text`; columns are id (\"1\"), headline (\"b\"), title (\"t\")");
    assert!(hint.contains("--text-column"));
    let (error, _) = error_of("a.jsonl", r#"{"id":1,"body":"b","title":"t"}"#, Some("txt"), None);
    assert_eq!(
        error,
        "no column `txt`; columns are id (a number: 1), body (a string: \"b\"), title (a string: \"t\")"
    );
    let (error, hint) = error_of("a.jsonl", r#"{"text":"b"}"#, None, Some("key"));
    assert_eq!(error, "no column `key`; columns are text (a string)");
    assert!(hint.contains("--id-column"));
    let wide = (0..30).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    let wide = format!("{wide}\n{}\n", vec!["x"; 30].join(","));
    assert!(error_of("a.csv", &wide, None, None).0.ends_with("c18 (\"x\"), c19 (\"x\") and 10 more"));
}

#[test]
fn a_text_column_of_another_type_is_an_error() {
    let (error, _) = error_of("a.jsonl", "{\"text\":1}\n{\"text\":2}\n", None, None);
    assert_eq!(error, "column `text` is a number, not a string");
    let mixed = input("a.jsonl", b"{\"text\":1}\n{\"text\":\"a\"}\n");
    assert!(resolve_one(&mixed.file, &choice(None, None)).is_ok());
    let error = resolve_one(&fixture("snappy_lists.parquet"), &choice(Some("id"), None)).unwrap_err();
    assert!(error.to_string().ends_with("column `id` is Int64, not a string"), "{error}");
}

#[test]
fn a_column_that_is_there_twice_is_an_error() {
    assert_eq!(error_of("a.csv", "text,text\n", None, None).0, "column `text` is there 2 times");
    // Other columns may be there twice.
    let other = input("a.csv", b"x,text,x\n1,one,2\n");
    assert_eq!(
        read(&other.file, &resolve_one(&other.file, &choice(None, None)).unwrap()).unwrap().texts(),
        ["one"]
    );
}

#[test]
fn a_file_of_anything_but_json_lines_is_an_error() {
    let contents = [("a.jsonl", "[1]\n[2]\n"), ("a.jsonl", "7\n"), ("a.json", "oops\n")];
    for (name, content) in contents {
        let (error, hint) = error_of(name, content, None, None);
        assert!(error.starts_with("is not one JSON object a line: row 0: "), "{error}");
        assert!(hint.contains("jq"));
    }
}

#[test]
fn plain_text_has_no_ids() {
    let (error, hint) = error_of("a.txt", "a\n", None, Some("id"));
    assert_eq!(error, "no column `id`: plain text has no ids");
    assert!(hint.contains("--id-column"));
}

#[test]
fn files_that_disagree_on_the_text_column_are_an_error() {
    let a = input("a.jsonl", b"{\"text\":\"x\",\"body\":\"y\"}\n");
    let b = input("b.csv", b"body\nx\n");
    let empty = input("c.csv", b"");
    let text = input("d.txt", b"line\n");
    let files = [text.file.clone(), empty.file.clone(), a.file.clone(), b.file.clone()];
    let error = resolve_columns(&files, &choice(None, None)).unwrap_err();
    assert!(error.to_string().ends_with("b.csv: no column `text`; columns are body (\"x\")"), "{error}");
    assert!(error.hint_text().unwrap().contains("a.jsonl has its texts in `text`"));
    let columns = resolve_columns(&files, &choice(Some("body"), None)).unwrap();
    let texts: Vec<_> = columns.iter().map(|columns| columns.text.as_deref().unwrap()).collect();
    assert_eq!(texts, ["text", "body", "body", "body"]);
}
