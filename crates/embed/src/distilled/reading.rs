//! What was read of a text: rows of the table, features of other words, and numbers.
use super::exact::ExactFeatures;
use super::letters::{Feature, Step};

/// The number of tokens and features from which on they are summed up before more is read.
const MOST_WORDS: usize = 1 << 16;

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
    /// The rows of the table: of a long text, those that have not been summed up yet.
    pub tokens: Vec<u32>,
    /// The features of words, likewise.
    pub features: Vec<Feature>,
    /// The hashes of the numbers and operators, in their order.
    pub exact: Vec<u64>,
    /// The features of the numbers with the words beside them, in their order.
    pub beside: Vec<Feature>,
    /// The features of all numbers and operators, once the text has been read to its end.
    pub numbers: ExactFeatures,
    /// The first and the last word or number.
    pub ends: Option<[Step; 2]>,
    pub counts: Counts,
    limit: usize,
    /// Whether the text has more units than the limit.
    pub truncated: bool,
}

impl Default for Reading {
    /// Makes an empty reading without a limit.
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            features: Vec::new(),
            exact: Vec::new(),
            beside: Vec::new(),
            numbers: ExactFeatures::default(),
            ends: None,
            counts: Counts::default(),
            limit: usize::MAX,
            truncated: false,
        }
    }
}

impl Reading {
    /// Begins a new text, of which at most `limit` units are read.
    pub fn begin(&mut self, limit: usize) {
        self.tokens.clear();
        self.features.clear();
        self.exact.clear();
        self.beside.clear();
        self.numbers.clear();
        (self.ends, self.counts) = (None, Counts::default());
        (self.limit, self.truncated) = (limit, false);
    }

    /// Forgets the text, and frees buffers of more than `kept` items.
    pub fn trim(&mut self, kept: usize) {
        self.begin(0);
        self.tokens.shrink_to(kept);
        self.features.shrink_to(kept);
        self.exact.shrink_to(kept);
        self.beside.shrink_to(kept);
        self.numbers.shrink_to(kept);
    }

    /// Whether so much has been read that it should be summed up before more is read.
    pub fn is_full(&self) -> bool {
        self.tokens.len() + self.features.len() > MOST_WORDS
    }

    /// Forgets the tokens and features of words, which have been summed up.
    pub fn forget_words(&mut self) {
        self.tokens.clear();
        self.features.clear();
    }

    /// Ends the text.
    pub fn end(&mut self) {
        self.numbers.collect(&self.exact, &self.beside);
    }

    /// Returns how many units may still be read.
    pub fn room(&self) -> usize {
        self.limit - self.counts.units
    }

    /// Appends a whole word if it fits. Returns whether it does.
    pub fn append(&mut self, word: &Self) -> bool {
        let fits = self.take(word.counts, word.ends);
        if fits {
            self.tokens.extend_from_slice(&word.tokens);
            self.features.extend_from_slice(&word.features);
            self.exact.extend_from_slice(&word.exact);
            self.beside.extend_from_slice(&word.beside);
        }
        fits
    }

    /// Counts a whole word and joins it to the one before, if it fits. Returns whether it does; then
    /// the caller appends its parts, those beside numbers among them.
    #[inline]
    pub fn take(&mut self, counts: Counts, ends: Option<[Step; 2]>) -> bool {
        if counts.units > self.room() {
            return false;
        }
        self.counts.units += counts.units;
        self.counts.known += counts.known;
        self.counts.unknown += counts.unknown;
        if let Some([first, last]) = ends {
            self.join(first, last);
        }
        true
    }

    /// Appends as many tokens of a word that the vocabulary knows as fit.
    pub fn push_known(&mut self, tokens: &[u32]) {
        self.counts.known += usize::from(self.room() > 0);
        self.push_tokens(tokens);
    }

    /// Appends as many tokens as fit.
    pub fn push_tokens(&mut self, tokens: &[u32]) {
        let fitting = tokens.len().min(self.room());
        self.tokens.extend_from_slice(&tokens[..fitting]);
        self.counts.units += fitting;
        self.truncated |= fitting < tokens.len();
    }

    /// Appends the features of one unit if it fits. Returns whether it does.
    pub fn push_unit(&mut self, features: impl FnOnce(&mut Vec<Feature>)) -> bool {
        if self.room() == 0 {
            self.truncated = true;
            return false;
        }
        features(&mut self.features);
        self.counts.units += 1;
        true
    }

    /// Notes a word or a number, before its unit is read, if that fits.
    pub fn push_step(&mut self, step: Step) {
        if self.room() > 0 {
            self.join(step, step);
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

    /// Joins words or numbers, of which these are the first and the last, to those before.
    #[inline]
    fn join(&mut self, first: Step, last: Step) {
        let Some([_, before]) = &mut self.ends else {
            self.ends = Some([first, last]);
            return;
        };
        if before.is_beside(first) {
            self.beside.push(Feature::of_neighbours(*before, first));
        }
        *before = last;
    }
}
