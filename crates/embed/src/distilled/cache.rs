//! A cache of words: most words of a text are among a few thousand frequent ones.
use std::num::NonZeroU32;
use std::ops::Range;

use hashbrown::HashMap;

use super::letters::{Feature, Step};
use super::reading::{Counts, Reading};
use super::short::ShortWord;

/// The longest word that is kept, in bytes. Longer words rarely occur twice.
const MAX_WORD_BYTES: usize = 64;
/// The number of words that are kept. With the limit on their length it bounds the cache: about 5
/// MB for ordinary words, 20 MB at worst. A hash table with 2^16 slots holds this many without
/// growing. Twice as many words were no faster.
const MAX_WORDS: usize = (1 << 16) / 8 * 7;
/// The number of features, and of whatever else few words have, that are kept, 16 bytes each at most.
const MAX_FEATURES: usize = 1 << 19;
/// The number of tokens that lie in an entry itself. Few words have more.
const TOKENS: usize = 4;

/// A bounded map from words, as the text spells them, to what was read of them.
#[derive(Default)]
pub(super) struct WordCache {
    short: HashMap<ShortWord, Entry>,
    long: HashMap<Box<str>, Entry>,
    rests: Vec<Rest>,
    tokens: Vec<u32>,
    features: Vec<Feature>,
    exact: Vec<u64>,
    beside: Vec<Feature>,
}

/// What was read of a word. With a short word it fills a cache line of 64 bytes.
struct Entry {
    /// The first tokens, and behind them zeros.
    tokens: [u32; TOKENS],
    token_count: u8,
    units: u8,
    known: u8,
    unknown: u8,
    /// The number of the rest, counted from 1.
    rest: Option<NonZeroU32>,
    ends: Option<[Step; 2]>,
}

/// What most words do not have: further tokens, features, numbers.
struct Rest {
    tokens: Range<u32>,
    features: Range<u32>,
    exact: Range<u32>,
    beside: Range<u32>,
}

impl WordCache {
    /// Whether the word is short enough to be kept.
    pub(super) fn takes(word: &str) -> bool {
        word.len() <= MAX_WORD_BYTES
    }

    /// Appends what was read of a word to `into`, if all of it fits. Returns whether it fits, or
    /// `None` for an unknown word.
    #[inline]
    pub(super) fn read(&self, word: &str, into: &mut Reading) -> Option<bool> {
        let entry = match ShortWord::new(word.as_bytes()) {
            Some(short) => self.short.get(&short)?,
            None => self.long.get(word)?,
        };
        if !into.take(entry.counts(), entry.ends) {
            return Some(false);
        }
        // A copy of a fixed size is two instructions, one of a variable size is a call.
        let tokens = into.tokens.len() + usize::from(entry.token_count);
        into.tokens.extend_from_slice(&entry.tokens);
        into.tokens.truncate(tokens);
        if let Some(rest) = entry.rest {
            self.read_rest(&self.rests[rest.get() as usize - 1], into);
        }
        Some(true)
    }

    fn read_rest(&self, rest: &Rest, into: &mut Reading) {
        copy(&self.tokens, &rest.tokens, &mut into.tokens);
        copy(&self.features, &rest.features, &mut into.features);
        copy(&self.exact, &rest.exact, &mut into.exact);
        copy(&self.beside, &rest.beside, &mut into.beside);
    }

    /// Keeps what was read of a word, unless it is uncommonly much. A full cache is emptied: the
    /// frequent words are back within a few texts, and no lookup has to record its use.
    pub(super) fn insert(&mut self, word: &str, read: &Reading) {
        let words = self.short.len() + self.long.len();
        let kept = self.features.len() + self.beside.len() + self.exact.len() + self.tokens.len();
        let more = read.features.len() + read.beside.len() + read.exact.len() + read.tokens.len();
        if words == MAX_WORDS || kept + more > MAX_FEATURES {
            let (short, long) = (std::mem::take(&mut self.short), std::mem::take(&mut self.long));
            *self = Self { short, long, ..Self::default() };
            self.short.clear();
            self.long.clear();
        }
        let Some(entry) = self.entry(read) else { return };
        match ShortWord::new(word.as_bytes()) {
            Some(short) => self.short.insert(short, entry),
            None => self.long.insert(word.into(), entry),
        };
    }

    fn entry(&mut self, read: &Reading) -> Option<Entry> {
        let Counts { units, known, unknown } = read.counts;
        let small = |count: usize| u8::try_from(count).ok();
        let (units, known, unknown) = (small(units)?, small(known)?, small(unknown)?);
        let (first, further) = read.tokens.split_at(read.tokens.len().min(TOKENS));
        let mut tokens = [0; TOKENS];
        tokens[..first.len()].copy_from_slice(first);
        let is_whole = further.is_empty() && read.features.is_empty() && read.exact.is_empty();
        let rest = if is_whole { None } else { Some(self.keep_rest(further, read)?) };
        Some(Entry { tokens, token_count: small(first.len())?, units, known, unknown, rest, ends: read.ends })
    }

    fn keep_rest(&mut self, further: &[u32], read: &Reading) -> Option<NonZeroU32> {
        let rest = Rest {
            tokens: append(&mut self.tokens, further)?,
            features: append(&mut self.features, &read.features)?,
            exact: append(&mut self.exact, &read.exact)?,
            beside: append(&mut self.beside, &read.beside)?,
        };
        self.rests.push(rest);
        NonZeroU32::new(u32::try_from(self.rests.len()).ok()?)
    }
}

impl Entry {
    fn counts(&self) -> Counts {
        let [units, known, unknown] = [self.units, self.known, self.unknown].map(usize::from);
        Counts { units, known, unknown }
    }
}

/// Appends a range of items, which is empty for most kinds.
#[inline]
fn copy<T: Copy>(all: &[T], range: &Range<u32>, into: &mut Vec<T>) {
    if !range.is_empty() {
        into.extend_from_slice(&all[range.start as usize..range.end as usize]);
    }
}

/// Appends items, and returns where they are.
fn append<T: Copy>(all: &mut Vec<T>, items: &[T]) -> Option<Range<u32>> {
    let start = u32::try_from(all.len()).ok()?;
    all.extend_from_slice(items);
    Some(start..u32::try_from(all.len()).ok()?)
}
