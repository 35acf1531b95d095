//! What is read of a text: tokens of the vocabulary, and features that stand for the other words.
use super::letters::Feature;

/// How much was read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// What the limit on tokens counts: tokens, words that have features, characters in scripts without spaces.
    pub units: usize,
    /// Words of the vocabulary.
    pub known: usize,
    /// Words that have features instead; two characters in scripts without spaces count as one.
    pub unknown: usize,
}

/// What is read of a text, up to a limit.
#[derive(Debug)]
pub(super) struct Reading {
    pub tokens: Vec<u16>,
    pub features: Vec<Feature>,
    pub counts: Counts,
    limit: usize,
    /// Whether there is more than the limit allows.
    pub truncated: bool,
}

impl Default for Reading {
    /// Nothing so far, and no limit.
    fn default() -> Self {
        let (tokens, features) = (Vec::new(), Vec::new());
        Self { tokens, features, counts: Counts::default(), limit: usize::MAX, truncated: false }
    }
}

impl Reading {
    /// Begins a new text. At most `limit` units of it are read.
    pub fn begin(&mut self, limit: usize) {
        self.tokens.clear();
        self.features.clear();
        (self.counts, self.limit, self.truncated) = (Counts::default(), limit, false);
    }

    /// How many units may still be read.
    pub fn room(&self) -> usize {
        self.limit - self.counts.units
    }

    /// Takes a whole word if it fits, and says whether it does.
    pub fn take(&mut self, tokens: &[u16], features: &[Feature], counts: Counts) -> bool {
        if counts.units > self.room() {
            return false;
        }
        self.tokens.extend_from_slice(tokens);
        self.features.extend_from_slice(features);
        self.counts.units += counts.units;
        self.counts.known += counts.known;
        self.counts.unknown += counts.unknown;
        true
    }

    /// Takes as many tokens as fit.
    pub fn push_tokens(&mut self, tokens: &[u16]) {
        let fitting = tokens.len().min(self.room());
        self.tokens.extend_from_slice(&tokens[..fitting]);
        self.counts.units += fitting;
        self.truncated |= fitting < tokens.len();
    }

    /// Takes the features of one unit if it fits.
    pub fn push_unit(&mut self, features: impl FnOnce(&mut Vec<Feature>)) {
        if self.room() == 0 {
            self.truncated = true;
            return;
        }
        features(&mut self.features);
        self.counts.units += 1;
    }

    /// Whether most of its words are not in the vocabulary.
    pub fn is_mostly_unknown(&self) -> bool {
        self.counts.unknown > self.counts.known
    }
}
