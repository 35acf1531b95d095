//! Which tokens a token attends to.

use std::ops::Range;

/// Which tokens of a text a token attends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttentionSpan {
    /// All tokens.
    All,
    /// The token itself and those before it, at most this many in all.
    Causal(usize),
    /// The tokens at most this far away, on both sides.
    Around(usize),
}

impl AttentionSpan {
    /// Returns the tokens that the token `i` of a text of `length` tokens attends to.
    pub(super) fn of(self, i: usize, length: usize) -> Range<usize> {
        match self {
            Self::All => 0..length,
            Self::Causal(most) => (i + 1).saturating_sub(most)..i + 1,
            Self::Around(far) => i.saturating_sub(far)..length.min(i.saturating_add(far).saturating_add(1)),
        }
    }
}
