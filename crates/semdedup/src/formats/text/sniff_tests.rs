//! Tests of the dialects that are found.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::formats::text::fields::Fields;
use crate::formats::text::fit::shapes;

/// Returns the dialect of a file, or the question.
fn found(own: u8, bytes: &str) -> std::result::Result<Dialect, String> {
    asked(own, bytes, DialectChoice::default(), None)
}

fn asked(
    own: u8,
    bytes: &str,
    choice: DialectChoice,
    text: Option<&str>,
) -> std::result::Result<Dialect, String> {
    let sample = Sample::new(bytes.as_bytes(), true);
    let sniffer = Sniffer { sample: &sample, own, choice: &choice, text };
    sniffer.dialect().map_err(|doubt| format!("{}; {}", doubt.problem(), doubt.hint()))
}

fn delimiter(own: u8, bytes: &str) -> char {
    char::from(found(own, bytes).unwrap().delimiter)
}

#[test]
fn a_usual_file_has_the_delimiter_of_its_name_and_no_quirks() {
    for text in [
        "id,text\n1,a\n2,b\n",
        "id,text\n",
        "",
        "text\na;b\nc;d\n",
        "text\na|b\nc\td\n",
        "id,text\n1,\"a\n;b\"\n2,c;\"\n",
        "id,text\n1,The 5\" screen\n2,\"a\" b\n3,\\\"\n",
        "\u{feff}\"id\",\"text\"\r\n1,\"a;\"\"b\"\r\n2,\"c;d\"\r\n",
        "id,text,x\n1,a\n2,b,c\n3,d,e,f\n",
        ",text,\n0,a,x\n1,b,x\n",
        "text\nhello, world\ngood, cheap\nbad, expensive\n",
        "id,text\n1,'tis\n2,'twas\n3,a, b\n",
        "path,text\n\"C:\\\",a\n\"D:\\\",\"b, c\"\n",
        "a|b,c;d,e\n1|1,2;2,3\n4|4,5;5,6\n",
    ] {
        assert_eq!(found(b',', text), Ok(Dialect::new(b',')), "{text}");
        let tabs = text.replace(['\t'], " ").replace(',', "\t");
        assert_eq!(found(b'\t', &tabs), Ok(Dialect::new(b'\t')), "{tabs}");
    }
}

#[test]
fn another_delimiter_is_found_where_it_alone_fits() {
    assert_eq!(delimiter(b',', "id;text\n1;a, b\n2;c\n"), ';');
    assert_eq!(delimiter(b',', "id;text;price\r\n1;a;0,50\r\n2;b;1,50\r\n"), ';');
    assert_eq!(delimiter(b',', "id\ttext\n1\ta, b\n2\tc;\n"), '\t');
    assert_eq!(delimiter(b',', "id|text\n1|a, b\n2|c, d\n"), '|');
    assert_eq!(delimiter(b'\t', "id,text\n1,\"a;\n b\"\n2,\"c\"\n"), ',');
    assert_eq!(delimiter(b',', "id;text\n1;\"a;\nb\"\n\n2;\"c, d\"\n"), ';');
    // One row is no proof, and neither are rows of other lengths.
    assert_eq!(delimiter(b',', "id;text\n1;a\n"), ',');
    assert_eq!(delimiter(b',', "id;text\n1;a;b\n2;c;d;e\n3;f\n"), ',');
}

#[test]
fn two_delimiters_that_fit_equally_well_are_a_question() {
    let problem = found(b',', "id;name, text\n1;a, b\n2;c, d\n").unwrap_err();
    assert_eq!(
        problem,
        "the columns may be separated by `,` (2 columns: `id;name`, ` text`) or by `;` (2 columns: `id`, `name, text`); \
         type which it is: --delimiter , or --delimiter ';'"
    );
    assert!(found(b',', "a;b|c\n1;2|3\n4;5|6\n").unwrap_err().contains("by `;` (2 columns"));
    // Quotes tell the delimiters around them.
    assert_eq!(delimiter(b',', "id;name, text\n1;\"a, b\"\n2;\"c, d\"\n"), ';');
    // The user may say it.
    let choice = DialectChoice { delimiter: Some(b';'), ..DialectChoice::default() };
    let named = asked(b',', "id;name, text\n1;a, b\n2;c, d\n", choice, None).unwrap();
    assert_eq!((named.delimiter, named.is_asked), (b';', true));
    let whole = asked(b',', "id;text\n1;a\n2;b\n", DialectChoice::default(), Some("id;text"));
    assert_eq!(whole.unwrap().delimiter, b',');
}

