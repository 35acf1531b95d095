//! Says when a model cannot tell texts apart: many rows have a cosine of nearly 1 with a text that
//! says something else. A smaller ε cannot keep such rows.

use std::fmt;

use semdedup_embed::normal_form;
use serde::{Deserialize, Serialize};

/// The cosine above which texts are close: even a small ε takes them for duplicates.
pub(crate) const CLOSE: f32 = 0.9999;

/// Two texts differ if they share less than this part of their trigrams. A model that works gives a
/// cosine of nearly 1 to texts in another order of words and to long texts with an edit, too. These
/// share more, and texts that have only their language in common share less.
const SHARED: f64 = 0.8;

/// The characters of a text that are compared. The longer texts are, the more trigrams all texts of
/// a language share.
const COMPARED: usize = 4096;

/// The fewest differing texts for a warning: fewer may be chance.
const FEWEST_DIFFERENT: u64 = 5;

/// The share of the rows from which on there is a warning.
const WARNED_SHARE: f64 = 0.005;

/// In few rows, there is a warning from this number of rows on, or from this share.
const WARNED_ROWS: f64 = 20.0;

/// See [`WARNED_ROWS`].
const WARNED_SHARE_OF_FEW: f64 = 0.25;

/// The characters of a text that a warning shows.
const SHOWN: usize = 40;

/// How many texts a model cannot tell from other texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndistinctTexts {
    /// Rows with a score above 0.9999, without exact copies and without texts that the model did not
    /// read to their end.
    pub close_rows: u64,
    /// Those of them whose texts were compared with that of `duplicate_of`: all, a sample, or none if
    /// they are too few for a warning.
    pub compared: u64,
    /// Those of the compared whose texts say something else.
    pub different: u64,
    /// Those of `close_rows` whose texts say something else: counted if all were compared, otherwise
    /// estimated.
    pub rows: u64,
    /// The first pair of the compared that differs.
    pub example: Option<IndistinctPair>,
}

/// Two texts that a model cannot tell apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndistinctPair {
    /// The place of the row, `file:row`.
    pub row: String,
    /// The beginning of its text.
    pub text: String,
    /// The place of the row that it duplicates.
    pub duplicate_of: String,
    /// The beginning of the text of that row.
    pub duplicate_of_text: String,
}

impl IndistinctTexts {
    /// Begins the comparison of texts, for a run that has this number of close rows.
    pub(crate) fn among(close_rows: u64) -> Self {
        Self { close_rows, ..Self::default() }
    }

    /// Adds a close row and the text that it duplicates. `places` returns where both are.
    pub(crate) fn add(&mut self, texts: [&str; 2], places: impl FnOnce() -> [String; 2]) {
        self.add_compared(differ(texts[0], texts[1]), texts, places);
    }

    /// Adds a close row of which it is known whether its text differs from the one that it duplicates.
    pub(crate) fn add_compared(
        &mut self,
        differ: bool,
        texts: [&str; 2],
        places: impl FnOnce() -> [String; 2],
    ) {
        self.compared += 1;
        if differ {
            self.different += 1;
            self.example.get_or_insert_with(|| {
                let ([row, duplicate_of], [text, duplicate_of_text]) = (places(), texts.map(shortened));
                IndistinctPair { row, text, duplicate_of, duplicate_of_text }
            });
        }
        let rows = u128::from(self.close_rows) * u128::from(self.different) / u128::from(self.compared);
        self.rows = u64::try_from(rows).unwrap_or(u64::MAX);
    }

    /// Whether the close rows are enough for a warning about `of` rows, if their texts differ.
    pub(crate) fn is_worth_comparing(&self, of: u64) -> bool {
        self.close_rows >= fewest(of)
    }

    /// Whether there is a warning about `of` rows.
    pub(crate) fn is_warned(&self, of: u64) -> bool {
        self.different >= FEWEST_DIFFERENT && self.rows >= fewest(of)
    }

    /// Writes the warning about `of` rows.
    pub(crate) fn describe(&self, f: &mut fmt::Formatter<'_>, of: u64) -> fmt::Result {
        let share = 100.0 * self.rows as f64 / of.max(1) as f64;
        let (about, sample) = match self.compared < self.close_rows {
            true => ("about ", format!(", estimated from a sample of {} pairs", self.compared)),
            false => ("", String::new()),
        };
        write!(
            f,
            "{about}{} of {of} texts ({share:.1} %) have a cosine above 0.9999 with a text that says something else{sample}",
            self.rows
        )?;
        if let Some(IndistinctPair { row, text, duplicate_of, duplicate_of_text }) = &self.example {
            write!(
                f,
                ", such as {row} \u{201c}{text}\u{201d} and {duplicate_of} \u{201c}{duplicate_of_text}\u{201d}"
            )?;
        }
        f.write_str(
            ": the model cannot tell these texts apart, and a smaller --epsilon does not help; look at pairs with \
             `semdedup show OUT --between 0.9999 1` before you use the result, and choose another --model",
        )
    }
}

