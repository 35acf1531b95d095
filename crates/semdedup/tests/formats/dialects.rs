//! Dialects of CSV: other delimiters, quotes and escapes, lines above the header, no header.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use semdedup::formats::{
    AddedColumns, Asked, Dialect, DialectChoice, Escape, Format, InputFile, Quirks, Quote, ReadLimits,
    survey, write_annotated,
};

use crate::support::*;

/// A file in a dialect.
struct Case {
    name: &'static str,
    /// The bytes up to the first row.
    top: &'static str,
    rows: &'static [&'static str],
    texts: &'static [&'static str],
    dialect: Dialect,
}

fn quirks(delimiter: u8, quirks: Quirks) -> Dialect {
    Dialect { quirks, ..Dialect::new(delimiter) }
}

fn cases() -> Vec<Case> {
    let plain = Quirks::default();
    let case = |name, top, rows, texts, dialect| Case { name, top, rows, texts, dialect };
    vec![
        case(
            "semicolons.csv",
            "\u{feff}id;text\r\n",
            &["1;a, b\r\n", "\r\n2;\"c;\nd\"\r\n", "3;e"],
            &["a, b", "c;\nd", "e"],
            Dialect::new(b';'),
        ),
        case("tabs.csv", "id\ttext\n", &["1\ta, b\n", "2\tc\n"], &["a, b", "c"], Dialect::new(b'\t')),
        case("pipes.csv", "id|text\r", &["1|a, b\r", "2|c\r"], &["a, b", "c"], Dialect::new(b'|')),
        case(
            "commas.tsv",
            "id,text\n",
            &["1,\"a\tb\"\n", "2,\"c\nd\"\n"],
            &["a\tb", "c\nd"],
            Dialect::new(b','),
        ),
        case(
            "said.csv",
            "sep=;\r\nid;text\r\n",
            &["1;a, b\r\n", "2;c, d\r\n"],
            &["a, b", "c, d"],
            Dialect { is_asked: true, ..quirks(b';', Quirks { lines_above_header: 1, ..plain }) },
        ),
        case(
            "title.csv",
            "Report of \"sales\r\n\r\nid,text\r\n",
            &["1,a\r\n", "2,\"b, c\"\r\n"],
            &["a", "b, c"],
            quirks(b',', Quirks { lines_above_header: 1, ..plain }),
        ),
        case(
            "comments.csv",
            "# exported, 2024\n\n# by hand\nid,text\n",
            &["1,a\n", "2,b\n"],
            &["a", "b"],
            quirks(b',', Quirks { lines_above_header: 2, ..plain }),
        ),
        case(
            "trailing.csv",
            "id,text\n",
            &["1,\"a, b\",\n", "2,c,\n"],
            &["a, b", "c"],
            quirks(b',', Quirks { trailing_delimiter: true, ..plain }),
        ),
        case(
            "backslash.csv",
            "id,text\n",
            &["1,\"He said \\\"hi\\\", then\nleft.\"\n", "2,\"C:\\\\\"\n", "3,plain\n"],
            &["He said \"hi\", then\nleft.", "C:\\", "plain"],
            quirks(b',', Quirks { escape: Escape(Some('\\')), ..plain }),
        ),
        case(
            "mysql.tsv",
            "id\ttext\n",
            &["1\ttwo\\\nlines \\\\ \"\n", "2\t\\\ta\\n\\,\n", "3\t\\N\n"],
            &["two\nlines \\ \"", "\ta\n,", ""],
            quirks(b'\t', Quirks { quote: Quote(None), escape: Escape(Some('\\')), ..plain }),
        ),
        case(
            "spaces.csv",
            "\"id\",  \"text\"\n",
            &["\"1\", \"a, b\"\n", "\"2\", \"c\n\"\"d\"\"\"\n", "3,  e \n"],
            &["a, b", "c\n\"d\"", "e "],
            quirks(b',', Quirks { skip_spaces: true, ..plain }),
        ),
        case(
            "spaces in names.csv",
            " id , text\n",
            &["1, a\n", "2,\"b, c\"\n"],
            &[" a", "b, c"],
            Dialect::new(b','),
        ),
        case(
            "some trailing.csv",
            "id,text\r\n",
            &["1,a,,\r\n", "2,\"b, c\"\r\n", "3,d,"],
            &["a", "b, c", "d"],
            quirks(b',', Quirks { trailing_delimiter: true, ..plain }),
        ),
        case(
            "title of words.csv",
            "Sales report, by region, 2024, all\nid,text\n",
            &["1,a\n", "2,b\n"],
            &["a", "b"],
            quirks(b',', Quirks { lines_above_header: 1, ..plain }),
        ),
        case(
            "single.csv",
            "id,text\n",
            &["1,'a, b'\n", "2,'it''s\nc'\n", "3,'d, e'\n"],
            &["a, b", "it's\nc", "d, e"],
            quirks(b',', Quirks { quote: Quote(Some('\'')), ..plain }),
        ),
    ]
}

