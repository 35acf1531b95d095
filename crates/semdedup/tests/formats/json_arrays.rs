//! JSON lists: every element is a row, and the list is written without some of them.

use semdedup::formats::{Format, ReadLimits, count_rows, read_texts};
use serde_json::value::RawValue;

use crate::support::*;

const ELEMENTS: [&str; 5] = [
    "{\"text\": \"one, [two]\"}",
    "{\n    \"text\": \"qu\\\"ote}\",\n    \"more\": [1, {\"a\": \"]\"}]\n  }",
    "{ }",
    "{\"text\":\"back\\\\\"}",
    "{\"text\":\"\u{1f600}\"}",
];

/// The same elements with other white space between them.
fn lists() -> Vec<String> {
    vec![
        format!("[{}]", ELEMENTS.join(",")),
        format!("\u{feff}\n [\n  {}\n]\n", ELEMENTS.join(",\n  ")),
        format!("[ {} ]\r\n\r\n", ELEMENTS.join("\r\n , \t")),
    ]
}

#[test]
fn each_element_is_a_row() {
    for end in ["", ".gz", ".zst", ".bz2", ".xz"] {
        for list in lists() {
            let input = input(&format!("a.json{end}"), list.as_bytes());
            assert_eq!(input.file.format, Format::JsonArray);
            let whole = read(&input.file, &resolve_one(&input.file, &choice(None, None)).unwrap()).unwrap();
            assert_eq!(whole.texts(), ["one, [two]", "qu\"ote}", "", "back\\", "\u{1f600}"], "{list}");
            assert_eq!(whole.bad, []);
            assert_eq!(count_rows(&input.file, &ReadLimits::default()).unwrap(), 5);
            let texts = read_texts(&input.file, &text_column("text"), &ReadLimits::default(), &[1, 4, 5]);
            assert_eq!(texts.unwrap(), [Some("qu\"ote}".to_owned()), Some("\u{1f600}".to_owned()), None]);
        }
    }
}

#[test]
fn whichever_elements_stay_the_file_is_a_list_of_exactly_their_bytes() {
    for list in lists() {
        let input = input("a.json", list.as_bytes());
        for pattern in 0..1_u64 << ELEMENTS.len() {
            let kept = write(&input, &mut |row| pattern >> row & 1 == 1).unwrap();
            let kept = String::from_utf8(decompress(&kept)).unwrap();
            let plain = kept.trim_start_matches('\u{feff}');
            let elements: Vec<&RawValue> =
                serde_json::from_str(plain).unwrap_or_else(|error| panic!("{error}: {kept}"));
            let expected = (0..ELEMENTS.len()).filter(|row| pattern >> row & 1 == 1).map(|row| ELEMENTS[row]);
            assert!(elements.iter().map(|element| element.get()).eq(expected), "{kept}");
            if pattern.count_ones() == 5 {
                assert_eq!(kept, list);
            }
        }
    }
}

#[test]
fn what_stays_is_laid_out_as_it_was() {
    let input = input("a.json.gz", b"[\n  {\"a\": 1},\n  {\"a\": 2},\n  {\"a\": 3}\n]\n");
    let kept = |keep: &[u64]| {
        let kept = write(&input, &mut |row| keep.contains(&row)).unwrap();
        String::from_utf8(decompress(&kept)).unwrap()
    };
    assert_eq!(kept(&[1, 2]), "[\n  {\"a\": 2},\n  {\"a\": 3}\n]\n");
    assert_eq!(kept(&[0, 2]), "[\n  {\"a\": 1},\n  {\"a\": 3}\n]\n");
    assert_eq!(kept(&[0, 1]), "[\n  {\"a\": 1},\n  {\"a\": 2}\n]\n");
    assert_eq!(kept(&[]), "[\n]\n");
}

#[test]
fn lists_without_elements_have_no_rows_and_stay_as_they_are() {
    for list in ["[]", " [\n]\n"] {
        let input = input("a.json", list.as_bytes());
        assert_eq!(read(&input.file, &text_column("text")).unwrap().texts.len(), 0);
        assert_eq!(decompress(&write(&input, &mut |_| true).unwrap()), list.as_bytes());
    }
}

