//! Files are what their content says, whatever their names say.

use semdedup::formats::{Compression, Format};

use crate::support::*;

#[test]
fn a_compressed_body_is_known_under_a_plain_name_and_written_back_compressed() {
    let rows = b"{\"text\": \"a\"}\n{\"text\": \"b\"}\n";
    for (end, compression) in [
        (".gz", Compression::Gzip),
        (".zst", Compression::Zstd),
        (".bz2", Compression::Bzip2),
        (".xz", Compression::Xz),
    ] {
        let input = raw_input("rows.jsonl", &compress(end, rows));
        assert_eq!((input.file.format, input.file.compression), (Format::Jsonl, compression));
        assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["a", "b"]);
        let kept = find(&write(&input, &mut |row| row == 1).unwrap());
        assert_eq!(kept.compression, compression);
        assert_eq!(read(&kept, &text_column("text")).unwrap().texts(), ["b"]);
    }
}

#[test]
fn tables_and_archives_are_known_under_any_name_that_is_read() {
    for (name, format) in [
        ("snappy_lists.parquet", Format::Parquet),
        ("pyarrow_zstd.arrow", Format::Arrow),
        ("images/webdataset.tar", Format::Tar),
    ] {
        let Ok(bytes) = std::fs::read(fixture_path(name)) else { panic!("no fixture {name}") };
        for other in ["rows.csv", "rows.jsonl", "rows.txt", "rows.arrow", "rows.parquet"] {
            assert_eq!(raw_input(other, &bytes).file.format, format, "{name} as {other}");
        }
    }
    let json = raw_input("rows.txt", &compress(".gz", b"a line\nanother\n"));
    assert_eq!((json.file.format, json.file.compression), (Format::Text, Compression::Gzip));
}

#[test]
fn texts_that_begin_as_other_formats_do_stay_texts() {
    for (name, bytes) in [
        ("a.csv", &b"PAR1,text\n1,b\n"[..]),
        ("a.txt", b"ARROW1 is a mark\n"),
        ("a.txt", b"Obj 1\n"),
        ("a.txt", b""),
    ] {
        let format = raw_input(name, bytes).file.format;
        assert!(matches!(format, Format::Csv { .. } | Format::Text), "{name} {format:?}");
    }
}
