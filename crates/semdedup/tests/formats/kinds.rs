//! Files that are something else than their names say are named as what they are.

use semdedup::formats::{Compression, Format, TextFiles, discover, survey};
use semdedup::{EmbeddingStore, find_embeddings};
use tempfile::TempDir;

use crate::beside::{Folder, said};
use crate::support::*;

const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
const PAGE: &[u8] = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n";

/// Returns the error for a file of these bytes, without the folder, and its hint.
#[track_caller]
fn refused(name: &str, bytes: &[u8]) -> (String, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let Err(error) = discover(&[path.to_str().unwrap().to_owned()], &[]) else {
        panic!("{name} is read");
    };
    let plain = |text: &str| text.replace(&format!("{}/", folder.path().display()), "");
    (plain(&error.to_string()), plain(error.hint_text().unwrap()))
}

#[test]
fn pointers_and_pages_are_no_data_under_any_name_that_is_read() {
    let names = [
        "a.csv",
        "a.tsv",
        "a.txt",
        "a.jsonl",
        "a.json",
        "a.parquet",
        "a.arrow",
        "a.avro",
        "a.tar",
        "a.jsonl.gz",
        "a.csv.zst",
        "a.txt.gz",
    ];
    for name in names {
        let (error, hint) = refused(name, LFS);
        assert_eq!(error, format!("{name}: is a Git LFS pointer, not the data"));
        assert!(hint.contains("`git lfs pull`"), "{hint}");
        let (error, hint) = refused(name, PAGE);
        assert!(error.starts_with(&format!("{name}: is a web page (HTML)")), "{error}");
        assert!(hint.contains("download the data again"), "{hint}");
        // A server may compress its page.
        if name.ends_with("gz") || name.ends_with("zst") {
            assert!(refused(name, &compress(name, PAGE)).0.contains("HTML"));
        }
    }
    let (error, _) = refused("a.csv", b"<?xml version=\"1.0\"?>\n<feed><entry/></feed>");
    assert!(error.contains("is an XML document"), "{error}");
}

#[test]
fn what_servers_say_instead_of_the_data_is_named_under_any_name_that_is_read() {
    let denied = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>";
    let cases = [
        (denied, "is an error message of a store (S3, Google, Azure)"),
        ("{\"error\":\"Repository not found\"}", "is an error message in JSON"),
        ("{\"message\": \"Not Found\", \"status\": \"404\"}\n", "is an error message in JSON"),
        ("Entry not found", "is an error message, which a server answered"),
        ("404: Not Found", "is an error message, which a server answered"),
        ("<!-- x -->\n<!doctype HTML><html>", "is a web page (HTML)"),
    ];
    let names =
        ["a.csv", "a.txt", "a.jsonl", "a.json", "a.parquet", "a.arrow", "a.avro", "a.tar", "a.jsonl.gz"];
    for (said, what) in cases {
        for name in names {
            let (error, hint) = refused(name, said.as_bytes());
            assert!(error.starts_with(&format!("{name}: {what}")), "{error}");
            assert!(hint.contains("download the data again"), "{hint}");
        }
        // A server may compress its answer.
        let (error, _) = refused("a.txt.gz", &compress("a.gz", said.as_bytes()));
        assert!(error.contains(what), "{error}");
    }
    let rows = "{\"message\": \"Not Found\"}\n{\"message\": \"a text\"}\n";
    assert_eq!(raw_input("a.jsonl", rows.as_bytes()).file.format, Format::Jsonl);
    let long = format!("{{\"error\": \"{}\"}}\n{{\"error\": \"b\"}}\n", "a".repeat(600));
    assert_eq!(raw_input("a.jsonl.gz", &compress("a.gz", long.as_bytes())).file.format, Format::Jsonl);
}

