//! The form in which a text is compared: NFKC, case folded, without characters that nobody sees.
//!
//! Only the embedding sees this form. What is written to `kept/` keeps every byte.
use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

/// A word may change under folding what normalising then composes, and so on; Unicode's own data settle in two rounds.
const MOST_ROUNDS: usize = 4;

/// Unicode's tables, compiled into the program.
pub(super) struct Normalizer {
    nfkc: ComposingNormalizerBorrowed<'static>,
    fold: CaseMapperBorrowed<'static>,
    ignorable: CodePointSetDataBorrowed<'static>,
}

impl Normalizer {
    pub(super) fn new() -> Self {
        Self {
            nfkc: ComposingNormalizer::new_nfkc(),
            fold: CaseMapper::new(),
            ignorable: CodePointSetData::new::<DefaultIgnorableCodePoint>(),
        }
    }

    /// Writes the normal form of a word to `out`: Unicode's `NFKC_Casefold`, with the white space that NFKC may bring in
    /// as single spaces, none at either end. It may be empty, or several words.
    pub(super) fn word(&self, word: &str, out: &mut String) {
        out.clear();
        if word.is_ascii() {
            out.extend(word.chars().map(|character| character.to_ascii_lowercase()));
            return;
        }
        let mut form = self.round(word);
        for _ in 1..MOST_ROUNDS {
            let next = self.round(&form);
            if next == form {
                break;
            }
            form = next;
        }
        for word in form.split(is_separator).filter(|word| !word.is_empty()) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }

    fn round(&self, word: &str) -> String {
        let composed = self.nfkc.normalize(word);
        let mut folded = self.fold.fold_string(&composed);
        if folded.chars().any(|character| self.ignorable.contains(character)) {
            let seen = folded.chars().filter(|&character| !self.ignorable.contains(character));
            folded = Cow::Owned(seen.collect());
        }
        self.nfkc.normalize(&folded).into_owned()
    }
}

/// Whether a character stands between words: white space, control characters, and the model's own mark for a space.
pub(super) fn is_separator(character: char) -> bool {
    character.is_whitespace() || character.is_control() || character == '\u{2581}'
}

/// The words of a text as they stand in it: what lies between separators.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator).filter(|word| !word.is_empty())
}
