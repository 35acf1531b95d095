//! Numbers and operators, which are compared exactly: 100 and 900 have nothing in common.
use super::runs::{Classes, Kind};

/// Whether a run is an operator of code or of formulas.
fn is_known(run: &str) -> bool {
    // A match of constants compares integers, where a search in a list calls a function for each.
    matches!(run, "++" | "===" | "!==" | "//" | "&" | "/" | "≤" | "≥" | "≠" | "×" | "÷" | "±")
        || matches!(run, "−" | "¬" | "∧" | "∨" | "→" | "←")
        || is_tight(run)
}

/// Whether an operator counts between letters too: in `a+b`, but not the stroke of `and/or`.
fn is_tight(run: &str) -> bool {
    matches!(run, "+" | "*" | "=" | "<" | ">" | "^" | "|" | "~" | "==" | "!=" | "<=" | ">=" | "&&" | "||")
        || matches!(run, "->" | "=>" | "<<" | ">>" | "+=" | "-=" | "*=" | "/=" | "**")
}

/// Signs that say of the number beside them what it counts; so do the signs of currencies.
pub(super) const UNIT_SIGNS: &str = "%‰°#§";

/// The signs of numbers.
const SIGNS: [char; 3] = ['-', '−', '+'];

/// What may stand before the sign of a number: `(-5`, `x=-5`; so may the signs of currencies.
const BEFORE_SIGN: &str = "([{=,:<>*/+";

/// The English names of months and days, which may be shortened to three letters.
const CALENDAR: [&str; 19] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Whether punctuation or symbols in a word are an operator: alone, between two ends of the word, or
/// right before a number (`>5`); a plus right behind one, too (`5+`).
pub(super) fn is_operator(run: &str, before: &str, behind: &str, classes: &Classes) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| classes.kind(c) == Kind::Digits);
    match (before.is_empty(), behind.is_empty()) {
        // A stroke that stands alone divides the columns of a table.
        (true, true) => run != "|" && is_known(run),
        (false, false) => is_tight(run),
        // The plus of `+5` is the sign of the number.
        (true, false) => run != "+" && is_tight(run) && is_digit(behind.chars().next()),
        (false, true) => run == "+" && is_digit(before.chars().next_back()),
    }
}

/// Whether a run is an operator wherever it stands.
pub(super) fn may_be_operator(run: &str) -> bool {
    is_known(run)
}

/// Returns the end of the number at the beginning of a text: digits, with single points, commas and
/// colons between.
pub(super) fn end_of_number(text: &str, classes: &Classes) -> usize {
    let is_digit = |c: char| classes.kind(c) == Kind::Digits;
    let digits = |from: usize| {
        let end =
            text[from..].char_indices().find(|&(_, c)| !is_digit(c)).map_or(text.len(), |(at, _)| from + at);
        (end > from).then_some(end)
    };
    let mut end = digits(0).unwrap_or(0);
    while text[end..].starts_with(['.', ',', ':'])
        && let Some(next) = digits(end + 1)
    {
        end = next;
    }
    end
}

/// Returns a number as it is compared: without commas between thousands, with the sign before it, and
/// with a zero before a leading point. `6.0` and `6.00` are 6; `1.000` is not 1, because it may be a
/// thousand. `before` is what stands before it in the word.
pub(super) fn written(number: &str, before: &str, classes: &Classes) -> String {
    let is_currency = |c: char| classes.is_currency(c);
    let may_begin =
        |before: &str| before.chars().next_back().is_none_or(|c| BEFORE_SIGN.contains(c) || is_currency(c));
    let pointed = before.strip_suffix('.').filter(|rest| rest.ends_with(SIGNS) || may_begin(rest));
    let before = pointed.unwrap_or(before);
    let signed = before.strip_suffix(is_currency).unwrap_or(before);
    let sign = signed.chars().next_back().filter(|c| SIGNS.contains(c));
    let mut written = match sign.filter(|sign| may_begin(&signed[..signed.len() - sign.len_utf8()])) {
        Some('+') => "+".to_owned(),
        Some(_) => "-".to_owned(),
        None => String::new(),
    };
    written.push_str(if pointed.is_some() { "0." } else { "" });
    let is_list = before.ends_with(['(', '[', '{']);
    let groups = number.split(',');
    written.extend(groups.clone().take(1));
    let comma = if !is_list && are_thousands(groups.clone(), classes) { "" } else { "," };
    groups.skip(1).for_each(|group| written.extend([comma, group]));
    if let Some((whole, "0" | "00")) = written.split_once('.')
        && !whole.contains(':')
    {
        written.truncate(whole.len());
    }
    written
}

