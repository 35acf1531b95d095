//! Pointers, pages of servers, archives, tables and documents.

use super::kind::{FileKind, Group, never};
use super::marks;

/// Small files that stand for others.
pub(super) static POINTERS: [FileKind; 3] = [
    FileKind {
        what: "a Git LFS pointer, not the data",
        remedy: "`git lfs pull` in its repository fetches the data; a download needs the `resolve` or `raw` address of the file",
        group: Group::Pointer,
        extensions: &[],
        begins: marks::git_lfs,
    },
    FileKind {
        what: "a git-annex pointer, not the data",
        remedy: "`git annex get FILE` fetches the data",
        group: Group::Pointer,
        extensions: &[],
        begins: marks::git_annex,
    },
    FileKind {
        what: "a DVC pointer, not the data",
        remedy: "`dvc pull FILE` fetches the data",
        group: Group::Pointer,
        extensions: &["dvc"],
        begins: never,
    },
];

/// Kinds that are ZIP archives too.
pub(super) static ARCHIVED: [FileKind; 1] = [FileKind {
    what: "a file of Word, Excel, PowerPoint or another office program",
    remedy: "save it as CSV or as plain text, for example by `soffice --headless --convert-to csv FILE`",
    group: Group::Table,
    extensions: &["xlsx", "xls", "docx", "doc", "pptx", "ppt", "odt", "ods", "epub"],
    begins: marks::office,
}];

