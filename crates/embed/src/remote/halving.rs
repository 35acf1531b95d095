//! Finds the texts that a server cannot embed: a batch that it refuses is halved until the texts
//! are alone.

use super::answer::Answer;
use super::retry::{Blame, Failed};
use crate::error::ModelError;

/// What a server made of a batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The embeddings `[texts, dim]` in row-major order. Those of refused texts are zeros.
    pub(super) values: Vec<f32>,
    /// The refused texts: the index in the batch, and what the server says of it.
    pub(super) refused: Vec<(usize, String)>,
    /// The texts of which the server says that it did not read the end.
    pub(super) truncated: Vec<usize>,
    pub(super) tokens: u64,
}

impl Outcome {
    /// Appends the outcome of the texts that follow the first `texts`.
    pub(super) fn extend(&mut self, texts: usize, later: Self) {
        self.values.extend(later.values);
        self.refused.extend(later.refused.into_iter().map(|(index, reason)| (texts + index, reason)));
        self.truncated.extend(later.truncated.into_iter().map(|index| texts + index));
        self.tokens = self.tokens.saturating_add(later.tokens);
    }
}

/// A server, as it is asked for embeddings of `dim` values.
pub(super) struct Halving<'a> {
    /// Asks for some texts.
    pub(super) ask: &'a (dyn Fn(&[&str]) -> Result<Answer, Failed> + Sync),
    /// Fails if the server does not embed a text that it has embedded before.
    pub(super) check: &'a (dyn Fn() -> Result<(), ModelError> + Sync),
    pub(super) dim: usize,
}

impl Halving<'_> {
    /// Asks for a batch of at least one text.
    ///
    /// A reason comes from the answer for the text alone, so it does not depend on the batch. A
    /// server that refuses a text and then fails for one that it has embedded before is at fault
    /// itself. A text without a visible character has nothing to compare, so it is not refused but
    /// gets zeros, like an empty one.
    ///
    /// # Errors
    /// If the server fails for whatever it is asked for.
    pub(super) fn embed(&self, texts: &[&str]) -> Result<Outcome, ModelError> {
        let problem = match (self.ask)(texts) {
            Ok(Answer { values, truncated, tokens, .. }) => {
                return Ok(Outcome { values, refused: Vec::new(), truncated, tokens });
            }
            Err(failed) if failed.blame == Blame::Server => return Err(failed.error),
            Err(failed) => failed.problem,
        };
        if let [text] = texts {
            (self.check)()?;
            let refused = if is_blank(text) { Vec::new() } else { vec![(0, problem)] };
            return Ok(Outcome { values: vec![0.0; self.dim], refused, ..Outcome::default() });
        }
        let (first, second) = texts.split_at(texts.len() / 2);
        let mut outcome = self.embed(first)?;
        outcome.extend(first.len(), self.embed(second)?);
        Ok(outcome)
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control())
}
