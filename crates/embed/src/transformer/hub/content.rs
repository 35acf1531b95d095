//! What the hub says about the content of a file, and whether a download is that content.
//!
//! A proxy or a mirror can answer with the right number of wrong bytes. These would be wrong
//! weights, which no later step would notice.

use std::fs::File;
use std::io::{self, Read, Seek};

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderName};
use ring::digest::{Context, SHA256};

use super::answer::{Answer, Failure};

/// The etag of the content, where the file itself lies on another host.
const LINKED_ETAG: HeaderName = HeaderName::from_static("x-linked-etag");
/// The hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

/// The identity and the size of a file's content.
pub(super) struct Content {
    pub(super) etag: String,
    /// Bytes.
    pub(super) size: u64,
    /// The hexadecimal SHA-256, which the hub names for large files (Git LFS).
    sha256: Option<String>,
}

impl Content {
    /// Reads the headers of an answer to a request for the first byte.
    pub(super) fn of(answer: &Answer) -> Result<Self, Failure> {
        let linked = answer.own.get(LINKED_ETAG);
        let etag = linked.or_else(|| answer.own.get(ETAG));
        let etag = etag.and_then(|etag| etag.to_str().ok()).unwrap_or_default();
        let etag = etag.trim_start_matches("W/").replace('"', "");
        // It becomes the name of a file.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if etag.is_empty() || etag.starts_with('.') || !etag.chars().all(plain) {
            return Err(Failure::Odd(format!("the etag {etag:?}")));
        }
        let size = match answer.last.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok()) {
            Some(range) => range.rsplit('/').next().and_then(|size| size.parse().ok()),
            None => answer.last.content_length(),
        };
        let size = size.ok_or_else(|| Failure::Odd("a file without a size".to_owned()))?;
        // A plain etag of this length can be a hash of another kind, such as that of Xet storage.
        let is_sha256 = linked.is_some()
            && etag.len() == SHA256_DIGITS
            && etag.bytes().all(|digit| digit.is_ascii_hexdigit());
        let sha256 = is_sha256.then(|| etag.to_ascii_lowercase());
        Ok(Self { etag, size, sha256 })
    }

    /// Compares the SHA-256 of a whole file with the one that the hub names, if it names one.
    ///
    /// Reads the file again: an earlier process may have written its beginning.
    pub(super) fn check(&self, name: &str, file: &mut File) -> Result<(), Failure> {
        let Some(expected) = &self.sha256 else { return Ok(()) };
        match sha256(file).map_err(Failure::Unwritable)? {
            found if found == *expected => Ok(()),
            found => Err(Failure::Altered(format!(
                "{name} with the SHA-256 {found}, expected {expected}; the download was deleted"
            ))),
        }
    }
}

/// Checks that an answer with a part of a file begins at the byte that was asked for.
pub(super) fn check_start(name: &str, headers: &HeaderMap, expected: u64) -> Result<(), Failure> {
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next());
    match start.and_then(|start| start.trim().parse::<u64>().ok()) {
        Some(found) if found == expected => Ok(()),
        Some(found) => {
            Err(Failure::Altered(format!("{name} from byte {found} on, expected from byte {expected} on")))
        }
        None => Err(Failure::Altered(format!(
            "a part of {name} without its place (Content-Range {range:?}), expected from byte {expected} on"
        ))),
    }
}

/// Computes the hexadecimal SHA-256 of a file, from its first byte.
fn sha256(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => context.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