/// Everything else.
pub(super) static KINDS: [FileKind; 22] = [
    FileKind {
        what: "a web page (HTML), perhaps what a server answered instead of the data",
        remedy: "open it to see what the server says, and download the data again",
        group: Group::Page,
        extensions: &["html", "htm"],
        begins: marks::html,
    },
    FileKind {
        what: "a WARC archive of web pages",
        remedy: "write its texts as JSONL first, for example with the Python package warcio",
        group: Group::Archive,
        extensions: &["warc", "wet", "wat"],
        begins: |bytes| bytes.starts_with(b"WARC/1."),
    },
    FileKind {
        what: "a PDF document",
        remedy: "`pdftotext FILE` writes its text",
        group: Group::Table,
        extensions: &["pdf"],
        begins: marks::pdf,
    },
    FileKind {
        what: "a ZIP archive",
        remedy: "`unzip FILE` unpacks it; name the files that are inside",
        group: Group::Archive,
        extensions: &["zip"],
        begins: marks::zip,
    },
    FileKind {
        what: "a 7z archive",
        remedy: "`7z x FILE` unpacks it; name the files that are inside",
        group: Group::Archive,
        extensions: &["7z"],
        begins: |bytes| bytes.starts_with(b"7z\xbc\xaf\x27\x1c"),
    },
    FileKind {
        what: "a RAR archive",
        remedy: "`unrar x FILE` unpacks it; name the files that are inside",
        group: Group::Archive,
        extensions: &["rar"],
        begins: |bytes| bytes.starts_with(b"Rar!\x1a\x07"),
    },
    FileKind {
        what: "bzip2 data",
        remedy: "`bunzip2 -k FILE` unpacks it",
        group: Group::Archive,
        extensions: &["bz2"],
        begins: marks::bzip2,
    },
    FileKind {
        what: "xz data",
        remedy: "`xz -dk FILE` unpacks it",
        group: Group::Archive,
        extensions: &["xz"],
        begins: |bytes| bytes.starts_with(b"\xfd7zXZ\0"),
    },
    FileKind {
        what: "LZ4 data, which is not read",
        remedy: "`lz4 -d FILE` unpacks it; `.gz` and `.zst` are read as they are",
        group: Group::Archive,
        extensions: &["lz4"],
        begins: |bytes| bytes.starts_with(b"\x04\x22\x4d\x18") || bytes.starts_with(b"\x02\x21\x4c\x18"),
    },
    FileKind {
        what: "snappy data, which is not read",
        remedy: "unpack it first, for example by `python3 -m snappy -d FILE OUTPUT`",
        group: Group::Archive,
        extensions: &["snappy", "sz"],
        begins: |bytes| bytes.starts_with(b"\xff\x06\0\0sNaPpY"),
    },
    FileKind {
        what: "gzip data, and files of this name are not read compressed",
        remedy: "`gunzip FILE` unpacks it; files of rows that may be compressed are JSONL, JSON, CSV, TSV, text and tar",
        group: Group::Archive,
        extensions: &[],
        begins: |bytes| bytes.starts_with(b"\x1f\x8b\x08"),
    },
    FileKind {
        what: "Zstandard data, and files of this name are not read compressed",
        remedy: "`unzstd FILE` unpacks it; compressed files of rows are called .jsonl.zst, .json.zst, .csv.zst, .tsv.zst, .txt.zst or .tar.zst",
        group: Group::Archive,
        extensions: &[],
        begins: |bytes| bytes.starts_with(b"\x28\xb5\x2f\xfd"),
    },
    FileKind {
        what: "zlib data",
        remedy: "`pigz -dcz FILE > NEW` unpacks it, or Python's zlib.decompress; `.gz` and `.zst` are read as they are",
        group: Group::Archive,
        extensions: &["zz", "zlib"],
        // The first two bytes are a multiple of 31; the second is no part of a text in UTF-8.
        begins: |bytes| bytes.starts_with(b"\x78\x9c") || bytes.starts_with(b"\x78\xda"),
    },
    FileKind {
        what: "LZMA data",
        remedy: "`xz -dc --format=lzma FILE > NEW` unpacks it; `.xz` is read as it is",
        group: Group::Archive,
        extensions: &["lzma"],
        // The properties, and a dictionary of a whole number of 64 KiB.
        begins: |bytes| bytes.starts_with(b"\x5d\0\0") && bytes.get(4) == Some(&0),
    },
    FileKind {
        what: "brotli data, which is not read",
        remedy: "`brotli -d FILE` unpacks it; `.gz` and `.zst` are read as they are",
        group: Group::Archive,
        extensions: &["br", "brotli"],
        begins: never,
    },
    FileKind {
        what: "an ORC file",
        remedy: "write it as Parquet, in Python: pyarrow.parquet.write_table(pyarrow.orc.read_table('FILE'), 'rows.parquet')",
        group: Group::Table,
        extensions: &["orc"],
        begins: marks::orc,
    },
    FileKind {
        what: "encrypted Parquet",
        remedy: "write it without encryption, with the program that has its keys",
        group: Group::Table,
        extensions: &[],
        begins: marks::encrypted_parquet,
    },
    FileKind {
        what: "an SQLite database",
        remedy: "write a table of it as CSV: sqlite3 -header -csv FILE 'SELECT * FROM NAME' > rows.csv",
        group: Group::Table,
        extensions: &["sqlite", "sqlite3"],
        begins: |bytes| bytes.starts_with(b"SQLite format 3\0"),
    },
    FileKind {
        what: "a DuckDB database",
        remedy: "write a table of it as Parquet: duckdb FILE \"COPY NAME TO 'rows.parquet'\"",
        group: Group::Table,
        extensions: &["duckdb"],
        begins: marks::duckdb,
    },
    FileKind {
        what: "a Lance data set",
        remedy: "write it as Parquet, in Python: pyarrow.parquet.write_table(lance.dataset('FILE').to_table(), 'rows.parquet')",
        group: Group::Folder,
        extensions: &["lance"],
        begins: never,
    },
    FileKind {
        what: "a TFRecord file",
        remedy: "write its rows as JSONL or Parquet first, with TensorFlow",
        group: Group::Table,
        extensions: &["tfrecord", "tfrecords"],
        begins: never,
    },
    FileKind {
        what: "a table of R, Stata, SAS or SPSS",
        remedy: "write it as CSV or Parquet with the program that made it, or with the Python package pyreadstat",
        group: Group::Table,
        extensions: &["rds", "rdata", "rda", "dta", "sas7bdat", "sav"],
        begins: |bytes| bytes.starts_with(b"<stata_dta>"),
    },
];

/// Documents of XML, after the drawings that are XML too.
pub(super) static XML: [FileKind; 2] = [
    FileKind {
        what: "an error message of a store (S3, Google, Azure), answered instead of the data",
        remedy: "look at what it says, check the address and the access to it, and download the data again",
        group: Group::Page,
        extensions: &[],
        begins: marks::store_error,
    },
    FileKind {
        what: "an XML document, perhaps what a server answered instead of the data",
        remedy: "open it to see what it says, and download the data again or write its texts as JSONL",
        group: Group::Page,
        extensions: &["xml"],
        begins: marks::xml,
    },
];