#[test]
fn a_first_line_may_name_the_delimiter() {
    for first in ["sep=;", "SEP=;", "\"sep=;\"", "\u{feff}sep=;"] {
        let dialect = found(b',', &format!("{first}\r\nid;text\r\n1;a, b\r\n2;c, d\r\n")).unwrap();
        assert_eq!((dialect.delimiter, dialect.quirks.lines_above_header), (b';', 1), "{first}");
        assert!(dialect.is_asked);
    }
    assert_eq!(found(b',', "sep=\t\ntext\nfoo\n").unwrap().delimiter, b'\t');
    let column = asked(b',', "sep=;\nfoo\n", DialectChoice::default(), Some("sep=;")).unwrap();
    assert_eq!(column.quirks.lines_above_header, 0);
}

#[test]
fn titles_and_comments_above_the_header_are_found() {
    for (above, lines) in [
        ("Report of sales\n\n", 1),
        ("Report\nof, \"sales\n", 0),
        ("# exported 2024\n", 1),
        ("# exported, 2024\n#\n# by hand\n", 3),
        ("\"Report, with a comma\"\r\nMay 2024\r\n", 2),
        ("Report of sales,\n", 1),
        ("one\ntwo\nthree\nfour\n", 0),
    ] {
        let found = found(b',', &format!("{above}id,text\n1,a\n2,b\n")).unwrap();
        assert_eq!(found.quirks.lines_above_header, lines, "{above}");
    }
    let above = |text: &str| found(b',', text).unwrap().quirks.lines_above_header;
    assert_eq!(above("Title\nkey,review\n1,a\n2,b\n"), 1);
    assert_eq!(above("# exported\ntext\na\nb\n"), 1);
    assert_eq!(above("#id,text\n1,a\n2,b\n"), 0);
    assert_eq!(above("# id,key\n1,a\n2,b\n"), 0);
    // The first line may be the header of rows with commas in them.
    assert_eq!(above("review\nGreat, really\nBad, truly\n"), 0);
    assert_eq!(above("text\nGreat,really\nBad,truly\n"), 0);
    assert_eq!(above("Title\n1,a\n2,b\n3,c\n"), 0);
    let other = found(b',', "Report of sales\n\nid;text\n1;a, b\n2;c\n").unwrap();
    assert_eq!((other.delimiter, other.quirks.lines_above_header), (b';', 1));
}

#[test]
fn a_title_with_delimiters_is_told_by_what_is_below_it() {
    let rows = "1,a,x\n2,b,y\n";
    for (above, names, lines) in [
        // With other fields than the rows, it is no header.
        ("Sales report, by region, 2024, all\n", "id,text,x\n", 1),
        ("Report,Sales\nMay, 2024\n", "id,Content,x\n", 2),
        ("Sales report, 2024\n", "id,review,x\n", 1),
        // A column of numbers does not begin with a word.
        ("Sales report, 2024\n", "key,review,x\n", 1),
    ] {
        let dialect = found(b',', &format!("{above}{names}{rows}"));
        assert_eq!(dialect.unwrap().quirks.lines_above_header, lines, "{above}{names}");
    }
    for (header, rows) in [
        // The names of rows have none themselves, as R writes them.
        ("review,label", "r1,good,pos\nr2,bad,neg\nr3,fine,pos\n"),
        ("review,stars", "r1,good,NA\nr2,bad,4\nr3,fine,5\n"),
        // Spaces, long names and missing names are no titles by themselves.
        ("id, review", "a, good\nb, bad\nc, fine\n"),
        ("id, How do you feel today?", "a,good\nb,bad\nc,fine\n"),
        (",review,stars", "a,good,NA\nb,bad,4\nc,fine,5\n"),
    ] {
        let dialect = found(b',', &format!("{header}\n{rows}"));
        assert_eq!(dialect.unwrap().quirks.lines_above_header, 0, "{header}");
    }
    for header in ["id,text", "key,review"] {
        let content = format!("Sales report, 2024\n{header}\n1,a\n2,b\n");
        let question = found(b',', &content).unwrap_err();
        assert!(
            question.starts_with("the header may be the first line (2 columns: `Sales report`, ` 2024`)")
        );
        assert!(question.ends_with("name the column of the texts as its header does, with --text-column"));
        let (_, text) = header.split_once(',').unwrap();
        for (text, lines) in [(text, 1), (" 2024", 0)] {
            let dialect = asked(b',', &content, DialectChoice::default(), Some(text)).unwrap();
            assert_eq!(dialect.quirks.lines_above_header, lines, "{text}");
        }
    }
}

#[test]
fn spaces_in_front_of_quotes_are_found() {
    let quirks = |text: &str| found(b',', text).unwrap().quirks;
    assert!(quirks("\"id\", \"text\"\n\"1\", \"a, b\"\n\"2\", \"c\"\n").skip_spaces);
    assert!(quirks("\"id\", \"text\"\n\"1\", \"a\"\n\"2\", \"c\"\n").skip_spaces);
    assert!(quirks("id,text\n1, \"a\nb\"\n2, \"c, \"\"d\"\"\"\n3, e\n").skip_spaces);
    // They are letters where they are not around whole fields, or in few of them.
    assert!(!quirks("id,text\n1, \"a\" b\n2, \"c\" d\n").skip_spaces);
    assert!(!quirks("id,text\n1, \"a\"\n2,b\n3,c\n4,d\n").skip_spaces);
    assert!(!quirks("id,text\n1, a\n2, \"b\n3, c\n").skip_spaces);
}

