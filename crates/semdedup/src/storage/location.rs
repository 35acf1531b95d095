//! Where a path leads: to a file, or to an object in a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path as Key;

use super::client::{self, Kind};
use crate::{Error, ErrorKind, Result};

/// Whether a path is a URL of a store.
pub(crate) fn is_url(path: impl AsRef<Path>) -> bool {
    path.as_ref().to_str().and_then(Kind::of).is_some()
}

/// What the user typed as a path: `file://` is taken off, and other URLs must be of a kind that is known.
///
/// # Errors
/// A URL of an unknown scheme, or `file://` with a host.
pub fn place(typed: &str) -> Result<PathBuf> {
    let Some((scheme, rest)) = typed.split_once("://") else { return Ok(PathBuf::from(typed)) };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return Ok(PathBuf::from(typed));
    }
    if scheme == "file" {
        let rest = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
        return url::Url::parse(&format!("file://{rest}"))
            .ok()
            .and_then(|url| url.to_file_path().ok())
            .ok_or_else(|| {
                Error::usage(format!("{typed}: not the path of a file here"))
                    .hint("write file:///folder/file")
            });
    }
    if Kind::of(typed).is_none() {
        return Err(Error::usage(format!("{typed}: URLs of the scheme {scheme}:// are not known"))
            .hint("known are s3://, gs://, az://, abfss://, http://, https:// and file://"));
    }
    Ok(PathBuf::from(typed))
}

/// What a URL says, without a look at its store.
struct Address {
    kind: Kind,
    key: Key,
    root: String,
    text: String,
}

impl Address {
    fn parse(path: &Path) -> Result<Self> {
        let text = path.to_string_lossy().replace('\\', "/");
        let text = text.trim_end_matches('/').to_owned();
        let unknown = || Error::usage(format!("{text}: not a URL of a store")).hint("write s3://bucket/path");
        let kind = Kind::of(&text).ok_or_else(unknown)?;
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown)?;
        let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            return Err(Error::usage(format!("{text}: names no bucket")).hint("write s3://bucket/path"));
        }
        if kind == Kind::Http && key.contains(['?', '#']) {
            let shown = text.split(['?', '#']).next().unwrap_or_default().to_owned();
            return Err(Error::usage(format!("{shown}: an address with a query (?…) is not read"))
                .hint("name the object by s3://, gs:// or az:// with credentials, or download it first"));
        }
        let parsed = match kind {
            Kind::Http => Key::from_url_path(key),
            _ => Key::parse(key),
        };
        let key = parsed.map_err(|error| {
            Error::usage(format!("{text}: no object can have this path: {error}"))
                .hint("no empty parts, no `.` and no `..`")
        })?;
        Ok(Self { kind, key, root: format!("{scheme}://{host}"), text })
    }
}

/// An object in a store, or what the names of many begin with.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) key: Key,
    /// As it was typed, without a slash at the end.
    pub(crate) text: String,
    /// What is before the key, without a slash at the end: `s3://bucket`.
    pub(crate) root: String,
    pub(crate) kind: Kind,
}

impl Location {
    /// Where a URL leads.
    ///
    /// # Errors
    /// A URL without a bucket or with a path that no object can have; a store that is not set up.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let Address { kind, key, root, text } = Address::parse(path)?;
        let store = client::store(kind, &root)?;
        Ok(Self { store, key, text, root, kind })
    }

    /// The path of another object in the same bucket.
    pub(crate) fn path_of(&self, key: &Key) -> PathBuf {
        let key = match self.kind {
            Kind::Http => key.as_ref().replace('%', "%25").replace('?', "%3F").replace('#', "%23"),
            _ => key.to_string(),
        };
        PathBuf::from(format!("{}/{key}", self.root))
    }

    /// What is below, relative to this; none for what is elsewhere.
    pub(crate) fn relative<'a>(&self, key: &'a Key) -> Option<&'a str> {
        let key = key.as_ref();
        match self.key.as_ref() {
            "" => Some(key),
            prefix => key.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// Fails for what can only be read.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match self.kind {
            Kind::Http => Err(Error::new(ErrorKind::Output, format!("{}: cannot be written to", self.text))
                .hint("http and https are for reading; write to s3://, gs://, az:// or a folder")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn urls_of_stores_are_told_from_paths_and_file_urls_become_paths() {
        for url in ["s3://b/k", "gs://b", "az://c/x", "abfss://f@a.dfs.core.windows.net/x", "https://h/x"] {
            assert!(is_url(url), "{url}");
            assert_eq!(place(url).unwrap(), Path::new(url));
        }
        for path in ["s3:/b/k", "data/s3://x", "a.jsonl", "C:\\x", "C://x/y"] {
            assert!(!is_url(path), "{path}");
        }
        assert_eq!(place("file:///tmp/a%20b.txt").unwrap(), Path::new("/tmp/a b.txt"));
        assert_eq!(place("data/s3://x").unwrap(), Path::new("data/s3://x"));
        for wrong in ["ftp://host/x", "file://other/x", "hdfs://x"] {
            assert!(place(wrong).unwrap_err().hint_text().is_some(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_taken_as_they_are_typed_but_for_the_web() {
        let key = |url: &str| Address::parse(Path::new(url)).unwrap().key.to_string();
        assert_eq!(key("s3://b/part=1/a%20b +.jsonl"), "part=1/a%20b +.jsonl");
        assert_eq!(key("https://host/a%20b/c.jsonl"), "a b/c.jsonl");
        assert_eq!(key("s3://b/folder/"), "folder");
        let odd = Location::of(Path::new("https://host/100%2525%3F.jsonl")).unwrap();
        assert_eq!(odd.key.as_ref(), "100%25?.jsonl");
        assert_eq!(odd.path_of(&odd.key), Path::new("https://host/100%2525%3F.jsonl"));
        let secret = Address::parse(Path::new("https://host/x.jsonl?X-Amz-Signature=abc")).err().unwrap();
        assert!(!secret.to_string().contains("abc"), "{secret}");
        for wrong in ["s3://", "s3:///x", "s3://b/a//b", "s3://b/../x"] {
            assert!(Address::parse(Path::new(wrong)).err().unwrap().hint_text().is_some(), "{wrong}");
        }
    }
}
