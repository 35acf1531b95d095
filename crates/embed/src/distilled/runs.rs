//! Runs of a word: letters and digits of one kind, or the characters between them.
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

/// Scripts without spaces between words.
const UNSPACED: [Script; 13] = [
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

/// Returns whether a character belongs to a script that is written without spaces between words.
pub fn is_unspaced(character: char) -> bool {
    UNSPACED.contains(&CodePointMapData::<Script>::new().get(character))
}

/// The kinds of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Decimal digits of any script.
    Digits,
    /// Latin letters, of which the vocabulary has many pieces.
    Latin,
    /// Latin letters and digits.
    Mixed,
    /// Letters of other scripts, and digits behind them.
    Foreign,
    /// Letters of scripts that are written without spaces between words.
    Unspaced,
    /// Punctuation.
    Punctuation,
    /// Anything else, such as emoji.
    Symbol,
}

/// A run of a word, as a range of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The kinds of ASCII characters.
const ASCII: [Kind; 128] = {
    let mut kinds = [Kind::Punctuation; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_digit() {
            kinds[byte] = Kind::Digits;
        } else if (byte as u8).is_ascii_alphabetic() {
            kinds[byte] = Kind::Latin;
        }
        byte += 1;
    }
    kinds
};

/// How a character continues the run before it.
enum Class {
    /// It continues a run of its kind, and starts a new run after others.
    Starts(Kind),
    /// It continues any run: combining marks, and letters without a script of their own.
    Joins(Kind),
}

/// Unicode's tables, compiled into the program.
pub(crate) struct Classes {
    scripts: CodePointMapDataBorrowed<'static, Script>,
    categories: CodePointMapDataBorrowed<'static, GeneralCategory>,
}

impl Classes {
    pub(crate) fn new() -> Self {
        Self { scripts: CodePointMapData::new(), categories: CodePointMapData::new() }
    }

    /// Writes the runs of a word in normal form to `runs`.
    pub(crate) fn split(&self, word: &str, runs: &mut Vec<Run>) {
        runs.clear();
        for (start, character) in word.char_indices() {
            let (end, class) = (start + character.len_utf8(), self.class(character));
            let (kind, joins) = match class {
                Class::Joins(kind) => (kind, true),
                Class::Starts(kind) => (kind, false),
            };
            let goes_on = |run: &Run| if joins { Some(run.kind) } else { joined(run.kind, kind) };
            match runs.last_mut().and_then(|run| goes_on(run).map(|kind| (run, kind))) {
                Some((run, kind)) => (run.kind, run.end) = (kind, end),
                None => runs.push(Run { kind, start, end }),
            }
        }
    }

    /// Returns the kind of a character that begins a run.
    pub(crate) fn kind(&self, character: char) -> Kind {
        let (Class::Starts(kind) | Class::Joins(kind)) = self.class(character);
        kind
    }

    /// Whether a character is a mark that is written above or below a letter.
    pub(crate) fn is_mark(&self, character: char) -> bool {
        self.categories.get(character) == GeneralCategory::NonspacingMark
    }

    /// Whether a character is the sign of a currency.
    pub(crate) fn is_currency(&self, character: char) -> bool {
        self.categories.get(character) == GeneralCategory::CurrencySymbol
    }

    fn class(&self, character: char) -> Class {
        if let Some(&kind) = ASCII.get(character as usize) {
            return Class::Starts(kind);
        }
        let category = self.categories.get(character);
        if GeneralCategoryGroup::Mark.contains(category) {
            return Class::Joins(Kind::Symbol);
        }
        if category == GeneralCategory::DecimalNumber {
            return Class::Starts(Kind::Digits);
        }
        if GeneralCategoryGroup::Letter.contains(category) || GeneralCategoryGroup::Number.contains(category)
        {
            return match self.scripts.get(character) {
                Script::Common | Script::Inherited => Class::Joins(Kind::Latin),
                Script::Latin => Class::Starts(Kind::Latin),
                script if UNSPACED.contains(&script) => Class::Starts(Kind::Unspaced),
                _ => Class::Starts(Kind::Foreign),
            };
        }
        let is_punctuation = GeneralCategoryGroup::Punctuation.contains(category);
        Class::Starts(if is_punctuation { Kind::Punctuation } else { Kind::Symbol })
    }
}

/// Returns the kind of a run that goes on with a character of a kind; `None` if that begins a new run.
fn joined(run: Kind, next: Kind) -> Option<Kind> {
    use Kind::{Digits, Foreign, Latin, Mixed};
    match (run, next) {
        (run, next) if run == next => Some(run),
        (Latin, Digits) | (Digits, Latin) | (Mixed, Latin | Digits) => Some(Mixed),
        (Latin | Mixed, Foreign) | (Foreign, Latin | Digits) => Some(Foreign),
        _ => None,
    }
}
