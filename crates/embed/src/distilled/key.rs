//! The key of a word in the cache: one integer, computed without a call for most words.
use std::num::NonZeroU128;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::short::{MOST_BYTES, ShortWord};

/// The longest word that has a key, in bytes. Longer words rarely occur twice.
const MAX_WORD_BYTES: usize = 64;

/// The key of a word of at most 64 bytes: its bytes, or a hash of a longer one, and in the highest
/// byte their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WordKey(NonZeroU128);

impl WordKey {
    /// Returns the key of a word of a text, unless it is empty or too long.
    #[inline]
    pub(super) fn of(text: &str, word: Range<usize>) -> Option<Self> {
        let length = word.len();
        let key = if length <= MOST_BYTES {
            ShortWord::within(text.as_bytes(), word)?.bits()
        } else if length <= MAX_WORD_BYTES {
            u128::from(xxh3_64(&text.as_bytes()[word])) | (length as u128) << (8 * MOST_BYTES)
        } else {
            return None;
        };
        NonZeroU128::new(key).map(Self)
    }

    /// Returns the number of bytes of the word.
    #[inline]
    pub(super) fn length(self) -> usize {
        (self.0.get() >> (8 * MOST_BYTES)) as usize
    }

    /// Whether no other word has this key. Words of more than 15 bytes can share theirs.
    #[inline]
    pub(super) fn is_unique(self) -> bool {
        self.length() <= MOST_BYTES
    }

    /// Returns a hash of which the lowest bits are as good as any.
    #[inline]
    pub(super) fn hash(self) -> u64 {
        let (low, high) = (self.0.get() as u64, (self.0.get() >> 64) as u64);
        let product = u128::from(low ^ 0x243f_6a88_85a3_08d3) * u128::from(high ^ 0x1319_8a2e_0370_7344);
        product as u64 ^ (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn words_have_keys_of_their_own_wherever_they_stand() {
        let text = "abcdefghij".repeat(20);
        let mut keys = HashSet::new();
        for length in 1..=80 {
            let key = WordKey::of(&text, 10..10 + length);
            assert_eq!(key.is_some(), length <= 64, "{length}");
            if length % 10 == 0 {
                assert_eq!(key, WordKey::of(&text, 190 - length..190), "{length}");
            }
            assert_eq!(key, WordKey::of(&text[10..10 + length], 0..length), "{length}");
            assert!(key.is_none_or(|key| keys.insert(key.0)));
            assert!(key.is_none_or(|key| key.length() == length && key.is_unique() == (length <= 15)));
        }
        assert_eq!(WordKey::of(&text, 5..5), None);
    }
}
