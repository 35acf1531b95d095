//! Turns the errors of stores and of file operations into the program's errors.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

use object_store::Error as ObjectStoreError;

use crate::error::{Error, ErrorKind};

/// A failure of a store or of the connection to it. An [`io::Error`] can carry it.
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
    /// The last failure on this thread. Libraries between us and a store turn its errors into text;
    /// this keeps the original.
    static LAST: RefCell<Option<StoreError>> = const { RefCell::new(None) };
}

/// Remembers a failure of a store on the thread that reads, then passes the error on.
pub(super) fn passing(error: io::Error) -> io::Error {
    if let Some(fault) = error.get_ref().and_then(|cause| cause.downcast_ref::<StoreError>()) {
        LAST.set(Some(fault.clone()));
    }
    error
}

/// Takes the failure of a store that ended reading this file on this thread, if there was one.
pub(crate) fn recent_fault(path: &Path) -> Option<Error> {
    let last = LAST.take()?;
    (last.place == path.to_string_lossy()).then(|| last.into())
}

/// Returns the failure of a store that an I/O error carries, if it carries one.
pub(crate) fn fault_of(error: &io::Error) -> Option<Error> {
    error.get_ref()?.downcast_ref::<StoreError>().map(|fault| fault.clone().into())
}

/// Returns the error of a reader whose store fails midway.
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
    "check the network, and AWS_ENDPOINT_URL or its like; run the same command again: it continues from here";

pub(super) const AGAIN: &str = "run the same command again: it continues from here";

const NAME: &str = "check the name of the bucket and the path";

const KEY: &str =
    "rename it (no empty parts as in `a//b`, no `.` and no `..`), or name folders or objects beside it";

const DOWNLOAD: &str = "download the file first";

/// The problem of a server that refuses the request for the size, or answers without it.
const NO_LENGTH: &str = "the server does not say how large the file is";

const CHANGED: &str = "start again when nobody writes to it";

impl StoreError {
    /// Makes a failure that this program noticed itself.
    pub(super) fn new(kind: ErrorKind, place: &str, problem: impl Into<String>, hint: &'static str) -> Self {
        Self { kind, place: place.to_owned(), problem: problem.into(), hint, not_found: false }
    }

    /// Says that an object changed after reading it began.
    pub(super) fn changed(place: &str) -> Self {
        Self::new(ErrorKind::Input, place, "changed while it was being read", CHANGED)
    }

    /// Translates an error of a store's client.
    pub(super) fn of(kind: ErrorKind, place: &str, error: &ObjectStoreError) -> Self {
        let Explanation { problem, hint } = explain(error);
        let not_found = matches!(error, ObjectStoreError::NotFound { .. }) && problem != NO_LENGTH;
        Self { not_found, ..Self::new(kind, place, shortened(&problem), hint) }
    }
}

/// An error of a store's client in the user's words.
struct Explanation {
    problem: String,
    hint: &'static str,
}

/// Explains an error of a store's client. The order of the tests matters: a code that the store
/// names tells more than the variant of the error.
fn explain(error: &ObjectStoreError) -> Explanation {
    let text = all_of(error);
    let code = code_in(&text).map(|code| format!(" ({code})")).unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let explained = |problem: String, hint| Explanation { problem, hint };
    if has(&NO_BUCKET) {
        return explained(format!("no such bucket{code}"), NAME);
    }
    if has(&["405 Method Not Allowed", "Content-Length Header missing"]) {
        return explained(NO_LENGTH.to_owned(), DOWNLOAD);
    }
    match error {
        ObjectStoreError::NotFound { .. } => return explained("no such object".to_owned(), NAME),
        ObjectStoreError::InvalidPath { source } => {
            return explained(format!("there is an object whose key no path can have: {source}"), KEY);
        }
        ObjectStoreError::Precondition { .. } => {
            return explained("changed while it was being read".to_owned(), CHANGED);
        }
        _ => {}
    }
    if has(&NO_CREDENTIALS) {
        explained("no credentials for it".to_owned(), CREDENTIALS)
    } else if has(&["non-partial response"]) {
        explained("the server does not give parts of files".to_owned(), DOWNLOAD)
    } else if has(&OTHER_REGION) {
        explained(format!("the bucket is in another region{code}"), REGION)
    } else if is_denied(error) {
        explained(format!("permission denied{code}"), CREDENTIALS)
    } else {
        let is_unreachable = has(&["Connect", "dns error", "timed out"]);
        explained(innermost(error), if is_unreachable { REACH } else { AGAIN })
    }
}

fn is_denied(error: &ObjectStoreError) -> bool {
    matches!(error, ObjectStoreError::PermissionDenied { .. } | ObjectStoreError::Unauthenticated { .. })
}

/// Words of an error that say that there is no such bucket.
pub(super) const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "bucket does not exist"];

/// Words of an error that say that no credentials were found.
const NO_CREDENTIALS: [&str; 7] = [
    "169.254.169.254",
    "metadata.google.internal",
    "MissingAccount",
    "Account must be specified",
    "Missing access key",
    "Missing secret",
    "Missing AccessKeyId",
];

/// Words of an error that say that another region has the bucket.
const OTHER_REGION: [&str; 5] = [
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraint",
    "301 Moved",
    "redirect without LOCATION",
];

/// Concatenates the texts of an error and of all its causes, to search for words in them.
pub(super) fn all_of(error: &dyn StdError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

/// Returns the code in an answer such as `<Code>AccessDenied</Code>`.
fn code_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code).filter(|code| code.len() < 60)
}

/// Returns the innermost cause, after the one above it if that one says more.
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

/// Makes an error of a file operation whose message names the path.
pub(crate) fn with_path(path: &Path, error: io::Error) -> Error {
    if let Some(fault) = fault_of(&error) {
        return fault;
    }
    Error::io(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

const DISK_FULL: &str =
    "free some space, or put --work on another disk, and run the same command again: it continues from here";

const FILE_TOO_LARGE: &str =
    "raise the file size limit of the system (ulimit -f) and run the same command again";

impl Error {
    /// Makes an error of an I/O error whose message already names the path, as those of `fs_err`
    /// do.
    pub(crate) fn io(error: io::Error) -> Self {
        if let Some(fault) = fault_of(&error) {
            return fault;
        }
        let (kind, hint) = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (ErrorKind::Output, Some(DISK_FULL)),
            io::ErrorKind::FileTooLarge => (ErrorKind::Output, Some(FILE_TOO_LARGE)),
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

/// The retries of a request whose connection is cut before it brings a byte.
pub(super) const MAX_CUTS: u32 = 8;

/// Waits before a request whose connection was cut is sent again. The wait doubles with each cut in
/// a row, up to 6.4 seconds.
pub(super) async fn wait_after_cut(cuts: u32) {
    tokio::time::sleep(Duration::from_millis(100 << cuts.min(6))).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use object_store::path::Path as Key;

    use super::*;

    #[test]
    fn a_key_that_no_path_can_have_is_named_with_a_hint() {
        for key in ["a//b.jsonl", "a/../b.jsonl"] {
            let error = ObjectStoreError::InvalidPath { source: Key::parse(key).unwrap_err() };
            let error = Error::from(StoreError::of(ErrorKind::Input, "s3://b", &error));
            assert!(error.to_string().contains(key), "{error}");
            assert!(error.hint_text().unwrap().contains("rename it"), "{error}");
        }
    }
}