#[test]
fn files_of_other_programs_are_named_by_their_content_and_then_by_their_extension() {
    let cases: [(&str, &[u8], &str, &str); 18] = [
        ("a.jsonl", b"%PDF-1.7\n", "a PDF document", "pdftotext a.jsonl"),
        ("a.csv", b"PK\x03\x04\x14\0\0\0\x08\0", "a ZIP archive", "unzip a.csv"),
        ("a.parquet", b"BZh91AY&SY\0\0", "bzip2 data", "bunzip2 -k a.parquet"),
        ("a.parquet", b"\xfd7zXZ\0\0", "xz data", "xz -dk a.parquet"),
        ("a.jsonl.lz4", b"\x04\x22\x4d\x18", "LZ4 data", "lz4 -d a.jsonl.lz4"),
        ("a.parquet", b"ORC\x0a\x06\x12\x04", "an ORC file", "pyarrow.orc.read_table('a.parquet')"),
        ("a.orc", b"", "an ORC file", "pyarrow.orc.read_table('a.orc')"),
        ("a.parquet", b"\x1f\x8b\x08\0\0\0\0\0", "gzip data", "gunzip a.parquet"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file", "h5py.File('a.h5')"),
        ("a.pkl", b"\x80\x04\x95\x4b\x01\0\0\0\0\0\0\x8c", "a Python pickle", "to_parquet"),
        ("a.pt", b"PK\x03\x04\x14\0", "a PyTorch file", "torch.load('a.pt')"),
        ("a.fvecs", b"\x04\0\0\0", "a file of vectors", "numpy.fromfile('a.fvecs'"),
        ("a.npy", b"\x93NUMPY\x01\0", "a NumPy array", "--embeddings a.npy"),
        ("a.csv", b"\x93NUMPY\x01\0", "a NumPy array", "--embeddings a.csv"),
        ("a.sqlite", b"SQLite format 3\0", "an SQLite database", "sqlite3 -header -csv a.sqlite"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "a file of Word, Excel", "save it as CSV"),
        ("a.heic", b"\0\0\0\x1cftypheic", "a HEIC picture", "heif-convert a.heic"),
        ("a.warc", b"WARC/1.0\r\n", "a WARC archive", "warcio"),
    ];
    for (name, bytes, what, remedy) in cases {
        let (error, hint) = refused(name, bytes);
        assert!(error.starts_with(&format!("{name}: is {what}")), "{error}");
        assert!(hint.contains(remedy), "{name}: {hint}");
    }
}

#[test]
fn a_text_under_the_name_of_a_compressed_file_is_named() {
    let (error, hint) = refused("a.jsonl.gz", b"{\"text\": \"a line of plain text\"}\n");
    assert_eq!(error, "a.jsonl.gz: is not compressed, although its name says .gz");
    assert_eq!(hint, "give it a name without .gz");
    let rows = b"{\"text\": \"a\"}\n";
    let input = raw_input("a.jsonl.gz", &compress("a.zst", rows));
    assert_eq!(input.file.compression, Compression::Zstd);
    assert_eq!(read(&input.file, &text_column("text")).unwrap().texts(), ["a"]);
}

#[test]
fn a_folder_of_other_files_alone_is_an_error_that_names_them() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("part-0.orc"), b"ORC\x0a\x06").unwrap();
    let error = discover(&[folder.path().to_str().unwrap().to_owned()], &[]).unwrap_err();
    assert!(error.to_string().starts_with("no file to read in"), "{error}");
    assert!(error.hint_text().unwrap().contains("part-0.orc is an ORC file: "), "{error:?}");
}

#[test]
fn a_file_of_a_known_kind_beside_rows_is_named_in_the_warning() {
    let folder = Folder::of_images(&["a.jpg", "b.jpg"], &[("c.heic", "x"), ("d.heic", "x")]);
    let told = said(&folder.is_of_images(2));
    let expected = "2 files with extensions that are not read were left out (c.heic, d.heic); c.heic is a HEIC picture \
                    (HEIF) (convert it first: heif-convert c.heic picture.jpg";
    assert!(told[0].starts_with(expected), "{told:?}");
}

#[test]
fn html_in_texts_is_text_where_each_file_is_a_row_but_a_pointer_is_a_bad_row() {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in [("a.txt", PAGE), ("b.txt", LFS), ("c.txt", b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n")] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let inputs = [folder.path().to_str().unwrap().to_owned()];
    let found = survey(&inputs, &[], &TextFiles::Whole.into()).unwrap();
    assert_eq!(found.files[0].format, Format::TextTree);
    let whole = read(&found.files[0], &text_column("text")).unwrap();
    assert_eq!(whole.texts()[0].as_bytes(), PAGE);
    let reasons = whole.reasons();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].1.contains("b.txt: is a Git LFS pointer"), "{reasons:?}");
    assert!(reasons[1].1.contains("c.txt: is a PDF document"), "{reasons:?}");
    let (_, hint) = refused("a.txt", PAGE);
    assert!(hint.contains("--text-files whole"), "{hint}");
}

