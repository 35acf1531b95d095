//! The written rows are equal to the read ones.

use semdedup::formats::{ReadLimits, count_rows, read_texts, write_kept};

use crate::support::*;

const JSONL: &[&str] = &[
    "{\"text\": \"one\"}\r\n",
    "{\"id\":1,  \"text\":\"t\\u0077o\"}\n",
    "{\"text\":\"drei \u{1f600}\"}\n",
    "{}",
];
const CSV: &[&str] = &["id,text\r\n", "1,one\r\n", "\"2\",\"a \"\"quoted\"\"\r\nline\"\n", "3,\n", "4,last"];
const TSV: &[&str] = &["text\tid\n", "one, with comma\t1\n", "\"tab\there\"\t2\n", "\t3\n"];
const TEXT: &[&str] = &["one\n", "\n", "  three \r\n", "four"];

/// The name, the header and the rows of each file.
fn cases() -> Vec<(String, &'static str, &'static [&'static str])> {
    let mut cases = Vec::new();
    for end in ["", ".gz", ".zst", ".bz2", ".xz"] {
        cases.push((format!("a.jsonl{end}"), "", JSONL));
        cases.push((format!("a.ndjson{end}"), "", JSONL));
        cases.push((format!("a.csv{end}"), CSV[0], &CSV[1..]));
        cases.push((format!("a.tsv{end}"), TSV[0], &TSV[1..]));
        cases.push((format!("a.txt{end}"), "", TEXT));
    }
    cases
}

#[test]
fn keeping_all_rows_gives_the_same_content() {
    for mark in ["", "\u{feff}"] {
        for (name, header, rows) in cases() {
            let content = format!("{mark}{header}{}", rows.concat());
            let input = input(&name, content.as_bytes());
            let kept = write(&input, &mut |_| true).unwrap();
            assert_eq!(String::from_utf8(decompress(&kept)).unwrap(), content, "{name}");
        }
    }
}

#[test]
fn keeping_some_rows_gives_exactly_their_bytes() {
    for (name, header, rows) in cases() {
        let input = input(&name, format!("\u{feff}{header}{}", rows.concat()).as_bytes());
        for pattern in 0..1_u64 << rows.len() {
            let kept = write(&input, &mut |row| pattern >> row & 1 == 1).unwrap();
            let rows =
                rows.iter().enumerate().filter(|(row, _)| pattern >> row & 1 == 1).map(|(_, row)| *row);
            let expected = format!("\u{feff}{header}{}", rows.collect::<String>());
            assert_eq!(String::from_utf8(decompress(&kept)).unwrap(), expected, "{name}, {pattern:b}");
        }
    }
}

#[test]
fn the_texts_are_the_values_without_quotes_escapes_and_line_ends() {
    for end in ["", ".gz", ".zst", ".bz2", ".xz"] {
        let texts = |name: &str, rows: &[&str]| {
            let input = input(&format!("{name}{end}"), rows.concat().as_bytes());
            read(&input.file, &text_column("text")).unwrap()
        };
        assert_eq!(texts("a.jsonl", JSONL).texts(), ["one", "two", "drei \u{1f600}", ""]);
        assert_eq!(texts("a.csv", CSV).texts(), ["one", "a \"quoted\"\r\nline", "", "last"]);
        assert_eq!(texts("a.tsv", TSV).texts(), ["one, with comma", "tab\there", ""]);
        assert_eq!(texts("a.txt", TEXT).texts(), ["one", "", "  three ", "four"]);
        assert_eq!(texts("a.txt", TEXT).empty, 1);
        assert_eq!(texts("a.jsonl", JSONL).empty, 1);
    }
}

#[test]
fn files_without_rows_are_read_and_written() {
    for name in ["a.jsonl", "a.txt.gz", "a.csv.zst", "a.tsv", "a.txt", "a.csv", "a.jsonl.zst"] {
        let input = input(name, b"");
        assert_eq!(read(&input.file, &text_column("text")).unwrap().texts.len(), 0, "{name}");
        let kept = write(&input, &mut |_| true).unwrap();
        assert_eq!(decompress(&kept), b"", "{name}");
        assert_eq!(count_rows(&input.file, &ReadLimits::default()).unwrap(), 0);
    }
}

#[test]
fn dropping_every_row_leaves_valid_files() {
    let cases: [(&str, &[&str], &str); 3] =
        [("a.csv.gz", CSV, CSV[0]), ("a.jsonl.zst", JSONL, ""), ("a.txt.gz", TEXT, "")];
    for (name, rows, expected) in cases {
        let input = input(name, rows.concat().as_bytes());
        let kept = write(&input, &mut |_| false).unwrap();
        assert_eq!(decompress(&kept), expected.as_bytes(), "{name}");
    }
}

#[test]
fn lines_of_white_space_are_no_json_rows_but_are_copied() {
    let input = input("a.jsonl", b"\n{\"text\":\"a\"}\n \t\r\n{\"text\":\"b\"}\n\n");
    assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["a", "b"]);
    let kept = write(&input, &mut |row| row == 1).unwrap();
    assert_eq!(decompress(&kept), b"\n \t\r\n{\"text\":\"b\"}\n\n");
}

/// Returns more than one chunk of rows of different lengths.
fn many_rows() -> String {
    (0..7000).map(|row| format!("row {row} {}\n", "x".repeat(row * 37 % 900))).collect()
}

