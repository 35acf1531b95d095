//! Files of UTF-16 are read and written back in UTF-16.

use semdedup::formats::{Asked, TextEncoding, TextFiles, survey};
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

/// Returns the texts of a language, a line each.
fn lines(order: Order, text: &str) -> Vec<u8> {
    encoded(text, order)[2..].to_vec()
}

const LANGUAGES: [&str; 4] = [
    "The river floods.\nQuarterly revenue rose.\n",
    "Снег тает, и река разливается.\nВзбейте яйца с сахаром.\n",
    "河水在春天上涨，淹没了小镇。\n一一一把鸡蛋和糖打到发白。\n",
    "雪が溶けると川があふれます。\n卵と砂糖を混ぜます。\n",
];

#[test]
fn without_a_mark_it_is_refused_with_the_option_that_reads_it_whatever_the_language() {
    for text in LANGUAGES {
        let texts: Vec<&str> = text.lines().collect();
        let json = texts.iter().map(|text| format!("{{\"text\": \"{text}\"}}")).collect::<Vec<_>>();
        for (name, content) in [
            ("a.txt", text.to_owned()),
            ("a.txt.gz", text.to_owned()),
            ("a.csv", format!("id,text\n0,\"{}\"\n1,\"{}\"\n", texts[0], texts[1])),
            ("a.jsonl", json.join("\n")),
            ("a.json", format!("[{}]", json.join(", "))),
        ] {
            for (order, encoding) in [(Order::Little, "utf-16le"), (Order::Big, "utf-16be")] {
                let folder = TempDir::new().unwrap();
                let path = folder.path().join(name);
                std::fs::write(&path, compress(name, &lines(order, &content))).unwrap();
                let inputs = [path.to_str().unwrap().to_owned()];
                let found = survey(&inputs, &[], &Asked::default());
                let error = found.and_then(|found| read(&found.files[0], &text_column("text"))).unwrap_err();
                let problem = format!("looks like {} without a byte order mark", encoding.to_uppercase());
                assert!(error.to_string().contains(&problem), "{name}: {error}");
                assert_eq!(error.hint_text(), Some(format!("--encoding {encoding} reads it").as_str()));
                let asked = Asked { encoding: TextEncoding::named(encoding).ok(), ..Asked::default() };
                let file = survey(&inputs, &[], &asked).unwrap().files.remove(0);
                let whole = read(&file, &text_column("text")).unwrap();
                assert_eq!((whole.texts(), whole.bad.len()), (texts.clone(), 0), "{name}");
                let input = Input { folder, file };
                let kept = write(&input, &mut |_| true).unwrap();
                assert_eq!(decompress(&kept), lines(order, &content), "{name}");
                if name == "a.txt" {
                    let kept = write(&input, &mut |row| row == 1).unwrap();
                    assert_eq!(decompress(&kept), lines(order, &format!("{}\n", texts[1])), "{name}");
                }
            }
        }
    }
}

#[test]
fn utf32_is_refused_with_its_name() {
    for text in LANGUAGES {
        for (mark, name) in [("\u{feff}", "UTF-32"), ("", "UTF-32LE")] {
            let content = format!("{mark}id,text\n0,{text}");
            let utf32: Vec<u8> = content.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
            for file in ["a.txt", "a.csv", "a.jsonl", "a.json", "a.txt.gz"] {
                let folder = TempDir::new().unwrap();
                let path = folder.path().join(file);
                std::fs::write(&path, compress(file, &utf32)).unwrap();
                let found = survey(&[path.to_str().unwrap().to_owned()], &[], &Asked::default());
                let error = found.and_then(|found| read(&found.files[0], &text_column("text"))).unwrap_err();
                assert!(error.to_string().contains(name), "{error}");
                let iconv = format!("iconv -f {name} -t UTF-8 OLD > NEW converts it");
                assert_eq!(error.hint_text(), Some(iconv.as_str()));
            }
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
    std::fs::write(folder.path().join("a.md"), lines(Order::Big, "Снег тает\n")).unwrap();
    let files = survey(&[folder.path().to_str().unwrap().to_owned()], &[], &asked).unwrap().files;
    let whole = read(&files[0], &text_column("text")).unwrap();
    let reason = "looks like UTF-16BE without a byte order mark (--encoding utf-16be reads it)";
    assert!(whole.bad[0].reason.ends_with(reason), "{:?}", whole.bad);
}