/// Returns the fewest rows that a warning about `of` rows is about.
fn fewest(of: u64) -> u64 {
    let of = of as f64;
    let of_few = WARNED_ROWS.min(WARNED_SHARE_OF_FEW * of).max(FEWEST_DIFFERENT as f64);
    of_few.max(WARNED_SHARE * of).ceil() as u64
}

/// Returns the beginning of a text, which is compared.
pub(crate) fn beginning(text: &str) -> &str {
    text.char_indices().nth(COMPARED).map_or(text, |(end, _)| &text[..end])
}

/// Whether two texts say different things: the beginnings of their normal forms share few trigrams.
pub(crate) fn differ(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| trigrams(&normal_form(beginning(text))));
    (shared(&one, &other) as f64) < SHARED * one.len().max(other.len()) as f64
}

/// Returns the trigrams of all words, sorted. The borders of a word count as characters, and the order
/// of words does not.
fn trigrams(form: &str) -> Vec<[char; 3]> {
    let mut found = Vec::with_capacity(form.len());
    for word in form.split(' ').filter(|word| !word.is_empty()) {
        let (mut first, mut second) = (' ', None);
        for character in word.chars().chain([' ']) {
            if let Some(second) = second {
                found.push([first, second, character]);
                first = second;
            }
            second = Some(character);
        }
    }
    found.sort_unstable();
    found
}

/// Counts the elements that two sorted lists share.
fn shared(one: &[[char; 3]], other: &[[char; 3]]) -> usize {
    let (mut a, mut b, mut count) = (0, 0, 0);
    while a < one.len() && b < other.len() {
        let order = one[a].cmp(&other[b]);
        count += usize::from(order.is_eq());
        a += usize::from(order.is_le());
        b += usize::from(order.is_ge());
    }
    count
}

/// Returns the beginning of a text on one line, to be shown.
fn shortened(text: &str) -> String {
    let line = beginning(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if line.chars().nth(SHOWN).is_some() {
        shown.push('\u{2026}');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_and_orders_of_words_are_one_text_and_other_words_are_another() {
        for (one, other) in [
            ("The  Quick brown fox", "the quick\nBROWN fox "),
            ("Ｔｈｅ café", "the cafe\u{301}"),
            ("The dog bites the man.", "the man. bites the dog"),
            ("", "\u{200b}"),
            ("今天天气很好", "今天天气很好"),
        ] {
            assert!(!differ(one, other), "{one} / {other}");
        }
        for (one, other) in [
            ("The dog bites the man.", "Prices rose by two percent."),
            ("આ ઈસુ ખ્રિસ્તનો કૌટુંબિક", "સુંદર બગીચો અને ફૂલો"),
            ("今天天气很好", "我们去看电影"),
            ("a", "b"),
            ("text", ""),
        ] {
            assert!(differ(one, other) && differ(other, one), "{one} / {other}");
        }
    }

    #[test]
    fn an_edit_of_a_long_text_is_no_other_text() {
        let words = |from: u32| (from..from + 400).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
        assert!(!differ(&words(0), &words(0).replace("word77 ", "")));
        assert!(differ(&words(0), &words(5_000)));
    }

    #[test]
    fn a_warning_needs_a_quarter_of_few_rows_twenty_of_some_and_one_in_two_hundred_of_many() {
        let numbers = [4, 20, 50, 80, 1_000, 4_000, 10_000, 1_000_000].map(fewest);
        assert_eq!(numbers, [5, 5, 13, 20, 20, 20, 50, 5_000]);
    }

    /// Compares `compared` of the close rows; the texts of the first `different` of them differ.
    fn compared(close_rows: u64, compared: u64, different: u64) -> IndistinctTexts {
        let mut found = IndistinctTexts::among(close_rows);
        for number in 0..compared {
            let texts = ["one text", if number < different { "other words" } else { "One  TEXT" }];
            found.add(texts, || [format!("a:{number}"), "a:9".to_owned()]);
        }
        found
    }

    #[test]
    fn a_sample_gives_an_estimate_and_few_odd_pairs_give_no_warning() {
        let found = compared(3_000, 100, 10);
        assert_eq!((found.rows, found.is_warned(10_000), found.is_warned(100_000)), (300, true, false));
        assert_eq!(found.example.map(|pair| pair.row).as_deref(), Some("a:0"));
        assert!(!compared(1_000_000, 100, 4).is_warned(1_000_000));
        assert!(compared(13, 13, 13).is_warned(50) && !compared(13, 13, 12).is_warned(50));
        assert!(compared(30, 0, 0).is_worth_comparing(100) && !compared(30, 0, 0).is_warned(100));
    }
}
