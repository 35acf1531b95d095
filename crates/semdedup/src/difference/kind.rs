//! The kinds of differences between two texts.

use std::fmt;

use serde::Serialize;

/// What differs between two texts, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DifferenceKind {
    /// Nothing: the same text, byte for byte.
    None,
    /// Case, white space, punctuation, Unicode form, or marks of Markdown or HTML.
    Formatting,
    /// Numbers: without them, the words are the same in the same order.
    Numbers,
    /// Words that negate, and perhaps numbers: without them, the words are the same in the same
    /// order.
    Negation,
    /// The order of the words, numbers and negations, of which both texts have the same.
    Order,
    /// One text is the other with something added before, behind or within.
    Containment,
    /// Anything else.
    Wording,
}

impl DifferenceKind {
    /// All kinds, from the least to the most.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Formatting,
        Self::Numbers,
        Self::Negation,
        Self::Order,
        Self::Containment,
        Self::Wording,
    ];

    /// Returns the name, a lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Formatting => "formatting",
            Self::Numbers => "numbers",
            Self::Negation => "negation",
            Self::Order => "order",
            Self::Containment => "containment",
            Self::Wording => "wording",
        }
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// All that differs between two texts. See [`difference`](crate::difference()).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Difference {
    /// The kind, of several the one that is furthest down the list of [`DifferenceKind`].
    pub kind: DifferenceKind,
    /// Whether the texts have different numbers, whatever the kind.
    pub numbers: bool,
    /// Whether the texts have different negations, whatever the kind.
    pub negation: bool,
}

impl Difference {
    pub(super) const NOTHING: Self = Self { kind: DifferenceKind::None, numbers: false, negation: false };

    /// Returns all kinds that differ, the most important first. `None` and `Formatting` stand
    /// alone.
    pub fn kinds(self) -> impl Iterator<Item = DifferenceKind> {
        let also = |differs: bool, kind: DifferenceKind| Some(kind).filter(|_| differs && kind != self.kind);
        let rest =
            [also(self.negation, DifferenceKind::Negation), also(self.numbers, DifferenceKind::Numbers)];
        std::iter::once(self.kind).chain(rest.into_iter().flatten())
    }

    /// Returns whether the texts differ in nothing but some of these kinds.
    ///
    /// ```
    /// use semdedup::{DifferenceKind::{Negation, Numbers}, difference};
    ///
    /// let found = difference("Take 5 drops.", "Do not take 6 drops.");
    /// assert!(found.is_only(&[Numbers, Negation]) && !found.is_only(&[Numbers]));
    /// ```
    pub fn is_only(self, kinds: &[DifferenceKind]) -> bool {
        self.kinds().all(|kind| kinds.contains(&kind))
    }
}

impl fmt::Display for Difference {
    /// Writes the kinds, such as `wording, numbers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, kind) in self.kinds().enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            f.write_str(kind.name())?;
        }
        Ok(())
    }
}
