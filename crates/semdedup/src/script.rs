//! The script that a text is written in, such as Latin or Gujarati, by most of its letters.

use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, PropertyNamesLong};
use serde::{Deserialize, Serialize};

/// So many letters tell.
const LETTERS: usize = 1000;
/// A text of digits and marks alone.
const NO_LETTERS: &str = "no letters";
/// Han together with kana.
const JAPANESE: &str = "Japanese";

/// Rows that follow each other and are written in the same script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScriptRun {
    /// The script's name; none for rows that have no text.
    pub(crate) script: Option<String>,
    pub(crate) rows: u64,
}

/// Appends rows to a list of runs.
pub(crate) fn extend(runs: &mut Vec<ScriptRun>, script: Option<&str>, rows: u64) {
    match runs.last_mut() {
        Some(last) if last.script.as_deref() == script => last.rows += rows,
        _ => runs.push(ScriptRun { script: script.map(str::to_owned), rows }),
    }
}

/// The script of most of the first letters of a text, by its English name; none for a text without characters.
pub(crate) fn script_of(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return None;
    }
    if text.is_ascii() {
        let has_letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        return Some(if has_letters { "Latin" } else { NO_LETTERS });
    }
    let counts = count(text);
    let of = |script: Script| counts.iter().find(|(s, _)| *s == script).map_or(0, |&(_, letters)| letters);
    let kana = of(Script::Hiragana) + of(Script::Katakana);
    // The first of equals, so that the result does not depend on the order of a table.
    let most = counts.iter().rev().max_by_key(|(_, letters)| *letters);
    match most {
        None => Some(NO_LETTERS),
        Some(&(Script::Han | Script::Hiragana | Script::Katakana, _)) if kana > 0 => Some(JAPANESE),
        Some(&(script, _)) => {
            Some(PropertyNamesLong::<Script>::new().get(script).unwrap_or("unknown script"))
        }
    }
}

/// The letters of each script, in the order in which the scripts come.
fn count(text: &str) -> Vec<(Script, usize)> {
    let (scripts, categories) =
        (CodePointMapData::<Script>::new(), CodePointMapData::<GeneralCategory>::new());
    let mut counts: Vec<(Script, usize)> = Vec::new();
    let is_letter = |&character: &char| GeneralCategoryGroup::Letter.contains(categories.get(character));
    for character in text.chars().filter(is_letter).take(LETTERS) {
        match scripts.get(character) {
            Script::Common | Script::Inherited => {}
            script => match counts.iter_mut().find(|(known, _)| *known == script) {
                Some((_, letters)) => *letters += 1,
                None => counts.push((script, 1)),
            },
        }
    }
    counts
}

#[cfg(test)]
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
            ("12 + 30 = 42", "no letters"),
            ("😀😀", "no letters"),
            ("ᏣᎳᎩ", "Cherokee"),
        ] {
            assert_eq!(script_of(text), Some(script), "{text}");
        }
        assert_eq!(script_of(""), None);
    }

    #[test]
    fn rows_of_one_script_in_a_row_are_one_run() {
        let mut runs = Vec::new();
        for script in [Some("Latin"), Some("Latin"), None, Some("Latin")] {
            extend(&mut runs, script, 1);
        }
        let counts: Vec<(Option<&str>, u64)> = runs.iter().map(|r| (r.script.as_deref(), r.rows)).collect();
        assert_eq!(counts, [(Some("Latin"), 2), (None, 1), (Some("Latin"), 1)]);
    }
}
