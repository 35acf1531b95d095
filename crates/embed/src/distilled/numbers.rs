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

/// What may stand before the minus of a number: `(-5`, `x=-5`.
const BEFORE_MINUS: &str = "([{=,:<>*/+";

/// Whether punctuation or symbols between two ends of a word are an operator. `inside` tells whether
/// there is something before and behind it, and `alone` whether there is nothing.
pub(super) fn is_operator(run: &str, alone: bool, inside: bool) -> bool {
    // A stroke that stands alone divides the columns of a table.
    (alone && run != "|" && is_known(run)) || (inside && is_tight(run))
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

/// Returns a number as it is compared: without commas between thousands, and with the minus before it.
pub(super) fn written(number: &str, before: &str, classes: &Classes) -> String {
    let mut parts = number.split(',');
    let mut written = String::new();
    if let Some(mark) = before.chars().next_back().filter(|mark| "-−".contains(*mark)) {
        let outer = before[..before.len() - mark.len_utf8()].chars().next_back();
        if outer.is_none_or(|outer| BEFORE_MINUS.contains(outer)) {
            written.push('-');
        }
    }
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.chars().take_while(|&c| classes.kind(c) == Kind::Digits).count();
        if digits != 3 {
            written.push(',');
        }
        written.push_str(part);
    }
    written
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
            ("3..4", "3", "3"),
            ("٣٫٤", "٣", "٣"),
        ] {
            assert_eq!(&text[..end_of_number(text, &classes)], number, "{text}");
            assert_eq!(written(number, "", &classes), compared, "{text}");
        }
        for (before, sign) in
            [("-", "-"), ("=-", "-"), ("(−", "-"), ("a-", ""), ("2-", ""), ("", ""), ("=", "")]
        {
            assert_eq!(written("5", before, &classes), format!("{sign}5"), "{before}");
        }
    }
}