#[test]
fn reading_on_from_any_row_is_reading_the_rest() {
    for name in ["a.txt", "a.txt.gz", "a.csv"] {
        let input = input(name, format!("text\n{}", many_rows()).as_bytes());
        let columns = text_column("text");
        let whole = read(&input.file, &columns).unwrap().texts;
        assert_eq!(whole.len() as u64, count_rows(&input.file, &ReadLimits::default()).unwrap());
        for first in [1, 2047, 2048, 2049, 4000, whole.len() - 1, whole.len(), whole.len() + 5] {
            let rest = read_from(&input.file, &columns, &ReadLimits::default(), first as u64).unwrap().texts;
            assert_eq!(rest, whole.get(first..).unwrap_or_default(), "{name} from {first}");
        }
    }
}

#[test]
fn the_texts_of_some_rows_can_be_looked_up() {
    for name in ["a.txt", "a.txt.zst"] {
        let input = input(name, many_rows().as_bytes());
        let whole = read(&input.file, &text_column("text")).unwrap().texts;
        let rows = [0, 1, 2047, 2048, 5000, 5000, 6999, 7000, 9000];
        let texts = read_texts(&input.file, &text_column("text"), &ReadLimits::default(), &rows).unwrap();
        let expected: Vec<_> = rows.iter().map(|row| whole.get(*row as usize).cloned().flatten()).collect();
        assert_eq!(texts, expected);
    }
}

#[test]
fn a_gzip_file_of_many_members_and_a_zstd_file_of_many_frames_are_read_whole() {
    for name in ["a.txt.gz", "a.txt.zst"] {
        let parts = ["one\ntw", "", "o\nthree\n"].map(|part| compress(name, part.as_bytes()));
        let input = raw_input(name, &parts.concat());
        assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["one", "two", "three"]);
    }
}

#[test]
fn a_file_that_changed_since_it_was_found_is_not_written() {
    let input = input("a.txt", b"one\ntwo\n");
    std::fs::write(&input.file.path, b"one\ntwo\nthree\n").unwrap();
    let error = write(&input, &mut |_| true).unwrap_err().to_string();
    assert!(error.ends_with("a.txt: changed since it was read: 8 bytes then, 14 now"), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_written_is_an_error() {
    let input = input("a.txt", b"one\ntwo\n");
    let path = input.file.path.clone();
    let mut change = |_| std::fs::write(&path, b"else\n").is_ok();
    let error = write(&input, &mut change).unwrap_err().to_string();
    assert!(error.contains("changed since it was read"), "{error}");
}

#[test]
fn a_changed_time_alone_counts_as_a_change() {
    let mut input = input("a.txt", b"one\n");
    input.file.modified_ns += 1;
    assert!(write(&input, &mut |_| true).unwrap_err().to_string().contains("modified at"));
}

#[test]
fn a_destination_that_cannot_be_written_is_named() {
    let input = input("a.txt", b"one\n");
    let destination = input.folder.path().join("missing/a.txt");
    let error = write_kept(&input.file, &ReadLimits::default(), &destination, &mut |_| true).unwrap_err();
    assert_eq!(error.kind(), semdedup::ErrorKind::Output);
    assert!(error.to_string().contains("missing/a.txt"));
}

#[test]
fn readers_can_move_to_a_thread_and_chunks_can_be_shared_between_threads() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    moves::<semdedup::formats::Reader>();
    is_shared::<semdedup::formats::Chunk>();
    is_shared::<semdedup::formats::Rows>();
}

/// Only a line feed ends a line: separators of Unicode, vertical tabs, form feeds, next lines (NEL)
/// and zero bytes are part of a text.
#[test]
fn other_separators_and_zero_bytes_are_part_of_a_text() {
    let odd = "one\u{2028}two\u{2029}three\u{85}four\u{b}five\u{c}six\u{0}seven";
    let rows = |name: &str| match name {
        "a.jsonl" => {
            format!("{{\"text\": \"{}\"}}\n{{\"text\": \"x\"}}\n", odd.replace(['\u{b}', '\u{c}', '\0'], " "))
        }
        "a.csv" => format!("id,text\n1,{odd}\n2,x\n"),
        _ => format!("{odd}\nx\n"),
    };
    for name in ["a.jsonl", "a.csv", "a.txt"] {
        let input = input(name, rows(name).as_bytes());
        let whole = read(&input.file, &text_column("text")).unwrap();
        let expected =
            if name == "a.jsonl" { odd.replace(['\u{b}', '\u{c}', '\0'], " ") } else { odd.to_owned() };
        assert_eq!(whole.texts(), [expected.as_str(), "x"], "{name}");
        let kept = write(&input, &mut |row| row == 0).unwrap();
        let all = rows(name);
        let end = all
            .rfind(if name == "a.jsonl" {
                "{"
            } else if name == "a.csv" {
                "2,x"
            } else {
                "x"
            })
            .unwrap();
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), all[..end], "{name}");
    }
}

#[test]
fn zstandard_with_a_long_window_and_frames_to_skip_is_read() {
    let lines: String = (0..200).map(|row| format!("{{\"text\": \"row {row}\"}}\n")).collect();
    let (one, two) = lines.split_at(lines.len() / 2);
    let frame = |bytes: &str| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(31).unwrap();
        encoder.long_distance_matching(true).unwrap();
        std::io::Write::write_all(&mut encoder, bytes.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    // A frame to skip has its length in front; seekable files end with one.
    let skipped = b"\x5e\x2a\x4d\x18\x04\0\0\0seek";
    let input =
        raw_input("a.jsonl.zst", &[&skipped[..], &frame(one), skipped, &frame(two), skipped].concat());
    let whole = read(&input.file, &text_column("text")).unwrap();
    assert_eq!(whole.texts(), (0..200).map(|row| format!("row {row}")).collect::<Vec<_>>());
}
