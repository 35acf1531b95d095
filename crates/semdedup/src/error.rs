//! One error type: a line in the user's words (the value, the limit, the place) and a hint on what to do.

use std::fmt::Display;
use std::path::Path;

use semdedup_embed::ModelError;

/// What kind of thing went wrong; callers match on this, people read the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An option or a combination of options that cannot work.
    Usage,
    /// The input is missing, damaged or of another shape than asked for.
    Input,
    /// The output cannot be written, or writing it would overwrite something.
    Output,
    /// The model cannot be loaded, or failed.
    Model,
    /// The work directory is damaged, in use, or of another format version.
    Work,
}

/// An error that names the value, the limit and the place, and where there is one, the way out.
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
    /// A new error; the message is one line without a closing full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// An error of the user's options.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// An error of the input, at a place: `data/a.jsonl: row 17: …`.
    pub fn input(place: impl AsRef<Path>, problem: impl Display) -> Self {
        Self::new(ErrorKind::Input, format!("{}: {problem}", place.as_ref().display()))
    }

    /// An error of the output, at a place.
    pub fn output(place: impl AsRef<Path>, problem: impl Display) -> Self {
        Self::new(ErrorKind::Output, format!("{}: {problem}", place.as_ref().display()))
    }

    /// An error of the work directory, at a place.
    pub fn work(place: impl AsRef<Path>, problem: impl Display) -> Self {
        Self::new(ErrorKind::Work, format!("{}: {problem}", place.as_ref().display()))
    }

    /// An error of a model.
    pub fn model(error: ModelError) -> Self {
        Self::new(ErrorKind::Model, error.to_string()).hint(error.hint())
    }

    /// The same error with what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it, if anything is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
