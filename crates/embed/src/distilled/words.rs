//! Reading a text word by word.
//!
//! A word in normal form is split into runs of letters, digits and marks. Latin words become pieces of
//! the vocabulary; a word that it lacks, or would break up into little more than letters, gets
//! features of its letters. So do words of other scripts. Numbers and operators are compared exactly.
use std::borrow::Cow;
use std::ops::Range;

use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};

use super::cache::{Kept, Wanted, WordCache};
use super::letters;
use super::normal::Normalizer;
use super::numbers;
use super::reading::Reading;
use super::runs::{Classes, Kind, Run};
use super::split::{Words, words};
use super::vocabulary::Vocabulary;

/// The size up to which buffers are kept. The next text will rarely need larger ones.
const KEPT_WORD: usize = 1 << 16;
/// The number of bytes of the longest word that is read at once; a longer one is cut. So neither
/// megabytes without a space are brought into normal form for a few hundred units, nor do they take
/// more memory than other texts.
const LONGEST_PIECE: usize = 1 << 16;

/// The number of words that are looked up together.
const BATCH: usize = 16;
/// The number of characters of a word that may be the number of a date.
const LONGEST_DATE: usize = 12;
/// The number of bytes of the longest word that may be a dash, with characters that nobody sees.
const LONGEST_DASH: usize = 12;

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
    /// The readings of the text and of a word, where they are not in use.
    text: Option<Reading>,
    word: Option<Reading>,
    normal: String,
    /// The words that are looked up together.
    batch: Vec<(Option<Wanted>, Range<usize>)>,
    pub(crate) runs: Vec<Run>,
    pub(crate) tokens: Vec<u32>,
}

impl Workspace {
    /// Frees the memory that an unusual text needed, so that the memory of an idle workspace is
    /// bounded.
    pub(crate) fn trim(&mut self) {
        self.normal.clear();
        self.normal.shrink_to(KEPT_WORD);
        for reading in [&mut self.text, &mut self.word].into_iter().flatten() {
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
        let mut reading = workspace.text.take().unwrap_or_default();
        let mut batch = std::mem::take(&mut workspace.batch);
        reading.begin(limit);
        let (mut words, mut last) = (Words::new(text), "");
        'text: loop {
            batch.clear();
            batch.extend(words.by_ref().take(BATCH).map(|word| (Wanted::of(text, word.clone()), word)));
            workspace.cache.announce(batch.iter().filter_map(|(wanted, _)| *wanted));
            for (wanted, place) in &batch {
                let word = &text[place.clone()];
                let mut into = InParts { reading: &mut reading, part: &mut part };
                if self.read_word(word, *wanted, &mut into, workspace) {
                    self.read_beside(last, word, &text[place.end..], &mut reading);
                }
                if reading.truncated {
                    break 'text;
                }
                last = word;
            }
            if batch.len() < BATCH {
                break;
            }
        }
        reading.end();
        part(&reading);
        workspace.batch = batch;
        workspace.text.insert(reading)
    }

    /// Reads what a word means by the words beside it.
    fn read_beside(&self, last: &str, word: &str, rest: &str, reading: &mut Reading) {
        let next = words(rest).next().unwrap_or_default();
        if !last.is_empty() && self.is_minus(word, next) {
            reading.push_exact(letters::exact("-"));
        }
        if (self.has_digit(last) || self.has_digit(next)) && numbers::is_calendar(&self.plain(word)) {
            reading.push_exact(letters::exact(&numbers::short_name(&self.plain(word))));
        }
    }

    /// Whether a word is the minus of a formula: a dash before a number or a single letter.
    fn is_minus(&self, word: &str, next: &str) -> bool {
        if word.len() > LONGEST_DASH || !is_dash(&self.plain(word)) {
            return false;
        }
        let next = self.plain(next);
        let mut letters = next.trim_matches([';', ',', '.', ')']).chars();
        let is_letter = letters.next().is_some() && letters.next().is_none();
        next.chars().next().is_some_and(|first| {
            self.classes.kind(first) == Kind::Digits || (is_letter && first.is_alphabetic())
        })
    }

    /// Whether a word may be the number of a date.
    fn has_digit(&self, word: &str) -> bool {
        word.chars().take(LONGEST_DATE).any(|c| self.classes.kind(c) == Kind::Digits)
    }

    /// Returns a word in normal form.
    fn plain<'w>(&self, word: &'w str) -> Cow<'w, str> {
        if word.is_ascii() {
            return Cow::Borrowed(word);
        }
        let mut normal = String::new();
        self.normalizer.word(word, &mut normal);
        Cow::Owned(normal)
    }

    /// Reads a word as the text spells it. Returns whether what it means may depend on the words beside
    /// it.
    fn read_word(
        &self,
        word: &str,
        wanted: Option<Wanted>,
        into: &mut InParts<impl FnMut(&Reading)>,
        workspace: &mut Workspace,
    ) -> bool {
        let Some(wanted) = wanted else {
            for piece in pieces(word) {
                if into.reading.truncated {
                    break;
                }
                into.make_room();
                self.read_raw(piece, into.reading, workspace);
            }
            return true;
        };
        into.make_room();
        let reading = &mut *into.reading;
        let Kept { fits, depends } = match workspace.cache.read(wanted, word, reading) {
            Some(kept) => kept,
            None => self.read_new(word, wanted, reading, workspace),
        };
        if !fits {
            self.read_raw(word, reading, workspace);
        }
        depends
    }

    /// Reads a word that is not in the cache, and keeps it there. Appends it if all of it fits.
    fn read_new(&self, word: &str, wanted: Wanted, reading: &mut Reading, workspace: &mut Workspace) -> Kept {
        let mut whole = workspace.word.take().unwrap_or_default();
        whole.begin(usize::MAX);
        self.read_raw(word, &mut whole, workspace);
        let depends = is_dash(&workspace.normal) || numbers::is_calendar(&workspace.normal);
        workspace.cache.insert(wanted, word, &whole, depends);
        let fits = reading.append(&whole);
        workspace.word = Some(whole);
        Kept { fits, depends }
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

/// A reading, and the function that sums up its parts.
struct InParts<'a, P> {
    reading: &'a mut Reading,
    part: &'a mut P,
}

impl<P: FnMut(&Reading)> InParts<'_, P> {
    /// Passes the reading on if it is full.
    fn make_room(&mut self) {
        if self.reading.is_full() {
            (self.part)(self.reading);
            self.reading.forget_words();
        }
    }
}

/// Whether a word in normal form is a dash.
fn is_dash(plain: &str) -> bool {
    matches!(plain, "-" | "–" | "−")
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
