//! Looks kinds of files up.

use super::kind::FileKind;
use super::{answers, arrays, data, pictures};

/// Returns all kinds. One that is part of another (a `.docx` file is a ZIP archive) comes first.
fn all() -> impl Iterator<Item = &'static FileKind> {
    let parts = data::POINTERS.iter().chain(&data::ARCHIVED).chain(&arrays::KINDS);
    parts.chain(&data::KINDS).chain(&pictures::KINDS).chain(&data::XML).chain(answers::KINDS)
}

/// Returns the kind of a file that begins with these bytes. 512 bytes are enough to know it.
///
/// ```
/// let kind = semdedup_embed::kind_of_content(b"%PDF-1.7\n").expect("a known kind");
/// assert_eq!(kind.what, "a PDF document");
/// ```
pub fn kind_of_content(beginning: &[u8]) -> Option<&'static FileKind> {
    all().find(|kind| (kind.begins)(beginning))
}

/// Returns the kind of a file of which these are all bytes: unlike [`kind_of_content`] it also knows
/// the short answers of servers, such as `Entry not found`, with which other files may begin.
///
/// ```
/// let kind = semdedup_embed::kind_of_whole(b"{\"error\": \"Not Found\"}").expect("a known kind");
/// assert!(kind.what.starts_with("an error message in JSON"));
/// ```
pub fn kind_of_whole(bytes: &[u8]) -> Option<&'static FileKind> {
    kind_of_content(bytes).or_else(|| answers::answer(bytes))
}

/// Returns the kind of files of this name, which may be a path.
pub fn kind_of_name(name: &str) -> Option<&'static FileKind> {
    let name = name.rsplit(['/', '\\']).next()?;
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    all().find(|kind| kind.extensions.contains(&extension.as_str()))
}

