//! Defines the error type of the crate: one line with the place, the value and the limit, and a
//! hint that says what to do.

use std::fmt::Display;
use std::path::Path;

use semdedup_embed::ModelError;

/// The kind of an error. Callers match on this; people read the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option or a combination of options that cannot work.
    Usage,
    /// The input is missing, is damaged, or has another shape than asked for.
    Input,
    /// The output cannot be written, or writing it would overwrite something.
    Output,
    /// The model cannot be loaded, or failed.
    Model,
    /// The work directory is damaged, in use, or of another format version.
    Work,
    /// The caller told the run to stop ([`Progress::should_stop`](crate::Progress::should_stop)).
    Stopped,
}

/// An error that names the place, the value and the limit, and says what to do if anything helps.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error. The message is one line without a closing full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Creates an error of the user's options.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Creates an error of the input, at a place: `data/a.jsonl: row 17: …`.
    pub fn input(place: impl AsRef<Path>, problem: impl Display) -> Self {
        Self::new(ErrorKind::Input, format!("{}: {problem}", place.as_ref().display()))
    }

    /// Creates an error of the output, at a place.
    pub fn output(place: impl AsRef<Path>, problem: impl Display) -> Self {
        Self::new(ErrorKind::Output, format!("{}: {problem}", place.as_ref().display()))
    }

    /// Creates an error of the work directory, at a place.
    pub fn work(place: impl AsRef<Path>, problem: impl Display) -> Self {
        Self::new(ErrorKind::Work, format!("{}: {problem}", place.as_ref().display()))
    }

    /// Creates an error of a model.
    pub fn model(error: ModelError) -> Self {
        Self::new(ErrorKind::Model, error.to_string()).hint(error.hint())
    }

    /// Adds a hint that says what the user can do about the error.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the hint that says what the user can do about the error, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
