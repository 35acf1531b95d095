//! Reads `file:` URLs, by which programs name files of this machine.

use std::path::PathBuf;

/// A text that begins with `file:`.
pub(crate) enum FileUrl<'a> {
    /// `file:///folder/file`, `file://localhost/folder/file` or `file:/folder/file`: the decoded
    /// path.
    Here(PathBuf),
    /// `file://host/…`: what is behind the slashes.
    Elsewhere(&'a str),
}

impl<'a> FileUrl<'a> {
    /// Reads a text; none if it is no such URL.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        if !scheme.eq_ignore_ascii_case("file") || !rest.starts_with('/') {
            return None;
        }
        let Some(named) = rest.strip_prefix("//") else { return Some(Self::Here(decoded(rest))) };
        let (host, path) = named.split_at(named.find('/').unwrap_or(named.len()));
        match host.is_empty() || host.eq_ignore_ascii_case("localhost") {
            true if !path.is_empty() => Some(Self::Here(decoded(path))),
            _ => Some(Self::Elsewhere(named)),
        }
    }
}

/// Decodes the escapes (`%20`) of a path. A `?` and a `#` stay: a file has neither a query nor
/// parts, but its name may have these letters.
fn decoded(path: &str) -> PathBuf {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut at) = (path.as_bytes(), 0);
    let mut decoded = Vec::with_capacity(bytes.len());
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((16 * high + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    path_of(decoded)
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

/// On Windows the slash before the drive goes: `/C:/folder`.
#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let has_drive = text.as_bytes().get(2) == Some(&b':');
    text[usize::from(has_drive)..].into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn escapes_are_decoded_and_all_other_letters_stay() {
        for (url, path) in [
            ("file:///tmp/a%20b.txt", "/tmp/a b.txt"),
            ("file://localhost/tmp/gr%C3%B6%C3%9Fe.txt", "/tmp/größe.txt"),
            ("file://LOCALHOST/a", "/a"),
            ("FILE:///a", "/a"),
            ("file:/data/a%2Cb.txt", "/data/a,b.txt"),
            ("file:///a#b?c.txt", "/a#b?c.txt"),
            ("file:///100%/50%25/%zz/%2", "/100%/50%/%zz/%2"),
            ("file:///part-*.txt", "/part-*.txt"),
            ("file:///a\\b", "/a\\b"),
        ] {
            let Some(FileUrl::Here(found)) = FileUrl::of(url) else { panic!("{url}") };
            assert_eq!(found, Path::new(path), "{url}");
        }
        for url in ["file://other/x", "file://localhost", "file://", "file://x"] {
            assert!(matches!(FileUrl::of(url), Some(FileUrl::Elsewhere(_))), "{url}");
        }
        for text in ["file.txt", "file:x", "files:///x", "a/file:///x", "s3://file/x", ""] {
            assert!(FileUrl::of(text).is_none(), "{text}");
        }
    }
}
