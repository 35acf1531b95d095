//! Parses what the user types as a path: a path of a file, or the URL of an object in a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path as Key;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::client;
use crate::storage::file_url::FileUrl;
use crate::storage::hub;
use crate::storage::kind::Kind;

/// Whether a path is a URL of a store.
pub(crate) fn is_url(path: impl AsRef<Path>) -> bool {
    path.as_ref().to_str().and_then(Kind::of).is_some()
}

/// Returns a path in its one canonical spelling: `s3a://` becomes `s3://`, and each scheme of Azure
/// becomes `az://`. Two canonical paths are equal if they lead to the same place.
pub(crate) fn canonical_url(path: &Path) -> PathBuf {
    match path.to_str().filter(|text| Kind::of(text).is_some()) {
        Some(text) => spell(text, &environment_account()).into(),
        None => path.to_path_buf(),
    }
}

/// Returns the account that `az://` leads to, or none if the environment names a server that is not
/// Azure's.
fn environment_account() -> Option<String> {
    let named = |names: [&str; 2]| names.iter().find_map(|name| std::env::var(name).ok());
    let elsewhere = named(["AZURE_ENDPOINT", "AZURE_STORAGE_ENDPOINT"]).is_some();
    named(["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_ACCOUNT_NAME"]).filter(|_| !elsewhere)
}

/// Returns a URL of a store in its canonical spelling. `account` is the one that `az://` leads to.
fn spell(url: &str, account: &Option<String>) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match (Kind::of(url), host.split_once('@')) {
        (Some(Kind::Amazon), _) => format!("s3://{rest}"),
        (Some(Kind::Azure), None) => format!("az://{rest}"),
        (Some(Kind::Azure), Some((container, server))) => {
            let server = server.to_ascii_lowercase();
            let server = server.replace(".blob.core.windows.net", ".dfs.core.windows.net");
            if account.as_ref().is_some_and(|account| server == format!("{account}.dfs.core.windows.net")) {
                return format!("az://{container}{path}");
            }
            format!("abfss://{container}@{server}{path}")
        }
        (Some(Kind::Http), _) => format!("{scheme}://{}{path}", host.to_ascii_lowercase()),
        _ => url.to_owned(),
    }
}

/// The names, in lower case, of query parameters by which a presigned URL is recognised: the key of
/// an object may have a `?` too.
const SIGNED: [&str; 8] =
    ["x-amz-", "x-goog-", "sig=", "signature=", "awsaccesskeyid=", "googleaccessid=", "sv=", "se="];

/// Fails for a URL that holds a secret, because names of files are printed and stored.
fn check_no_secret(url: &str) -> Result<()> {
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(()) };
    let (host, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let names_user = host.contains('@') && (Kind::of(url) != Some(Kind::Azure) || host.contains(':'));
    // If a password has a slash in it, the rest of the password looks like the path.
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let is_odd = port.is_some_and(|(_, port)| !port.bytes().all(|digit| digit.is_ascii_digit()));
    if names_user || is_odd {
        return Err(Error::usage(format!("{scheme}://…: a URL with a name or password in it is not taken"))
            .hint("leave out what is before the @; credentials come from the environment"));
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query).to_ascii_lowercase();
    if query.split(['?', '&']).any(|part| SIGNED.iter().any(|name| part.starts_with(name))) {
        let shown = url.split('?').next().unwrap_or_default();
        return Err(Error::usage(format!("{shown}: a presigned address (?…) is not taken"))
            .hint("name the object by s3://, gs:// or az:// with credentials, or download it first"));
    }
    Ok(())
}

/// Parses what the user typed as a path or URL. `file://` becomes a path, `hf://` the address of the
/// file on the web; the URL of a store gets its canonical spelling.
///
/// # Errors
/// Fails for a URL of an unknown scheme, for `file://` with a host, and for a URL that holds a
/// secret.
pub fn place(typed: &str) -> Result<PathBuf> {
    match FileUrl::of(typed) {
        Some(FileUrl::Here(path)) => return Ok(path),
        Some(FileUrl::Elsewhere(_)) => {
            check_no_secret(typed)?;
            return Err(Error::usage(format!("{typed}: not the path of a file here"))
                .hint("write file:///folder/file"));
        }
        None => {}
    }
    let Some((scheme, rest)) = typed.split_once("://") else { return Ok(PathBuf::from(typed)) };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return Ok(PathBuf::from(typed));
    }
    check_no_secret(typed)?;
    if scheme == hub::SCHEME {
        return place(&hub::web_address(&hub::endpoint(), rest)?);
    }
    if Kind::of(typed).is_none() {
        return Err(Error::usage(format!("{typed}: URLs of the scheme {scheme}:// are not known"))
            .hint("known are s3://, gs://, az://, abfss://, hf://, http://, https:// and file://"));
    }
    Ok(canonical_url(Path::new(typed)))
}

/// A parsed URL of a store.
struct Address {
    kind: Kind,
    key: Key,
    root: String,
    text: String,
}