#[test]
fn the_dialect_is_found_whatever_the_compression() {
    for case in cases() {
        for end in ["", ".gz", ".zst", ".bz2", ".xz"] {
            let content = format!("{}{}", case.top, case.rows.concat());
            let input = input(&format!("{}{end}", case.name), content.as_bytes());
            assert_eq!(input.file.format, Format::Csv(case.dialect), "{}{end}", case.name);
            let whole = read(&input.file, &with_id("text", "id")).unwrap();
            assert_eq!(whole.texts(), case.texts, "{}{end}", case.name);
            assert_eq!(whole.bad, []);
            let ids = ["1", "2", "3"].map(Some);
            assert_eq!(whole.string_ids(), ids[..case.rows.len()], "{}", case.name);
        }
    }
}

#[test]
fn kept_rows_and_what_is_above_the_header_keep_their_bytes() {
    for Case { name, top, rows, .. } in cases() {
        let input = input(name, format!("{top}{}", rows.concat()).as_bytes());
        for pattern in 0..1_u64 << rows.len() {
            let kept = write(&input, &mut |row| pattern >> row & 1 == 1).unwrap();
            let stays = |(row, bytes): (usize, &&'static str)| match pattern >> row & 1 {
                1 => (*bytes).to_owned(),
                _ => "\r\n".repeat(bytes.matches("\r\n2").count()), // a blank line stays
            };
            let expected: String = rows.iter().enumerate().map(stays).collect();
            assert_eq!(String::from_utf8(decompress(&kept)).unwrap(), format!("{top}{expected}"), "{name}");
        }
    }
}

/// Returns a file with a column added, whose values need quotes.
fn annotated(input: &Input) -> semdedup::Result<InputFile> {
    let schema = Arc::new(Schema::new(vec![Field::new("of", DataType::Utf8, true)]));
    let mut row = 0;
    let mut next = |rows: usize| {
        let values = (row..row + rows).map(|row| Some(format!("{row};,\t|\"'\\")));
        row += rows;
        let values: ArrayRef = Arc::new(values.collect::<StringArray>());
        Ok(RecordBatch::try_new(schema.clone(), vec![values]).unwrap())
    };
    let destination = input.folder.path().join(format!("annotated-{}", input.file.name));
    let mut added = AddedColumns { schema: schema.clone(), next: &mut next };
    write_annotated(&input.file, &ReadLimits::default(), &destination, &mut added)?;
    Ok(find_as(&destination, input.file.format))
}

/// Describes a file, of which the dialect is known.
fn find_as(path: &std::path::Path, format: Format) -> InputFile {
    let choice = match format {
        Format::Csv(dialect) => DialectChoice { delimiter: Some(dialect.delimiter), ..Default::default() },
        _ => DialectChoice::default(),
    };
    let mut file = find_with(path, choice).unwrap();
    file.format = format;
    file
}

fn find_with(path: &std::path::Path, csv: DialectChoice) -> semdedup::Result<InputFile> {
    let asked = Asked { csv, ..Asked::default() };
    survey(&[path.to_str().unwrap().to_owned()], &[], &asked).map(|mut found| found.files.remove(0))
}

