//! Short words as integers, which are hashed and compared in a few instructions.

use std::ops::Range;

/// The most bytes of a short word.
pub(super) const MOST_BYTES: usize = 15;

/// A word of at most 15 bytes: the bytes, the first one lowest, and their number in the highest byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ShortWord(u128);

impl ShortWord {
    /// Returns a word as an integer if it is short.
    ///
    /// The loads overlap, because a copy of a variable number of bytes is a call.
    #[inline]
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let length = bytes.len();
        let last = |size: usize| 8 * (length - size);
        let value = if length > MOST_BYTES {
            return None;
        } else if let (Some(begin), Some(end)) = (bytes.first_chunk(), bytes.last_chunk()) {
            u128::from(u64::from_le_bytes(*begin)) | u128::from(u64::from_le_bytes(*end)) << last(8)
        } else if let (Some(begin), Some(end)) = (bytes.first_chunk(), bytes.last_chunk()) {
            u128::from(u32::from_le_bytes(*begin)) | u128::from(u32::from_le_bytes(*end)) << last(4)
        } else {
            bytes.iter().rev().fold(0, |value, &byte| value << 8 | u128::from(byte))
        };
        Some(Self::of(value, length))
    }

    /// Returns a word of a text as an integer if it is short. Where 16 bytes of the text are left, one
    /// load reads it.
    #[inline]
    pub(super) fn within(text: &[u8], word: Range<usize>) -> Option<Self> {
        let length = word.len();
        match text[word.start..].first_chunk() {
            Some(chunk) if length <= MOST_BYTES => {
                Some(Self::of(u128::from_le_bytes(*chunk) & ((1 << (8 * length)) - 1), length))
            }
            _ => Self::new(&text[word]),
        }
    }

    /// Returns the integer.
    #[inline]
    pub(super) fn bits(self) -> u128 {
        self.0
    }

    /// Returns the first bytes of the word, which has at least as many.
    #[inline]
    pub(super) fn beginning(self, length: usize) -> Self {
        Self::of(self.0 & ((1 << (8 * length)) - 1), length)
    }

    /// Returns the first `N` bytes, at most four, as an integer. Those that a word lacks are zeros.
    #[inline]
    pub(super) fn first_bytes<const N: usize>(self) -> u32 {
        self.0 as u32 & (u32::MAX >> (u32::BITS as usize - 8 * N))
    }

    fn of(bytes: u128, length: usize) -> Self {
        Self(bytes | (length as u128) << (8 * MOST_BYTES))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_short_word_is_its_bytes_and_their_number() {
        let letters = "abcdefghijklmnop";
        for length in 0..=letters.len() {
            let word = &letters[..length];
            let mut bytes = [0; 16];
            bytes[..length].copy_from_slice(word.as_bytes());
            bytes[15] = length as u8;
            let expected = (length < 16).then(|| ShortWord(u128::from_le_bytes(bytes)));
            assert_eq!(ShortWord::new(word.as_bytes()), expected, "{word}");
            for end in [length, letters.len()] {
                assert_eq!(ShortWord::within(&letters.as_bytes()[..end], 0..length), expected, "{word}");
            }
            let whole = ShortWord::new(&letters.as_bytes()[..15]).unwrap();
            assert_eq!((length < 16).then(|| whole.beginning(length)), expected, "{word}");
        }
        assert_ne!(ShortWord::new(b"a"), ShortWord::new(b"a\0"));
        let first = |word: &[u8]| ShortWord::new(word).map(ShortWord::first_bytes::<3>);
        assert_eq!([first(b"abcd"), first(b"a")], [Some(0x63_6261), Some(0x61)]);
    }
}
