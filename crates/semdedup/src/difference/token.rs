//! A token: a word, a number or a negation.

use xxhash_rust::xxh3::xxh3_64;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenClass {
    /// A word, a character of a script without spaces, or a symbol that says something.
    Word,
    /// `do`, `does` or `did`, which English adds where it negates.
    Auxiliary,
    Number,
    Negation,
}

/// A token, as the XXH3 hash of what it says: 64 bits, so that two of a pair of texts are taken for
/// one another once in 10¹⁹ times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) hash: u64,
    pub(super) class: TokenClass,
}

impl Token {
    pub(super) fn new(says: &str, class: TokenClass) -> Self {
        Self { hash: xxh3_64(says.as_bytes()), class }
    }
}
