//! Rows of text from other programs.

use semdedup::formats::{Dialect, Format, ReadLimits, count_rows};

use crate::support::*;

fn expected_texts() -> Vec<String> {
    let mut texts: Vec<_> = (0..50).map(|row| format!("row {row}: {}", "word ".repeat(row % 7))).collect();
    texts[7] = String::new();
    texts[8] = String::new();
    texts[9] = "snow \u{2603} and\na second line".to_owned();
    texts
}

const FIXTURES: [(&str, Format); 10] = [
    ("duckdb.json", Format::JsonArray),
    ("polars.json", Format::JsonArray),
    ("python_indented.json", Format::JsonArray),
    ("duckdb.jsonl.gz", Format::Jsonl),
    ("members.jsonl.gz", Format::Jsonl),
    ("streams.jsonl.bz2", Format::Jsonl),
    ("streams.jsonl.xz", Format::Jsonl),
    ("duckdb.tsv", Format::Csv(Dialect::new(b'\t'))),
    ("python.tsv", Format::Csv(Dialect::new(b'\t'))),
    ("polars.csv", Format::Csv(Dialect::new(b','))),
];

#[test]
fn files_of_duckdb_polars_and_python_have_the_rows_that_were_written() {
    for (name, format) in FIXTURES {
        let file = fixture(name);
        assert_eq!(file.format, format, "{name}");
        let columns = resolve_one(&file, &choice(None, Some("id"))).unwrap();
        let whole = read(&file, &columns).unwrap();
        assert_eq!(whole.texts(), expected_texts(), "{name}");
        assert_eq!((whole.empty, whole.bad.len()), (2, 0), "{name}");
        let ids: Vec<_> = (0..50).map(|row: u32| row.to_string()).collect();
        assert_eq!(whole.string_ids(), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>(), "{name}");
        assert_eq!(count_rows(&file, &ReadLimits::default()).unwrap(), 50, "{name}");
    }
}

#[test]
fn all_of_their_rows_are_written_back_as_the_same_bytes() {
    for (name, _) in FIXTURES {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::copy(fixture(name).path, folder.path().join(name)).unwrap();
        let input = Input { file: find(&folder.path().join(name)), folder };
        let kept = write(&input, &mut |_| true).unwrap();
        assert_eq!(decompress(&kept), decompress(&input.file.path), "{name}");
        let kept = write(&input, &mut |row| row % 3 == 1).unwrap();
        let kept = read(&find(&kept), &text_column("text")).unwrap();
        let expected: Vec<_> = expected_texts().into_iter().skip(1).step_by(3).collect();
        assert_eq!(kept.texts(), expected, "{name}");
    }
}

#[test]
fn lists_and_structs_of_polars_and_duckdb_are_found_in_json() {
    let url = |i: usize| if i.is_multiple_of(6) { String::new() } else { format!("u{i}") };
    for name in ["duckdb.json", "polars.json", "duckdb.jsonl.gz"] {
        let file = fixture(name);
        let columns = resolve_one(&file, &choice(Some("meta.url"), None)).unwrap();
        assert_eq!(read(&file, &columns).unwrap().texts(), (0..50).map(url).collect::<Vec<_>>(), "{name}");
    }
}
