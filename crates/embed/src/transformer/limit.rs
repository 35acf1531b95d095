//! The limit on tokens.

use std::path::Path;

use super::config::Config;
use super::failure::Result;
use crate::error::ModelError;
use crate::model::DEFAULT_MAX_TOKENS;

/// The number of tokens of a text to read, before the model's positions are known.
pub(super) enum Limit {
    /// The user asked for this limit.
    Asked(usize),
    /// The model's files give this limit, or it is the default.
    Usual(usize),
}

impl Limit {
    /// Returns the limit that the user asked for, or else the one `said` by the settings of
    /// sentence-transformers, or else the tokenizer's own, at most [`DEFAULT_MAX_TOKENS`].
    pub(super) fn read(root: &Path, said: Option<usize>, asked: Option<usize>) -> Result<Self> {
        match (asked, said) {
            (Some(asked), _) => return Ok(Self::Asked(asked)),
            (None, Some(said)) => return Ok(Self::Usual(said)),
            (None, None) => {}
        }
        let tokenizer = Config::read_optional(&root.join("tokenizer_config.json"))?;
        // A tokenizer without a limit has a huge number here, which may not even be an integer.
        let made_for = tokenizer.and_then(|config| config.value().get("model_max_length")?.as_u64());
        let made_for = made_for.and_then(|limit| usize::try_from(limit).ok()).filter(|&limit| limit > 0);
        Ok(Self::Usual(DEFAULT_MAX_TOKENS.min(made_for.unwrap_or(usize::MAX))))
    }

    /// Returns the limit, whatever the model's positions are.
    pub(super) fn wanted(&self) -> usize {
        let (Self::Asked(limit) | Self::Usual(limit)) = self;
        *limit
    }

    /// Returns the limit for a model with this number of positions.
    pub(super) fn within(self, positions: usize) -> Result<usize> {
        match self {
            Self::Asked(asked) if asked > positions => Err(ModelError::with_hint(
                format!("the limit on tokens is {asked}, the model reads at most {positions}"),
                "longer texts are cut off there; a smaller limit is faster",
            )),
            Self::Asked(limit) | Self::Usual(limit) => Ok(limit.min(positions)),
        }
    }
}
