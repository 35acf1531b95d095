//! Reads texts to train the vectors of their words.
use super::vocabulary::Vocabulary;
use super::words::{Reader, Workspace};
use crate::distill::Read;

/// Reads texts as the model will that is made.
pub struct WordReader(Reader);

impl WordReader {
    /// Reads with a vocabulary. `unit` is the length of the vector of a rare word.
    pub fn new(vocabulary: &[String], unit: f32) -> Self {
        Self(Reader::new(Vocabulary::new(vocabulary.iter().map(String::as_str)), unit))
    }
}

impl Read for WordReader {
    /// Numbers and operators are left out: their features are added behind the training.
    fn read(&self, text: &str, words: &mut Vec<u32>, sum: &mut [f32]) {
        let mut workspace = Workspace::default();
        let reading = self.0.read(text, usize::MAX, &mut workspace);
        words.extend_from_slice(&reading.tokens);
        reading.features.iter().for_each(|feature| feature.add_to(sum));
    }

    fn row_of(&self, word: &str) -> Option<u32> {
        self.0.row_of(word)
    }
}

/// Calls `each` with the words of Latin letters in a text, in normal form.
pub(crate) fn latin_words(text: &str, each: &mut impl FnMut(&str)) {
    let reader = Reader::new(Vocabulary::default(), 1.0);
    reader.latin_words(text, each);
}
