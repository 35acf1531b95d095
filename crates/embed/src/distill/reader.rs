//! Reads texts to train the vectors of their words.
use super::train::Read;
use crate::distilled::runs::{Kind, Run};
use crate::distilled::split::words;
use crate::distilled::vocabulary::Vocabulary;
use crate::distilled::word::{LONGEST_WORD, Spoken};
use crate::distilled::words::{Reader, Workspace};

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
        self.0.read(text, usize::MAX, &mut workspace, |reading| {
            words.extend_from_slice(&reading.tokens);
            reading.features.iter().for_each(|feature| feature.add_to(sum));
        });
    }

    fn row_of(&self, word: &str) -> Option<u32> {
        self.0.row_of(word)
    }
}

/// Calls `each` with the words of ASCII letters in a text, in normal form.
pub(crate) fn latin_words(text: &str, each: &mut impl FnMut(&str)) {
    let reader = Reader::new(Vocabulary::default(), 1.0);
    let (mut normal, mut runs) = (String::new(), Vec::new());
    for word in words(text) {
        reader.normalizer.word(word, &mut normal);
        for word in normal.split(' ') {
            reader.classes.split(word, &mut runs);
            let mut done = 0;
            for &Run { start, end, .. } in runs.iter().filter(|run| run.kind == Kind::Latin) {
                if start < done {
                    continue;
                }
                let Spoken { verb, is_negated, read } = reader.spoken(&word[start..end], &word[end..]);
                done = end + read;
                if verb.is_ascii() && verb.len() <= LONGEST_WORD {
                    each(verb);
                }
                if is_negated {
                    each("not");
                }
            }
        }
    }
}
