//! Words that negate, of the languages that [`difference`](crate::difference()) lists.
//!
//! A word that means something else as often in another of these languages is left out: Spanish
//! `sin` (English: sin), Italian `mai` (German and French: May), French `personne` (person), Dutch
//! `noch` (German: still).

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

/// The words, in the normal form of texts.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    // English. `no` is Spanish, Italian and Catalan, too; `non` is French and Italian, too.
    "no", "not", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without",
    "non",
    // German. `nie` is Polish, too.
    "nicht", "nichts", "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals",
    "niemand", "niemanden", "niemandem", "nirgends", "nirgendwo", "weder", "ohne", "nein",
    // French
    "ne", "pas", "jamais", "rien", "aucun", "aucune", "sans",
    // Spanish, Portuguese
    "nunca", "jamás", "nada", "nadie", "ningún", "ninguno", "ninguna", "tampoco", "não", "nao",
    "ninguém", "nenhum", "nenhuma", "nem",
    // Italian
    "nessun", "nessuno", "nessuna", "niente", "nulla", "né", "senza",
    // Dutch
    "niet", "niets", "geen", "nooit", "niemand", "nergens", "zonder", "nee",
    // Danish, Norwegian, Swedish
    "ikke", "ikkje", "inte", "ingen", "inget", "inga", "ingenting", "aldrig", "aldri", "uden",
    "uten", "utan",
    // Polish, Czech; their prefix `nie-`, `ne-` is not known from other beginnings of words.
    "nigdy", "nikt", "żaden", "żadna", "żadne", "bez", "není", "nikdy", "nikdo", "žádný", "žádná",
    "žádné",
    // Russian, Ukrainian
    "не", "ни", "нет", "никогда", "никто", "никого", "никому", "ничего", "ничто", "нигде", "никуда",
    "никакой", "никакая", "никакие", "нельзя", "без", "ні", "немає", "ніколи", "ніхто", "нічого",
    // Greek, with the sigma of normal form
    "δεν", "μη", "μην", "όχι", "χωρίσ", "κανένασ", "τίποτα",
    // Turkish; its suffix `-me`, `-ma` is part of verbs.
    "değil", "yok", "hayır", "hayir", "asla", "hiç", "hiçbir",
    // Indonesian, Vietnamese
    "tidak", "bukan", "jangan", "tanpa", "không", "chưa", "chẳng", "đừng",
    // Arabic, Hebrew
    "لا", "لم", "لن", "ليس", "ليست", "ليسوا", "لست", "لسنا", "غير", "بدون", "ولا", "ولم", "ولن",
    "وليس", "فلا", "فلم", "فلن", "לא", "אין", "בלי", "אינו", "אינה", "אינם", "ולא",
    // Hindi
    "नहीं", "नही", "न", "ना", "मत", "बिना",
    // Korean: adverbs. The verbs are in `KOREAN`.
    "안", "못",
];

/// The hashes of the words, sorted.
static HASHES: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut hashes: Vec<u64> = WORDS.iter().map(|word| xxh3_64(word.as_bytes())).collect();
    hashes.sort_unstable();
    hashes
});

/// The beginnings of the forms of Korean 않다 (do not), 아니다 (be not), 없다 (there is no) and
/// 못하다 (cannot).
#[rustfmt::skip]
const KOREAN: &[&str] = &[
    "않", "아니다", "아니에", "아니라", "아니고", "아니며", "아니었", "아니면", "아닌", "아닙", "없", "못하", "못한", "못했", "못합",
    "못할",
];

/// Whether a word in normal form negates. `hash` is its XXH3 hash.
pub(super) fn is_negation(word: &str, hash: u64) -> bool {
    HASHES.binary_search(&hash).is_ok()
        || (is_hangul(word) && KOREAN.iter().any(|form| word.starts_with(form)))
}

fn is_hangul(word: &str) -> bool {
    word.starts_with(|first| ('\u{ac00}'..='\u{d7a3}').contains(&first))
}

/// What negates in a script without spaces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unspaced {
    /// What is read, from the beginning of the text on.
    pub(super) negation: &'static str,
    /// The characters that a text without the negation has in its place, such as those of `ます` for
    /// `ません`.
    pub(super) instead: &'static str,
}

/// The negations of scripts without spaces: what they are, what stands there without them, and the
/// characters before and behind them with which they mean something else (非常: very).
#[rustfmt::skip]
const UNSPACED: &[(&str, &str, &str, &str)] = &[
    // Chinese, and the same characters in Japanese
    ("不", "", "", "过過仅僅但"), ("没", "", "", "收"), ("沒", "", "", "收"), ("无", "", "", "论"),
    ("無", "", "", "論"), ("非", "", "", "常洲"), ("未", "", "", "来來"), ("勿", "", "", ""), ("莫", "", "", ""),
    // Japanese
    ("ませんでした", "ました", "", ""), ("ません", "ます", "", ""), ("なかった", "", "少危", ""),
    ("ない", "", "少危切", ""),
    // Thai
    ("ไม่", "", "", ""),
];

/// Returns the negation with which a text begins; `before` is the character before it.
pub(super) fn unspaced(text: &str, before: Option<char>) -> Option<Unspaced> {
    let found = UNSPACED.iter().find(|&&(negation, _, before_not, behind_not)| {
        text.strip_prefix(negation).is_some_and(|rest| {
            !before.is_some_and(|before| before_not.contains(before))
                && !rest.chars().next().is_some_and(|next| behind_not.contains(next))
        })
    });
    found.map(|&(negation, instead, ..)| Unspaced { negation, instead })
}

#[cfg(test)]
mod tests {
    use semdedup_embed::normal_form;

    use super::*;

    fn negates(word: &str) -> bool {
        is_negation(word, xxh3_64(word.as_bytes()))
    }

    #[test]
    fn the_words_are_in_the_normal_form_of_texts() {
        for word in WORDS.iter().chain(KOREAN) {
            assert_eq!(normal_form(word), *word);
            assert!(negates(word), "{word}");
        }
        for (negation, instead, ..) in UNSPACED {
            assert_eq!(
                (normal_form(negation).as_str(), normal_form(instead).as_str()),
                (*negation, *instead)
            );
        }
    }

    #[test]
    fn other_words_do_not_negate() {
        for word in ["knot", "nota", "note", "mai", "sin", "know", "안녕", "안에", "아니메", "못", ""]
        {
            assert_eq!(negates(word), word == "못", "{word}");
        }
        for (text, before) in [("非常", None), ("未来", None), ("ない", Some('少')), ("好", None), ("", None)]
        {
            assert_eq!(unspaced(text, before), None, "{text}");
        }
        let found = unspaced("ませんでした。", Some('り')).expect("a negation");
        assert_eq!((found.negation, found.instead), ("ませんでした", "ました"));
    }
}
