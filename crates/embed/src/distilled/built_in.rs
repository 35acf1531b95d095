//! The model inside the program. `scripts/make_text_model.py` makes its files.
use std::borrow::Cow;

use super::model::StaticModel;
use crate::error::ModelError;

pub(super) const TABLE: &[u8] = include_bytes!("../../models/semdedup-text-v1/table.bin");
pub(super) const VOCABULARY: &str = include_str!("../../models/semdedup-text-v1/vocab.txt");

impl StaticModel {
    /// The name of the built-in model.
    pub const BUILT_IN: &str = "semdedup-text-v1";

    /// Loads the built-in model, to read whole texts, or at most the first `max_tokens` tokens.
    ///
    /// # Errors
    /// If `max_tokens` is 0.
    pub fn built_in(max_tokens: Option<usize>) -> Result<Self, ModelError> {
        let model = Self::new(Self::BUILT_IN, Cow::Borrowed(TABLE), VOCABULARY).map_err(|problem| {
            ModelError::with_hint(
                format!("{}: {problem}", Self::BUILT_IN),
                "the program's file is damaged; install it again",
            )
        })?;
        model.with_limit(max_tokens)
    }
}
