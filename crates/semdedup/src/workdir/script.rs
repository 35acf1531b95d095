//! Finds the script of a text, such as Latin or Gujarati: the script of most of its letters.

use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, PropertyNamesLong, PropertyNamesShort, PropertyParser};
use serde::{Deserialize, Serialize};

/// The most letters of a text that are counted.
const MAX_LETTERS: usize = 1000;

/// The code of a script in ISO 15924: four letters, such as `Gujr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Code([u8; 4]);

impl Code {
    /// The code of a row without a text.
    pub(crate) const NONE: Self = Self(*b"Zzzz");
    /// The code of a text that has only digits and marks.
    const NO_LETTERS: Self = Self(*b"Zyyy");
    /// The code of a text with Han and kana.
    const JAPANESE: Self = Self(*b"Jpan");

    fn of(script: Script) -> Self {
        let code = PropertyNamesShort::<Script>::new().get(script);
        code.and_then(|code| code.as_bytes().try_into().ok()).map_or(Self::NO_LETTERS, Self)
    }

    /// Returns the English name, or none for a row without a text.
    pub(crate) fn name(self) -> Option<String> {
        match self {
            Self::NONE => None,
            Self::NO_LETTERS => Some("without letters".to_owned()),
            Self::JAPANESE => Some("Japanese".to_owned()),
            other => {
                let code = String::from(other);
                let script = PropertyParser::<Script>::new().get_strict(&code);
                let name = script.and_then(|script| PropertyNamesLong::<Script>::new().get(script));
                // Unicode writes names as identifiers.
                Some(name.unwrap_or(&code).replace('_', " "))
            }
        }
    }
}

impl From<Code> for String {
    fn from(Code(letters): Code) -> Self {
        letters.map(char::from).iter().collect()
    }
}

impl TryFrom<String> for Code {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        let letters =
            code.as_bytes().try_into().map_err(|_| format!("`{code}` is not the code of a script"))?;
        Ok(Self(letters))
    }
}

/// Consecutive rows whose texts have the same script: the script and the number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScriptRun(pub(crate) Code, pub(crate) u32);

/// Appends rows to a list of runs.
pub(crate) fn extend(runs: &mut Vec<ScriptRun>, script: Code, rows: u32) {
    match runs.last_mut() {
        Some(ScriptRun(last, count)) if *last == script && count.checked_add(rows).is_some() => {
            *count += rows
        }
        _ => runs.push(ScriptRun(script, rows)),
    }
}

/// Returns the script of most of the first letters of a text.
pub(crate) fn script_of(text: &str) -> Code {
    if text.is_empty() {
        return Code::NONE;
    }
    if text.is_ascii() {
        let has_letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        return if has_letters { Code::of(Script::Latin) } else { Code::NO_LETTERS };
    }
    let counts = count_letters(text);
    let of = |script: Script| counts.iter().find(|count| count.script == script).map_or(0, |c| c.letters);
    let kana = of(Script::Hiragana) + of(Script::Katakana);
    // In a tie the script that comes first in the text wins: `max_by_key` returns the last maximum.
    match counts.iter().rev().max_by_key(|count| count.letters).map(|count| count.script) {
        None => Code::NO_LETTERS,
        Some(Script::Han | Script::Hiragana | Script::Katakana) if kana > 0 => Code::JAPANESE,
        Some(script) => Code::of(script),
    }
}

/// The number of letters of a script.
struct LetterCount {
    script: Script,
    letters: usize,
}

/// Counts the letters of each script, in the order in which the scripts first occur.
fn count_letters(text: &str) -> Vec<LetterCount> {
    let (scripts, categories) =
        (CodePointMapData::<Script>::new(), CodePointMapData::<GeneralCategory>::new());
    let mut counts: Vec<LetterCount> = Vec::new();
    let is_letter = |&character: &char| GeneralCategoryGroup::Letter.contains(categories.get(character));
    for character in text.chars().filter(is_letter).take(MAX_LETTERS) {
        match scripts.get(character) {
            Script::Common | Script::Inherited => {}
            script => match counts.iter_mut().find(|known| known.script == script) {
                Some(known) => known.letters += 1,
                None => counts.push(LetterCount { script, letters: 1 }),
            },
        }
    }
    counts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_that_of_most_letters() {
        for (text, script) in [
            ("plain words, 12", "Latin"),
            ("Übergrößenträger", "Latin"),
            ("આ ઈસુ ખ્રિસ્તનો (Jesus)", "Gujarati"),
            ("Привет, Anna", "Cyrillic"),
            ("東京は日本の首都です", "Japanese"),
            ("北京是中国的首都", "Han"),
            ("서울은 수도이다", "Hangul"),
            ("12 + 30 = 42", "without letters"),
            ("😀😀", "without letters"),
            ("ᏣᎳᎩ", "Cherokee"),
        ] {
            assert_eq!(script_of(text).name().as_deref(), Some(script), "{text}");
        }
        assert_eq!((script_of(""), script_of("").name()), (Code::NONE, None));
    }

    #[test]
    fn consecutive_rows_of_one_script_are_one_run() {
        let (latin, mut runs) = (Code::of(Script::Latin), Vec::new());
        for script in [latin, latin, Code::NONE, latin] {
            extend(&mut runs, script, 1);
        }
        assert_eq!(runs, [ScriptRun(latin, 2), ScriptRun(Code::NONE, 1), ScriptRun(latin, 1)]);
        let stored = serde_json::to_string(&runs).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ScriptRun>>(&stored).unwrap(), runs);
        // A run never overflows.
        let mut runs = vec![ScriptRun(latin, u32::MAX)];
        extend(&mut runs, latin, 2);
        assert_eq!(runs, [ScriptRun(latin, u32::MAX), ScriptRun(latin, 2)]);
    }

    #[test]
    fn names_have_spaces() {
        assert_eq!(script_of("ᐊᓂᔑᓈᐯᒧᐎᓐ").name().as_deref(), Some("Canadian Aboriginal"));
    }
}
