//! The error of a computation, and this folder's result.

use crate::error::ModelError;

/// A result with a [`ModelError`].
pub(crate) type Result<T> = std::result::Result<T, ModelError>;

/// Turns an error of candle into one of the model.
pub(crate) fn failed(error: candle_core::Error) -> ModelError {
    ModelError::with_hint(
        format!("the model failed: {error}"),
        "the weights and config.json may not belong together",
    )
}
