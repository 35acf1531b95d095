//! Loose JSON: what Python's `json` writes and reads beyond the standard. `NaN` and infinities,
//! halves of surrogate pairs, numbers beyond f64, and values that are nested deeper than
//! `serde_json` reads. Also control characters in strings, such as tabs, and a byte order mark before
//! a row, as joined files have it.
//!
//! [`strict`] makes standard JSON of it. Each replacement has the length of what it replaces, so a
//! place in one text is the same place in the other. Only JSON that cannot be read otherwise comes
//! here.

use std::ops::Range;

use serde::de::{DeserializeOwned, IgnoredAny};

/// The words that Python writes for numbers that JSON does not have.
pub(crate) const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The numbers that stand for [`NO_NUMBERS`]. Nobody writes 9·10⁹ in this form.
const STAND_INS: [&str; 3] = ["9e9", "1e000308", "-1e000308"];
/// The hexadecimal digits of U+FFFD, which stands for half of a surrogate pair.
const REPLACEMENT: &[u8] = b"fffd";
/// The byte order mark.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// A list or an object inside this many others becomes a string: `serde_json` stops at 128.
const MOST_DEPTH: usize = 100;

/// A row as standard JSON, and as it is in the file.
#[derive(Clone, Copy)]
pub(crate) struct RowText<'r> {
    pub strict: &'r str,
    original: &'r str,
}

impl<'r> RowText<'r> {
    /// Returns a token of the standard JSON as it is in the file.
    pub fn original(&self, token: &str) -> &'r str {
        let start = token.as_ptr() as usize - self.strict.as_ptr() as usize;
        &self.original[start..start + token.len()]
    }
}

/// Reads a row by `read`. A row that fails and is loose JSON is read once more, as standard JSON.
///
/// # Errors
/// The problem of the row, in words.
pub(crate) fn read_row<T>(
    row: &str,
    mut read: impl FnMut(RowText) -> Result<T, String>,
) -> Result<T, String> {
    read(RowText { strict: row, original: row }).or_else(|problem| match strict(row) {
        Some(strict) => read(RowText { strict: &strict, original: row }),
        None => Err(problem),
    })
}

/// Parses loose JSON. Half of a surrogate pair becomes U+FFFD; NaN and numbers beyond f64 become
/// other numbers.
///
/// # Errors
/// JSON that is wrong in another way.
pub(crate) fn from_str<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json).or_else(|error| match strict(json) {
        Some(strict) => serde_json::from_str(&strict),
        None => Err(error),
    })
}

/// Returns the numbers of a list with NaN or infinities in it. Numbers beyond f64 are infinite too.
///
/// # Errors
/// Another value than a list of numbers.
pub(crate) fn numbers_of(list: &str) -> serde_json::Result<Vec<f64>> {
    let numbers: Vec<f64> = from_str(list)?;
    let inside = list.trim().trim_start_matches('[').trim_end_matches(']');
    let read = inside.split(',').map(|number| number.trim().parse());
    Ok(read.collect::<Result<_, _>>().unwrap_or(numbers))
}

/// Returns loose JSON as standard JSON of the same length; `None` if there is nothing to replace.
pub(crate) fn strict(json: &str) -> Option<String> {
    let mut walk = Walk { bytes: json.as_bytes().to_vec(), has_changed: false };
    if json.starts_with(BYTE_ORDER_MARK) {
        walk.replace(0, &[b' '; BYTE_ORDER_MARK.len()]);
    }
    let deep = walk.replace_tokens();
    deep.into_iter().for_each(|span| walk.flatten(span));
    // Only whole characters were replaced, by ASCII.
    walk.has_changed.then(|| String::from_utf8(walk.bytes).ok()).flatten()
}

/// Replaces parts of a text in place.
struct Walk {
    bytes: Vec<u8>,
    has_changed: bool,
}

impl Walk {
    /// Replaces numbers and escapes, and returns the lists and objects that are nested too deep.
    fn replace_tokens(&mut self) -> Vec<Range<usize>> {
        let (mut at, mut open, mut deep) = (0, Vec::new(), Vec::new());
        while at < self.bytes.len() {
            match self.bytes[at] {
                b'"' => at = self.pass_string(at + 1),
                b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => at = self.pass_word(at),
                bracket => {
                    match bracket {
                        b'{' | b'[' => open.push(at),
                        b'}' | b']' => {
                            let start = open.pop();
                            deep.extend(
                                start.filter(|_| open.len() == MOST_DEPTH).map(|start| start..at + 1),
                            );
                        }
                        _ => {}
                    }
                    at += 1;
                }
            }
        }
        deep
    }

    fn replace(&mut self, at: usize, with: &[u8]) {
        self.bytes[at..at + with.len()].copy_from_slice(with);
        self.has_changed = true;
    }

