//! Compares two texts.

use super::kind::Difference;
use super::outline::Outline;

/// Says what differs between two texts, in either order: a
/// [`DifferenceKind`](crate::DifferenceKind), and whether there are other numbers or negations. The
/// texts are compared as sequences of words:
///
/// - They are brought into the normal form in which the built-in model compares texts (NFKC, case
///   folded, no invisible characters). Words are runs of letters with their marks, by Unicode's
///   categories; in scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer,
///   Burmese, …) each character is one.
/// - **Punctuation** is left out. `?` is punctuation, too; symbols (`%`, `€`, `+`, emoji) are
///   words.
/// - **Marks** of Markdown (headings, bullets, quotes, emphasis, code, tables) and HTML (elements
///   that show, entities of punctuation) are left out, where it is certain that they are marks.
///   Addresses in them stay.
/// - **Numbers** have digits of any script, decimals, signs, and what holds dates, times and ranges
///   together; letters beside digits are words of their own. `1,234,567` is `1234567`; `1,000` is
///   not `1000`, because it is one in some languages. Words such as `three` are words, but Chinese
///   numerals are numbers.
/// - **Negations** are words such as `not`, `without`, `n't` in Arabic, Chinese, Czech, Danish,
///   Dutch, English, French, German, Greek, Hebrew, Hindi, Indonesian, Italian, Japanese, Korean,
///   Norwegian, Polish, Portuguese, Russian, Spanish, Swedish, Thai, Turkish, Ukrainian and
///   Vietnamese, and `!` in code. English `do`, `does` and `did` before a negation belong to it.
///   Prefixes (`un-`), suffixes (Turkish `-me`) and words that mean something else as often in
///   another of these languages (Spanish `sin`) are not known.
///
/// The first kind in the list that describes the whole difference is the kind. If numbers and
/// negations differ and nothing else, the more dangerous wins: `Negation`, and `numbers` is set as
/// well. `Order` and `Containment` are about all words, numbers and negations of the texts: if one
/// text has the words of the other in another order and another number, the kind is `Wording`.
///
/// Words are compared by hashes of 64 bits, texts by hashes of 128 bits, so there is a chance of
/// some 10⁻¹⁹ for each pair that a difference is not seen. It takes time in proportion to the
/// lengths, and memory for a line, or for 64 KiB of a longer one; such a line is cut, behind a
/// space if it has any. One without spaces can be cut at another place in the other text, and is
/// `Wording` then instead of less.
///
/// ```
/// use semdedup::{DifferenceKind, difference};
///
/// let kind = |other| difference("The vaccine is safe for 9 of 10 people.", other).kind;
/// assert_eq!(kind("the vaccine is **safe** for 9 of 10 people"), DifferenceKind::Formatting);
/// assert_eq!(kind("The vaccine is safe for 1 of 10 people."), DifferenceKind::Numbers);
/// assert_eq!(kind("The vaccine isn't safe for 9 of 10 people."), DifferenceKind::Negation);
/// assert_eq!(kind("For 9 of 10 people the vaccine is safe."), DifferenceKind::Order);
/// assert_eq!(kind("Is the vaccine safe for adults?"), DifferenceKind::Wording);
/// ```
pub fn difference(one: &str, other: &str) -> Difference {
    if one == other {
        return Difference::NOTHING;
    }
    let outlines = [one, other].map(Outline::of);
    let known = outlines[0].difference(&outlines[1]);
    known.unwrap_or_else(|| outlines[0].difference_of_texts(&outlines[1], one, other))
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