impl Address {
    fn parse(path: &Path) -> Result<Self> {
        let text = canonical_url(path).to_string_lossy().into_owned();
        // On Windows `Path::join` adds backslashes. On other systems a key may hold them.
        let text = if cfg!(windows) { text.replace('\\', "/") } else { text };
        check_no_secret(&text)?;
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

/// An object in a store, or the common beginning of the keys of many objects.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) key: Key,
    /// The canonical URL, without a slash at the end.
    pub(crate) text: String,
    /// The part of the URL before the key, without a slash at the end: `s3://bucket`.
    pub(crate) root: String,
    pub(crate) kind: Kind,
}

impl Location {
    /// Parses a URL and connects its store.
    ///
    /// # Errors
    /// Fails for a URL without a bucket or with a path that no object can have, and if the
    /// environment does not configure the store.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let Address { kind, key, root, text } = Address::parse(path)?;
        let store = client::store(kind, &root)?;
        Ok(Self { store, key, text, root, kind })
    }

    /// Returns the URL of another object in the same bucket.
    pub(crate) fn path_of(&self, key: &Key) -> PathBuf {
        let key = match self.kind {
            Kind::Http => key.as_ref().replace('%', "%25").replace('?', "%3F").replace('#', "%23"),
            _ => key.to_string(),
        };
        PathBuf::from(format!("{}/{key}", self.root))
    }

    /// Returns the location of another object in the same bucket.
    pub(super) fn at(&self, key: Key) -> Self {
        let text = self.path_of(&key).to_string_lossy().trim_end_matches('/').to_owned();
        Self { key, text, ..self.clone() }
    }

    /// Returns a key relative to this location, or none for a key that is not below it.
    pub(crate) fn relative<'a>(&self, key: &'a Key) -> Option<&'a str> {
        let key = key.as_ref();
        match self.key.as_ref() {
            "" => Some(key),
            prefix => key.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// Fails for a store to which nothing can be written.
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
    fn urls_of_stores_differ_from_paths_and_file_urls_become_paths() {
        for url in ["s3://b/k", "gs://b", "az://c/x", "abfss://f@a.dfs.core.windows.net/x", "https://h/x"] {
            assert!(is_url(url), "{url}");
            assert_eq!(place(url).unwrap(), Path::new(url));
        }
        for path in ["s3:/b/k", "data/s3://x", "a.jsonl", "C:\\x", "C://x/y"] {
            assert!(!is_url(path), "{path}");
        }
        assert_eq!(place("file:///tmp/a%20b.txt").unwrap(), Path::new("/tmp/a b.txt"));
        assert_eq!(place("file://localhost/a#b?.txt").unwrap(), Path::new("/a#b?.txt"));
        assert_eq!(place("data/s3://x").unwrap(), Path::new("data/s3://x"));
        for wrong in ["ftp://host/x", "file://other/x", "hdfs://x"] {
            assert!(place(wrong).unwrap_err().hint_text().is_some(), "{wrong}");
        }
    }

    #[test]
    fn keys_stay_as_typed_except_on_the_web() {
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

    #[test]
    fn a_place_has_one_spelling() {
        let account = Some("acc".to_owned());
        for (typed, spelled) in [
            ("s3a://b/x/y", "s3://b/x/y"),
            ("azure://c/x", "az://c/x"),
            ("abfs://c/x", "az://c/x"),
            ("adl://c", "az://c"),
            ("abfss://c@acc.dfs.core.windows.net/x", "az://c/x"),
            ("abfs://c@ACC.blob.core.windows.net/x", "az://c/x"),
            ("abfs://c@other.blob.core.windows.net/x", "abfss://c@other.dfs.core.windows.net/x"),
            ("https://HOST/A", "https://host/A"),
            ("gs://b/x@y", "gs://b/x@y"),
        ] {
            assert_eq!(spell(typed, &account), spelled);
        }
        assert_eq!(place("s3a://b/x").unwrap(), place("s3://b/x").unwrap());
        assert_eq!(Address::parse(Path::new("s3a://b/x")).unwrap().text, "s3://b/x");
    }

    #[test]
    fn a_url_with_a_secret_is_refused_without_printing_it() {
        for url in [
            "https://me:hidden@host/x.jsonl",
            "https://hidden@host/x.jsonl",
            "https://me:hid/den@host/x.jsonl",
            "s3://key:hidden@bucket/x",
            "gs://hidden@bucket/x",
            "az://container:hidden@account.dfs.core.windows.net/x",
            "ftp://me:hidden@host/x",
            "s3://bucket/x.jsonl?X-Amz-Signature=hidden",
            "gs://bucket/x.jsonl?a=b&X-Goog-Signature=hidden",
            "az://container/x.jsonl?sv=2020&sig=hidden",
        ] {
            for error in [place(url).unwrap_err(), Address::parse(Path::new(url)).err().unwrap()] {
                assert!(!format!("{error} {:?}", error.hint_text()).contains("hid"), "{error}");
                assert!(error.hint_text().is_some(), "{error}");
            }
        }
        for url in ["s3://b/part-?.jsonl", "abfss://c@a.dfs.core.windows.net/x", "https://[::1]:80/a@b"] {
            place(url).unwrap();
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn a_backslash_is_part_of_a_key() {
        assert_eq!(Address::parse(Path::new("s3://b/a\\b.jsonl")).unwrap().key.as_ref(), "a\\b.jsonl");
    }
}
