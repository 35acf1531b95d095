//! Features of words that the vocabulary lacks: vectors of ±1 drawn by a hash of the word and of
//! its pieces, so that words with similar letters have similar vectors (as fastText's subwords, but
//! without training).
//!
//! Random directions in 256 dimensions are nearly orthogonal, so different words have dissimilar
//! vectors. Lengths are relative to that of the vector of a rare word of the vocabulary.
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The length of all trigrams of a word together, relative to that of the word's own vector.
const TRIGRAMS: f32 = 0.7;
/// The length of a single character, relative to that of a bigram, in scripts without spaces
/// between words.
const CHARACTER: f32 = 0.3;
/// The length of a punctuation mark: about as in the vocabulary.
const PUNCTUATION: f32 = 0.15;

/// The number of values of a vector whose signs are drawn together.
pub(crate) const SIGNS: usize = 32;

/// The kinds of features. The same letters as a word and as a trigram have unrelated vectors.
#[derive(Debug, Clone, Copy)]
enum Of {
    Word = 1,
    Trigram,
    Bigram,
    Character,
    Symbol,
    Number,
    Order,
    Neighbour,
}

/// A direction and a length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Feature {
    pub(crate) hash: u64,
    length: f32,
}

impl Feature {
    fn new(of: Of, letters: &str, length: f32) -> Self {
        Self { hash: xxh3_64_with_seed(letters.as_bytes(), of as u64), length }
    }

    /// Makes the feature of a number, or of an operator, by the hash of [`exact`].
    pub(crate) fn of_exact(hash: u64) -> Self {
        Self { hash, length: 1.0 }
    }

    /// Makes the feature of two numbers or operators that follow each other, by their hashes. The
    /// first and the last of a text have [`EDGE`] beside them.
    pub(crate) fn of_order(first: u64, second: u64) -> Self {
        Self { hash: pair(Of::Order, first, second), length: 1.0 }
    }

    /// Makes the feature of a number and the word beside it, by their [`Step`]s.
    pub(crate) fn of_neighbours(first: Step, second: Step) -> Self {
        Self { hash: pair(Of::Neighbour, first.0, second.0), length: 1.0 }
    }

    /// Returns the feature with another length.
    pub(crate) fn times(self, factor: f32) -> Self {
        Self { length: self.length * factor, ..self }
    }

    /// Adds the feature's vector to a row of a multiple of 32 values.
    ///
    /// The vector has only two values, ±x, so no multiplication is rounded and every processor
    /// computes the same bits.
    #[inline(always)]
    pub(crate) fn add_to(self, row: &mut [f32]) {
        self.add_blocks(0, (row.len() as f32).sqrt(), row);
    }

    /// Adds some blocks of the feature's vector, from number `first` on. `root` is the square root of
    /// the dimension.
    #[inline(always)]
    pub(crate) fn add_blocks(self, first: usize, root: f32, values: &mut [f32]) {
        let value = (self.length / root).to_bits();
        for (block, values) in (first..).zip(values.as_chunks_mut().0) {
            self.add_block(block, value, values);
        }
    }

    /// Adds a block of the feature's vector. `value` holds the bits of the size of its values;
    /// their signs are drawn.
    #[inline(always)]
    fn add_block(self, block: usize, value: u32, values: &mut [f32; SIGNS]) {
        let signs = (mixed(self.hash, block as u64) >> 32) as u32;
        // A loop of a fixed length, for which the compiler uses vector instructions.
        for (lane, out) in (0u32..).zip(values) {
            *out += f32::from_bits(value ^ ((signs >> lane) << 31));
        }
    }
}

/// A word or a number of a text, by a hash whose lowest bit tells which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Step(u64);

impl Step {
    /// Makes the step of a word.
    pub(crate) fn word(word: &str) -> Self {
        Self(xxh3_64_with_seed(word.as_bytes(), Of::Word as u64) & !1)
    }

    /// Makes the step of a number by its hash.
    pub(crate) fn number(hash: u64) -> Self {
        Self(hash | 1)
    }

    /// Whether one of two steps is a number and the other a word.
    pub(crate) fn is_beside(self, other: Self) -> bool {
        (self.0 ^ other.0) & 1 == 1
    }
}

fn pair(of: Of, first: u64, second: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes[8..].copy_from_slice(&second.to_le_bytes());
    xxh3_64_with_seed(&bytes, of as u64)
}

/// The hash of what stands before the first number of a text and behind the last one.
pub(crate) const EDGE: u64 = 0;

/// Returns number `index` of the SplitMix64 sequence that begins at `seed`.
fn mixed(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns the hash of a number or an operator.
pub(crate) fn exact(written: &str) -> u64 {
    xxh3_64_with_seed(written.as_bytes(), Of::Number as u64)
}

/// Returns the feature of a whole word.
pub(crate) fn spelled(word: &str) -> Feature {
    Feature::new(Of::Word, word, 1.0)
}

/// Calls `each` with the features of a word: the word itself, and its trigrams with a mark at each
/// end.
pub(crate) fn word(word: &str, each: &mut impl FnMut(Feature)) {
    each(spelled(word));
    let mut marked = String::with_capacity(word.len() + 2);
    marked.extend(["\u{2}", word, "\u{3}"]);
    let length = TRIGRAMS / (word.chars().count() as f32).sqrt();
    let starts = || marked.char_indices().map(|(start, _)| start);
    for (start, end) in starts().zip(starts().chain([marked.len()]).skip(3)) {
        each(Feature::new(Of::Trigram, &marked[start..end], length));
    }
}

/// Returns the feature of two characters beside each other in a text without spaces, or of a
/// character that stands alone there.
pub(crate) fn bigram(letters: &str) -> Feature {
    Feature::new(Of::Bigram, letters, 1.0)
}

/// Returns the feature of a character in a text without spaces.
pub(crate) fn character(character: &str) -> Feature {
    Feature::new(Of::Character, character, CHARACTER)
}

/// Returns the feature of a punctuation mark.
pub(crate) fn punctuation(mark: &str) -> Feature {
    Feature::new(Of::Symbol, mark, PUNCTUATION)
}

/// Returns the feature of a symbol, such as an emoji.
pub(crate) fn symbol(symbol: &str) -> Feature {
    Feature::new(Of::Symbol, symbol, 1.0)
}