#[test]
fn added_fields_are_written_in_the_dialect_of_the_file() {
    for Case { name, top, rows, texts, .. } in cases() {
        let input = input(name, format!("{top}{}", rows.concat()).as_bytes());
        let file = annotated(&input).unwrap();
        let whole = read(&file, &with_id("text", "of")).unwrap();
        assert_eq!((whole.texts(), &whole.bad[..]), (texts.to_vec(), &[][..]), "{name}");
        let of: Vec<String> = (0..rows.len()).map(|row| format!("{row};,\t|\"'\\")).collect();
        assert_eq!(whole.string_ids(), of.iter().map(|of| Some(of.as_str())).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_delimiter_behind_each_row_stays_at_its_end() {
    let input = input("a.csv", b"id,text\n1,a,\n2,b,\n3,c,d\n4,e\n5,f,\n");
    assert!(matches!(input.file.format, Format::Csv(dialect) if !dialect.quirks.trailing_delimiter));
    let rows: String = (0..20).map(|row| format!("{row},text {row},\r\n")).collect();
    let input = self::input("b.csv", format!("id,text\r\n{rows}20,other\r\n21,one,many\r\n").as_bytes());
    let whole = read(&input.file, &text_column("text")).unwrap();
    assert_eq!(whole.reasons(), [(21, "row has 3 fields, the header has 2")]);
    let file = annotated(&input).unwrap();
    let text = std::fs::read_to_string(&file.path).unwrap();
    assert!(text.starts_with("id,text,of\r\n0,text 0,\"0;,\t|\"\"'\\\",\r\n"), "{text}");
    assert!(text.contains("20,other,\"20;,\t|\"\"'\\\"\r\n"), "{text}");
    let whole = read(&file, &text_column("text")).unwrap();
    assert_eq!((whole.texts.len(), whole.bad.len()), (22, 1), "a row that did not fit does not fit now");
}

#[test]
fn a_file_without_a_header_has_numbers_for_names() {
    let input = raw_input("a.csv", b"1,\"a, b\"\n2,c\n3,d,e\n");
    let no_header = DialectChoice { no_header: true, ..DialectChoice::default() };
    let file = find_with(&input.file.path, no_header).unwrap();
    let whole = read(&file, &with_id("column_2", "column_1")).unwrap();
    assert_eq!(whole.texts(), ["a, b", "c", "<bad>"]);
    assert_eq!(whole.reasons(), [(2, "row has 3 fields, the header has 2")]);
    let input = Input { file, ..input };
    let kept = write(&input, &mut |row| row == 1).unwrap();
    assert_eq!(decompress(&kept), b"2,c\n");
    let file = annotated(&input).unwrap();
    let text = std::fs::read_to_string(&file.path).unwrap();
    assert!(text.starts_with("1,\"a, b\",\"0;,\t|\"\"'\\\"\n2,c,"), "{text}");
    let error = resolve_one(&input.file, &choice(None, None)).unwrap_err();
    assert!(
        error.to_string().contains("no column `text`; columns are column_1 (\"1\"), column_2 (\"a, b\")")
    );
}

#[test]
fn what_the_user_names_goes_before_what_is_found() {
    let read_as = |name: &str, bytes: &[u8], csv: DialectChoice| {
        let input = raw_input(name, bytes);
        let file = find_with(&input.file.path, csv).unwrap();
        let whole = read(&file, &text_column("text")).unwrap();
        (whole.texts().into_iter().map(str::to_owned).collect::<Vec<_>>(), whole.bad.len())
    };
    let none = DialectChoice { quote: Some(Quote(None)), ..DialectChoice::default() };
    let tabs = b"id\ttext\n1\t\"not closed\n2\ta \"b\"\n";
    assert_eq!(read_as("a.tsv", tabs, none), (vec!["\"not closed".to_owned(), "a \"b\"".to_owned()], 0));
    let doubled = DialectChoice { escape: Some(Escape(None)), ..DialectChoice::default() };
    let spark = b"id,text\n1,\"a \\\"b\\\", c\"\n2,d\n";
    assert_eq!(read_as("a.csv", spark, doubled).1, 1);
    assert_eq!(read_as("a.csv", spark, DialectChoice::default()).1, 0);
    let single = DialectChoice { quote: Some(Quote(Some('\''))), ..DialectChoice::default() };
    assert_eq!(read_as("a.csv", b"id,text\n1,'a'\n", single).0, ["a"]);
    let caret = DialectChoice { delimiter: Some(b'^'), ..DialectChoice::default() };
    assert_eq!(read_as("a.csv", b"id^text\n1^a, b\n", caret).0, ["a, b"]);
}

#[test]
fn an_unknown_value_that_needs_quotes_cannot_be_added_where_there_are_none() {
    let input = raw_input("a.tsv", b"id\ttext\n1\ta\n");
    let none = DialectChoice { quote: Some(Quote(None)), ..DialectChoice::default() };
    let file = find_with(&input.file.path, none).unwrap();
    let error = annotated(&Input { file, ..input }).unwrap_err();
    assert!(error.to_string().contains("row 0: cannot be annotated: the value"), "{error}");
    assert!(error.to_string().contains("needs quotes, and the file is read without"), "{error}");
}

#[test]
fn an_unclosed_quote_says_how_to_read_quotes_as_letters() {
    let input = input("a.tsv", b"id\ttext\n1\ta\n2\t\"not closed\n3\tb\n");
    let error = read(&input.file, &text_column("text")).unwrap_err();
    assert!(error.to_string().contains("row 1: a quoted field is not closed"), "{error}");
    assert!(error.hint_text().unwrap().contains("--quote none"));
}

#[test]
fn quotes_that_may_be_letters_are_refused_where_they_join_lines() {
    let tsv =
        "id\ttext\n0\tone\n1\t\"Whisk the eggs, said the cook\n2\tthree\n3\t5\" of rain fell\n4\tfive\n";
    let csv = "id,text\n0,one\n1,\"not closed here\n2,three\n3,\"another\" here\n";
    for (name, content, row, rows) in [("a.tsv", tsv, 1, 5), ("a.csv", csv, 1, 4)] {
        let input = input(name, content.as_bytes());
        let error = read(&input.file, &text_column("text")).map(|_| ()).unwrap_err();
        let words =
            format!("row {row}: a quoted field goes over 3 lines and has text behind its closing quote");
        assert!(error.to_string().contains(&words), "{error}");
        assert!(error.hint_text().unwrap().contains("--quote none"));
        let csv = DialectChoice { quote: Some(Quote(None)), ..DialectChoice::default() };
        let asked = Asked { csv, ..Asked::default() };
        let files = survey(&[input.file.path.display().to_string()], &[], &asked).unwrap().files;
        assert_eq!(read(&files[0], &text_column("text")).unwrap().texts().len(), rows, "{name}");
    }
    // Line breaks in quotes, quotes in a line, and spaces behind quotes are usual.
    for content in [
        "text,id\n\"a\nb\",1\n",
        "text,id\n\"a\" b,1\n",
        "text,id\n\"a \"\"q\"\"\nb\" ,1\n",
        "id,text\n1,\"a\n\"\n",
    ] {
        read(&input("a.csv", content.as_bytes()).file, &text_column("text")).unwrap();
    }
}
