//! The error of a model: a line in the user's words and a hint.

use std::borrow::Cow;

/// Why a model cannot be loaded, or why it failed.
///
/// Its `Display` is the message alone, one line without a closing full stop; the program shows the
/// hint on a line of its own.
///
/// ```
/// use semdedup_embed::ModelError;
///
/// let error = ModelError::with_hint("the card has 2 GB, the model needs 3 GB", "use --precision f16");
/// assert_eq!(error.to_string(), "the card has 2 GB, the model needs 3 GB");
/// assert_eq!(error.hint(), "use --precision f16");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    message: String,
    hint: Cow<'static, str>,
}

impl ModelError {
    /// Makes an error without a hint. The message is one line without a closing full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self::with_hint(message, "")
    }

    /// Makes an error with a hint: what the user can do about it, one line without a closing full
    /// stop.
    pub fn with_hint(message: impl Into<String>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// Returns what the user can do about it, or an empty string if nothing is known.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Makes the error of something that needs a feature of this crate that the program was built
    /// without.
    #[cfg(not(all(feature = "images", feature = "transformers", feature = "server")))]
    pub(crate) fn missing_feature(what: &str, feature: &str) -> Self {
        Self::with_hint(
            format!("{what}: this program was built without the feature `{feature}`"),
            format!("build it with `--features {feature}`, or without `--no-default-features`"),
        )
    }
}
