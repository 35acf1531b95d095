//! Rows of CSV that the dialect of the first rows may cut wrongly: nothing is lost without a word.

use semdedup::formats::{Asked, DialectChoice, Escape, InputFile, Quote, survey};

use crate::support::*;

/// Finds a file as the user says that it is written.
fn find_with(input: &Input, csv: DialectChoice) -> InputFile {
    let asked = Asked { csv, ..Asked::default() };
    survey(&[input.file.path.display().to_string()], &[], &asked).unwrap().files.remove(0)
}

/// The error and the hint for a file.
#[track_caller]
fn refused(input: &Input) -> (String, String) {
    let error = read(&input.file, &text_column("text")).map(|_| ()).unwrap_err();
    (error.to_string().split_once(": ").unwrap().1.to_owned(), error.hint_text().unwrap().to_owned())
}

const ESCAPED: DialectChoice =
    DialectChoice { escape: Some(Escape(Some('\\'))), delimiter: None, quote: None, no_header: false };
const LETTERS: DialectChoice = DialectChoice { escape: Some(Escape(None)), ..ESCAPED };
const DATABASE: DialectChoice = DialectChoice { quote: Some(Quote(None)), ..ESCAPED };

/// Returns a table of more than the bytes that tell the dialect, and rows behind these.
fn far_down(rows: &str) -> String {
    let filler: String =
        (0..8000).map(|row| format!("{row},\"some words, to fill the row {row}\"\n")).collect();
    format!("id,text\n{filler}{rows}")
}

#[test]
fn quotes_that_a_backslash_escapes_far_down_end_the_run_with_what_to_type() {
    for (rows, texts) in [
        ("8000,\"he said \\\"hi\\\", then\"\n", &["he said \"hi\", then"][..]),
        ("8000,\"he said \\\"hi\\\" then\"\n8001,b\n", &["he said \"hi\" then", "b"]),
        ("8000,\"he said \\\"hi\nyou\\\"\"\n", &["he said \"hi\nyou\""]),
        ("8000,\"\\\"hi\\\" he said\"\n", &["\"hi\" he said"]),
    ] {
        let input = input("a.csv", far_down(rows).as_bytes());
        let (error, hint) = refused(&input);
        assert!(
            error.starts_with("row 8000: a backslash stands before the quote that ends a field"),
            "{error}"
        );
        assert!(hint.contains("--escape '\\'; if it is a letter, type --escape none"), "{hint}");
        let whole = read(&find_with(&input, ESCAPED), &text_column("text")).unwrap();
        assert_eq!((&whole.texts()[8000..], &whole.bad[..]), (texts, &[][..]));
        // As letters they are what the dialect says.
        assert!(read(&find_with(&input, LETTERS), &text_column("text")).is_ok());
    }
    // Such a quote may open quotes that swallow what follows.
    let input = input("a.csv", far_down("8000,\"he said \\\"\"\n8001,\"b, c\"\n").as_bytes());
    let (error, hint) = refused(&input);
    assert!(error.starts_with("row 8000: a quoted field goes over 2 lines and has text behind"), "{error}");
    assert!(hint.contains("--escape '\\'") && hint.contains("--quote none"), "{hint}");
    let input = self::input("a.csv", far_down("8000,\"he said \\\"\"\n8001,b\n").as_bytes());
    let (error, hint) = refused(&input);
    assert!(error.starts_with("row 8000: a quoted field is not closed"), "{error}");
    assert!(hint.contains("--escape '\\'"), "{hint}");
}

#[test]
fn backslashes_that_are_letters_are_read_as_such() {
    for content in [
        "id,text\n1,\"C:\\\"\n2,\"C:\\\" \n3,\"D:\\a, b\"\n",
        "id,text\n1,\"a \\\"\"b\"\"\"\n2,\\\"\n",
        "id\ttext\n1\tls \\\n2\tmake \\\n3\tgrep\n",
        "id\ttext\n1\ta\\tb\n2\t\\N\n3\n",
    ] {
        let input = input("a.tsv", content.as_bytes());
        assert!(read(&input.file, &text_column("text")).is_ok(), "{content}");
    }
}