#[test]
fn a_json_file_that_begins_with_anything_else_holds_an_object_a_line() {
    for content in ["{\"text\":\"a\"}\n[1]\n", "", "\n"] {
        assert_eq!(input("a.json", content.as_bytes()).file.format, Format::Jsonl, "{content}");
    }
}

#[test]
fn an_element_that_is_damaged_inside_is_a_bad_row() {
    let input = input(
        "a.json",
        b"[{\"text\": \"a\"}, 12, \"b\", [\"c\"], null, {\"text\": tru}, {\n\"text\": \"d\",\n  oops}, {\"text\": 1}, {\"text\": \"e\"}]",
    );
    let whole = read(&input.file, &text_column("text")).unwrap();
    assert_eq!(whole.texts(), ["a", "<bad>", "<bad>", "<bad>", "<bad>", "<bad>", "<bad>", "<bad>", "e"]);
    assert_eq!(
        whole.reasons(),
        [
            (1, "the row is a number, not an object"),
            (2, "the row is a string, not an object"),
            (3, "the row is a list, not an object"),
            (4, "the row is null, not an object"),
            (5, "not valid JSON at byte 13: expected ident"),
            (6, "not valid JSON in line 3 of the row, at byte 3: key must be a string"),
            (7, "column `text` is a number, not a string"),
        ]
    );
    let kept = write(&input, &mut |row| row == 0 || row == 8).unwrap();
    assert_eq!(decompress(&kept), b"[{\"text\": \"a\"}, {\"text\": \"e\"}]");
}

#[test]
fn a_list_whose_brackets_or_commas_are_wrong_is_an_error_that_names_the_row() {
    let cases = [
        (
            "[{\"text\": \"a\"}, {\"text\": \"b\"}",
            "row 2: not a JSON list: the list is not closed by the end of the file",
        ),
        (
            "[{\"text\": \"a\"}, {\"text\": \"b",
            "row 1: not a JSON list: the list is not closed by the end of the file",
        ),
        (
            "[{\"text\": \"a\"}, ]",
            "row 1: not a JSON list: an element has to begin here, but `]` stands there",
        ),
        (
            "[, {\"text\": \"a\"}]",
            "row 0: not a JSON list: an element has to begin here, but `,` stands there",
        ),
        ("[{} {}]", "row 1: not a JSON list: `,` or `]` has to follow an element, but `{` stands there"),
        ("[{\"a\": [}]", "row 0: not a JSON list: `}` closes nothing that is open"),
        (
            "[{}]\n[{}]",
            "row 1: not a JSON list: nothing can follow the end of the list, but `[` stands there",
        ),
    ];
    for (content, problem) in cases {
        let input = input("a.json", content.as_bytes());
        let error = read(&input.file, &text_column("text")).unwrap_err();
        assert!(error.to_string().ends_with(problem), "{content}: {error}");
        assert!(error.hint_text().is_some());
        assert!(write(&input, &mut |_| true).is_err());
    }
}

#[test]
fn an_element_over_the_limit_is_skipped_and_never_held() {
    let long = format!("{{\"text\": \"{}\"}}", "x".repeat(5 << 20));
    let input = input("a.json", format!("[{{\"text\": \"a\"}}, {long}, {{\"text\": \"b\"}}]").as_bytes());
    let limits = ReadLimits { max_row_bytes: 1000, ..ReadLimits::default() };
    let whole = read_from(&input.file, &text_column("text"), &limits, 0).unwrap();
    assert_eq!(whole.texts(), ["a", "<bad>", "b"]);
    assert_eq!(
        whole.bad[0].reason,
        format!("row of {} bytes is over the limit of 1000 (--max-row-bytes)", long.len())
    );
    let destination = input.folder.path().join("kept.json");
    let kept =
        semdedup::formats::write_kept(&input.file, &limits, &destination, &mut |row| row != 1).unwrap();
    assert_eq!(
        (kept, decompress(&destination).as_slice()),
        (2, &b"[{\"text\": \"a\"}, {\"text\": \"b\"}]"[..])
    );
}

#[test]
fn a_list_of_anything_but_objects_and_strings_is_an_error() {
    let input = input("a.json", b"[[\"a\"], \"b\"]");
    let error = resolve_one(&input.file, &choice(None, None)).unwrap_err().to_string();
    assert!(error.ends_with("is not a list of objects: row 0: the row is a list, not an object"), "{error}");
}
