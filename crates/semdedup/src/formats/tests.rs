//! Buffers of any size cut a file into the same rows, and a store that fails is not reported as a
//! damaged file.
#![allow(clippy::unwrap_used)]

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use crate::formats::dialect::{Dialect, Escape, Quote};
use crate::formats::file::Format;
use crate::formats::fuzz::{CutBytes, CutRow, cut, file};
use crate::formats::tar::archive::TarReader;
use crate::storage::any_fault;

const CSV: Format = Format::Csv(Dialect::new(b','));

#[test]
fn every_byte_belongs_to_a_row_or_lies_between_rows() {
    let CutBytes { rows, between } =
        cut(Format::Jsonl, b"\xef\xbb\xbf{}\r\n \t\n\n[1]\n\"a\"", 100, 3).unwrap();
    let rows: Vec<_> = rows.iter().map(|row| row.bytes.as_slice()).collect();
    assert_eq!(rows, [&b"{}\r\n"[..], b"[1]\n", b"\"a\""]);
    assert_eq!(between, b"\xef\xbb\xbf \t\n\n");
}

#[test]
fn csv_line_ends_stay_with_their_record_wherever_a_buffer_ends() {
    for buffer in 3..40 {
        let text = b"\r\nid,text\r\n1,\"a\r\nb\"\r\n\r\n2,c\r3,\"\"\"\"\r\n";
        let CutBytes { rows, between } = cut(CSV, text, 100, buffer).unwrap();
        let rows: Vec<_> = rows.iter().map(|row| row.bytes.as_slice()).collect();
        assert_eq!(rows, [&b"1,\"a\r\nb\"\r\n"[..], b"2,c\r", b"3,\"\"\"\"\r\n"], "buffer of {buffer}");
        assert_eq!(between, b"\r\nid,text\r\n\r\n");
    }
}

#[test]
fn lines_above_the_header_are_between_rows_wherever_a_buffer_ends() {
    let mut dialect = Dialect::new(b';');
    dialect.quirks.lines_above_header = 3;
    for buffer in 3..40 {
        let text = b"\xef\xbb\xbfsep=;\r\n\r\nA \"title\r; \"\nid;text\r\n1;\"a\r\n\"\n2;b";
        let CutBytes { rows, between } = cut(Format::Csv(dialect), text, 100, buffer).unwrap();
        let rows: Vec<_> = rows.iter().map(|row| row.bytes.as_slice()).collect();
        assert_eq!(rows, [&b"1;\"a\r\n\"\n"[..], b"2;b"], "buffer of {buffer}");
        assert_eq!(between, b"\xef\xbb\xbfsep=;\r\n\r\nA \"title\r; \"\nid;text\r\n");
    }
}

#[test]
fn without_a_header_the_first_record_is_a_row() {
    let mut dialect = Dialect::new(b',');
    dialect.quirks.no_header = true;
    let CutBytes { rows, between } = cut(Format::Csv(dialect), b"\n1,a\n2,b\n", 100, 3).unwrap();
    assert_eq!((rows.len(), rows[0].bytes.as_slice(), between.as_slice()), (2, &b"1,a\n"[..], &b"\n"[..]));
}

#[test]
fn a_row_over_the_limit_is_counted_without_its_line_end() {
    for buffer in [3, 4, 5, 7, 16, 100] {
        let CutBytes { rows, between } =
            cut(Format::Text, b"12345\r\n123456\r\n1\n1234567", 5, buffer).unwrap();
        let sizes: Vec<_> = rows.iter().map(|row| (row.bytes.len(), row.overlong)).collect();
        assert_eq!(sizes, [(7, 0), (0, 6), (2, 0), (0, 7)], "buffer of {buffer}");
        assert!(between.is_empty());
    }
}

#[test]
fn an_unclosed_quote_is_an_error_and_not_a_row_of_everything() {
    let error = cut(CSV, b"id,text\n1,a\n2,\"b\n3,c\n", 100, 5).unwrap_err();
    assert_eq!(error, "in: row 1: a quoted field is not closed by the end of the file");
    assert!(cut(CSV, b"id,text\n1,a\n2,\"b\"", 100, 5).is_ok());
}

#[test]
fn a_byte_order_mark_that_is_not_at_the_beginning_is_part_of_its_record() {
    for buffer in 3..12 {
        let CutBytes { rows, between } = cut(CSV, b"\n\n\xef\xbb\xbf", 100, buffer).unwrap();
        assert_eq!((rows.len(), between.as_slice()), (0, b"\n\n\xef\xbb\xbf".as_slice()), "a header alone");
        let CutBytes { rows, .. } = cut(CSV, b"a\n\xef\xbb\xbf1\n\xef\xbb\xbf\"x\ny\n", 100, buffer).unwrap();
        let rows: Vec<_> = rows.iter().map(|row| row.bytes.as_slice()).collect();
        assert_eq!(rows, [&b"\xef\xbb\xbf1\n"[..], b"\xef\xbb\xbf\"x\n", b"y\n"], "buffer of {buffer}");
    }
}

