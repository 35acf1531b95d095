//! Delimiters that no spreadsheet writes: those of databases are found, and others are asked for.

use semdedup::formats::{Dialect, Format, Found};

use crate::support::*;
use crate::text_choice::{SENTENCES, found, unasked};

/// Returns a table of ids and sentences, of which some have commas.
fn table(header: &str, delimiter: &str) -> String {
    let row = |(row, text): (usize, &&str)| {
        let text = if row % 2 == 0 { text.replacen(' ', ", ", 1) } else { (*text).to_owned() };
        format!("{row}{delimiter}{text}\n")
    };
    let rows: String = SENTENCES.iter().enumerate().map(row).collect();
    format!("{}\n{rows}", header.replace('|', delimiter))
}

#[test]
fn delimiters_of_databases_are_found_and_no_row_with_a_comma_is_lost() {
    for delimiter in [b'^', b'~', 1, 31, b'|', b';'] {
        let shown = char::from(delimiter).to_string();
        for (header, text, how) in [("id|text", "text", Found::Text), ("uid|review", "review", Found::Values)]
        {
            for name in ["a.csv", "a.tsv", "a.csv.gz"] {
                let content = table(header, &shown);
                let input = input(name, content.as_bytes());
                assert_eq!(input.file.format, Format::Csv(Dialect::new(delimiter)), "{name} {delimiter}");
                let columns = unasked(&input.file).unwrap();
                assert_eq!((columns.text.as_deref(), columns.found), (Some(text), how), "{name} {delimiter}");
                let whole = read(&input.file, &columns).unwrap();
                assert_eq!(whole.texts()[0], "The, river floods every spring when the snow melts.");
                assert_eq!((whole.texts.len(), whole.bad.len()), (4, 0));
                assert_eq!(decompress(&write(&input, &mut |_| true).unwrap()), content.as_bytes());
            }
        }
    }
}

#[test]
fn a_header_that_such_a_delimiter_divides_into_more_columns_than_the_comma_is_a_question() {
    for (delimiter, typed) in
        [("^", "--delimiter '^'"), ("~", "--delimiter '~'"), ("\x01", "--delimiter '\\x01'")]
    {
        let rows: String =
            SENTENCES.iter().map(|text| format!("1{delimiter}{text}, and so on{delimiter}5\n")).collect();
        let content = format!("uid{delimiter}review, long{delimiter}stars\n{rows}");
        let error = discover_error("a.csv", &content);
        assert!(error.contains("the columns may be separated by `,` (2 columns"), "{error}");
        assert!(error.ends_with(&format!("type which it is: --delimiter , or {typed}")), "{error}");
    }
}

/// Returns the error and the hint with which a file is not even found.
fn discover_error(name: &str, content: &str) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let error = semdedup::formats::discover(&[path.to_str().unwrap().to_owned()], &[]).unwrap_err();
    format!("{error}; {}", error.hint_text().unwrap())
}

#[test]
fn a_header_of_one_column_that_another_separator_divides_as_it_does_the_rows_is_refused() {
    for (separator, what) in [
        (" : ", "type --delimiter ':'"),
        (":", "type --delimiter ':'"),
        ("#", "type --delimiter '#'"),
        ("\x14", "type --delimiter '\\x14'"),
        ("::", "`perl -pe 's/::/\\x01/g' OLD > NEW.csv` writes one character in its place"),
        ("$$", "`perl -pe 's/\\x24\\x24/\\x01/g' OLD > NEW.csv`"),
        (" - ", "`perl -pe 's/ - /\\x01/g' OLD > NEW.csv`"),
        ("\u{a7}", "`perl -pe 's/\\xc2\\xa7/\\x01/g' OLD > NEW.csv`"),
    ] {
        for name in ["a.csv", "a.tsv"] {
            let error = found(name, &table("uid|review", separator)).unwrap_err();
            assert!(error.contains("the header is one column, `uid"), "{error}");
            assert!(error.contains(what), "{error}");
            assert!(error.ends_with("if it is one column, name it with --text-column"), "{error}");
        }
        // The user may say that it is one column.
        let input = input("a.tsv", table("uid|review", separator).as_bytes());
        let name = format!("uid{separator}review");
        assert!(resolve_one(&input.file, &choice(Some(&name), None)).is_ok(), "{name}");
    }
}

#[test]
fn a_comma_in_the_header_does_not_hide_another_separator() {
    let ragged = table("uid|review, long", "::");
    let error = found("a.csv", &ragged).unwrap_err();
    assert!(error.contains("the header is 2 columns, `uid::review, long`, with `::` in it"), "{error}");
    assert!(error.ends_with("if it does not, name the delimiter too: --delimiter ,"), "{error}");
}

#[test]
fn marks_of_sentences_and_names_are_no_separators() {
    let same = |line: &str| SENTENCES.map(|text| format!("{}\n", line.replace('@', text))).concat();
    for content in [
        // The rows are not divided as the header is.
        format!("review: long\n{}", same("@")),
        format!("review: long\n{}", same("a: b: @")),
        // An end of a sentence, a hyphen, a slash and an underscore divide nothing.
        format!("Say?\n{}", same("@?")),
        format!("follow-up_review/text\n{}", same("re-@_/")),
        // One of two that fit may be there by chance.
        format!("time (h:m:s),review\n{}", same("12:30:45,@")),
        format!("id,note: first,review\n{}", same("1,12:30,@")),
    ] {
        assert!(found("a.csv", &content).is_ok(), "{content}: {:?}", found("a.csv", &content));
    }
}
