//! Bad rows are reported one by one, and never stop the run.

use semdedup::formats::{ReadLimits, read_texts, write_kept};

use crate::support::*;

#[test]
fn each_kind_of_bad_json_row_says_what_is_wrong() {
    let lines: [(&[u8], &str); 11] = [
        (b"{\"text\": 12}", "column `text` is a number, not a string"),
        (b"{\"text\": -1.5e3}", "column `text` is a number, not a string"),
        (b"{\"text\": true}", "column `text` is a boolean, not a string"),
        (b"{\"text\": {\"a\": [1, {}]}}", "column `text` is an object, not a string"),
        (b"{\"text\": [[\"a\"], 2]}", "column `text` is a list, not a string"),
        (b"[1, 2]", "the row is a list, not an object"),
        (b"  \"text\"", "the row is a string, not an object"),
        (b"{\"text\": \"a\"", "not valid JSON at byte 12: EOF while parsing an object"),
        (b"{\"text\": \"a\"} x", "not valid JSON at byte 15: trailing characters"),
        (b"{\"text\": \"\xff\"}", "not valid UTF-8 at byte 10"),
        (b"oops", "not valid JSON at byte 1: expected value"),
    ];
    let mut content = b"{\"text\": \"good\"}\n".to_vec();
    lines.iter().for_each(|(line, _)| content.extend([line, &b"\n"[..]].concat()));
    let input = input("a.jsonl", &content);
    let whole = read(&input.file, &text_column("text")).unwrap();
    assert_eq!(whole.texts()[0], "good");
    let expected: Vec<_> = lines.iter().enumerate().map(|(row, (_, why))| (row as u64 + 1, *why)).collect();
    assert_eq!(whole.reasons(), expected);
    assert_eq!(whole.empty, 0);
}

#[test]
fn a_missing_or_null_text_is_empty_and_not_bad() {
    let input = input(
        "a.jsonl",
        b"{\"text\":null}\n{\"other\":[{\"text\":\"inner\"}]}\n{\"text\":\"\"}\n{\"text\":\"x\"}\n",
    );
    let whole = read(&input.file, &text_column("text")).unwrap();
    assert_eq!((whole.texts(), whole.empty), (vec!["", "", "", "x"], 3));
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let input = input(
        "a.jsonl",
        b"{\"text\":1,\"id\":1,\"text\":\"esc\\naped\",\"id\":2}\n{\"text\":\"a\",\"text\":null}\n",
    );
    let whole = read(&input.file, &with_id("text", "id")).unwrap();
    assert_eq!(whole.texts(), ["esc\naped", ""]);
    assert_eq!(whole.string_ids(), [Some("2"), None]);
}

#[test]
fn ids_of_json_rows_are_raw_tokens_and_null_where_the_row_is_bad() {
    let input = input("a.jsonl", b"{\"id\": 1,\"text\":\"\"}\n{\"id\": \"1\"}\n{\"id\":2,\"text\":3}\n{\"id\": [1, 2] }\n{\"id\":null}\n");
    let whole = read(&input.file, &with_id("text", "id")).unwrap();
    assert_eq!(whole.string_ids(), [Some("1"), Some("\"1\""), None, Some("[1, 2]"), None]);
}

#[test]
fn one_column_can_be_both_text_and_id() {
    let jsonl = input("a.jsonl", b"{\"id\": \"a\\tb\"}\n{\"id\": 7}\n");
    let whole = read(&jsonl.file, &with_id("id", "id")).unwrap();
    assert_eq!(whole.texts(), ["a\tb", "<bad>"]);
    assert_eq!(whole.string_ids(), [Some("\"a\\tb\""), None]);
    let csv = input("a.csv", b"id\na\n");
    assert_eq!(read(&csv.file, &with_id("id", "id")).unwrap().string_ids(), [Some("a")]);
}

#[test]
fn a_csv_row_with_another_number_of_fields_is_bad() {
    let input = input("a.csv", b"id,text\n1,a\n2\n3,b,c\n4,\"x,y\"\n5,\xff\n");
    let whole = read(&input.file, &with_id("text", "id")).unwrap();
    assert_eq!(whole.texts(), ["a", "<bad>", "<bad>", "x,y", "<bad>"]);
    assert_eq!(whole.string_ids(), [Some("1"), None, None, Some("4"), None]);
    assert_eq!(
        whole.reasons(),
        [
            (1, "row has 1 fields, the header has 2"),
            (2, "row has 3 fields, the header has 2"),
            (4, "not valid UTF-8 at byte 2")
        ]
    );
}

#[test]
fn a_line_of_text_that_is_not_utf8_is_bad() {
    let input = input("a.txt", b"good\nb\xf0ad\n");
    assert_eq!(
        read(&input.file, &text_column("text")).unwrap().reasons(),
        [(1, "not valid UTF-8 at byte 1")]
    );
}

#[test]
fn a_line_over_the_limit_is_bad_wherever_it_stands() {
    let long = "x".repeat(3 << 20);
    let limits = ReadLimits { max_row_bytes: 10, ..ReadLimits::default() };
    for (name, header) in [("a.txt", ""), ("a.jsonl", ""), ("a.csv.gz", "text\n")] {
        let content = format!("{header}{long}\n\"short\"\n{long}\r\n\"end\"\n{long}");
        let input = input(name, content.as_bytes());
        let whole = read_from(&input.file, &text_column("text"), &limits, 0).unwrap();
        let reason = "row of 3145728 bytes is over the limit of 10 (--max-row-bytes)";
        let long_rows: Vec<_> = whole.reasons().into_iter().filter(|(row, _)| row % 2 == 0).collect();
        assert_eq!(long_rows, [(0, reason), (2, reason), (4, reason)], "{name}");
        let destination = input.folder.path().join(format!("kept-{name}"));
        let written = write_kept(&input.file, &limits, &destination, &mut |row| row % 2 == 1).unwrap();
        assert_eq!(written, 2);
        assert_eq!(decompress(&destination), format!("{header}\"short\"\n\"end\"\n").as_bytes());
        let error = write_kept(&input.file, &limits, &destination, &mut |_| true).unwrap_err();
        assert!(error.to_string().contains("row 0: a row of 3145728 bytes is over the limit"), "{error}");
    }
}

#[test]
fn a_limit_out_of_range_is_refused() {
    let input = input("a.txt", b"a\n");
    for max_row_bytes in [0, usize::MAX] {
        let error = read_from(
            &input.file,
            &text_column("text"),
            &ReadLimits { max_row_bytes, ..ReadLimits::default() },
            0,
        )
        .unwrap_err();
        assert!(error.to_string().starts_with("--max-row-bytes is "), "{error}");
    }
}

#[test]
fn a_bad_row_has_no_text_to_show() {
    let input = input("a.jsonl", b"{\"text\":\"a\"}\nnope\n{\"text\":\"c\"}\n");
    let texts = read_texts(&input.file, &text_column("text"), &ReadLimits::default(), &[0, 1, 2]).unwrap();
    assert_eq!(texts, [Some("a".to_owned()), None, Some("c".to_owned())]);
}

#[test]
fn a_chunk_parsed_for_a_column_that_the_header_lacks_is_an_error() {
    let input = input("a.csv", b"id,body\n1,a\n");
    let error = read(&input.file, &text_column("text")).unwrap_err().to_string();
    assert!(error.ends_with("a.csv: no column `text` in the header; columns are id, body"), "{error}");
}
