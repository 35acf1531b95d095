//! The normal form of a text: NFKC, case folded, without invisible characters.
//!
//! Only the embedding uses this form. The texts that are written to `kept/` keep every byte.
use std::borrow::Cow;
use std::ops::RangeInclusive;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

use super::split::{is_separator, words};

/// The largest number of rounds of normalizing and folding, each of which may change the result of
/// the other. Unicode's data needs two.
const MOST_ROUNDS: usize = 4;

/// Unicode's tables, compiled into the program.
pub(crate) struct Normalizer {
    nfkc: ComposingNormalizerBorrowed<'static>,
    fold: CaseMapperBorrowed<'static>,
    ignorable: CodePointSetDataBorrowed<'static>,
}

impl Normalizer {
    pub(crate) fn new() -> Self {
        Self {
            nfkc: ComposingNormalizer::new_nfkc(),
            fold: CaseMapper::new(),
            ignorable: CodePointSetData::new::<DefaultIgnorableCodePoint>(),
        }
    }

    /// Writes the normal form of a word to `out`: Unicode's `NFKC_Casefold`, in which white space
    /// from NFKC becomes single spaces between words. The form may be empty, or several words.
    pub(crate) fn word(&self, word: &str, out: &mut String) {
        out.clear();
        if word.is_ascii() {
            out.push_str(word);
            return out.make_ascii_lowercase();
        }
        let mut form = self.round(&with_marks(word));
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

    /// Whether a character counts. The tags that spell flags are invisible, but they distinguish
    /// flags.
    fn is_seen(&self, character: char) -> bool {
        !self.ignorable.contains(character) || TAGS.contains(&character)
    }

    /// Normalizes and folds once.
    fn round(&self, word: &str) -> String {
        let composed = self.nfkc.normalize(word);
        let mut folded = self.fold.fold_string(&composed);
        if !folded.chars().all(|character| self.is_seen(character)) {
            let seen = folded.chars().filter(|&character| self.is_seen(character));
            folded = Cow::Owned(seen.collect());
        }
        self.nfkc.normalize(&folded).into_owned()
    }
}

/// Returns the normal form of a text, in which the built-in model compares it: NFKC, case folded,
/// without invisible characters, with single spaces between words.
///
/// ```
/// assert_eq!(semdedup_embed::normal_form(" Ｔｈｅ  CAFE\u{301}\n"), "the café");
/// ```
pub fn normal_form(text: &str) -> String {
    let normalizer = Normalizer::new();
    let (mut form, mut normal) = (String::with_capacity(text.len()), String::new());
    for word in words(text) {
        normalizer.word(word, &mut normal);
        if !form.is_empty() && !normal.is_empty() {
            form.push(' ');
        }
        form.push_str(&normal);
    }
    form
}

/// The characters that spell the flags of regions.
const TAGS: RangeInclusive<char> = '\u{e0020}'..='\u{e007f}';

/// Puts a mark before each superscript or subscript digit and each fraction, which NFKC would turn
/// into plain digits: `2⁵` is not `25`. Superscript letters get none, because some languages write
/// words with them.
fn with_marks(word: &str) -> Cow<'_, str> {
    let mark = |character: char| match character {
        '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}' | '\u{2074}'..='\u{2079}' => Some('^'),
        '\u{2080}'..='\u{2089}' => Some('_'),
        '\u{bc}'..='\u{be}' | '\u{2150}'..='\u{215f}' | '\u{2189}' => Some(' '),
        _ => None,
    };
    if !word.chars().any(|character| mark(character).is_some()) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.chars().flat_map(|character| mark(character).into_iter().chain([character])).collect())
}