    /// Replaces halves of surrogate pairs and control characters in the string whose first byte is
    /// at `at`. Returns where it ends.
    fn pass_string(&mut self, mut at: usize) -> usize {
        while let Some(found) = memchr::memchr2(b'"', b'\\', self.bytes.get(at..).unwrap_or_default()) {
            for control in at..at + found {
                if self.bytes[control] < b' ' {
                    self.replace(control, b" ");
                }
            }
            at += found;
            if self.bytes[at] == b'"' {
                return at + 1;
            }
            at += match (self.unit(at), self.unit(at + 6)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(0xd800..=0xdfff), _) => {
                    self.replace(at + 2, REPLACEMENT);
                    6
                }
                _ => 2,
            };
        }
        self.bytes.len()
    }

    /// Returns the number of the escape `\uXXXX` at a place.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
        u16::from_str_radix(digits, 16).ok()
    }

    /// Replaces a number that JSON or f64 does not have. Returns where the word ends.
    fn pass_word(&mut self, at: usize) -> usize {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.bytes[at..].iter().take_while(|byte| is_part(byte)).count();
        let Ok(word) = std::str::from_utf8(&self.bytes[at..at + length]) else { return at + length };
        if let Some(place) = NO_NUMBERS.iter().position(|known| *known == word) {
            self.replace(at, STAND_INS[place].as_bytes());
        } else if serde_json::from_str::<IgnoredAny>(word).is_ok()
            && word.parse::<f64>().is_ok_and(f64::is_infinite)
        {
            let sign = if word.starts_with('-') { "-" } else { "" };
            // A number beyond f64 has at least five characters, as `1e309` and `1e308` have.
            let largest = format!("{sign}1e{:0>width$}", 308, width = length - sign.len() - 2);
            self.replace(at, largest.as_bytes());
        }
        at + length
    }

    /// Makes a string of a list or an object.
    fn flatten(&mut self, span: Range<usize>) {
        let value = &mut self.bytes[span];
        if serde_json::from_slice::<IgnoredAny>(value).is_err() {
            return;
        }
        for byte in value.iter_mut() {
            *byte = match *byte {
                b'"' => b'\'',
                b'\\' => b'/',
                control if control < b' ' => b' ',
                byte => byte,
            };
        }
        if let [first, .., last] = value {
            (*first, *last) = (b'"', b'"');
        }
        self.has_changed = true;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_kind_of_loose_json_becomes_standard_json_of_the_same_length() {
        let cases = [
            (r#"{"a": NaN, "b":[Infinity,-Infinity]}"#, r#"{"a": 9e9, "b":[1e000308,-1e000308]}"#),
            (r#"[1e999, -1E+999, 1.5]"#, r#"[1e308, -1e0308, 1.5]"#),
            (r#"["\ud83d", "\uDE00\ud83d\ude00"]"#, r#"["\ufffd", "\ufffd\ud83d\ude00"]"#),
            (r#"{"\ud800": "\ud83d\ud83d\ude00\\ud800"}"#, r#"{"\ufffd": "\ufffd\ud83d\ude00\\ud800"}"#),
            ("{\t\"a\tb\": \"c\nd\\n\u{1}\"}", "{\t\"a b\": \"c d\\n \"}"),
            ("\u{feff}{\"a\": 1}", "   {\"a\": 1}"),
        ];
        for (loose, expected) in cases {
            assert_eq!(strict(loose).as_deref(), Some(expected), "{loose}");
            assert!(serde_json::from_str::<Value>(expected).is_ok());
        }
        let digits = "9".repeat(400);
        assert!(from_str::<f64>(&digits).unwrap().is_finite());
    }

    #[test]
    fn other_json_and_what_is_no_json_at_all_stay_as_they_are() {
        for json in [
            r#"{"NaN": "NaN, Infinity", "a": 1e308, "b": -0.0, "c": "é\u00e9\ud83d\ude00"}"#,
            "nan",
            "-NaN",
            "NaNs",
            "\"\\",
            "\"\\u12",
            "01e999",
            "[1,",
            "",
        ] {
            assert_eq!(strict(json), None, "{json}");
        }
    }

    #[test]
    fn a_value_that_is_nested_too_deep_becomes_a_string_and_the_others_stay() {
        let deep = format!("{}\"a\\\\\"{}", "[".repeat(300), "]".repeat(300));
        let json = format!("{{\"x\":{deep},\"text\":\"é\"}}");
        assert!(serde_json::from_str::<Value>(&json).is_err());
        let mut value: Value = from_str(&json).unwrap();
        assert_eq!(value["text"], "é");
        while let Value::Array(items) = &mut value["x"] {
            value = json!({ "x": items.remove(0) });
        }
        assert_eq!(value["x"], format!("\"{}'a//'{}\"", "[".repeat(200), "]".repeat(200)).trim_matches('"'));
        assert_eq!(strict(&format!("{}oops{}", "[".repeat(300), "]".repeat(300))), None);
    }

    #[test]
    fn a_token_of_the_standard_json_leads_to_that_of_the_file() {
        let row = r#"{"é": NaN, "b": [1, -Infinity]}"#;
        let tokens = read_row(row, |row| {
            let Ok(value) = serde_json::from_str::<
                std::collections::BTreeMap<String, &serde_json::value::RawValue>,
            >(row.strict) else {
                return Err("loose".to_owned());
            };
            Ok(value.values().map(|token| row.original(token.get()).to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(tokens.unwrap(), ["[1, -Infinity]", "NaN"]);
        let numbers = numbers_of("[1, NaN,Infinity, -1e999]").unwrap();
        assert!(numbers[1].is_nan());
        assert_eq!((numbers[0], numbers[2], numbers[3]), (1.0, f64::INFINITY, f64::NEG_INFINITY));
        assert!(
            numbers_of("[\"NaN\"]").is_err() && numbers_of("[[NaN]]").is_err() && numbers_of("NaN").is_err()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_read_strictly_is_read_alike(text in any::<String>(), number in any::<f64>()) {
            let json = json!({"text": text, "list": [number, {"deep": [text]}]}).to_string();
            prop_assert_eq!(strict(&json), None);
            // Anything else keeps its length and its characters beyond ASCII.
            if let Some(strict) = strict(&text) {
                prop_assert_eq!(strict.len(), text.len());
            }
        }
    }
}
