//! The words that get a vector: the pieces of the teacher's vocabulary, and the frequent words of the
//! corpus.

use std::collections::{HashMap, HashSet};

use super::reader::latin_words;

/// A word of the corpus that occurs as often as this gets a vector of its own.
const LEAST_OCCURRENCES: u64 = 20;
/// The most pieces of a vocabulary: the table is 16 MB large with 256 dimensions.
const MOST_PIECES: usize = 60_000;

/// Returns the vocabulary for a corpus: the given pieces that can be read, and then the words of the
/// corpus that they lack and that occur 20 times or more, the most frequent first.
pub fn vocabulary(pieces: &[String], corpus: &[String]) -> Vec<String> {
    let is_read = |piece: &str| {
        let word = piece.strip_prefix("##").filter(|rest| !rest.is_empty()).unwrap_or(piece);
        let is_special = word.starts_with('[') && word.ends_with(']') && word.len() > 2;
        let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase());
        let mut letters = word.chars();
        let is_mark = letters.next().is_some_and(|mark| !mark.is_alphanumeric()) && letters.next().is_none();
        !is_special && !word.is_empty() && (is_word || (is_mark && word == piece))
    };
    let mut known = HashSet::new();
    let mut vocabulary: Vec<String> =
        pieces.iter().filter(|piece| is_read(piece) && known.insert(piece.as_str())).cloned().collect();
    let mut counts: HashMap<String, u64> = HashMap::new();
    for text in corpus {
        latin_words(text, &mut |word| match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => _ = counts.insert(word.to_owned(), 1),
        });
    }
    let is_new =
        |(word, count): &(String, u64)| *count >= LEAST_OCCURRENCES && !known.contains(word.as_str());
    let mut frequent: Vec<(String, u64)> = counts.into_iter().filter(is_new).collect();
    frequent.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let room = MOST_PIECES.saturating_sub(vocabulary.len());
    vocabulary.extend(frequent.into_iter().take(room).map(|(word, _)| word));
    vocabulary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_can_be_read_and_frequent_words_are_taken() {
        let pieces =
            ["[CLS]", "the", "##ing", "é", "42", ",", "##,", "the", "日", "‘", "["].map(str::to_owned);
        let corpus: Vec<String> = (0..20).map(|_| "The zyxt, don't 42 Zyxt".to_owned()).collect();
        assert_eq!(vocabulary(&pieces, &corpus), ["the", "##ing", ",", "‘", "[", "zyxt", "do", "not"]);
    }
}
