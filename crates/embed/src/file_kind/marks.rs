//! Recognises kinds of files whose mark is more than their first bytes.

/// Whether a file is the pointer of Git LFS.
pub(super) fn git_lfs(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
        || bytes.starts_with(b"version https://hawser.github.com/spec/")
}

/// Whether a file is the pointer of an unlocked file of git-annex.
pub(super) fn git_annex(bytes: &[u8]) -> bool {
    bytes.starts_with(b"/annex/objects/")
}

/// Returns the bytes of a text without a byte order mark and white space at the beginning.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
}

/// Whether a text begins with one of these tags, in any case.
fn begins_with_tag(bytes: &[u8], tags: &[&[u8]]) -> bool {
    let text = text(bytes);
    tags.iter().any(|tag| {
        let (start, end) = (text.get(..tag.len()), text.get(tag.len()));
        let is_whole = end.is_none_or(|end| matches!(end, b'>' | b'/') || end.is_ascii_whitespace());
        is_whole && start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
    })
}

/// Returns a text behind the first `end` of it, if it begins with `start`; otherwise all of it.
fn behind<'a>(bytes: &'a [u8], start: &[u8], end: &[u8]) -> &'a [u8] {
    let text = text(bytes);
    let found = text.windows(end.len()).position(|window| window == end);
    match found.filter(|_| text.starts_with(start)) {
        Some(found) => text[found + end.len()..].trim_ascii_start(),
        None => text,
    }
}

/// Whether a file is a web page.
pub(super) fn html(bytes: &[u8]) -> bool {
    begins_with_tag(behind(bytes, b"<!--", b"-->"), &[b"<!doctype html", b"<html", b"<head"])
}

/// Whether a file is an XML document.
pub(super) fn xml(bytes: &[u8]) -> bool {
    begins_with_tag(bytes, &[b"<?xml"])
}

/// Whether a file is the error of a store, in XML.
pub(super) fn store_error(bytes: &[u8]) -> bool {
    let root = behind(bytes, b"<?xml", b"?>");
    root.strip_prefix(b"<Error>").is_some_and(|inside| inside.trim_ascii_start().starts_with(b"<Code>"))
}

/// Whether a file is an SVG drawing.
pub(super) fn svg(bytes: &[u8]) -> bool {
    let has_svg = || bytes.windows(4).any(|window| window == b"<svg");
    begins_with_tag(bytes, &[b"<svg", b"<!doctype svg"]) || xml(bytes) && has_svg()
}

/// Whether a file is a PDF document.
pub(super) fn pdf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"%PDF-") && bytes.get(5).is_some_and(u8::is_ascii_digit)
}

/// Whether a file is a ZIP archive.
pub(super) fn zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Returns the name of the first member of a ZIP archive, or what there is of it.
fn first_member(bytes: &[u8]) -> &[u8] {
    let length = bytes.get(26..28).map_or(0, |length| usize::from(length[0]) | usize::from(length[1]) << 8);
    let name = bytes.get(30..).filter(|_| bytes.starts_with(b"PK\x03\x04")).unwrap_or_default();
    &name[..length.min(name.len())]
}

/// Whether a file is an archive of NumPy arrays (`.npz`).
pub(super) fn npz(bytes: &[u8]) -> bool {
    first_member(bytes).ends_with(b".npy")
}

/// Whether a file is one of PyTorch: an archive with a pickle in it.
pub(super) fn pytorch(bytes: &[u8]) -> bool {
    let name = first_member(bytes);
    [&b"data.pkl"[..], b"/.format_version", b"/byteorder"].iter().any(|end| name.ends_with(end))
}

/// Whether a file is one of an office program.
pub(super) fn office(bytes: &[u8]) -> bool {
    let name = first_member(bytes);
    let starts: [&[u8]; 5] = [b"[Content_Types].xml", b"_rels/", b"word/", b"xl/", b"ppt/"];
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        || starts.iter().any(|start| name.starts_with(start))
        || name == b"mimetype"
}

/// Whether a file is bzip2 data.
pub(super) fn bzip2(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BZh")
        && bytes.get(3).is_some_and(|level| (b'1'..=b'9').contains(level))
        && matches!(bytes.get(4..10), Some(b"1AY&SY" | b"\x17\x72\x45\x38\x50\x90"))
}

/// Whether a file is an ORC file: texts may begin with these letters, but not with these letters
/// and control characters.
pub(super) fn orc(bytes: &[u8]) -> bool {
    bytes.starts_with(b"ORC") && bytes.iter().take(32).any(|byte| *byte < b'\t')
}

/// Whether a file is Parquet with an encrypted footer: the length of its first module follows.
pub(super) fn encrypted_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PARE") && bytes.get(7) == Some(&0)
}

/// Whether a file is a pickle of protocol 2 or later.
pub(super) fn pickle(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 2 | 3, next, ..] => b"}](c)X\x8aNKMJGI\x88\x89".contains(next),
        [0x80, 4 | 5, 0x95, ..] => bytes.get(8..11) == Some(&[0, 0, 0]),
        _ => false,
    }
}

/// Whether a file is an index of FAISS: four letters, the dimension, the number of vectors, and
/// 2²⁰ twice.
pub(super) fn faiss(bytes: &[u8]) -> bool {
    const FILLER: [u8; 8] = (1u64 << 20).to_le_bytes();
    bytes.starts_with(b"I") && bytes.get(16..24) == Some(&FILLER) && bytes.get(24..32) == Some(&FILLER)
}

/// Whether a file is a database of DuckDB.
pub(super) fn duckdb(bytes: &[u8]) -> bool {
    bytes.get(8..12) == Some(b"DUCK") && bytes.get(13..20) == Some(&[0; 7])
}

/// Whether a file is a box of MPEG-4 that names one of these brands first.
pub(super) fn brand(bytes: &[u8], brands: &[&[u8; 4]]) -> bool {
    let first = bytes.get(8..12).filter(|_| bytes.get(4..8) == Some(b"ftyp"));
    first.is_some_and(|first| brands.iter().any(|brand| first == *brand))
}
