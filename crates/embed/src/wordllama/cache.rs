//! What words seen before came to: most words of a text are a few thousand frequent ones.
use std::ops::Range;

use hashbrown::HashMap;

use super::letters::Feature;
use super::reading::{Counts, Reading};

/// Longer words are rarely met twice.
const MAX_WORD_BYTES: usize = 64;
/// With the limit on a word's bytes this bounds the cache: about 4 MB of ordinary words, 20 MB at worst. It is also what
/// a hash table of 2^16 places holds without growing; twice as many words were no faster.
const MAX_WORDS: usize = (1 << 16) / 8 * 7;
/// The most features that are kept, 16 bytes each.
const MAX_FEATURES: usize = 1 << 19;

/// A bounded map from words, as they stand in a text, to what is read of them.
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

    /// Appends what is read of a word to a text's, if the word is known and all of it fits; says whether it did.
    pub(super) fn read(&self, word: &str, into: &mut Reading) -> Option<bool> {
        let entry = self.entries.get(word)?;
        let slice = |range: &Range<u32>| range.start as usize..range.end as usize;
        Some(into.take(
            &self.tokens[slice(&entry.tokens)],
            &self.features[slice(&entry.features)],
            entry.counts,
        ))
    }

    /// Keeps what was read of a word. A full cache starts anew: the frequent words are back within a few texts, and no
    /// lookup has to keep a record of use.
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