#[test]
fn a_row_that_a_backslash_continues_in_the_next_line_ends_the_run_with_what_to_type() {
    let filler: String = (0..9000).map(|row| format!("{row}\tsome words to fill the row {row}\n")).collect();
    for (rows, problem) in [
        ("9000\ttwo\\\nlines\n", "row 9000: ends in a backslash, and with the next line"),
        ("9000\ttwo\\\nlines\\\n\\\tof text\n", "row 9000: ends in a backslash, and with the next line"),
    ] {
        let input = input("a.tsv", format!("id\ttext\n{filler}{rows}").as_bytes());
        let (error, hint) = refused(&input);
        assert!(error.starts_with(problem), "{error}");
        assert!(hint.contains("type --quote none --escape '\\'; if they are letters, type --escape none"));
        let whole = read(&find_with(&input, DATABASE), &text_column("text")).unwrap();
        assert_eq!((whole.texts.len(), whole.bad.len()), (9001, 0));
        assert!(whole.texts()[9000].starts_with("two"));
        assert!(read(&find_with(&input, LETTERS), &text_column("text")).is_ok());
    }
    // A row with too many fields is a bad row, and says what would read it.
    let parts = input("a.tsv", format!("id\ttext\n{filler}9000\ttwo\\\tparts\n").as_bytes());
    let whole = read(&parts.file, &text_column("text")).unwrap();
    let reason = "row has 3 fields, the header has 2 (with --quote none --escape '\\' it would fit)";
    assert_eq!(whole.reasons(), [(9000, reason)]);
    let whole = read(&find_with(&parts, DATABASE), &text_column("text")).unwrap();
    assert_eq!((whole.texts()[9000], whole.bad.len()), ("two\tparts", 0));
    // Each line fits by itself, but not with the tab that is escaped.
    let doubtful = input("a.tsv", b"id\ttext\n1\tone\\\nand \\\ttwo\n");
    assert!(refused(&doubtful).0.starts_with("row 0: ends in a backslash"));
    assert_eq!(
        read(&find_with(&doubtful, DATABASE), &text_column("text")).unwrap().texts(),
        ["one\nand \ttwo"]
    );
    assert_eq!(read(&find_with(&doubtful, LETTERS), &text_column("text")).unwrap().texts(), ["one\\", "two"]);
}

#[test]
fn lines_of_one_column_that_end_in_backslashes_are_a_question() {
    let input = input("a.tsv", b"text\none\\\ntwo\nthree\\\nfour\n");
    let error = resolve_one(&input.file, &choice(None, None)).unwrap_err();
    assert!(error.to_string().contains("row 0: ends in a backslash"), "{error}");
    let columns = |file: &InputFile| resolve_one(file, &choice(None, None)).unwrap();
    let (letters, database) = (find_with(&input, LETTERS), find_with(&input, DATABASE));
    assert_eq!(read(&letters, &columns(&letters)).unwrap().texts().len(), 4);
    assert_eq!(read(&database, &columns(&database)).unwrap().texts(), ["one\ntwo", "three\nfour"]);
    let seldom = self::input("a.tsv", b"text\none\\\ntwo\nthree\nfour\n");
    assert_eq!(read(&seldom.file, &columns(&seldom.file)).unwrap().texts().len(), 4);
}

#[test]
fn names_of_columns_are_found_without_the_spaces_around_them() {
    let input = input("a.csv", b"id, text ,\" label\"\n1, a,x\n2,b,y\n");
    for name in [None, Some("text"), Some(" text ")] {
        let columns = resolve_one(&input.file, &choice(name, Some("id"))).unwrap();
        assert_eq!(columns.text.as_deref(), name.or(Some("text")));
        assert_eq!(read(&input.file, &columns).unwrap().texts(), [" a", "b"]);
    }
    assert_eq!(read(&input.file, &with_id("text", "label")).unwrap().string_ids(), [Some("x"), Some("y")]);
    // Two that differ in spaces alone keep them.
    let two = self::input("a.csv", b"text, text\na,b\n");
    assert_eq!(read(&two.file, &text_column(" text")).unwrap().texts(), ["b"]);
    assert_eq!(read(&two.file, &text_column("text")).unwrap().texts(), ["a"]);
}

#[test]
fn delimiters_at_the_end_of_rows_lose_none_and_shift_none() {
    let input = input("a.csv", b"id,text\n1,a,,\n2,b\n3,c,\n4,d\n");
    let whole = read(&input.file, &with_id("text", "id")).unwrap();
    assert_eq!((whole.texts(), whole.bad.len()), (vec!["a", "b", "c", "d"], 0));
    // The first column has no name here: a row whose last field is empty is not read as another.
    let shifted = self::input("a.csv", b"text,label\n0,one,x\n1,two,\n2,three,y\n");
    let whole = read(&shifted.file, &text_column("text")).unwrap();
    assert_eq!(whole.bad.len(), 3, "{:?}", whole.texts());
    // An empty field in quotes is a field.
    let quoted = self::input("a.csv", b"id,text\n1,a,\n2,b,\"\"\n3,c\n4,d\n5,e\n6,f\n7,g\n8,h\n9,i\n10,j\n");
    assert_eq!(
        read(&quoted.file, &text_column("text")).unwrap().reasons(),
        [(1, "row has 3 fields, the header has 2")]
    );
}
