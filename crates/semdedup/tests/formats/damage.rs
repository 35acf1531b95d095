//! A damaged file is an error that names the file and the row, never a panic and never a silent
//! end.

use proptest::prelude::*;
use semdedup::formats::{ReadLimits, count_rows, read_texts, resolve_columns};

use crate::support::*;

#[test]
fn a_truncated_compressed_file_is_an_error_that_names_the_file_and_the_row() {
    let content: String =
        (0..5000).map(|row| format!("{{\"text\": \"row {} {row}\"}}\n", row * 7919 % 5000)).collect();
    for name in ["a.jsonl.gz", "a.jsonl.zst", "a.txt.gz", "a.txt.zst"] {
        let content =
            if name.contains("txt") { content.replace("{\"text\"", "text") } else { content.clone() };
        let whole = compress(name, content.as_bytes());
        for length in [1, 5, whole.len() / 2, whole.len() - 1] {
            let input = raw_input(name, &whole[..length]);
            let error = read(&input.file, &text_column("text")).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(&format!("{name}: row ")), "{message}");
            assert!(message.contains("truncated"), "{length}: {message}");
            assert!(error.hint_text().is_some());
            assert!(write(&input, &mut |_| true).is_err());
            assert!(count_rows(&input.file, &ReadLimits::default()).is_err());
        }
    }
}

#[test]
fn rows_before_the_damage_are_counted_in_the_error() {
    let lines = "line\n".repeat(100);
    let mut bytes = compress("a.txt.gz", lines.as_bytes());
    bytes.extend(b"not a gzip member");
    let input = raw_input("a.txt.gz", &bytes);
    let error = read(&input.file, &text_column("text")).unwrap_err();
    let said = "a.txt.gz: row 100: the gzip data is damaged: bytes that are not gzip follow its end";
    assert!(error.to_string().contains(said), "{error}");
    assert!(error.hint_text().unwrap().contains("| gzip > NEW.gz` leaves them out"));
}

#[test]
fn zeros_behind_gzip_are_ignored() {
    let lines = "line\n".repeat(100);
    let bytes = [compress("a.gz", lines.as_bytes()), vec![0; 512], compress("a.gz", b"last\n"), vec![0; 7]];
    let input = raw_input("a.txt.gz", &bytes.concat());
    assert_eq!(count_rows(&input.file, &ReadLimits::default()).unwrap(), 101);
    let kept = write(&input, &mut |row| row > 98).unwrap();
    assert_eq!(decompress(&kept), b"line\nlast\n");
}

#[test]
fn compressed_files_of_no_bytes_are_truncated() {
    for name in ["a.txt.gz", "a.txt.zst"] {
        let input = raw_input(name, b"");
        let error = read(&input.file, &text_column("text")).unwrap_err().to_string();
        assert!(error.contains("truncated: the file is empty"), "{error}");
    }
}

#[test]
fn a_damaged_parquet_file_is_an_error_that_names_the_file() {
    let whole = std::fs::read(fixture("snappy_lists.parquet").path).unwrap();
    let cases: [&[u8]; 5] =
        [b"", b"PAR1", b"no parquet at all", &whole[..whole.len() / 2], &whole[..whole.len() - 1]];
    for bytes in cases {
        let input = raw_input("a.parquet", bytes);
        let error = resolve_one(&input.file, &choice(None, None)).unwrap_err();
        assert!(error.to_string().contains("a.parquet: row 0: the Parquet data cannot be read: "), "{error}");
        assert!(!error.to_string().contains('\n'));
        assert!(error.hint_text().is_some());
        assert!(read(&input.file, &text_column("text")).is_err());
        assert!(write(&input, &mut |_| true).is_err());
    }
}

/// Any bytes give a result or an error.
fn try_everything(name: &str, bytes: &[u8]) {
    let input = raw_input(name, bytes);
    let limits = ReadLimits { max_row_bytes: 50, ..ReadLimits::default() };
    let _ = resolve_columns(std::slice::from_ref(&input.file), &choice(None, Some("id")));
    let id = (!name.starts_with("a.txt")).then(|| "id".to_owned());
    let columns = semdedup::formats::Columns { text: Some("text".to_owned()), id, ..Default::default() };
    for first in [0, 2] {
        let _ = read_from(&input.file, &columns, &limits, first);
    }
    let _ = read_texts(&input.file, &columns, &limits, &[0, 3]);
    let _ = count_rows(&input.file, &limits);
    let _ = write(&input, &mut |row| row % 2 == 0);
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.jsonl", "a.csv", "a.txt", "a.jsonl.gz", "a.csv.zst", "a.parquet", "a.arrow", "a.json"] {
            try_everything(name, &bytes);
        }
    }

    #[test]
    fn damaged_files_never_panic(damage in damage()) {
        let jsonl = b"{\"text\": \"a\", \"id\": [1, {\"b\": null}]}\n{\"id\":\"\\u00e9\",\"text\":\"x\\n\"}\n".repeat(4);
        let csv = b"id,text\n1,\"a\"\"b\"\n2,\"c\r\nd\"\n".repeat(4);
        let parquet = std::fs::read(fixture("snappy_lists.parquet").path).unwrap();
        let times = std::fs::read(fixture("zstd_times.parquet").path).unwrap();
        let files = [
            ("a.jsonl", jsonl.clone()),
            ("a.csv", csv.clone()),
            ("a.json", std::fs::read(fixture("duckdb.json").path).unwrap()),
            ("a.jsonl.gz", compress("a.gz", &jsonl)),
            ("a.csv.zst", compress("a.zst", &csv)),
            ("a.parquet", parquet),
            ("b.parquet", times),
            ("a.arrow", std::fs::read(fixture("pyarrow_lz4.feather").path).unwrap()),
            ("b.arrow", std::fs::read(fixture("pyarrow_zstd.arrow").path).unwrap()),
            ("c.arrow", std::fs::read(fixture("stream.arrow").path).unwrap()),
            ("d.arrow", std::fs::read(fixture("polars_zstd.ipc").path).unwrap()),
        ];
        for (name, mut bytes) in files {
            for (place, value) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            try_everything(name, &bytes);
        }
    }
}
