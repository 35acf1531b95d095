//! Tells whether the values of a column look like sentences of a language, rather than ids, labels,
//! paths or encoded bytes.

use std::collections::HashSet;

/// Texts have at least this many words on average. Names and places have fewer.
const LEAST_WORDS: usize = 4;

/// Whether values look like sentences: they have several words, and most of them are distinct.
pub(crate) fn is_language<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let (mut count, mut words, mut distinct) = (0, 0, HashSet::new());
    for value in values.filter(|value| !value.trim().is_empty()) {
        count += 1;
        words += words_in(value);
        distinct.insert(value);
    }
    count > 0 && words >= LEAST_WORDS * count && 2 * distinct.len() >= count
}

/// Whether values look like sentences, even if they are often repeated. A value that all rows have
/// is not one.
pub(crate) fn has_sentences<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let (mut count, mut words, mut distinct) = (0, 0, HashSet::new());
    for value in values.filter(|value| !value.trim().is_empty()) {
        count += 1;
        words += words_in(value);
        distinct.insert(value);
    }
    distinct.len() > 1 && words >= LEAST_WORDS * count
}

/// Whether values have two words or more on average.
pub(crate) fn has_phrases<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let (count, words) = values
        .filter(|value| !value.trim().is_empty())
        .fold((0, 0), |(count, words), value| (count + 1, words + words_in(value)));
    count > 0 && words >= 2 * count
}

/// Texts that are not sentences have at least this average length in bytes. Shorter values are ids
/// and labels.
const LONG: usize = 40;

/// Whether values that do not look like sentences may be texts: long values that are often
/// repeated, code, markup or JSON.
pub(crate) fn is_rival<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let (mut count, mut bytes, mut words) = (0, 0, 0);
    for value in values.filter(|value| !value.trim().is_empty()) {
        count += 1;
        bytes += value.len();
        words += value.split_whitespace().count();
    }
    count > 0 && bytes >= LONG * count && words >= LEAST_WORDS * count
}

/// Counts the words of a value. JSON and markup have none: they hold values of their own.
pub(crate) fn words_in(value: &str) -> usize {
    if value.trim_start().starts_with(['{', '[', '<']) {
        return 0;
    }
    value.split_whitespace().map(words_in_token).sum()
}

/// A token of base64 has at least this many bytes: MIME breaks its lines after 76, PEM after 64. Words
/// are shorter.
const ENCODED: usize = 48;

/// Whether a token is all of characters that encode bytes.
fn is_encoded(token: &str) -> bool {
    token.len() >= ENCODED
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte))
}

/// Counts the words of a token: one if nearly all of it is letters. In scripts without spaces every
/// letter counts as a word.
fn words_in_token(token: &str) -> usize {
    if is_encoded(token) {
        return 0;
    }
    let token = token.trim_matches(|c: char| !c.is_alphanumeric());
    let (mut all, mut letters, mut unspaced) = (0, 0, 0);
    for c in token.chars() {
        all += 1;
        letters += usize::from(c.is_alphabetic());
        unspaced += usize::from(is_unspaced(c));
    }
    match () {
        () if unspaced > 0 => unspaced,
        () if all == 0 || 4 * letters < 3 * all => 0,
        // Other single Latin letters come from codes and lists, not from sentences.
        () if token.len() == 1 => usize::from(["a", "A", "I"].contains(&token)),
        () => 1,
    }
}

/// Whether a letter belongs to a script without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e01}'..='\u{0eff}'         // Thai, Lao
        | '\u{0f40}'..='\u{0fbc}'       // Tibetan
        | '\u{1000}'..='\u{109f}'       // Burmese
        | '\u{1780}'..='\u{17b3}'       // Khmer
        | '\u{3041}'..='\u{30ff}'       // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}'       // Chinese characters
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_any_script_are_language() {
        for values in [
            vec!["The river floods every spring.", "Quarterly revenue rose again this year."],
            vec!["Der Fluss tritt jedes Frühjahr über die Ufer."],
            vec!["Don't touch the \"red\" button (it's hot)!"],
            vec!["河水每年春天泛滥。", "我们明天去公园散步。"],
            vec!["川は毎年春に氾濫する。"],
            vec!["แม่น้ำท่วมทุกฤดูใบไม้ผลิ"],
            vec!["नदी हर वसंत में बाढ़ लाती है।"],
            vec!["The same sentence comes twice.", "The same sentence comes twice."],
        ] {
            assert!(is_language(values.iter().copied()), "{values:?}");
        }
    }

    #[test]
    fn long_values_of_several_words_may_be_texts_though_they_are_no_sentences() {
        let premise = "The river floods the lower town in every spring.";
        let markup = "<div class=\"box\"> <p>some words</p> </div> <br>";
        for value in [premise, markup, "{\"a\": 1, \"b\": 2, \"c\": 3, \"dd\": [4, 5, 6], \"e\": 7}"] {
            assert!(is_rival([value; 9].into_iter()), "{value}");
        }
        for value in
            ["positive", "https://example.com/a/long/path/with/many/parts/index.html?q=1", "7 Main Street"]
        {
            assert!(!is_rival([value; 9].into_iter()), "{value}");
        }
    }

    #[test]
    fn ids_labels_paths_and_encoded_bytes_are_not() {
        for values in [
            vec!["identity_0", "identity_1"],
            vec!["positive", "negative", "neutral"],
            vec!["https://example.com/a/long/path?with=many&parts=of+words"],
            vec!["/data/train/img 0001.jpg", "C:\\Program Files\\a b c.txt"],
            vec!["data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD"],
            vec![&[["QmFzZTY0IGlzIGJyb2tlbiBpbnRvIGxpbmVzIG9mIHNldmVudHktc2l4IGNo"; 5].join("\r\n")][0]],
            vec!["3f2a9c81d0e44b7f", "a0b1c2d3e4f50617"],
            vec!["3f 2a 9c 81 d0 e4 4b 7f"],
            vec!["a b c d e f g h"],
            vec!["Ada Lovelace", "Alan Mathison Turing"],
            vec!["2024-01-01 12:00:00 UTC"],
            vec!["{\"lang\": \"en\", \"source\": \"the web\"}"],
            vec!["正面", "负面"],
            vec!["not a duplicate question"; 9],
            vec!["", "  "],
            vec![],
        ] {
            assert!(!is_language(values.iter().copied()), "{values:?}");
        }
    }
}