/// Returns the kind of a file, by its content first. What is inside an archive or a pickle, its
/// name may tell better.
pub fn kind_of(name: &str, beginning: &[u8]) -> Option<&'static FileKind> {
    let is_outer = |kind: &FileKind| ["zip", "pkl"].iter().any(|outer| kind.extensions.contains(outer));
    match kind_of_content(beginning) {
        Some(outer) if is_outer(outer) => kind_of_name(name).or(Some(outer)),
        Some(kind) => Some(kind),
        None => kind_of_name(name),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn zip_of(name: &str) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(26, 0);
        bytes.extend([name.len() as u8, 0, 0, 0]);
        bytes.extend(name.as_bytes());
        bytes
    }

    fn faiss(name: &[u8; 4]) -> Vec<u8> {
        let mut bytes = name.to_vec();
        bytes.extend(8u32.to_le_bytes());
        bytes.extend([6u64, 1 << 20, 1 << 20].iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    #[test]
    fn files_are_named_by_their_content() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("Git LFS", pointer.to_vec()),
            ("git-annex", b"/annex/objects/MD5E-s9--0123.csv\n".to_vec()),
            ("HTML", b"\n <!DOCTYPE html><html>".to_vec()),
            ("HTML", b"\xef\xbb\xbf<HTML lang='en'>".to_vec()),
            ("of a store", b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>".to_vec()),
            ("of a store", b"<?xml version='1.0' encoding='UTF-8'?>\n<Error>\n<Code>NoSuchKey".to_vec()),
            ("of a store", b"<Error><Code>AccessDenied</Code>".to_vec()),
            ("XML", b"<?xml version=\"1.0\"?><feed>".to_vec()),
            ("HTML", b"<!-- a comment -->\n<html>".to_vec()),
            ("zlib", b"\x78\x9c\xed\xcdA".to_vec()),
            ("LZMA", b"\x5d\0\0\x80\0\xff\xff\xff".to_vec()),
            ("PDF", b"%PDF-1.7\n".to_vec()),
            ("ZIP", zip_of("rows.json")),
            ("PyTorch", zip_of("archive/data.pkl")),
            ("NumPy", zip_of("embeddings.npy")),
            ("Word, Excel", zip_of("[Content_Types].xml")),
            ("7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()),
            ("bzip2", b"BZh91AY&SY".to_vec()),
            ("xz", b"\xfd7zXZ\0\0\x04".to_vec()),
            ("LZ4", b"\x04\x22\x4d\x18\x64".to_vec()),
            ("ORC", b"ORC\x0a\x06\x12\x04\x08".to_vec()),
            ("HDF5", b"\x89HDF\r\n\x1a\n".to_vec()),
            ("pickle", b"\x80\x04\x95\x4b\x01\0\0\0\0\0\0\x8c".to_vec()),
            ("pickle", b"\x80\x02}q\0(X".to_vec()),
            ("FAISS", faiss(b"IxFI")),
            ("NumPy", b"\x93NUMPY\x01\0".to_vec()),
            ("SQLite", b"SQLite format 3\0\x10".to_vec()),
            ("encrypted Parquet", b"PARE\x5c\0\0\0\x11\x22".to_vec()),
            ("HEIC", b"\0\0\0\x1cftypheic\0\0\0\0".to_vec()),
            ("AVIF", b"\0\0\0\x20ftypavif\0\0\0\0".to_vec()),
            ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n".to_vec()),
            ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n".to_vec()),
            ("Photoshop", b"8BPS\0\x01\0\0".to_vec()),
            ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
            ("SVG", b"<?xml version='1.0'?><!-- a --><svg width='1'>".to_vec()),
            ("WARC", b"WARC/1.0\r\n".to_vec()),
        ];
        for (what, bytes) in cases {
            let kind = kind_of_content(&bytes).unwrap_or_else(|| panic!("{what} is not known"));
            assert!(kind.what.contains(what), "{what}: {}", kind.what);
        }
    }

    #[test]
    fn texts_and_files_that_are_read_are_of_no_such_kind() {
        let texts: [&[u8]; 24] = [
            b"",
            b"{\"text\": \"a\"}\n",
            b"[{\"text\": 1}]",
            b"id,text\n1,a\n",
            b"PARENT,text\n1,a\n",
            b"PARE\n",
            b"ORCHARD\n1\n",
            b"ORC",
            b"ORC\nan orc\n",
            b"BZhang,1\n",
            b"IxFlorence,text,and,some,more,columns\n",
            b"version 1 of the text\n",
            b"%PDF is a format\n",
            b"ID3,text\n",
            b"DUCK,DUCKDUCK,text\n",
            b"GGUF is a format",
            b"PK,text\n1,a\n",
            b"<doc id=\"1\">\n",
            b"<html5 is a word\n",
            b"SQLite format 3 is old\n",
            b"PAR1\x15\x04",
            b"ARROW1\0\0",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"\x89PNG\r\n\x1a\n",
        ];
        for text in texts {
            let kind = kind_of_content(text).map(|kind| kind.what);
            assert_eq!(kind, None, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn files_are_named_by_their_extension_whatever_its_case() {
        for (name, what) in [
            ("a/x.FVECS", "vectors"),
            ("x.fbin", "vectors"),
            ("x.h5", "HDF5"),
            ("x.pt", "PyTorch"),
            ("rows.jsonl.bz2", "bzip2"),
            ("x.orc", "ORC"),
            ("x.heic", "HEIC"),
            ("e.lance", "Lance"),
            ("e.zarr", "Zarr"),
            ("e.npy", "NumPy"),
            ("x.xlsx", "Excel"),
        ] {
            let kind = kind_of_name(name).unwrap_or_else(|| panic!("{name}"));
            assert!(kind.what.contains(what), "{name}: {}", kind.what);
        }
        assert!(kind_of("x.pt", &zip_of("")).unwrap().what.contains("PyTorch"));
        assert!(kind_of("x.npy", b"%PDF-1.4").unwrap().what.contains("PDF"));
        for name in ["x.rst", "x.gz", "jsonl", "x.bin", ".h", "x.parquet.gz", ""] {
            assert!(kind_of_name(name).is_none(), "{name}");
        }
    }

    #[test]
    fn each_kind_says_in_one_line_what_to_do() {
        for kind in all() {
            assert!(!kind.what.is_empty() && !kind.remedy.is_empty(), "{kind:?}");
            assert!(!kind.remedy.contains('\n') && !kind.remedy.ends_with('.'), "{kind:?}");
        }
        let kind = kind_of_name("a.pdf").unwrap();
        assert!(kind.remedy_for("in/a.pdf").contains("in/a.pdf"));
    }
}
