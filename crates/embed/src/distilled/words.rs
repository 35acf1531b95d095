//! Reading a text word by word.
//!
//! A word in normal form is split into runs of letters, digits and marks. Latin words become pieces of
//! the vocabulary; a word that it lacks, or would break up into little more than letters, gets
//! features of its letters. So do words of other scripts. Numbers and operators are compared exactly.
use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};

use super::cache::WordCache;
use super::letters;
use super::normal::{Normalizer, words};
use super::reading::Reading;
use super::runs::{Classes, Kind, Run};
use super::vocabulary::Vocabulary;

/// The size up to which buffers are kept. The next text will rarely need larger ones.
const KEPT_WORD: usize = 1 << 16;
/// The number of bytes of the longest word that is read at once; a longer one is cut. So neither
/// megabytes without a space are brought into normal form for a few hundred units, nor do they take
/// more memory than other texts.
const LONGEST_PIECE: usize = 1 << 16;

/// Reads texts.
pub(crate) struct Reader {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) normalizer: Normalizer,
    pub(crate) classes: Classes,
    pub(crate) decomposed: DecomposingNormalizerBorrowed<'static>,
    /// The length of the vector of a rare word in the table.
    pub(crate) unit: f32,
}

/// The buffers of a thread that reads, which are kept from one text to the next.
#[derive(Default)]
pub(crate) struct Workspace {
    cache: WordCache,
    text: Reading,
    word: Reading,
    normal: String,
    pub(crate) runs: Vec<Run>,
    pub(crate) tokens: Vec<u32>,
}

impl Workspace {
    /// Frees the memory that an unusual text needed, so that the memory of an idle workspace is
    /// bounded.
    pub(crate) fn trim(&mut self) {
        self.normal.clear();
        self.normal.shrink_to(KEPT_WORD);
        for reading in [&mut self.text, &mut self.word] {
            reading.trim(KEPT_WORD);
        }
        self.runs.shrink_to(KEPT_WORD);
        self.tokens.shrink_to(KEPT_WORD);
    }
}

impl Reader {
    /// Reads with a vocabulary. `unit` is the length of the vector of a rare word in the table.
    pub(crate) fn new(vocabulary: Vocabulary, unit: f32) -> Self {
        let (normalizer, classes) = (Normalizer::new(), Classes::new());
        Self { vocabulary, normalizer, classes, decomposed: DecomposingNormalizer::new_nfd(), unit }
    }

    /// Returns the row of a word that is one piece of the vocabulary.
    #[cfg(feature = "transformers")]
    pub(crate) fn row_of(&self, word: &str) -> Option<u32> {
        self.vocabulary.whole(word)
    }

    /// Reads at most `limit` units of a text. Calls `part` with what has been read, one or more times;
    /// what it was called with before is no longer in the reading then. So a text of any length takes
    /// little memory, except for its numbers: up to about 120 bytes each.
    pub(crate) fn read<'w>(
        &self,
        text: &str,
        limit: usize,
        workspace: &'w mut Workspace,
        mut part: impl FnMut(&Reading),
    ) -> &'w Reading {
        let mut reading = std::mem::take(&mut workspace.text);
        reading.begin(limit);
        let mut words = words(text).peekable();
        let mut is_first = true;
        while let Some(word) = words.next() {
            for piece in pieces(word) {
                if reading.truncated {
                    break;
                }
                if reading.is_full() {
                    part(&reading);
                    reading.forget_words();
                }
                self.read_word(piece, &mut reading, workspace);
            }
            if !is_first && self.is_minus(word, words.peek().copied()) {
                reading.push_exact(letters::exact("-"));
            }
            if reading.truncated {
                break;
            }
            is_first = false;
        }
        reading.end();
        part(&reading);
        workspace.text = reading;
        &workspace.text
    }

    /// Whether a word is the minus of a formula: a dash before a number or a single letter.
    fn is_minus(&self, word: &str, next: Option<&str>) -> bool {
        let Some(next) = next.filter(|_| matches!(word, "-" | "–" | "−")) else { return false };
        let mut letters = next.trim_matches([';', ',', '.', ')']).chars();
        let is_letter = letters.next().is_some() && letters.next().is_none();
        next.chars().next().is_some_and(|first| {
            self.classes.kind(first) == Kind::Digits || (is_letter && first.is_alphabetic())
        })
    }

    /// Reads a word as the text spells it.
    fn read_word(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        if WordCache::takes(word) {
            match workspace.cache.read(word, reading) {
                Some(true) => return,
                Some(false) => return self.read_raw(word, reading, workspace),
                None => {}
            }
            let mut whole = std::mem::take(&mut workspace.word);
            whole.begin(usize::MAX);
            self.read_raw(word, &mut whole, workspace);
            workspace.cache.insert(word, &whole);
            let fits = reading.append(&whole);
            workspace.word = whole;
            if fits {
                return;
            }
        }
        self.read_raw(word, reading, workspace);
    }

    /// Reads a word without the cache.
    fn read_raw(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        let mut normal = std::mem::take(&mut workspace.normal);
        self.normalizer.word(word, &mut normal);
        for word in normal.split(' ').filter(|word| !word.is_empty()) {
            self.read_normal(word, reading, workspace);
        }
        workspace.normal = normal;
    }
}

/// Cuts a long word into pieces.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(LONGEST_PIECE));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}