#[test]
fn what_is_named_as_embeddings_and_is_something_else_is_named() {
    let folder = TempDir::new().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let found = find_embeddings(&[path.to_str().unwrap().to_owned()]).unwrap();
        let error = EmbeddingStore::open(&found).unwrap_err();
        (error.to_string(), error.hint_text().unwrap().to_owned())
    };
    let raw: Vec<u8> = (0..64).flat_map(|i| (i as f32 / 7.0).to_le_bytes()).collect();
    let cases: [(&str, &[u8], &str, &str); 10] = [
        ("a.pt", &[b"PK\x03\x04".as_slice(), &[0; 96]].concat(), "is a PyTorch file", "torch.load('"),
        ("a.npy", LFS, "is a Git LFS pointer", "git lfs pull"),
        ("a.npz", LFS, "is a Git LFS pointer", "git lfs pull"),
        ("a.safetensors", LFS, "is a Git LFS pointer", "git lfs pull"),
        ("a.h5", b"\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0", "is an HDF5 file", "h5py.File('"),
        ("a.fvecs", &raw, "is a file of vectors of f32 (.fvecs)", "view('float32')"),
        ("a.fbin", &raw, "is a file of vectors of f32 (.fbin)", "offset=8"),
        ("b.npz", b"\x93NUMPY\x01\0v\0{'descr'", "is a .npy file by its content", "ends with .npy"),
        ("raw.npy", &raw, "does not begin with the mark of one", "--dim N --dtype float32"),
        ("raw.bin", &raw, "does not begin with the mark of one", "in rows of N numbers"),
    ];
    for (name, bytes, what, remedy) in cases {
        let (error, hint) = refused(name, bytes);
        assert!(error.contains(what), "{name}: {error}");
        assert!(hint.contains(remedy), "{name}: {hint}");
    }
    std::fs::create_dir(folder.path().join("e.zarr")).unwrap();
    let error = find_embeddings(&[folder.path().join("e.zarr").to_str().unwrap().to_owned()]).unwrap_err();
    assert!(error.to_string().ends_with("is a Zarr array"), "{error}");
}

#[test]
fn the_columns_of_a_psv_file_are_separated_by_bars_and_its_kept_lines_stay() {
    let rows = b"id|text\n1|a, b\n2|\"c | d\"\n";
    let input = raw_input("a.psv", rows);
    assert!(matches!(input.file.format, Format::Csv(_)), "{:?}", input.file.format);
    let columns = resolve_one(&input.file, &choice(None, Some("id"))).unwrap();
    assert_eq!(read(&input.file, &columns).unwrap().texts(), ["a, b", "c | d"]);
    let kept = write(&input, &mut |row| row == 1).unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), b"id|text\n2|\"c | d\"\n");
    assert_eq!(raw_input("a.psv.gz", &compress("a.gz", rows)).file.compression, Compression::Gzip);
}

#[test]
fn a_named_file_without_a_known_extension_is_what_its_content_says() {
    let parquet = std::fs::read(fixture_path("snappy_lists.parquet")).unwrap();
    let stream = std::fs::read(fixture_path("stream.arrow")).unwrap();
    let shard = std::fs::read(fixture_path("images/webdataset.tar")).unwrap();
    let cases: [(&str, &[u8], Format); 9] = [
        ("part-00000", &parquet, Format::Parquet),
        ("a.pq", &parquet, Format::Parquet),
        ("a.parq", &parquet, Format::Parquet),
        ("a.dat", &parquet, Format::Parquet),
        ("data", &stream, Format::Arrow),
        ("a.csv", &stream, Format::Arrow),
        ("a.parquet", &stream, Format::Arrow),
        ("shard", &shard, Format::Tar),
        ("a.jsonl.gz", &compress("a.gz", &shard), Format::Tar),
    ];
    for (name, bytes, format) in cases {
        let input = raw_input("unused.txt", b"x");
        let path = input.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let found = discover(&[path.to_str().unwrap().to_owned()], &[]).unwrap();
        assert_eq!(found.iter().map(|file| file.format).collect::<Vec<_>>(), [format], "{name}");
    }
    for name in ["a.jsonl.gz", "a.csv.zst", "a.txt.bz2"] {
        let (error, hint) = refused(name, &compress(name, &parquet));
        assert!(error.starts_with(&format!("{name}: is a .parquet file by its content, inside ")), "{error}");
        assert!(hint.contains("-dc 'a.") && hint.contains("> NEW.parquet"), "{hint}");
    }
}

#[test]
fn json_is_no_plain_text_and_a_json_list_no_csv() {
    let lines = "{\"id\": 1, \"text\": \"one\"}\n{\"id\": 2, \"text\": \"two\"}\n";
    let list = "\u{feff}[\n  {\n    \"text\" : \"one\"\n  }\n]\n";
    for (name, content, what, like) in [
        ("a.txt", lines, "JSON", ".jsonl"),
        ("a.txt.gz", lines, "JSON", ".jsonl.gz"),
        ("a.txt", list, "a JSON list", ".json"),
        ("a.csv", list, "a JSON list", ".json"),
        ("a.tsv", list, "a JSON list", ".json"),
    ] {
        let bytes = if name.ends_with(".gz") { compress(name, content.as_bytes()) } else { content.into() };
        let (error, hint) = refused(name, &bytes);
        assert_eq!(error, format!("{name}: is {what} by its content"));
        assert!(hint.contains(like), "{hint}");
    }
    for text in ["[Music] plays\n", "{name} is a placeholder\n", "{\"quoted\"} words\n", "[1, 2]\n", "{}\n"] {
        assert_eq!(
            read(&raw_input("a.txt", text.as_bytes()).file, &text_column("text")).unwrap().texts().len(),
            1
        );
    }
}
