//! Avro files: rows in, nothing written back.

use semdedup::formats::{Format, ReadLimits, count_rows, read_texts};

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
    for place in 0..bytes.len() {
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
