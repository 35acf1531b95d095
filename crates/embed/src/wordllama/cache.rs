//! The tokens of words seen before: most words of a text are a few thousand frequent ones.
use hashbrown::HashMap;

/// Longer words are rarely met twice.
const MAX_WORD_BYTES: usize = 64;
/// With the limit on a word's bytes this bounds the cache: about 4 MB of ordinary words, 20 MB at worst. It is also what
/// a hash table of 2^16 places holds without growing; twice as many words were no faster.
const MAX_WORDS: usize = (1 << 16) / 8 * 7;

/// A bounded map from words to tokens.
#[derive(Default)]
pub(super) struct WordCache {
    /// Where the word's tokens stand in `tokens`: start and length.
    spans: HashMap<Box<str>, (u32, u32)>,
    tokens: Vec<u16>,
}

impl WordCache {
    /// Whether the word is short enough to be kept.
    pub(super) fn takes(word: &str) -> bool {
        word.len() <= MAX_WORD_BYTES
    }

    /// The tokens of a word that was kept.
    pub(super) fn get(&self, word: &str) -> Option<&[u16]> {
        let &(start, len) = self.spans.get(word)?;
        Some(&self.tokens[start as usize..][..len as usize])
    }

    /// Keeps the tokens of a word. A full cache starts anew: the frequent words are back within a few texts, and no
    /// lookup has to keep a record of use.
    pub(super) fn insert(&mut self, word: &str, tokens: &[u16]) {
        if self.spans.len() == MAX_WORDS {
            self.spans.clear();
            self.tokens.clear();
        }
        let (Ok(start), Ok(len)) = (u32::try_from(self.tokens.len()), u32::try_from(tokens.len())) else {
            return;
        };
        self.tokens.extend_from_slice(tokens);
        self.spans.insert(word.into(), (start, len));
    }
}