/// A connection to a store that breaks.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(any_fault("s3://bucket/a.tar"))
    }
}

/// Returns a header of a file of 600 bytes, and `bytes` bytes of the file.
fn shard(bytes: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("a.txt").unwrap();
    header.set_size(600);
    header.set_cksum();
    [header.as_bytes().as_slice(), &vec![b'x'; bytes]].concat()
}

#[test]
fn a_store_that_fails_amid_a_shard_is_no_damaged_archive() {
    for bytes in [0, 100, 600, 900] {
        let open = || {
            let stream = Cursor::new(shard(bytes)).chain(Broken);
            TarReader::new(&file(Format::Tar), Box::new(stream))
        };
        let skipped = |tar: &mut TarReader| tar.next_member().map(|_| ());
        let read = |tar: &mut TarReader| tar.read(&mut Vec::new()).and_then(|()| skipped(tar));
        let copied = |tar: &mut TarReader| tar.copy(&mut io::sink()).map(|_| ());
        for step in [&skipped as &dyn Fn(&mut TarReader) -> crate::error::Result<()>, &read, &copied] {
            let mut tar = open();
            tar.next_member().unwrap();
            let error = step(&mut tar).unwrap_err().to_string();
            assert!(error.starts_with("s3://bucket/a.tar: ends before its end"), "{bytes}: {error}");
        }
    }
}

/// Returns a dialect in which everything is unusual.
fn odd_csv() -> Format {
    let mut dialect = Dialect::new(b' ');
    dialect.quirks.escape = Escape(Some('a'));
    (dialect.quirks.lines_above_header, dialect.quirks.no_header) = (1, true);
    Format::Csv(dialect)
}

/// Returns dialects that csv-core does not read.
fn own_csv() -> [Format; 2] {
    let (mut spaces, mut escapes) = (Dialect::new(b','), Dialect::new(b','));
    spaces.quirks.skip_spaces = true;
    (escapes.quirks.quote, escapes.quirks.escape) = (Quote(None), Escape(Some('a')));
    [spaces, escapes].map(Format::Csv)
}

fn lively_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![Just(b'\n'), Just(b'\r'), Just(b','), Just(b'"'), Just(b' '), Just(b'a'), any::<u8>()];
    prop::collection::vec(byte, 0..200)
}

/// Bytes that are often JSON lists, and often nearly are.
fn json_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"{\"a\": [1, {}]}"[..]),
        Just(&b"\"]\\\"\""[..]),
        Just(&b"-1.5e3"[..]),
        Just(&b" \r\n"[..]),
        Just(&b","[..]),
        Just(&b","[..]),
        Just(&b"{"[..]),
        Just(&b"]"[..]),
        Just(&b"\""[..]),
        Just(&b"\\"[..]),
        Just(&b"null"[..]),
        Just(&b"\xff"[..]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| [&b"["[..], &pieces.concat(), b"]"].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_buffer_cuts_the_same_rows(bytes in lively_bytes(), buffer in 3_usize..30, limit in 1_usize..40) {
        for format in [Format::Jsonl, Format::Text, CSV, odd_csv()].into_iter().chain(own_csv()) {
            prop_assert_eq!(cut(format, &bytes, limit, buffer), cut(format, &bytes, limit, 1 << 16));
        }
    }

    #[test]
    fn any_buffer_cuts_the_same_elements(bytes in json_bytes(), buffer in 3_usize..30, limit in 1_usize..40) {
        let whole = cut(Format::JsonArray, &bytes, limit, 1 << 16);
        prop_assert_eq!(&cut(Format::JsonArray, &bytes, limit, buffer), &whole);
        let values = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(&bytes);
        if let (Ok(CutBytes { rows, between }), Ok(values)) = (&whole, values) {
            prop_assert_eq!(rows.len(), values.len());
            for (CutRow { bytes, overlong }, value) in rows.iter().zip(values) {
                let value = value.get().as_bytes();
                let same = if *overlong == 0 { bytes == value } else { *overlong == value.len() as u64 };
                prop_assert!(same);
            }
            prop_assert!(between.iter().all(|byte| b"[], \r\n".contains(byte)));
        }
        // Every list of a JSON parser is a list here.
        if serde_json::from_slice::<Vec<serde::de::IgnoredAny>>(&bytes).is_ok() {
            prop_assert!(whole.is_ok());
        }
    }

    #[test]
    fn all_bytes_come_out_again(bytes in lively_bytes(), buffer in 3_usize..30) {
        for format in [Format::Jsonl, Format::Text, CSV, odd_csv()].into_iter().chain(own_csv()) {
            if let Ok(CutBytes { rows, between }) = cut(format, &bytes, 1000, buffer) {
                let total = rows.iter().map(|row| row.bytes.len()).sum::<usize>() + between.len();
                prop_assert_eq!(total, bytes.len());
            }
        }
    }
}
