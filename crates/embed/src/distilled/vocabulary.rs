//! The pieces of words that have vectors, and how a word is split into them: the longest piece first,
//! as in WordPiece (Schuster and Nakajima 2012). A piece that goes on with a word begins with `##`.
use hashbrown::HashMap;

use super::short::{MOST_BYTES, ShortWord};

/// The number of buckets for the first three bytes of pieces, a power of two.
const BUCKETS: usize = 1 << 14;

/// What a piece that goes on with a word begins with.
const GOES_ON: &str = "##";

/// The pieces, each with the number of its row in the table.
#[derive(Default)]
pub(crate) struct Vocabulary {
    beginnings: Pieces,
    continuations: Pieces,
}

impl Vocabulary {
    /// Takes the pieces of the rows of a table, in order. Of equal pieces the first counts.
    pub(crate) fn new<'p>(pieces: impl IntoIterator<Item = &'p str>) -> Self {
        let mut vocabulary = Self::default();
        for (row, piece) in (0u32..).zip(pieces) {
            match piece.strip_prefix(GOES_ON) {
                Some(rest) if !rest.is_empty() => vocabulary.continuations.insert(rest, row),
                _ => vocabulary.beginnings.insert(piece, row),
            }
        }
        vocabulary
    }

    /// Returns the row of a word that is one piece.
    pub(crate) fn whole(&self, word: &str) -> Option<u32> {
        self.beginnings.get(word)
    }

    /// Writes the rows of a word's pieces to `rows`. Returns whether the whole word has pieces.
    pub(crate) fn split(&self, word: &str, rows: &mut Vec<u32>) -> bool {
        rows.clear();
        let mut rest = word;
        while !rest.is_empty() {
            let pieces = if rows.is_empty() { &self.beginnings } else { &self.continuations };
            let Some((piece, row)) = pieces.longest_in(rest) else { return false };
            rows.push(row);
            rest = &rest[piece..];
        }
        !rows.is_empty()
    }
}

/// Pieces of words with their rows.
struct Pieces {
    short: HashMap<ShortWord, u32>,
    long: HashMap<Box<str>, u32>,
    /// The length of the longest piece in bytes.
    longest: usize,
    /// The lengths that the short pieces of each bucket have, a bit for each length. A word is
    /// looked up only in these.
    lengths: Vec<u16>,
}

impl Default for Pieces {
    fn default() -> Self {
        let (short, long) = (HashMap::new(), HashMap::new());
        Self { short, long, longest: 0, lengths: vec![0; BUCKETS] }
    }
}

impl Pieces {
    fn insert(&mut self, piece: &str, row: u32) {
        self.longest = self.longest.max(piece.len());
        match ShortWord::new(piece.as_bytes()) {
            Some(short) => {
                self.lengths[bucket_of(short)] |= 1 << piece.len();
                self.short.entry(short).or_insert(row)
            }
            None => self.long.entry(piece.into()).or_insert(row),
        };
    }

    fn get(&self, piece: &str) -> Option<u32> {
        match ShortWord::new(piece.as_bytes()) {
            Some(short) => self.short.get(&short).copied(),
            None => self.long.get(piece).copied(),
        }
    }

    /// Returns the length and the row of the longest piece that a text begins with.
    fn longest_in(&self, text: &str) -> Option<(usize, u32)> {
        let longest = text.len().min(self.longest);
        let ends = (MOST_BYTES + 1..=longest).rev().filter(|&end| text.is_char_boundary(end));
        if let Some(found) = ends.filter_map(|end| Some((end, *self.long.get(&text[..end])?))).next() {
            return Some(found);
        }
        // No piece ends within a character.
        let short = longest.min(MOST_BYTES);
        let word = ShortWord::new(&text.as_bytes()[..short])?;
        // A piece of one or two bytes is in another bucket than the word, so both lengths are
        // always tried.
        let possible = self.lengths[bucket_of(word)] & !1 | 0b110;
        let mut lengths = possible & (u16::MAX >> (MOST_BYTES - short));
        while lengths != 0 {
            let end = lengths.ilog2() as usize;
            if let Some(&row) = self.short.get(&word.beginning(end)) {
                return Some((end, row));
            }
            lengths ^= 1 << end;
        }
        None
    }
}

/// Returns the bucket of a word or piece: a hash of its first three bytes.
fn bucket_of(word: ShortWord) -> usize {
    (word.first_bytes::<3>().wrapping_mul(0x9e37_79b1) >> (u32::BITS - BUCKETS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_piece_goes_first_and_a_word_is_split_whole_or_not_at_all() {
        let vocabulary = Vocabulary::new(["un", "##able", "##a", "##ble", "una", "##b", "ü", "##", "un"]);
        let mut rows = Vec::new();
        for (word, expected) in [
            ("unable", Some(vec![4, 3])),
            ("unb", Some(vec![0, 5])),
            ("ü", Some(vec![6])),
            ("##", Some(vec![7])),
            ("unx", None),
            ("able", None),
            ("", None),
        ] {
            let whole = vocabulary.split(word, &mut rows);
            assert_eq!(whole.then(|| rows.clone()), expected, "{word}");
        }
        assert_eq!((vocabulary.whole("una"), vocabulary.whole("able")), (Some(4), None));
    }
}
