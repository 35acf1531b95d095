//! Files of UTF-16 are read and written back in UTF-16.

use semdedup::formats::{Asked, TextFiles, survey};
use tempfile::TempDir;

use crate::annotate::annotate;
use crate::support::*;

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// Encodes a text, behind a byte order mark.
fn encoded(text: &str, order: Order) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units
        .flat_map(|unit| match order {
            Order::Little => unit.to_le_bytes(),
            Order::Big => unit.to_be_bytes(),
        })
        .collect()
}

/// Returns a name, what stands before the rows, and the rows.
const CASES: [(&str, &str, [&str; 3]); 6] = [
    ("a.csv", "id;text\r\n", ["0;one, \u{1f600}\r\n", "1;\"two;\r\nlines\"\r\n", "2;three\r\n"]),
    ("a.tsv", "id\ttext\n", ["0\tone\n", "1\ttwo\u{e9}\n", "2\tthree"]),
    ("a.txt", "", ["one\r\n", "\u{4e00}\u{a00}\n", "three"]),
    ("a.jsonl", "", ["{\"text\":\"one\"}\n", "{\"text\":\"\u{1f600}\"}\n", "{\"text\":\"three\"}\n"]),
    ("a.csv.gz", "id,text\n", ["0,one\n", "1,two\n", "2,three\n"]),
    ("a.jsonl.zst", "", ["{\"text\":\"one\"}\n", "{\"text\":\"two\"}\n", "{\"text\":\"three\"}\n"]),
];

#[test]
fn rows_are_read_and_the_kept_ones_are_utf16_again() {
    for (name, top, rows) in CASES {
        for order in [Order::Little, Order::Big] {
            let input = input(name, &encoded(&format!("{top}{}", rows.concat()), order));
            let plain = self::input(name, format!("{top}{}", rows.concat()).as_bytes());
            let texts = read(&input.file, &text_column("text")).unwrap();
            assert_eq!(texts, read(&plain.file, &text_column("text")).unwrap(), "{name}");
            assert_eq!((texts.texts.len(), texts.bad.len()), (3, 0), "{name}");
            for pattern in 0..8 {
                let kept = write(&input, &mut |row| pattern >> row & 1 == 1).unwrap();
                let stays = (0..3).filter(|row| pattern >> row & 1 == 1).map(|row| rows[row]);
                let expected = encoded(&format!("{top}{}", stays.collect::<String>()), order);
                assert_eq!(decompress(&kept), expected, "{name} {order:?} {pattern}");
            }
        }
    }
}

#[test]
fn lists_of_json_are_read_too() {
    let list = "[{\"text\": \"one\"},\n {\"text\": \"\u{e9}\"}]\n";
    let input = input("a.json", &encoded(list, Order::Little));
    assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["one", "\u{e9}"]);
    let kept = write(&input, &mut |row| row == 1).unwrap();
    assert_eq!(decompress(&kept), encoded("[{\"text\": \"\u{e9}\"}]\n", Order::Little));
}

#[test]
fn added_columns_are_utf16_too() {
    let input = input("a.csv", &encoded("id,text\n0,\u{e9}\n", Order::Big));
    let path = annotate(&input.file, &Default::default(), &input).unwrap();
    let expected = "id,text,score,duplicate_of,cluster,kept\n0,\u{e9},0.0,\"\"\"0\"\", a\nb\",0,true\n";
    assert_eq!(std::fs::read(path).unwrap(), encoded(expected, Order::Big));
}

#[test]
fn half_a_surrogate_pair_is_a_bad_row_and_keeps_its_bytes() {
    let mut bytes = encoded("one\ntw", Order::Little);
    bytes.extend(0xd83d_u16.to_le_bytes());
    bytes.extend(&encoded("\nthree\n", Order::Little)[2..]);
    let input = input("a.txt", &bytes);
    let whole = read(&input.file, &text_column("text")).unwrap();
    assert_eq!(whole.texts(), ["one", "<bad>", "three"]);
    let kept = write(&input, &mut |_| true).unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), bytes);
    let cut = self::input("a.txt", &bytes[..bytes.len() - 1]);
    let error = read(&cut.file, &text_column("text")).unwrap_err();
    assert!(error.to_string().contains("the UTF-16 text ends within a character"), "{error}");
}

#[test]
fn other_encodings_of_wide_units_are_refused_with_their_name() {
    let utf32: Vec<u8> = "\u{feff}text\n".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let bare = &encoded("text\none\n", Order::Big)[2..];
    for (bytes, name) in [(&utf32[..], "UTF-32"), (bare, "UTF-16BE")] {
        for file in ["a.txt", "a.csv", "a.jsonl"] {
            let input = input(file, bytes);
            let error = read(&input.file, &text_column("text")).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.hint_text().unwrap().contains(&format!("iconv -f {name} -t UTF-8")));
        }
    }
}

#[test]
fn whole_texts_are_read_too() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.md"), encoded("one \u{e9}\n", Order::Little)).unwrap();
    std::fs::write(folder.path().join("b.md"), "two\n").unwrap();
    let asked = Asked::from(TextFiles::Whole);
    let files = survey(&[folder.path().to_str().unwrap().to_owned()], &[], &asked).unwrap().files;
    assert_eq!(read(&files[0], &text_column("text")).unwrap().texts(), ["one \u{e9}\n", "two\n"]);
}