#[test]
fn backslashes_that_escape_delimiters_and_line_breaks_are_found() {
    let quirks = |text: &str| found(b'\t', text).unwrap().quirks;
    let mysql = quirks("id\ttext\n1\tone\n2\ttwo\\\nlines\n3\ta\\\ttab\n4\t\\N\n");
    assert_eq!((mysql.quote, mysql.escape), (Quote(None), Escape(Some('\\'))));
    // They are letters where that loses no row, or where other rows are lost too. Of one column, nearly
    // every line is a row.
    assert_eq!(quirks("text\none\\\ntwo\\\tor\tthree\nfour\\\t\n"), Quirks::default());
    assert_eq!(quirks("id\ttext\n1\tone \\\n2\ttwo\n"), Quirks::default());
    assert_eq!(quirks("id\ttext\n1\tone \\\n2\ttwo\n3\ta\\\tb\n4\n"), Quirks::default());
}

#[test]
fn quotes_and_escapes_are_found() {
    let quirks = |text: &str| found(b',', text).unwrap().quirks;
    let spark =
        quirks("id,text\n0,\"He said \\\"hi\\\" to me, then left.\"\n1,\"C:\\\\\\\"x\\\" end \\\\\"\n2,b\n");
    assert_eq!((spark.quote, spark.escape), (Quote::default(), Escape(Some('\\'))));
    // Rows that the dialect cuts in two fit by themselves where there is one column.
    let broken = quirks("text\n\"a \\\"b\nc\\\" d\"\n\"e\"\n");
    assert_eq!(broken.escape, Escape(Some('\\')));
    let one_column = quirks("text\n\"He said \\\"hi\\\", ok\"\n\"b\"\n");
    assert_eq!(one_column.escape, Escape(Some('\\')));
    let single = quirks("id,text\n1,'a, b'\n2,'it''s'\n3,'c\nd, e'\n");
    assert_eq!((single.quote, single.escape), (Quote(Some('\'')), Escape(None)));
    let both = found(b',', "id;text\n1;'a; \\'b'\n2;'c; d'\n").unwrap();
    assert_eq!((both.delimiter, both.quirks.quote), (b';', Quote(Some('\''))));
    assert_eq!(both.quirks.escape, Escape(Some('\\')));
    // Nothing is lost if single quotes are letters, so they are.
    assert_eq!(quirks("id,text\n1,'a'\n2,'b'\n"), Quirks::default());
}

#[test]
fn a_delimiter_behind_each_row_is_found() {
    let trailing = |text: &str| found(b',', text).unwrap().quirks.trailing_delimiter;
    assert!(trailing("id,text\n0,\"a, b\",\n1,c,\n"));
    assert!(trailing("text\na,\nb,\n"));
    assert!(!trailing("id,text,\n0,a,\n1,b,\n"));
    assert!(!trailing("id,text\n0,a,x\n1,b,y\n"));
    assert!(!trailing("id,text\n0,a\n1,b\n2,c\n"));
    // Some rows, or more than one delimiter.
    assert!(trailing("id,text\n0,a\n1,b,\n2,c\n"));
    assert!(trailing("id,text\n0,a,,\n1,b,,\n"));
    assert!(trailing("id,text\n0,a,,\n1,b\n2,c,\n"));
    // The columns may begin with one that has no name.
    assert!(!trailing("text,label\n0,a,x\n1,b,\n2,c,y\n"));
}

#[test]
fn characters_that_are_the_same_are_refused() {
    let choice = DialectChoice { delimiter: Some(b';'), quote: Some(Quote(Some(';'))), ..Default::default() };
    assert_eq!(choice.check().unwrap_err().to_string(), "--delimiter and --quote are both `;`");
    let choice = DialectChoice { delimiter: Some(0xff), ..DialectChoice::default() };
    assert!(choice.check().unwrap_err().to_string().contains("--delimiter is the byte 255"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// The shapes of records are those that `csv-core` reads.
    #[test]
    fn records_have_the_fields_that_the_reader_finds(
        text in r#"[a,; "'\\\n\r]{0,60}"#,
        backslash in any::<bool>(),
        quote in prop::sample::select(vec![None, Some('\''), Some('"')]),
        skip_spaces in any::<bool>(),
    ) {
        let mut dialect = Dialect::new(b',');
        dialect.quirks.escape = Escape(backslash.then_some('\\'));
        (dialect.quirks.quote, dialect.quirks.skip_spaces) = (Quote(quote), skip_spaces);
        let mut fields = Fields::new(&dialect);
        for shape in shapes(text.as_bytes(), &dialect, true) {
            fields.read(shape.bytes(text.as_bytes()));
            prop_assert_eq!(fields.count(), shape.fields);
        }
    }
}
