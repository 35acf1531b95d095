//! Plain text whose lines end in carriage returns, as on old Macs.

use semdedup::formats::ReadLimits;

use crate::support::*;

#[test]
fn lines_that_end_in_carriage_returns_are_rows_and_keep_their_bytes() {
    for (content, rows) in [
        ("one\rtwo\rthree\r", &["one\r", "two\r", "three\r"][..]),
        ("one\r\rthree", &["one\r", "\r", "three"]),
        ("one\r", &["one\r"]),
        ("\u{feff}one\rtwo", &["one\r", "two"]),
    ] {
        for name in ["a.txt", "a.txt.gz"] {
            let input = input(name, content.as_bytes());
            let whole = read(&input.file, &text_column("text")).unwrap();
            let texts: Vec<&str> = rows.iter().map(|row| row.trim_end()).collect();
            assert_eq!((whole.texts(), whole.bad.len()), (texts, 0), "{content:?}");
            for pattern in 0..1_u64 << rows.len() {
                let kept = write(&input, &mut |row| pattern >> row & 1 == 1).unwrap();
                let stays = (0..rows.len()).filter(|row| pattern >> row & 1 == 1).map(|row| rows[row]);
                let mark = if content.starts_with('\u{feff}') { "\u{feff}" } else { "" };
                let expected = format!("{mark}{}", stays.collect::<String>());
                assert_eq!(String::from_utf8(decompress(&kept)).unwrap(), expected, "{content:?} {pattern}");
            }
        }
    }
}

#[test]
fn other_line_ends_further_down_end_lines_too() {
    // More than the bytes that are looked at, with ends wherever a buffer may end.
    for shift in 0..3 {
        let line = |row: usize| format!("{} the words of row {row}", "x".repeat(row % 7 + shift));
        let ends = |row: usize| if row < 60_000 { "\r" } else { ["\r", "\n", "\r\n"][row % 3] };
        let content: String = (0..120_000).map(|row| line(row) + ends(row)).collect();
        let input = input("a.txt", content.as_bytes());
        let whole = read(&input.file, &text_column("text")).unwrap();
        assert_eq!(whole.texts.len(), 120_000);
        assert!(whole.texts().iter().enumerate().all(|(row, text)| *text == line(row)));
        let short = ReadLimits { max_row_bytes: 5, ..ReadLimits::default() };
        let bad = read_from(&input.file, &text_column("text"), &short, 0).unwrap().bad;
        assert!(
            bad.len() == 120_000 && bad[70_000].reason.contains(&format!("{} bytes", line(70_000).len()))
        );
        let kept = write(&input, &mut |row| row % 2 == 0).unwrap();
        let expected: String = (0..120_000).step_by(2).map(|row| line(row) + ends(row)).collect();
        assert!(decompress(&kept) == expected.as_bytes());
    }
}

#[test]
fn many_carriage_returns_beside_line_feeds_are_a_question() {
    for content in ["one\rtwo\rthree\n", "a\rb\rc\rd\r\ne\n", "a\rb\rc\nd\ne\n", "a\nb\r"] {
        let error = read(&input("a.txt", content.as_bytes()).file, &text_column("text")).unwrap_err();
        assert!(
            error.to_string().contains("its lines may end in carriage returns, as on old Macs"),
            "{error}"
        );
        assert!(error.hint_text().unwrap().starts_with("`tr '\\r' '\\n' < OLD > NEW.txt`"));
    }
    // A few are a part of their lines.
    for (content, texts) in [
        ("one\rmore\ntwo\r\nthree\n", &["one\rmore", "two", "three"][..]),
        ("one\r\ntwo\r\n", &["one", "two"]),
        ("one\nthe\r\r\ntwo\r\r\n", &["one", "the\r", "two\r"]),
    ] {
        let whole = read(&input("a.txt", content.as_bytes()).file, &text_column("text")).unwrap();
        assert_eq!(whole.texts(), texts, "{content:?}");
    }
}