/// Whether commas divide the thousands of a number: `1,234,567.50`, but not `10100,200` or `0,500`.
fn are_thousands<'n>(mut groups: impl Iterator<Item = &'n str>, classes: &Classes) -> bool {
    let first = groups.next().unwrap_or_default();
    let digits = |group: &str| group.chars().take_while(|&c| classes.kind(c) == Kind::Digits).count();
    digits(first) <= 3 && !first.starts_with('0') && groups.all(|group| digits(group) == 3)
}

/// Whether a word is the English name of a month or a day, which counts as a number beside one: 3 May
/// is not 3 June.
pub(super) fn is_calendar(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
    // The longest name is `september`.
    (3..=9).contains(&word.len())
        && CALENDAR.iter().any(|name| {
            let is_short = word.len() == 3 || word.eq_ignore_ascii_case("sept");
            let name = if is_short { name.get(..word.len()) } else { Some(*name) };
            name.is_some_and(|name| name.eq_ignore_ascii_case(word))
        })
}

/// Returns the first three letters of the name of a month or a day.
pub(super) fn short_name(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphabetic).take(3).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_they_end_and_are_written_in_one_way() {
        let classes = Classes::new();
        for (text, number, compared) in [
            ("100kg", "100", "100"),
            ("1,234,567.50.", "1,234,567.50", "1234567.50"),
            ("1,23,4567", "1,23,4567", "1,23,4567"),
            ("12:30:05,", "12:30:05", "12:30:05"),
            ("6.00", "6.00", "6"),
            ("1,995.0", "1,995.0", "1995"),
            ("1.000", "1.000", "1.000"),
            ("2.0.0", "2.0.0", "2.0.0"),
            ("6.50", "6.50", "6.50"),
            ("3..4", "3", "3"),
            ("٣٫٤", "٣", "٣"),
        ] {
            assert_eq!(&text[..end_of_number(text, &classes)], number, "{text}");
            assert_eq!(written(number, "", &classes), compared, "{text}");
        }
        for (before, compared) in [
            ("-", "-5"),
            ("=-", "-5"),
            ("(−", "-5"),
            ("-$", "-5"),
            ("$-", "-5"),
            ("+", "+5"),
            (".", "0.5"),
            ("$.", "0.5"),
            ("-.", "-0.5"),
            ("a-", "5"),
            ("2-", "5"),
            ("v.", "5"),
            ("..", "5"),
            ("a+", "5"),
            ("", "5"),
            ("=", "5"),
        ] {
            assert_eq!(written("5", before, &classes), compared, "{before}");
        }
        for (number, before, compared) in [
            ("1,100", "(", "1,100"),
            ("10,100,200", "rgb(", "10,100,200"),
            ("10,100,200", "", "10100200"),
            ("10100,200", "", "10100,200"),
            ("0,500", "", "0,500"),
            ("1,234", "$", "1234"),
        ] {
            assert_eq!(written(number, before, &classes), compared, "{before}{number}");
        }
    }

    #[test]
    fn operators_are_known_by_what_is_beside_them() {
        let classes = Classes::new();
        for (before, run, behind, expected) in [
            ("", "<", "5", true),
            ("", ">=", "5", true),
            ("", "<", "b", false),
            ("5", "+", "", true),
            ("c", "+", "", false),
            ("", "+", "5", false),
            ("a", "=", "b", true),
            ("and", "/", "or", false),
            ("", "|", "", false),
            ("", "/", "", true),
        ] {
            assert_eq!(is_operator(run, before, behind, &classes), expected, "{before}{run}{behind}");
        }
    }

    #[test]
    fn names_of_months_and_days_may_be_short() {
        for word in ["May", "march,", "Sept.", "OCT", "(Monday", "fri"] {
            assert!(is_calendar(word), "{word}");
        }
        for word in ["ma", "marc", "mayor", "", "mars", "day"] {
            assert!(!is_calendar(word), "{word}");
        }
    }
}
