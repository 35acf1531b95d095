//! Runs of a word: letters of one kind, or the characters between them.
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

/// The kinds of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters and digits of scripts of which the vocabulary has many pieces: Latin and Cyrillic.
    Familiar,
    /// Letters and digits of other scripts, of which the vocabulary has little more than single
    /// letters.
    Foreign,
    /// Letters of scripts that are written without spaces between words.
    Unspaced,
    /// Punctuation.
    Punctuation,
    /// Anything else, such as emoji.
    Symbol,
}

/// A run of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
}

/// How a character continues the run before it.
enum Class {
    /// It continues a run of its kind, and starts a new run after others.
    Starts(Kind),
    /// It continues any run: combining marks, and letters without a script of their own.
    Joins(Kind),
}

/// Scripts without spaces between words.
pub(crate) const UNSPACED: [Script; 13] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
    Script::Thai,
    Script::Lao,
    Script::Khmer,
    Script::Myanmar,
    Script::Tibetan,
    Script::Yi,
    Script::TaiTham,
    Script::NewTaiLue,
    Script::Javanese,
];

/// Unicode's tables, compiled into the program.
pub(super) struct Classes {
    scripts: CodePointMapDataBorrowed<'static, Script>,
    categories: CodePointMapDataBorrowed<'static, GeneralCategory>,
}

impl Classes {
    pub(super) fn new() -> Self {
        Self { scripts: CodePointMapData::new(), categories: CodePointMapData::new() }
    }

    /// Splits a word in normal form into its runs.
    pub(super) fn runs<'t>(&self, word: &'t str) -> impl Iterator<Item = Run<'t>> + use<'_, 't> {
        let mut rest = word;
        std::iter::from_fn(move || {
            let (kind, length) = self.first_run(rest)?;
            let (text, after) = rest.split_at(length);
            rest = after;
            Some(Run { kind, text })
        })
    }

    /// Whether a run has a Cyrillic letter.
    pub(super) fn has_cyrillic(&self, run: &str) -> bool {
        run.chars().any(|character| self.scripts.get(character) == Script::Cyrillic)
    }

    /// Returns the kind and the length in bytes of the first run.
    fn first_run(&self, word: &str) -> Option<(Kind, usize)> {
        let mut characters = word.char_indices();
        let (_, first) = characters.next()?;
        let (Class::Starts(mut kind) | Class::Joins(mut kind)) = self.class(first);
        for (at, character) in characters {
            match (kind, self.class(character)) {
                (_, Class::Joins(_)) => {}
                (Kind::Familiar, Class::Starts(Kind::Foreign)) => kind = Kind::Foreign,
                (Kind::Foreign, Class::Starts(Kind::Familiar)) => {}
                // A number between Chinese characters stays with them, because its place tells what
                // it counts.
                (Kind::Unspaced, Class::Starts(Kind::Familiar)) if character.is_ascii_digit() => {}
                (kind, Class::Starts(next)) if kind == next => {}
                _ => return Some((kind, at)),
            }
        }
        Some((kind, word.len()))
    }

    fn class(&self, character: char) -> Class {
        if character.is_ascii() {
            let is_letter = character.is_ascii_alphanumeric() || character == '_';
            return Class::Starts(if is_letter { Kind::Familiar } else { Kind::Punctuation });
        }
        let category = self.categories.get(character);
        if GeneralCategoryGroup::Mark.contains(category) {
            return Class::Joins(Kind::Symbol);
        }
        if GeneralCategoryGroup::Letter.contains(category) || GeneralCategoryGroup::Number.contains(category)
        {
            return match self.scripts.get(character) {
                Script::Common | Script::Inherited => Class::Joins(Kind::Familiar),
                Script::Latin | Script::Cyrillic => Class::Starts(Kind::Familiar),
                script if UNSPACED.contains(&script) => Class::Starts(Kind::Unspaced),
                _ => Class::Starts(Kind::Foreign),
            };
        }
        let is_punctuation = GeneralCategoryGroup::Punctuation.contains(category);
        Class::Starts(if is_punctuation { Kind::Punctuation } else { Kind::Symbol })
    }
}
