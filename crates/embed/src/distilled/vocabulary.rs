//! The pieces of words that have vectors, and how a word is split into them: the longest piece first,
//! as in WordPiece (Schuster and Nakajima 2012). A piece that goes on with a word begins with `##`.
use hashbrown::HashMap;

/// What a piece that goes on with a word begins with.
const GOES_ON: &str = "##";

/// The pieces, each with the number of its row in the table.
#[derive(Default)]
pub(crate) struct Vocabulary {
    beginnings: HashMap<Box<str>, u32>,
    continuations: HashMap<Box<str>, u32>,
    /// The length of the longest piece in bytes.
    longest: usize,
}

impl Vocabulary {
    /// Takes the pieces of the rows of a table, in order. Of equal pieces the first counts.
    pub(crate) fn new<'p>(pieces: impl IntoIterator<Item = &'p str>) -> Self {
        let mut vocabulary = Self::default();
        for (row, piece) in (0u32..).zip(pieces) {
            let (places, piece) = match piece.strip_prefix(GOES_ON) {
                Some(rest) if !rest.is_empty() => (&mut vocabulary.continuations, rest),
                _ => (&mut vocabulary.beginnings, piece),
            };
            places.entry(piece.into()).or_insert(row);
            vocabulary.longest = vocabulary.longest.max(piece.len());
        }
        vocabulary
    }

    /// Returns the row of a word that is one piece.
    pub(crate) fn whole(&self, word: &str) -> Option<u32> {
        self.beginnings.get(word).copied()
    }

    /// Writes the rows of a word's pieces to `rows`. Returns whether the whole word has pieces.
    pub(crate) fn split(&self, word: &str, rows: &mut Vec<u32>) -> bool {
        rows.clear();
        let mut at = 0;
        while at < word.len() {
            let places = if at == 0 { &self.beginnings } else { &self.continuations };
            let ends =
                (at + 1..=word.len().min(at + self.longest)).rev().filter(|&end| word.is_char_boundary(end));
            let mut found = ends.filter_map(|end| Some((end, *places.get(&word[at..end])?)));
            let Some((end, row)) = found.next() else { return false };
            rows.push(row);
            at = end;
        }
        !rows.is_empty()
    }
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
