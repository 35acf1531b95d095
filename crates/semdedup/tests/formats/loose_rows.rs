//! A row whose text is readable is not lost for what Python writes in its other fields: NaN, halves
//! of surrogate pairs, numbers beyond f64, deep nesting, keys that come twice.

use semdedup::formats::{Found, ReadLimits, Reader, read_texts};

use crate::annotate::annotate;
use crate::support::*;

/// Rows as Python's `json.dumps` writes them, which its `json.loads` reads.
fn rows() -> Vec<String> {
    let deep = |value: &str| format!("{}{value}{}", "[".repeat(600), "]".repeat(600));
    vec![
        r#"{"text": "one", "loss": NaN}"#.to_owned(),
        r#"{"loss": [Infinity, {"a": -Infinity}], "text": "tw\u00f6"}"#.to_owned(),
        r#"{"text": "three", "tag": "\ud83d", "\ude00": {"\ud800": "\udfff x"}}"#.to_owned(),
        format!(r#"{{"big": [1e999, -1E+999, {}], "text": "four"}}"#, "9".repeat(400)),
        format!(r#"{{"x": {}, "n": NaN, "text": "five"}}"#, deep("1")),
        format!(r#"{{"x": {}, "text": "six", "x": NaN, "x": {{"x": 1, "x": 2}}}}"#, deep("\"]\"")),
    ]
}

const TEXTS: [&str; 6] = ["one", "twö", "three", "four", "five", "six"];

#[test]
fn all_texts_are_read_and_kept_rows_have_their_bytes() {
    let rows = rows();
    let lines = format!("{}\n", rows.join("\n"));
    let list = format!("[\n {}\n]\n", rows.join(",\n "));
    for (name, content) in [("a.jsonl", &lines), ("a.json", &list), ("a.json", &lines), ("a.jsonl", &list)] {
        for asked in [None, Some("text")] {
            let input = input(name, content.as_bytes());
            let columns = resolve_one(&input.file, &choice(asked, None)).unwrap();
            let whole = read(&input.file, &columns).unwrap();
            assert_eq!((whole.texts(), whole.bad.len()), (TEXTS.to_vec(), 0), "{name}");
            let shown = read_texts(&input.file, &columns, &ReadLimits::default(), &[2, 5]).unwrap();
            assert_eq!(shown, [Some("three".to_owned()), Some("six".to_owned())]);
            let kept =
                String::from_utf8(decompress(&write(&input, &mut |row| row % 2 == 0).unwrap())).unwrap();
            let stays = |row: usize| kept.contains(&rows[row]);
            assert!((0..6).all(|row| stays(row) == (row % 2 == 0)), "{kept}");
            assert_eq!(decompress(&write(&input, &mut |_| true).unwrap()), content.as_bytes());
        }
    }
}

#[test]
fn a_text_with_half_of_a_surrogate_pair_is_read_with_a_replacement() {
    let input = input(
        "a.jsonl",
        br#"{"text": "a \ud83d"}
{"text": "\ude00\ud83d\ude00 \\ud83d"}
{"a": {"text": "in\udc00"}}
"#,
    );
    assert_eq!(
        read(&input.file, &text_column("text")).unwrap().texts(),
        ["a \u{fffd}", "\u{fffd}\u{1f600} \\ud83d", ""]
    );
    assert_eq!(read(&input.file, &text_column("a.text")).unwrap().texts(), ["", "", "in\u{fffd}"]);
    let joined = resolve_one(&input.file, &choice(Some("text,a.text"), None)).unwrap();
    assert_eq!(read(&input.file, &joined).unwrap().texts()[2], "in\u{fffd}");
}

#[test]
fn a_text_that_is_no_string_and_a_row_that_is_damaged_are_bad_with_their_own_reason() {
    let lines = [
        (r#"{"text": NaN}"#, "column `text` is NaN, not a string"),
        (r#"{"text": -Infinity, "n": NaN}"#, "column `text` is -Infinity, not a string"),
        (r#"{"text": 1e999}"#, "column `text` is a number, not a string"),
        (r#"{"n": NaN, "text": "a" oops}"#, "not valid JSON at byte 24: expected `,` or `}`"),
        (r#"{"n": nan, "text": "a"}"#, "not valid JSON at byte 8: expected ident"),
        (r#"{"n": -NaN, "text": "a"}"#, "not valid JSON at byte 8: invalid number"),
        ("// a comment", "a comment, which JSON does not have"),
        ("  # a comment", "a comment, which JSON does not have"),
    ];
    let content: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    let input = input("a.jsonl", format!("{content}{{\"text\": \"good\"}}\n").as_bytes());
    let whole = read(&input.file, &resolve_one(&input.file, &choice(None, None)).unwrap()).unwrap();
    let reasons: Vec<&str> = whole.reasons().into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, lines.map(|(_, reason)| reason));
    assert_eq!(whole.texts()[8], "good");
}

#[test]
fn ids_that_are_nan_are_missing_and_others_stay_as_they_are_written() {
    let input = input(
        "a.jsonl",
        br#"{"id": "a\ud800", "text": "", "n": NaN}
{"id": NaN, "text": ""}
{"id": -Infinity, "text": ""}
{"id": 123456789012345678901234567890, "text": "", "n": NaN}
"#,
    );
    let whole = read(&input.file, &with_id("text", "id")).unwrap();
    let expected = [Some("\"a\\ud800\""), None, Some("-Infinity"), Some("123456789012345678901234567890")];
    assert_eq!(whole.string_ids(), expected);
}

#[test]
fn embeddings_with_nan_and_infinities_are_read_as_in_other_formats() {
    let input = input(
        "a.jsonl",
        br#"{"v": [1, NaN, -Infinity], "text": "a"}
{"v": [1e999, -1e39, 2], "text": "b"}
{"v": [3, 4, 5], "text": "c", "n": NaN}
{"v": NaN, "text": "d"}
{"v": [NaN, "x"], "text": "e"}
"#,
    );
    let mut columns = text_column("text");
    columns.embedding = Some("v".to_owned());
    let chunk = Reader::open(&input.file, &columns, &ReadLimits::default(), 0).unwrap().next_chunk().unwrap();
    let rows = chunk.unwrap().parse(&columns).unwrap();
    let vectors = rows.vectors.unwrap();
    assert!(vectors.row(0)[0] == 1.0 && vectors.row(0)[1].is_nan() && vectors.row(0)[2] == f32::NEG_INFINITY);
    assert_eq!(vectors.row(1), [f32::INFINITY, f32::NEG_INFINITY, 2.0]);
    assert_eq!(vectors.row(2), [3.0, 4.0, 5.0]);
    let reasons: Vec<&str> = rows.bad.iter().map(|bad| bad.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "column `v` is a number, not a list of numbers",
            "column `v` is a list of other things than numbers"
        ]
    );
}

#[test]
fn chats_are_read_whatever_else_their_rows_and_turns_have() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let content = format!(
        "{{\"loss\": NaN, \"messages\": [{{\"role\": \"user\", \"content\": \"Hi\\ud83d\", \"weight\": NaN, \"time\": 1e999}}]}}\n\
         {{\"messages\": [{{\"role\": \"user\", \"content\": \"Deep\", \"more\": {deep}}}]}}\n\
         {{\"messages\": [{{\"role\": \"user\", \"content\": NaN}}]}}\n"
    );
    let input = input("a.jsonl", content.as_bytes());
    let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
    assert_eq!((columns.turns.as_slice(), columns.found), (&["messages".to_owned()][..], Found::Name));
    let whole = read(&input.file, &columns).unwrap();
    assert_eq!(whole.texts()[0], "user: Hi\u{fffd}");
    assert!(whole.texts()[1].starts_with("user: Deep\n[["), "{:?}", whole.texts()[1]);
    let reason = "column `messages` has a turn 0 that has content that is a number, not a string";
    assert_eq!(whole.reasons(), [(2, reason)]);
}

#[test]
fn annotated_rows_keep_every_byte_before_the_added_columns() {
    let rows = rows();
    let list = format!("[{}]", rows.join(", "));
    for (name, content) in [("a.jsonl", rows.join("\n")), ("a.json", list)] {
        let input = input(name, content.as_bytes());
        let path = annotate(&input.file, &ReadLimits::default(), &input).unwrap();
        let annotated = String::from_utf8(decompress(&path)).unwrap();
        for row in &rows {
            assert!(annotated.contains(&row[..row.len() - 1]), "{annotated}");
        }
        assert_eq!(annotated.matches("\"duplicate_of\"").count(), rows.len());
        let columns = resolve_one(&find(&path), &choice(None, None)).unwrap();
        assert_eq!(read(&find(&path), &columns).unwrap().texts(), TEXTS);
    }
}

#[test]
fn control_characters_and_marks_of_joined_files_cost_no_row() {
    let rows = "{\"text\":\"one\ttab\"}\n\u{feff}{\"text\":\"two\"}\n{\"a\":\"\u{1}\",\"text\":\"three\"}\n";
    let input = input("a.jsonl", rows.as_bytes());
    let found = read(&input.file, &text_column("text")).unwrap();
    assert_eq!(found.texts(), ["one tab", "two", "three"]);
    let kept = write(&input, &mut |_| true).unwrap();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), rows, "byte for byte");
    let list =
        format!("[{}]", rows.replace('\t', "\n").trim_end().replace("}\n", "},\n").replace('\u{feff}', ""));
    let input = crate::support::input("a.json", list.as_bytes());
    assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["one tab", "two", "three"]);
}
