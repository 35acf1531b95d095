//! What goes wrong on the way to a store, in the user's words.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::path::Path;
use std::{fmt, io};

use object_store::Error as ObjectStoreError;

use crate::error::{Error, ErrorKind};

/// Something that a store or the way to it refused, for where an [`io::Error`] must carry it.
#[derive(Debug, Clone)]
pub(crate) struct StoreError {
    pub(super) kind: ErrorKind,
    pub(super) place: String,
    pub(super) problem: String,
    pub(super) hint: &'static str,
    pub(super) not_found: bool,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl StdError for StoreError {}

impl From<StoreError> for Error {
    fn from(fault: StoreError) -> Self {
        Self::new(fault.kind, fault.to_string()).hint(fault.hint)
    }
}

impl From<StoreError> for io::Error {
    fn from(fault: StoreError) -> Self {
        let kind = if fault.not_found { io::ErrorKind::NotFound } else { io::ErrorKind::Other };
        Self::new(kind, fault)
    }
}

thread_local! {
    /// Libraries between us and a store turn its errors into text; this is what they were.
    static LAST: RefCell<Option<StoreError>> = const { RefCell::new(None) };
}

/// Remembers what a store refused, on the thread that is about to be told: the one that reads.
pub(super) fn passing(error: io::Error) -> io::Error {
    if let Some(fault) = error.get_ref().and_then(|cause| cause.downcast_ref::<StoreError>()) {
        LAST.set(Some(fault.clone()));
    }
    error
}

/// What a store refused while this file was read by this thread, if that was why reading failed.
pub(crate) fn recent_fault(path: &Path) -> Option<Error> {
    let last = LAST.take()?;
    (last.place == path.to_string_lossy()).then(|| last.into())
}

/// What a store refused, if that is what an I/O error says.
pub(crate) fn fault_of(error: &io::Error) -> Option<Error> {
    error.get_ref()?.downcast_ref::<StoreError>().map(|fault| fault.clone().into())
}

/// What reading gives when a store fails on the way.
#[cfg(test)]
pub(crate) fn any_fault(place: &str) -> io::Error {
    StoreError::new(ErrorKind::Input, place, "ends before its end", AGAIN).into()
}

const CREDENTIALS: &str = "credentials come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
     GOOGLE_APPLICATION_CREDENTIALS or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (AWS_SKIP_SIGNATURE=true \
     reads public buckets without)";

const REGION: &str =
    "set AWS_REGION to the region of the bucket, or AWS_ENDPOINT_URL for a server that is not Amazon's";

const REACH: &str =
    "check the network, and AWS_ENDPOINT_URL or its like; the same command line again goes on from here";

pub(super) const AGAIN: &str = "the same command line again goes on from here";

const NAME: &str = "check the name of the bucket and the path";

const KEY: &str =
    "rename it (no empty parts as in `a//b`, no `.` and no `..`), or name folders or objects beside it";

const CHANGED: &str = "start again when nobody writes to it";

impl StoreError {
    /// Something of our own.
    pub(super) fn new(kind: ErrorKind, place: &str, problem: impl Into<String>, hint: &'static str) -> Self {
        Self { kind, place: place.to_owned(), problem: problem.into(), hint, not_found: false }
    }

    /// An object is not the one that it was when reading it began.
    pub(super) fn changed(place: &str) -> Self {
        Self::new(ErrorKind::Input, place, "changed while it was being read", CHANGED)
    }

    /// What a store said.
    pub(super) fn of(kind: ErrorKind, place: &str, error: &ObjectStoreError) -> Self {
        let text = all_of(error);
        let code = code_in(&text).map(|code| format!(" ({code})")).unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let (problem, hint) = match error {
            _ if has(&["NoSuchBucket", "ContainerNotFound", "bucket does not exist"]) => {
                (format!("no such bucket{code}"), NAME)
            }
            ObjectStoreError::NotFound { .. } => ("no such object".to_owned(), NAME),
            ObjectStoreError::InvalidPath { source } => {
                (format!("there is an object whose key no path can have: {source}"), KEY)
            }
            ObjectStoreError::Precondition { .. } => ("changed while it was being read".to_owned(), CHANGED),
            _ if has(&[
                "169.254.169.254",
                "metadata.google.internal",
                "MissingAccount",
                "Account must be specified",
            ]) || has(&["Missing access key", "Missing secret", "Missing AccessKeyId"]) =>
            {
                ("no credentials for it".to_owned(), CREDENTIALS)
            }
            _ if has(&["non-partial response"]) => {
                ("the server does not give parts of files".to_owned(), "download the file first")
            }
            _ if has(&["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"])
                || has(&["301 Moved", "redirect without LOCATION"]) =>
            {
                (format!("the bucket is in another region{code}"), REGION)
            }
            ObjectStoreError::PermissionDenied { .. } | ObjectStoreError::Unauthenticated { .. } => {
                (format!("permission denied{code}"), CREDENTIALS)
            }
            _ => (innermost(error), if has(&["Connect", "dns error", "timed out"]) { REACH } else { AGAIN }),
        };
        let not_found = matches!(error, ObjectStoreError::NotFound { .. });
        Self { not_found, ..Self::new(kind, place, shortened(&problem), hint) }
    }
}

/// Everything that an error says, down to its cause; only to look for words in.
pub(super) fn all_of(error: &dyn StdError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

/// The code in an answer such as `<Code>AccessDenied</Code>`.
fn code_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code).filter(|code| code.len() < 60)
}

/// The cause at the bottom, with the one above it where that one says more.
fn innermost(error: &ObjectStoreError) -> String {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    match causes.as_slice() {
        [.., above, last] if last.len() < 40 && above.len() < 200 && !above.contains(last.as_str()) => {
            format!("{above}: {last}")
        }
        [.., last] => last.clone(),
        [] => String::new(),
    }
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The error of a file operation, in the user's words.
pub(crate) fn with_path(path: &Path, error: io::Error) -> Error {
    if let Some(fault) = fault_of(&error) {
        return fault;
    }
    Error::io(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

impl Error {
    /// An I/O error whose message names the path (`fs_err` sees to that).
    pub(crate) fn io(error: io::Error) -> Self {
        if let Some(fault) = fault_of(&error) {
            return fault;
        }
        let (kind, hint) = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
                ErrorKind::Output,
                Some(
                    "free some space, or put --work on another disk, and run the same command again: it goes on from here",
                ),
            ),
            io::ErrorKind::FileTooLarge => (
                ErrorKind::Output,
                Some("raise the file size limit of the system (ulimit -f) and run the same command again"),
            ),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ErrorKind::Output, Some("check the permissions of this path"))
            }
            io::ErrorKind::NotFound => (ErrorKind::Input, Some("check the path")),
            _ => (ErrorKind::Input, None),
        };
        let message = one_line(&error.to_string());
        let line = Self::new(kind, message);
        match hint {
            Some(hint) => line.hint(hint),
            None => line,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A connection that is cut so often in a row without a byte in between is not tried again.
pub(super) const CUTS: u32 = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use object_store::path::Path as Key;

    use super::*;

    #[test]
    fn a_key_that_no_path_can_have_is_named_with_what_to_do() {
        for key in ["a//b.jsonl", "a/../b.jsonl"] {
            let error = ObjectStoreError::InvalidPath { source: Key::parse(key).unwrap_err() };
            let error = Error::from(StoreError::of(ErrorKind::Input, "s3://b", &error));
            assert!(error.to_string().contains(key), "{error}");
            assert!(error.hint_text().unwrap().contains("rename it"), "{error}");
        }
    }
}
