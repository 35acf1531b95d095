//! The error of loading a model: a line in the user's words and a hint on what to do.

use std::borrow::Cow;

/// A model that cannot be loaded, or not with these options, or that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    message: String,
    hint: Cow<'static, str>,
}

impl ModelError {
    /// A new error; the message is one line without a closing full stop.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}
