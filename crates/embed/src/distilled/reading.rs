//! What was read of a text: rows of the table, features of other words, and numbers.
use super::letters::{Feature, Step};

/// Counts of what was read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The units that the limit on tokens counts: pieces of words, words with features, characters in
    /// scripts without spaces, numbers.
    pub units: usize,
    /// Words that the vocabulary knows.
    pub known: usize,
    /// Words with features instead. In scripts without spaces two characters count as a word.
    pub unknown: usize,
}

/// What was read of a text, up to a limit.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The rows of the table.
    pub tokens: Vec<u32>,
    pub features: Vec<Feature>,
    /// The hashes of the numbers and operators, in their order.
    pub exact: Vec<u64>,
    /// The words and the numbers in their order.
    pub flow: Vec<Step>,
    pub counts: Counts,
    limit: usize,
    /// Whether the text has more units than the limit.
    pub truncated: bool,
}

impl Default for Reading {
    /// Makes an empty reading without a limit.
    fn default() -> Self {
        let (tokens, features, exact, flow) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { tokens, features, exact, flow, counts: Counts::default(), limit: usize::MAX, truncated: false }
    }
}

impl Reading {
    /// Begins a new text, of which at most `limit` units are read.
    pub fn begin(&mut self, limit: usize) {
        self.tokens.clear();
        self.features.clear();
        self.exact.clear();
        self.flow.clear();
        (self.counts, self.limit, self.truncated) = (Counts::default(), limit, false);
    }

    /// Returns how many units may still be read.
    pub fn room(&self) -> usize {
        self.limit - self.counts.units
    }

    /// Appends a whole word if it fits. Returns whether it does.
    pub fn take(&mut self, word: Word) -> bool {
        let Word { tokens, features, exact, flow, counts } = word;
        if counts.units > self.room() {
            return false;
        }
        self.tokens.extend_from_slice(tokens);
        self.features.extend_from_slice(features);
        self.exact.extend_from_slice(exact);
        self.flow.extend_from_slice(flow);
        self.counts.units += counts.units;
        self.counts.known += counts.known;
        self.counts.unknown += counts.unknown;
        true
    }

    /// Appends as many tokens as fit.
    pub fn push_tokens(&mut self, tokens: &[u32]) {
        let fitting = tokens.len().min(self.room());
        self.tokens.extend_from_slice(&tokens[..fitting]);
        self.counts.units += fitting;
        self.truncated |= fitting < tokens.len();
    }

    /// Appends the features of one unit if it fits.
    pub fn push_unit(&mut self, features: impl FnOnce(&mut Vec<Feature>)) {
        if self.room() == 0 {
            self.truncated = true;
            return;
        }
        features(&mut self.features);
        self.counts.units += 1;
    }

    /// Appends a word or a number to the flow, before its unit is read, if that fits.
    pub fn push_step(&mut self, step: Step) {
        if self.room() > 0 {
            self.flow.push(step);
        }
    }

    /// Appends a number or an operator if it fits.
    pub fn push_exact(&mut self, hash: u64) {
        if self.room() == 0 {
            self.truncated = true;
            return;
        }
        self.exact.push(hash);
        self.counts.units += 1;
    }

    /// Whether the vocabulary lacks most words.
    pub fn is_mostly_unknown(&self) -> bool {
        self.counts.unknown > self.counts.known
    }
}

/// What was read of a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'w> {
    pub tokens: &'w [u32],
    pub features: &'w [Feature],
    pub exact: &'w [u64],
    pub flow: &'w [Step],
    pub counts: Counts,
}

impl<'w> From<&'w Reading> for Word<'w> {
    fn from(Reading { tokens, features, exact, flow, counts, .. }: &'w Reading) -> Self {
        Self { tokens, features, exact, flow, counts: *counts }
    }
}
