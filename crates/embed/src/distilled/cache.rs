//! A cache of words: most words of a text are among a few thousand frequent ones.
use std::hint::black_box;
use std::num::NonZeroU32;
use std::ops::Range;

use super::key::WordKey;
use super::letters::{Feature, Step};
use super::reading::{Counts, Reading};

/// The number of places of a full cache, a power of two. They are 64 bytes each, so they take 4 MiB.
const MOST_PLACES: usize = 1 << 16;
/// The number of places to begin with.
const FIRST_PLACES: usize = 1 << 8;
/// The number of features, and of whatever else few words have, that are kept, 16 bytes each at most.
const MAX_FEATURES: usize = 1 << 19;
/// The number of tokens that lie in an entry itself. Few words have more.
const TOKENS: usize = 4;

/// A bounded map from words, as the text spells them, to what was read of them.
#[derive(Default)]
pub(super) struct WordCache {
    /// The places of the words: each has two that it may have, and the one less used is replaced. There
    /// are none before the first word is kept.
    places: Vec<[Entry; 2]>,
    /// The number of words that were kept.
    kept: usize,
    rests: Vec<Rest>,
    tokens: Vec<u32>,
    features: Vec<Feature>,
    exact: Vec<u64>,
    beside: Vec<Feature>,
}

/// What was read of a word. It fills a cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Entry {
    key: Option<WordKey>,
    /// The first tokens, and behind them zeros.
    tokens: [u32; TOKENS],
    /// The number of the rest, counted from 1.
    rest: Option<NonZeroU32>,
    token_count: u8,
    units: u8,
    known: u8,
    unknown: u8,
    ends: [Step; 2],
    has_ends: bool,
    depends: bool,
    /// Whether the word was read again since it was kept, or since another was kept in its stead.
    is_used: bool,
}

/// What most words do not have: further tokens, features, numbers.
struct Rest {
    tokens: Range<u32>,
    features: Range<u32>,
    exact: Range<u32>,
    beside: Range<u32>,
}

/// A word that is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    key: WordKey,
    hash: u64,
}

/// A word that was found.
pub(super) struct Kept {
    /// Whether all of it fits into the reading, so that it was appended.
    pub fits: bool,
    /// Whether what it means depends on the words beside it.
    pub depends: bool,
}

impl Wanted {
    /// Wants a word of a text; `None` if such a word is never kept.
    #[inline]
    pub(super) fn of(text: &str, word: Range<usize>) -> Option<Self> {
        let key = WordKey::of(text, word)?;
        Some(Self { key, hash: key.hash() })
    }
}

impl WordCache {
    /// Brings the places of words that will be read soon into the processor's cache. The loads do not
    /// wait for each other, as those of [`Self::read`] do where a branch is mispredicted.
    #[inline]
    pub(super) fn announce(&self, words: impl Iterator<Item = Wanted>) {
        let touched = |wanted: Wanted| self.places.get(self.place(wanted)).map_or(0, |pair| pair[0].units);
        black_box(words.map(touched).fold(0, |all, units| all ^ units));
    }

    #[inline]
    fn place(&self, wanted: Wanted) -> usize {
        wanted.hash as usize & self.places.len().wrapping_sub(1)
    }

    /// Appends what was read of a word to `into`, if all of it fits. Returns `None` for an unknown word.
    #[inline]
    pub(super) fn read(&mut self, wanted: Wanted, into: &mut Reading) -> Option<Kept> {
        let place = self.place(wanted);
        let pair = self.places.get_mut(place)?;
        let entry = pair.iter_mut().find(|entry| entry.key == Some(wanted.key))?;
        if !entry.is_used {
            entry.is_used = true;
        }
        let kept = Kept { fits: into.take(entry.counts(), entry.ends()), depends: entry.depends };
        if !kept.fits {
            return Some(kept);
        }
        // A copy of a fixed size is two instructions, one of a variable size is a call.
        let tokens = into.tokens.len() + usize::from(entry.token_count);
        into.tokens.extend_from_slice(&entry.tokens);
        into.tokens.truncate(tokens);
        if let Some(rest) = entry.rest {
            self.read_rest(&self.rests[rest.get() as usize - 1], into);
        }
        Some(kept)
    }

    fn read_rest(&self, rest: &Rest, into: &mut Reading) {
        copy(&self.tokens, &rest.tokens, &mut into.tokens);
        copy(&self.features, &rest.features, &mut into.features);
        copy(&self.exact, &rest.exact, &mut into.exact);
        copy(&self.beside, &rest.beside, &mut into.beside);
    }

    /// Keeps what was read of a word, unless it is uncommonly much. `depends` says whether what it means
    /// depends on the words beside it. When there are too many features, all words are forgotten: the
    /// frequent ones are back within a few texts.
    pub(super) fn insert(&mut self, wanted: Wanted, read: &Reading, depends: bool) {
        let kept = self.features.len() + self.beside.len() + self.exact.len() + self.tokens.len();
        let more = read.features.len() + read.beside.len() + read.exact.len() + read.tokens.len();
        if kept + more > MAX_FEATURES {
            let mut places = std::mem::take(&mut self.places);
            places.fill_with(Default::default);
            *self = Self { places, ..Self::default() };
        }
        let Some(entry) = self.entry(read) else { return };
        if self.kept >= self.places.len() && 2 * self.places.len() < MOST_PLACES {
            self.grow();
        }
        self.kept += 1;
        self.put(Entry { depends, ..entry }, wanted);
    }

    /// Doubles the number of places.
    fn grow(&mut self) {
        let places = vec![Default::default(); (2 * self.places.len()).max(FIRST_PLACES / 2)];
        let before = std::mem::replace(&mut self.places, places);
        for entry in before.into_iter().flatten() {
            if let Some(key) = entry.key {
                self.put(entry, Wanted { key, hash: key.hash() });
            }
        }
    }

    /// Puts a word into one of its two places.
    fn put(&mut self, entry: Entry, Wanted { key, hash }: Wanted) {
        let place = self.place(Wanted { key, hash });
        let pair = &mut self.places[place];
        let unused =
            pair.iter().position(|entry| entry.key.is_none()).or(pair.iter().position(|e| !e.is_used));
        if unused.is_none() {
            pair.iter_mut().for_each(|entry| entry.is_used = false);
        }
        pair[unused.unwrap_or(0)] = Entry { key: Some(key), ..entry };
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
        let (token_count, has_ends) = (small(first.len())?, read.ends.is_some());
        let counted = Entry { tokens, rest, token_count, units, known, unknown, ..Entry::default() };
        Some(Entry { ends: read.ends.unwrap_or_default(), has_ends, ..counted })
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
    #[inline]
    fn counts(&self) -> Counts {
        let [units, known, unknown] = [self.units, self.known, self.unknown].map(usize::from);
        Counts { units, known, unknown }
    }

    #[inline]
    fn ends(&self) -> Option<[Step; 2]> {
        self.has_ends.then_some(self.ends)
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
