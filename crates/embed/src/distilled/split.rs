//! Cutting a text into words, 64 bytes at a time.
use std::ops::Range;

/// The number of bytes whose separators are found at once, a bit for each.
const BLOCK: usize = 64;

/// A byte in each place of an integer.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte.
const HIGH: u64 = each(0x80);

/// Whether a character separates words: white space, control characters, and the model's own mark
/// for a space.
pub(crate) fn is_separator(character: char) -> bool {
    // The ideographic space is the last separator.
    character <= '\u{3000}'
        && (character.is_whitespace() || character.is_control() || character == '\u{2581}')
}

/// Returns the words of a text, as the text spells them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    Words::new(text).map(|word| &text[word])
}

/// The words of a text, as ranges of its bytes.
pub(crate) struct Words<'t> {
    text: &'t str,
    /// Where the block begins.
    block: usize,
    /// The bytes of the block that have not been skipped, a bit for each that is part of a
    /// separator.
    separators: u64,
    /// The number of bytes of the block that were skipped.
    skipped: u32,
}

impl<'t> Words<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, block: 0, separators: separators(text, 0), skipped: 0 }
    }

    /// Skips bytes of the block.
    fn skip_bytes(&mut self, bytes: u32) {
        self.separators = self.separators.unbounded_shr(bytes);
        self.skipped += bytes;
    }

    fn next_block(&mut self) {
        self.block += BLOCK;
        (self.separators, self.skipped) = (separators(self.text, self.block), 0);
    }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            // Behind the end of the text all is separators.
            let left = BLOCK as u32 - self.skipped;
            let gap = self.separators.trailing_ones();
            if gap < left {
                self.skip_bytes(gap);
                break;
            }
            if self.text.len() - self.block <= BLOCK {
                return None;
            }
            self.next_block();
        }
        let start = self.block + self.skipped as usize;
        loop {
            let word = self.separators.trailing_zeros();
            if word < BLOCK as u32 - self.skipped {
                self.skip_bytes(word);
                return Some(start..self.block + self.skipped as usize);
            }
            if self.text.len() - self.block <= BLOCK {
                self.skip_bytes(BLOCK as u32 - self.skipped);
                return Some(start..self.text.len());
            }
            self.next_block();
        }
    }
}

/// Finds the separators among the bytes from a place on, a bit for each byte. Bytes behind
/// the end of the text count as separators.
fn separators(text: &str, start: usize) -> u64 {
    let bytes = &text.as_bytes()[start..];
    let (found, other) = match bytes.first_chunk() {
        Some(block) => ascii_separators(block),
        None => {
            let mut block = [b' '; BLOCK];
            block[..bytes.len()].copy_from_slice(bytes);
            ascii_separators(&block)
        }
    };
    if other == 0 { found } else { found | other_separators(text, start, other) }
}

/// Finds the separators among bytes that are ASCII, and the bytes that are not ASCII.
#[inline]
fn ascii_separators(block: &[u8; BLOCK]) -> (u64, u64) {
    let (mut separators, mut other) = (0, 0);
    for (place, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
        let bytes = u64::from_le_bytes(*bytes);
        // No byte carries into the next, because the highest bits are cleared before.
        let low = bytes & !HIGH;
        let is_above_space = low + each(0x7f - b' ');
        let is_delete = low + each(1);
        separators |= high_bits((!is_above_space | is_delete) & !bytes) << (8 * place);
        other |= high_bits(bytes) << (8 * place);
    }
    (separators, other)
}

/// Returns the highest bits of eight bytes as the lowest bits of an integer.
#[inline]
fn high_bits(bytes: u64) -> u64 {
    ((bytes & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Finds the separators among the characters of a block that are not ASCII. `other` has a bit for each
/// of their bytes.
fn other_separators(text: &str, start: usize, mut other: u64) -> u64 {
    let mut separators = 0;
    while other != 0 {
        let place = other.trailing_zeros() as usize;
        // The first character may begin in the block before.
        let begin = text.floor_char_boundary(start + place);
        let Some(character) = text[begin..].chars().next() else { break };
        let end = begin + character.len_utf8() - start;
        let bytes = u64::MAX.unbounded_shl(place as u32) & !u64::MAX.unbounded_shl(end as u32);
        if is_separator(character) {
            separators |= bytes;
        }
        other &= !bytes;
    }
    separators
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Looks at one character after the other.
    fn slow_words(text: &str) -> Vec<&str> {
        text.split(is_separator).filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn every_separator_separates_wherever_it_stands() {
        let all: Vec<char> = (0..=0x3100).filter_map(char::from_u32).filter(|&c| is_separator(c)).collect();
        assert!(all.len() > 60);
        for separator in all {
            for before in 0..140 {
                let text =
                    format!("{}{separator}é{separator}{}", "a".repeat(before), "b".repeat(140 - before));
                assert_eq!(words(&text).collect::<Vec<_>>(), slow_words(&text), "{separator:?} {before}");
            }
        }
    }

    #[test]
    fn words_end_with_the_text_whatever_its_length() {
        for length in 0..200 {
            for text in ["a".repeat(length), "é".repeat(length), " ".repeat(length), "ab ".repeat(length)] {
                assert_eq!(words(&text).collect::<Vec<_>>(), slow_words(&text), "{text}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn words_are_those_of_the_slow_twin(text in "[a-c \\u{80}-\\u{3fff}\\u{1f600}\\t\u{7f}]{0,300}") {
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), slow_words(&text));
        }
    }
}
