//! Avro files: rows in, nothing written back.

use std::io::Write;

use semdedup::formats::{Format, ReadLimits, Reader, count_rows, read_texts};

use crate::support::*;

fn expected_texts() -> Vec<String> {
    let mut texts: Vec<_> = (0..50).map(|row| format!("row {row}: {}", "word ".repeat(row % 7))).collect();
    (texts[7], texts[8]) = (String::new(), String::new());
    texts[9] = "snow \u{2603} and\na second line".to_owned();
    texts
}

#[test]
fn files_of_fastavro_have_the_rows_that_were_written() {
    for name in ["plain.avro", "deflate.avro"] {
        let file = fixture(name);
        assert_eq!(file.format, Format::Avro);
        let columns = resolve_one(&file, &choice(None, Some("id"))).unwrap();
        let whole = read(&file, &columns).unwrap();
        assert_eq!(whole.texts(), expected_texts(), "{name}");
        assert_eq!((whole.empty, whole.bad.len()), (2, 0), "{name}");
        assert_eq!(count_rows(&file, &ReadLimits::default()).unwrap(), 50, "{name}");
        let rest = read_from(&file, &columns, &ReadLimits::default(), 33).unwrap();
        assert_eq!(rest.texts(), expected_texts()[33..], "{name}");
        let some = read_texts(&file, &columns, &ReadLimits::default(), &[0, 9, 49, 50]).unwrap();
        let texts = expected_texts();
        let expected = [Some(&texts[0]), Some(&texts[9]), Some(&texts[49]), None];
        assert_eq!(some.iter().map(Option::as_ref).collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn a_field_of_a_record_can_be_the_text_and_an_array_the_embedding() {
    let mut wanted = choice(Some("meta.url"), None);
    wanted.embedding = Some("embedding".to_owned());
    let file = fixture("deflate.avro");
    let columns = resolve_one(&file, &wanted).unwrap();
    assert_eq!(read(&file, &columns).unwrap().texts()[49], "u49");
    let problem = resolve_one(&file, &choice(Some("tags"), None)).unwrap_err().to_string();
    assert!(problem.contains("column `tags`"), "{problem}");
}

#[test]
fn a_file_without_rows_has_none_and_what_is_cut_off_or_no_avro_is_an_error_that_names_the_file() {
    let none = fixture("no_rows.avro");
    assert_eq!(count_rows(&none, &ReadLimits::default()).unwrap(), 0);
    let bytes = std::fs::read(fixture("deflate.avro").path).unwrap();
    for cut in [3, 40, bytes.len() / 2, bytes.len() - 1] {
        let input = raw_input("cut.avro", &bytes[..cut]);
        let error = count_rows(&input.file, &ReadLimits::default()).unwrap_err();
        assert!(error.to_string().contains("cut.avro: row "), "{cut}: {error}");
    }
    for place in (0..bytes.len()).step_by(5) {
        for change in [0x02, 0x55] {
            let mut broken = bytes.clone();
            broken[place] ^= change;
            // Some changes make another text of the same length; all end, and without a panic.
            let _ = count_rows(&raw_input("broken.avro", &broken).file, &ReadLimits::default());
        }
    }
    let other = raw_input("other.avro", b"{\"text\": \"a\"}\n");
    assert!(count_rows(&other.file, &ReadLimits::default()).is_err());
}

#[test]
fn avro_is_known_by_its_content_and_cannot_be_written_back() {
    let bytes = std::fs::read(fixture("plain.avro").path).unwrap();
    let input = raw_input("rows.jsonl", &bytes);
    assert_eq!(input.file.format, Format::Avro);
    let error = write(&input, &mut |_| true).unwrap_err();
    assert!(error.to_string().contains("Avro files are read but not written"), "{error}");
    assert!(error.hint_text().unwrap().contains("--output ids"));
}

/// Writes a number as Avro does: zig-zag, with 7 bits per byte, the lowest first.
fn long(number: i64) -> Vec<u8> {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn string(text: &[u8]) -> Vec<u8> {
    [long(text.len() as i64), text.to_vec()].concat()
}

/// Creates a file of records with these fields, and of these blocks: each is a number of rows and
/// their bytes as the codec packs them.
fn avro(fields: &str, codec: &str, blocks: &[(i64, Vec<u8>)]) -> Input {
    let schema = format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#);
    let metadata = [("avro.schema", schema.as_str()), ("avro.codec", codec)];
    let metadata = metadata.map(|(key, value)| [string(key.as_bytes()), string(value.as_bytes())].concat());
    let sync = [7; 16];
    let mut bytes = [b"Obj\x01".to_vec(), long(2), metadata.concat(), long(0), sync.to_vec()].concat();
    for (rows, data) in blocks {
        bytes.extend([long(*rows), string(data), sync.to_vec()].concat());
    }
    raw_input("made.avro", &bytes)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn count(input: &Input) -> semdedup::Result<u64> {
    count_rows(&input.file, &ReadLimits::default())
}

const TEXT: &str = r#"{"name": "text", "type": "string"}"#;

#[test]
fn a_batch_of_long_rows_ends_at_about_one_mebibyte() {
    let row = string(&[b'a'; 100_000]);
    let input = avro(TEXT, "null", &[(30, row.repeat(30)), (30, row.repeat(30))]);
    let mut reader = Reader::open(&input.file, &text_column("text"), &ReadLimits::default(), 0).unwrap();
    let mut rows = Vec::new();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        rows.push(chunk.rows());
    }
    assert_eq!(rows, [11, 11, 11, 11, 11, 5]);
}

#[test]
fn a_block_that_unpacks_to_64_mebibytes_and_to_256_times_its_size_is_refused() {
    let (short, large) = (string(&vec![b'a'; 8 << 20]), string(&vec![b'a'; 65 << 20]));
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let packed = [("deflate", deflate(&short), deflate(&large)), ("zstandard", zstd(&short), zstd(&large))];
    for (codec, short, large) in packed {
        let input = avro(TEXT, codec, &[(1, short.clone())]);
        assert_eq!(read(&input.file, &text_column("text")).unwrap().texts()[0].len(), 8 << 20, "{codec}");
        let error = count(&avro(TEXT, codec, &[(1, short), (1, large)])).unwrap_err().to_string();
        let expected = "block 1: it unpacks to more than 67108864 bytes";
        assert!(error.contains("made.avro: row ") && error.contains(expected), "{codec}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn rows_of_no_bytes_are_read_up_to_a_limit() {
    let fields = r#"{"name": "e", "type": "null"}"#;
    assert_eq!(count(&avro(fields, "null", &[(5000, vec![]), (1 << 20, vec![])])).unwrap(), 5000 + (1 << 20));
    for rows in [(1 << 20) + 1, 1 << 62] {
        let error = count(&avro(fields, "null", &[(1, vec![]), (rows, vec![])])).unwrap_err().to_string();
        let expected = format!("block 1: 0 bytes claim to be {rows} rows, the limit is 1048576");
        assert!(error.contains("made.avro: row ") && error.contains(&expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_column_of_a_type_that_an_unread_column_defines_is_read() {
    let kind = r#"{"type": "enum", "name": "E", "symbols": ["x", "y"]}"#;
    let fields = format!(r#"{{"name": "a", "type": {kind}}}, {{"name": "b", "type": "E"}}, {TEXT}"#);
    let rows = [[long(0), long(1), string(b"one")].concat(), [long(1), long(0), string(b"two")].concat()];
    let input = avro(&fields, "null", &[(2, rows.concat())]);
    assert_eq!(read(&input.file, &text_column("b")).unwrap().texts(), ["y", "x"]);
    let whole = read(&input.file, &with_id("text", "b")).unwrap();
    assert_eq!((whole.texts(), whole.ids.len()), (vec!["one", "two"], 1));
    assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["one", "two"]);
    assert_eq!(count(&input).unwrap(), 2);
}

#[test]
fn named_types_that_double_at_each_level_are_refused_in_a_line() {
    let doubling = |levels: usize| {
        (0..levels).fold(r#""string""#.to_owned(), |inner, level| {
            let again = if level == 0 { "string".to_owned() } else { format!("R{}", level - 1) };
            format!(
                r#"{{"type": "record", "name": "R{level}", "fields": [{{"name": "a", "type": {inner}}}, {{"name": "b", "type": "{again}"}}]}}"#
            )
        })
    };
    let field = |levels: usize| format!(r#"{TEXT}, {{"name": "x", "type": {}}}"#, doubling(levels));
    let row = |levels: u32| [string(b"a"), vec![0; 2_usize.pow(levels)]].concat();
    let fine = avro(&field(12), "null", &[(2, row(12).repeat(2))]);
    assert_eq!(read(&fine.file, &text_column("text")).unwrap().texts(), ["a", "a"]);
    let error = count(&avro(&field(36), "null", &[])).unwrap_err().to_string();
    let problem = "made.avro: its schema has more than 100000 types where each name stands for its type";
    assert!(error.ends_with(problem), "{error}");
}
