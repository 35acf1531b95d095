//! A cache of words: most words of a text are among a few thousand frequent ones.
use std::hint::black_box;
use std::num::NonZeroU32;
use std::ops::Range;

use super::buffers::{Buffers, Parts};
use super::key::WordKey;
use super::letters::Step;
use super::reading::{Counts, Reading};

/// The number of places of a full cache, a power of two. They are 64 bytes each, so they take 4 MiB.
const MOST_PLACES: usize = 1 << 16;
/// The number of places to begin with.
const FIRST_PLACES: usize = 1 << 8;
/// The most bytes in the buffers. They may have room for twice as much, so a cache takes 4 MiB and
/// 16 MiB at most.
const MOST_BYTES_BUFFERED: usize = 8 << 20;
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
    buffers: Buffers,
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
    /// Where the spelling of the word begins, if the key is only a hash.
    spelling: u32,
    token_count: u8,
    units: u8,
    known: u8,
    unknown: u8,
    ends: [Step; 2],
    has_ends: bool,
    depends: bool,
    /// Whether the word was read again since it was kept. If both words of a pair were, and another
    /// replaces the first, this begins anew for the second.
    is_used: bool,
}

const _: () = assert!(size_of::<Entry>() == 64);

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
        let touched =
            |wanted: Wanted| self.places.get(self.place(wanted)).map_or(0, |[a, b]| a.units ^ b.units);
        black_box(words.map(touched).fold(0, |all, units| all ^ units));
    }

    #[inline]
    fn place(&self, wanted: Wanted) -> usize {
        wanted.hash as usize & self.places.len().wrapping_sub(1)
    }

    /// Appends what was read of a word to `into`, if all of it fits. Returns `None` for an unknown word.
    #[inline]
    pub(super) fn read(&mut self, wanted: Wanted, word: &str, into: &mut Reading) -> Option<Kept> {
        let place = self.place(wanted);
        let pair = self.places.get_mut(place)?;
        let entry = pair.iter_mut().find(|entry| entry.is_of(wanted.key, word, &self.buffers))?;
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
            self.buffers.read(rest, into);
        }
        Some(kept)
    }

    /// Keeps what was read of a word, unless it is uncommonly much. `depends` says whether what it means
    /// depends on the words beside it.
    pub(super) fn insert(&mut self, wanted: Wanted, word: &str, read: &Reading, depends: bool) {
        if self.buffers.bytes() + Buffers::most_bytes(word, read) > MOST_BYTES_BUFFERED {
            self.make_room();
        }
        let Some(entry) = self.entry(read) else { return };
        let spelled = if wanted.key.is_unique() { "" } else { word };
        let Some(spelling) = self.buffers.keep_spelling(spelled.as_bytes()) else { return };
        if self.kept >= self.places.len() && 2 * self.places.len() < MOST_PLACES {
            self.grow();
        }
        self.kept += 1;
        self.put(Entry { spelling, depends, ..entry }, wanted);
    }

    /// Empties half of the buffers, or more. Words that have something there are forgotten if they were
    /// not used, or if the used ones before them fill the other half.
    fn make_room(&mut self) {
        let before = std::mem::take(&mut self.buffers);
        for entry in self.places.iter_mut().flatten() {
            if entry.rest.is_none() && entry.spelling(&before).is_empty() {
                continue;
            }
            let stays = entry.is_used && self.buffers.bytes() < MOST_BYTES_BUFFERED / 2;
            let moved = if stays { entry.moved(&before, &mut self.buffers) } else { None };
            *entry = moved.unwrap_or_default();
        }
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
        let parts = Parts { tokens: further, ..Parts::of(read) };
        let rest = if parts.bytes() == 0 { None } else { Some(self.buffers.keep_rest(parts)?) };
        let (token_count, has_ends) = (small(first.len())?, read.ends.is_some());
        let counted = Entry { tokens, rest, token_count, units, known, unknown, ..Entry::default() };
        Some(Entry { ends: read.ends.unwrap_or_default(), has_ends, ..counted })
    }
}

impl Entry {
    /// Whether this is the entry of a word with a key.
    #[inline]
    fn is_of(&self, key: WordKey, word: &str, buffers: &Buffers) -> bool {
        self.key == Some(key) && (key.is_unique() || self.spelling(buffers) == word.as_bytes())
    }

    /// Returns the spelling of the word if the key is only a hash.
    #[inline]
    fn spelling<'b>(&self, buffers: &'b Buffers) -> &'b [u8] {
        match self.key {
            Some(key) if !key.is_unique() => buffers.spelling(self.spelling, key.length()),
            _ => &[],
        }
    }

    /// Copies what the word has in the buffers to new ones. Returns the entry for these, as unused.
    fn moved(&self, before: &Buffers, buffers: &mut Buffers) -> Option<Self> {
        let spelling = buffers.keep_spelling(self.spelling(before))?;
        let rest = match self.rest {
            Some(rest) => Some(buffers.keep_rest(before.parts(rest))?),
            None => None,
        };
        Some(Self { spelling, rest, is_used: false, ..*self })
    }

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wanted(word: &str) -> Wanted {
        Wanted::of(word, 0..word.len()).unwrap()
    }

    fn reading(exact: u64) -> Reading {
        let mut reading = Reading::default();
        reading.push_exact(exact);
        reading
    }

    /// Returns what the cache has for a word.
    fn kept(cache: &mut WordCache, key: Wanted, word: &str) -> Option<Vec<u64>> {
        let mut into = Reading::default();
        cache.read(key, word, &mut into).map(|_| into.exact)
    }

    #[test]
    fn a_word_with_the_key_of_another_does_not_get_its_reading() {
        let [first, second] = ["internationalization", "internationalisation"];
        let (mut cache, key) = (WordCache::default(), wanted(first));
        cache.insert(key, first, &reading(1), false);
        assert_eq!(kept(&mut cache, key, first), Some(vec![1]));
        assert_eq!(kept(&mut cache, key, second), None);
        cache.insert(key, second, &reading(2), false);
        assert_eq!([first, second].map(|word| kept(&mut cache, key, word)), [Some(vec![1]), Some(vec![2])]);
    }

    #[test]
    fn a_full_cache_keeps_the_words_that_are_used() {
        let mut cache = WordCache::default();
        let frequent = ["often", "a frequent word of more than 15 bytes"];
        for word in frequent {
            cache.insert(wanted(word), word, &reading(7), false);
        }
        for number in 0..600_000 {
            let word = number.to_string();
            cache.insert(wanted(&word), &word, &reading(number), false);
            if number % 1_000 == 0 {
                assert_eq!(
                    frequent.map(|word| kept(&mut cache, wanted(word), word)),
                    [Some(vec![7]), Some(vec![7])]
                );
            }
        }
    }

    #[test]
    fn a_cache_is_bounded_and_keeps_the_last_words() {
        let mut cache = WordCache::default();
        let mut most = 0;
        for number in 0..600_000_u64 {
            let word = format!("{number}{}", if number % 2 == 0 { "" } else { " of more than 15 bytes" });
            cache.insert(wanted(&word), &word, &reading(number), false);
            assert_eq!(kept(&mut cache, wanted(&word), &word), Some(vec![number]));
            assert!(cache.buffers.bytes() <= MOST_BYTES_BUFFERED, "{number}");
            most = most.max(128 * cache.places.capacity() + cache.buffers.room());
        }
        assert!(most <= 20 << 20, "{most}");
    }
}
