//! Features of words that the vocabulary lacks: vectors of ±1 drawn by a hash of the word and of
//! its pieces, so that words with similar letters have similar vectors (as fastText's subwords, but
//! without training).
//!
//! Random directions in 256 dimensions are nearly orthogonal, so different words have dissimilar
//! vectors. The lengths match the vocabulary, whose median vector has length 13 and whose comma has
//! length 1.2.
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The length of a word's own vector.
const WORD: f32 = 14.0;
/// The length of all trigrams of a word together, relative to [`WORD`].
const TRIGRAMS: f32 = 0.7;
/// The length of a single character, relative to that of a bigram, in scripts without spaces
/// between words.
const CHARACTER: f32 = 0.3;
/// The length of a punctuation mark, relative to [`WORD`]: about as in the vocabulary.
const PUNCTUATION: f32 = 0.15;

/// The kinds of features. The same letters as a word and as a trigram have unrelated vectors.
#[derive(Clone, Copy)]
enum Of {
    Word = 1,
    Trigram,
    Bigram,
    Character,
    Symbol,
}

/// A direction and a length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feature {
    hash: u64,
    length: f32,
}

impl Feature {
    fn new(of: Of, letters: &str, length: f32) -> Self {
        Self { hash: xxh3_64_with_seed(letters.as_bytes(), of as u64), length }
    }

    /// Adds the feature's vector to a row.
    ///
    /// The vector has only two values, ±x, so no multiplication is rounded and every processor
    /// computes the same bits.
    #[inline(always)]
    pub(super) fn add_to(self, row: &mut [f32]) {
        let value = (self.length / (row.len() as f32).sqrt()).to_bits();
        for (block, values) in (0u64..).zip(row.chunks_mut(32)) {
            let signs = (mixed(self.hash, block) >> 32) as u32;
            for (lane, out) in (0u32..).zip(values) {
                *out += f32::from_bits(value ^ ((signs >> lane) << 31));
            }
        }
    }
}

/// Returns number `index` of the SplitMix64 sequence that begins at `seed`.
fn mixed(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Appends the features of a word: the word itself, and its trigrams with a mark at each end.
pub(super) fn word(word: &str, features: &mut Vec<Feature>) {
    features.push(Feature::new(Of::Word, word, WORD));
    let marked: Vec<char> = ['\u{2}'].into_iter().chain(word.chars()).chain(['\u{3}']).collect();
    let length = WORD * TRIGRAMS / ((marked.len() - 2) as f32).sqrt();
    let mut buffer = String::new();
    for trigram in marked.windows(3) {
        buffer.clear();
        buffer.extend(trigram);
        features.push(Feature::new(Of::Trigram, &buffer, length));
    }
}

/// Appends the features of a character in a text without spaces, and of the bigram that begins with
/// it, if there is one.
pub(super) fn unspaced(bigram: Option<&str>, character: &str, features: &mut Vec<Feature>) {
    features.extend(bigram.map(|bigram| Feature::new(Of::Bigram, bigram, WORD)));
    features.push(Feature::new(Of::Character, character, WORD * CHARACTER));
}

/// Appends the feature of a punctuation mark.
pub(super) fn punctuation(mark: &str, features: &mut Vec<Feature>) {
    features.push(Feature::new(Of::Symbol, mark, WORD * PUNCTUATION));
}

/// Appends the features of a symbol, such as an emoji, and of the pair that begins with it, if
/// there is one.
pub(super) fn symbol(symbol: &str, pair: Option<&str>, features: &mut Vec<Feature>) {
    features.push(Feature::new(Of::Symbol, symbol, WORD));
    features.extend(pair.map(|pair| Feature::new(Of::Bigram, pair, WORD)));
}
