//! A cache of words: most words of a text are among a few thousand frequent ones.
use std::ops::Range;

use hashbrown::HashMap;

use super::letters::Feature;
use super::reading::{Counts, Reading};

/// The longest word that is kept, in bytes. Longer words rarely occur twice.
const MAX_WORD_BYTES: usize = 64;
/// The number of words that are kept. With the limit on their length it bounds the cache: about 4
/// MB for ordinary words, 20 MB at worst. A hash table with 2^16 slots holds this many without
/// growing. Twice as many words were no faster.
const MAX_WORDS: usize = (1 << 16) / 8 * 7;
/// The number of features that are kept, 16 bytes each.
const MAX_FEATURES: usize = 1 << 19;

/// A bounded map from words, as the text spells them, to what was read of them.
#[derive(Default)]
pub(super) struct WordCache {
    entries: HashMap<Box<str>, Entry>,
    tokens: Vec<u16>,
    features: Vec<Feature>,
}

struct Entry {
    tokens: Range<u32>,
    features: Range<u32>,
    counts: Counts,
}

impl WordCache {
    /// Whether the word is short enough to be kept.
    pub(super) fn takes(word: &str) -> bool {
        word.len() <= MAX_WORD_BYTES
    }

    /// Appends what was read of a word to `into`, if all of it fits. Returns whether it fits, or
    /// `None` for an unknown word.
    pub(super) fn read(&self, word: &str, into: &mut Reading) -> Option<bool> {
        let entry = self.entries.get(word)?;
        let slice = |range: &Range<u32>| range.start as usize..range.end as usize;
        Some(into.take(
            &self.tokens[slice(&entry.tokens)],
            &self.features[slice(&entry.features)],
            entry.counts,
        ))
    }

    /// Keeps what was read of a word. A full cache is emptied: the frequent words are back within a
    /// few texts, and no lookup has to record its use.
    pub(super) fn insert(&mut self, word: &str, read: &Reading) {
        if self.entries.len() == MAX_WORDS || self.features.len() + read.features.len() > MAX_FEATURES {
            *self = Self { entries: std::mem::take(&mut self.entries), ..Self::default() };
            self.entries.clear();
        }
        let (tokens, features) = (self.tokens.len(), self.features.len());
        self.tokens.extend_from_slice(&read.tokens);
        self.features.extend_from_slice(&read.features);
        let range = |from: usize, to: usize| Some(u32::try_from(from).ok()?..u32::try_from(to).ok()?);
        if let Some(tokens) = range(tokens, self.tokens.len())
            && let Some(features) = range(features, self.features.len())
        {
            self.entries.insert(word.into(), Entry { tokens, features, counts: read.counts });
        }
    }
}
