//! What the cache of words keeps outside its places: spellings of long words, and parts that most
//! words do not have.
use std::num::NonZeroU32;
use std::ops::Range;

use super::letters::Feature;
use super::reading::Reading;

/// The buffers of all words, one after the other.
#[derive(Default)]
pub(super) struct Buffers {
    /// The words of which the key is only a hash.
    spellings: Vec<u8>,
    rests: Vec<Rest>,
    tokens: Vec<u32>,
    features: Vec<Feature>,
    exact: Vec<u64>,
    beside: Vec<Feature>,
}

/// What most words do not have: further tokens, features, numbers.
pub(super) struct Parts<'a> {
    pub tokens: &'a [u32],
    pub features: &'a [Feature],
    pub exact: &'a [u64],
    pub beside: &'a [Feature],
}

/// Where the parts of a word are.
struct Rest {
    tokens: Range<u32>,
    features: Range<u32>,
    exact: Range<u32>,
    beside: Range<u32>,
}

impl<'a> Parts<'a> {
    /// Returns the parts of a reading, all tokens included.
    pub fn of(read: &'a Reading) -> Self {
        Self { tokens: &read.tokens, features: &read.features, exact: &read.exact, beside: &read.beside }
    }

    /// Returns the number of bytes of the parts.
    pub fn bytes(&self) -> usize {
        let features = size_of_val(self.features) + size_of_val(self.beside);
        size_of_val(self.tokens) + features + size_of_val(self.exact)
    }
}

impl Buffers {
    /// Returns the number of bytes of all that is kept.
    pub fn bytes(&self) -> usize {
        let Self { spellings, rests, tokens, features, exact, beside } = self;
        spellings.len() + size_of_val(rests.as_slice()) + Parts { tokens, features, exact, beside }.bytes()
    }

    /// Returns the most bytes that keeping a word takes.
    pub fn most_bytes(word: &str, read: &Reading) -> usize {
        word.len() + size_of::<Rest>() + Parts::of(read).bytes()
    }

    /// Keeps a spelling, and returns where it begins.
    pub fn keep_spelling(&mut self, spelling: &[u8]) -> Option<u32> {
        append(&mut self.spellings, spelling).map(|range| range.start)
    }

    /// Returns a spelling.
    #[inline]
    pub fn spelling(&self, start: u32, length: usize) -> &[u8] {
        &self.spellings[start as usize..][..length]
    }

    /// Keeps the parts of a word, and returns their number, counted from 1.
    pub fn keep_rest(&mut self, parts: Parts) -> Option<NonZeroU32> {
        let rest = Rest {
            tokens: append(&mut self.tokens, parts.tokens)?,
            features: append(&mut self.features, parts.features)?,
            exact: append(&mut self.exact, parts.exact)?,
            beside: append(&mut self.beside, parts.beside)?,
        };
        self.rests.push(rest);
        NonZeroU32::new(u32::try_from(self.rests.len()).ok()?)
    }

    /// Returns the parts of a word.
    #[inline]
    pub fn parts(&self, rest: NonZeroU32) -> Parts<'_> {
        let Rest { tokens, features, exact, beside } = &self.rests[rest.get() as usize - 1];
        Parts {
            tokens: slice(&self.tokens, tokens),
            features: slice(&self.features, features),
            exact: slice(&self.exact, exact),
            beside: slice(&self.beside, beside),
        }
    }

    /// Appends the parts of a word to a reading.
    #[inline]
    pub fn read(&self, rest: NonZeroU32, into: &mut Reading) {
        let Parts { tokens, features, exact, beside } = self.parts(rest);
        copy(tokens, &mut into.tokens);
        copy(features, &mut into.features);
        copy(exact, &mut into.exact);
        copy(beside, &mut into.beside);
    }

    /// Returns the number of bytes that are allocated.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        let features = size_of::<Feature>() * (self.features.capacity() + self.beside.capacity());
        let rests = size_of::<Rest>() * self.rests.capacity();
        self.spellings.capacity() + rests + features + 4 * self.tokens.capacity() + 8 * self.exact.capacity()
    }
}

/// Returns a range of items.
#[inline]
fn slice<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    &all[range.start as usize..range.end as usize]
}

/// Appends items. Of most kinds there are none.
#[inline]
fn copy<T: Copy>(items: &[T], into: &mut Vec<T>) {
    if !items.is_empty() {
        into.extend_from_slice(items);
    }
}

/// Appends items, and returns where they are.
fn append<T: Copy>(all: &mut Vec<T>, items: &[T]) -> Option<Range<u32>> {
    let start = u32::try_from(all.len()).ok()?;
    all.extend_from_slice(items);
    Some(start..u32::try_from(all.len()).ok()?)
}
