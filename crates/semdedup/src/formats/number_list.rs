//! Reads lists of numbers that are written as texts: `[0.1, -0.2]` as JSON, Python and pgvector write
//! them, `{0.1,-0.2}` as arrays of PostgreSQL, and `[ 0.1 -0.2]` as numpy prints them.

/// At most this many characters of a text are shown.
const SHOWN: usize = 40;

/// Returns the numbers of a list. Numbers beyond f32 are infinite, as in other formats.
///
/// # Errors
/// A text that is not one whole list of numbers, in words: `is a string that …`.
pub(crate) fn numbers_of_text(text: &str) -> Result<Vec<f32>, String> {
    let list = text.trim();
    if is_abbreviated(list) {
        return Err(format!(
            "is `{}`, from which numpy left out the middle: the numbers at `...` are lost",
            shortened(list)
        ));
    }
    if list.is_empty() {
        return Err("is an empty string, not a list of numbers".to_owned());
    }
    let numbers = in_brackets(list).and_then(|(inside, divided)| numbers_inside(inside, divided));
    numbers.ok_or_else(|| format!("is a string that is no list of numbers: `{}`", shortened(list)))
}

/// Whether numpy, which prints at most 1,000 numbers, left out those in the middle of a list.
pub(crate) fn is_abbreviated(list: &str) -> bool {
    list.trim_start().starts_with('[') && list.contains("...")
}

/// What may stand between the numbers of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Divided {
    ByCommas,
    BySpacesToo,
}

/// Returns what is between the brackets.
fn in_brackets(list: &str) -> Option<(&str, Divided)> {
    let between = |open, close| list.strip_prefix(open)?.strip_suffix(close);
    match between('[', ']') {
        Some(inside) => Some((inside, Divided::BySpacesToo)),
        None => between('{', '}').map(|inside| (inside, Divided::ByCommas)),
    }
}

fn numbers_inside(inside: &str, divided: Divided) -> Option<Vec<f32>> {
    if inside.trim().is_empty() {
        return Some(Vec::new());
    }
    match divided {
        Divided::BySpacesToo if !inside.contains(',') => {
            inside.split_ascii_whitespace().map(number).collect()
        }
        _ if has_decimal_commas(inside) => None,
        _ => inside.split(',').map(|item| number(item.trim())).collect(),
    }
}

/// Whether commas stand within the numbers and between them, as in `1,5, 0,25`.
fn has_decimal_commas(inside: &str) -> bool {
    let is_spaced = |item: &str| item.starts_with(char::is_whitespace);
    let items: Vec<&str> = inside.split(',').collect();
    let alternate = items.iter().enumerate().skip(1).all(|(place, item)| is_spaced(item) == (place % 2 == 0));
    items.len() >= 4 && items.len().is_multiple_of(2) && alternate && !inside.contains('.')
}

fn number(item: &str) -> Option<f32> {
    let of_numpy = NUMPY.iter().find_map(|name| item.strip_prefix(name)?.strip_suffix(')'));
    // By f64, as the numbers of JSON are read.
    of_numpy.unwrap_or(item).parse::<f64>().ok().map(|number| number as f32)
}

/// How numpy 2 writes the numbers of a list of Python, before each of them.
const NUMPY: [&str; 3] = ["np.float32(", "np.float64(", "np.float16("];

/// Returns the beginning of a text, in one line.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lists_of_json_postgres_and_numpy_are_read_whole() {
        for (text, expected) in [
            ("[1, -2.5, 3e-2]", vec![1.0, -2.5, 0.03]),
            (" [1,2,3]\n", vec![1.0, 2.0, 3.0]),
            ("{1,2.5, -3}", vec![1.0, 2.5, -3.0]),
            ("[ 1.  -0.25\n  1.e-05]", vec![1.0, -0.25, 1e-5]),
            ("[7]", vec![7.0]),
            ("[np.float32(1.5), np.float64(-2e-1)]", vec![1.5, -0.2]),
            ("[1,2,3, 4]", vec![1.0, 2.0, 3.0, 4.0]),
            ("[1e300, -1e999]", vec![f32::INFINITY, f32::NEG_INFINITY]),
            ("[]", vec![]),
            ("{ }", vec![]),
        ] {
            assert_eq!(numbers_of_text(text).unwrap(), expected, "{text}");
        }
        let odd = numbers_of_text("[NaN, Infinity, -inf, nan]").unwrap();
        assert!(odd[0].is_nan() && odd[3].is_nan() && odd[1] == f32::INFINITY && odd[2] == -f32::INFINITY);
    }

    #[test]
    fn texts_that_are_no_whole_list_are_refused() {
        for text in [
            "",
            "1, 2",
            "[1, 2",
            "1, 2]",
            "[1, 2}",
            "(1, 2)",
            "[1, two]",
            "[1, , 2]",
            "[1, 2,]",
            "[1 2, 3]",
            "{1 2}",
            "[[1, 2]]",
            "[[1 2]]",
            "[1, null]",
            "{1,NULL}",
            "[\"1\", \"2\"]",
            "[0x10]",
            "[1_0]",
            "[np.float32(1.0]",
            "[tensor(1.0)]",
            "[1,7640524, 0,4001572]",
            "[1,5, -0,25, 3,0]",
            "[1] [2]",
            "[1, 2] x",
            "array([1, 2])",
            "[1;2]",
            "[true]",
        ] {
            let reason = numbers_of_text(text).unwrap_err();
            assert!(reason.contains("list of numbers"), "{text}: {reason}");
        }
        let reason = numbers_of_text(&format!("[{}\n", "1, ".repeat(40))).unwrap_err();
        assert!(reason.ends_with("1, …`") && reason.chars().count() < 100, "{reason}");
    }

    #[test]
    fn a_list_that_numpy_abbreviated_is_refused() {
        for text in ["[0.1 0.2 ... 0.9 1. ]", "[1, 2, ..., 9]", "[ 0.1\n ...\n 0.2", "[...]"] {
            let reason = numbers_of_text(text).unwrap_err();
            assert!(reason.contains("the numbers at `...` are lost"), "{text}: {reason}");
        }
    }
}
