//! Numbers: the characters that hold their digits together, and a form in which they are compared.

use std::borrow::Cow;

/// Returns what stands for a character between two digits, if it belongs to the number: in
/// decimals, groups, dates, times, ranges and fractions.
pub(super) fn separator(character: char) -> Option<char> {
    match character {
        '.' | ',' | ':' | '/' | '\'' | '_' => Some(character),
        '\u{2019}' => Some('\''),
        '\u{2044}' => Some('/'),
        '\u{66b}' => Some('.'),
        '\u{66c}' => Some(','),
        character if is_dash(character) => Some('-'),
        _ => None,
    }
}

/// Whether a character is a hyphen, a dash or a minus.
pub(super) fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Returns a number without the separators between its groups of three digits, where these are
/// certain: there are two, or a decimal separator of another kind follows, or they are apostrophes.
/// `1,000` stays as it is, because it is a thousand in some languages and one in others.
pub(super) fn ungrouped(number: &str) -> Cow<'_, str> {
    let separators: Vec<char> = number.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some((&last, before)) = separators.split_last() else { return Cow::Borrowed(number) };
    let has_decimals = !before.is_empty() && !before.contains(&last) && matches!(last, '.' | ',');
    let grouping = if has_decimals { before } else { &separators[..] };
    let (first, count) = (grouping[0], grouping.len());
    let is_one = grouping.iter().all(|separator| *separator == first);
    let is_certain = match first {
        '.' | ',' => has_decimals || count > 1,
        '\'' | '_' => true,
        _ => false,
    };
    let parts: Vec<&str> = number.split(|c: char| !c.is_ascii_digit()).collect();
    let (groups, decimals) = parts.split_at(count + 1);
    let is_grouped = (1..=3).contains(&groups[0].len())
        && !groups[0].starts_with('0')
        && groups[1..].iter().all(|group| group.len() == 3);
    if !(is_one && is_certain && is_grouped) {
        return Cow::Borrowed(number);
    }
    let mut plain = groups.concat();
    for decimals in decimals {
        plain.push('.');
        plain.push_str(decimals);
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_only_where_they_are_certain() {
        for (number, plain) in [
            ("12", "12"),
            ("1,234,567", "1234567"),
            ("1.234.567", "1234567"),
            ("1,234.5", "1234.5"),
            ("1.234,50", "1234.50"),
            ("1'000", "1000"),
            ("1_000_000", "1000000"),
            ("1,234,567.89", "1234567.89"),
            ("1,000", "1,000"),
            ("1.000", "1.000"),
            ("3.14", "3.14"),
            ("0,123,456", "0,123,456"),
            ("1,2,3", "1,2,3"),
            ("2021-05-03", "2021-05-03"),
            ("192.168.1.200", "192.168.1.200"),
            ("1234,567,890", "1234,567,890"),
            ("12:30", "12:30"),
            ("1/234/567", "1/234/567"),
            ("1,234.567,8", "1,234.567,8"),
            ("007", "007"),
        ] {
            assert_eq!(ungrouped(number), plain, "{number}");
        }
    }
}
