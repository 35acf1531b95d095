//! Tells UTF-16 and UTF-32 without a byte order mark from text of single bytes.

use crate::formats::text::utf16::ByteOrder;

/// An encoding of wide units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wide {
    Utf16(ByteOrder),
    Utf32(ByteOrder),
}

impl Wide {
    /// Returns its name, as iconv has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf16(ByteOrder::Little) => "UTF-16LE",
            Self::Utf16(ByteOrder::Big) => "UTF-16BE",
            Self::Utf32(ByteOrder::Little) => "UTF-32LE",
            Self::Utf32(ByteOrder::Big) => "UTF-32BE",
        }
    }

    /// Returns what a user can do with such a file.
    pub fn remedy(self) -> String {
        let name = self.name();
        match self {
            Self::Utf16(_) => format!("--encoding {} reads it", name.to_ascii_lowercase()),
            Self::Utf32(_) => format!("iconv -f {name} -t UTF-8 OLD > NEW converts it"),
        }
    }

    /// Returns the encoding of wide units that text without a byte order mark is in, as far as its
    /// first bytes tell: those of a line end, a space or a letter of ASCII have zeros among them.
    pub fn of(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [a, 0, b, 0] if *a > 0 && *b > 0 => return Some(Self::Utf16(ByteOrder::Little)),
            [0, a, 0, b] if *a > 0 && *b > 0 => return Some(Self::Utf16(ByteOrder::Big)),
            _ => {}
        }
        if memchr::memchr(0, beginning).is_none() || is_text_of_bytes(beginning) {
            return None;
        }
        let orders = [ByteOrder::Little, ByteOrder::Big];
        if let Some(order) = orders.into_iter().find(|order| is_utf32(beginning, *order)) {
            return Some(Self::Utf32(order));
        }
        let marks = orders.map(|order| (order, marks_of_utf16(beginning, order)));
        let best = marks.into_iter().filter(|(_, marks)| *marks > 0).max_by_key(|(_, marks)| *marks)?;
        Some(Self::Utf16(best.0))
    }
}

/// Whether bytes are UTF-8 with few control characters, or mostly printable in both bytes of a unit.
/// (Of UTF-16 in the letters of Russian or English, every other byte is a control character; in those
/// of Japanese, every other byte is `0`.)
fn is_text_of_bytes(bytes: &[u8]) -> bool {
    let is_utf8 = std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    let is_control = |byte: &&u8| **byte < b' ' && !b"\t\n\r\x0c\x1b".contains(byte);
    let is_printable = |byte: &&u8| matches!(**byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let count = |is: &dyn Fn(&&u8) -> bool| bytes.iter().filter(is).count();
    is_utf8 && 4 * count(&is_control) < bytes.len()
        || 10 * count(&is_printable) >= 7 * bytes.len() && !is_every_other_alike(bytes)
}

/// Whether a third of every other byte is one that seldom stands between.
fn is_every_other_alike(bytes: &[u8]) -> bool {
    let mut counts = [[0_usize; 2]; 256];
    bytes.iter().enumerate().for_each(|(at, byte)| counts[usize::from(*byte)][at % 2] += 1);
    let is_alike = |often: usize, between: usize| 6 * often >= bytes.len() && 4 * between <= often;
    counts.iter().any(|&[even, odd]| is_alike(even, odd) || is_alike(odd, even))
}

/// Whether all units are characters of text.
fn is_utf32(bytes: &[u8], order: ByteOrder) -> bool {
    let units = bytes.as_chunks().0;
    let unit = |bytes: &[u8; 4]| match order {
        ByteOrder::Little => u32::from_le_bytes(*bytes),
        ByteOrder::Big => u32::from_be_bytes(*bytes),
    };
    units.len() > 1 && units.iter().all(|bytes| char::from_u32(unit(bytes)).is_some_and(|c| !is_odd(c)))
}

/// Counts line ends, spaces, points and letters of ASCII; none if the units are no text.
fn marks_of_utf16(bytes: &[u8], order: ByteOrder) -> usize {
    let units = bytes.as_chunks().0.iter().map(|bytes| order.unit(*bytes));
    let (mut marks, mut ascii, mut odd, mut all) = (0, 0, 0, 0);
    for character in char::decode_utf16(units) {
        all += 1;
        match character {
            Ok('\t' | '\n' | '\r' | ' ' | '\u{3000}' | '\u{3001}' | '\u{3002}' | '\u{ff0c}') => marks += 1,
            Ok(' '..='~') => ascii += 1,
            Ok(character) => odd += usize::from(is_odd(character)),
            Err(_) => odd += 1,
        }
    }
    // The sample may end in half a character, and a text may have one that is damaged.
    let is_text = 100 * odd <= all + 99 && (marks > 0 || 2 * ascii >= all);
    if is_text { marks + ascii } else { 0 }
}

/// Whether a character is hardly one of a text.
fn is_odd(character: char) -> bool {
    character.is_control() && !"\t\n\r\u{c}\u{1b}\u{85}".contains(character)
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}'..='\u{ffff}' | '\u{f0000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, order: ByteOrder) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match order {
                ByteOrder::Little => unit.to_le_bytes(),
                ByteOrder::Big => unit.to_be_bytes(),
            })
            .collect()
    }

    fn utf32(text: &str, order: ByteOrder) -> Vec<u8> {
        text.chars()
            .flat_map(|c| match order {
                ByteOrder::Little => u32::from(c).to_le_bytes(),
                ByteOrder::Big => u32::from(c).to_be_bytes(),
            })
            .collect()
    }

    const TEXTS: [&str; 9] = [
        "The river floods.\n",
        "a",
        "Снег тает, и река разливается.\nСнег\n",
        "河水在春天上涨，淹没了小镇。\n一一一一一一\n",
        "雪が溶けると川があふれます。\r\n",
        "눈이 녹으면 강이 넘칩니다.\n",
        "{\"text\": \"河水\"}\n",
        "emoji 😀😀😀\n",
        "これはとてもいいてんきですね。\n",
    ];

    #[test]
    fn wide_units_are_told_by_their_zeros_in_every_script() {
        for text in TEXTS {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                assert_eq!(Wide::of(&utf16(text, order)), Some(Wide::Utf16(order)), "{text}");
                // The beginning may be cut within a character.
                if text.trim_end_matches('\n').contains([' ', '\n', '\r']) {
                    let bytes = utf16(text, order);
                    assert_eq!(Wide::of(&bytes[..bytes.len() - 1]), Some(Wide::Utf16(order)), "{text}");
                }
                if text.chars().count() > 1 {
                    assert_eq!(Wide::of(&utf32(text, order)), Some(Wide::Utf32(order)), "{text}");
                }
            }
        }
    }

    #[test]
    fn text_of_bytes_is_none_with_and_without_zeros() {
        for bytes in [
            "The river floods.\n".as_bytes(),
            b"",
            b"one\0\ntwo\0\nthree\0\n",
            b"id\x01text\n1\x01a\0b\n",
            "Снег\0 тает\n".as_bytes(),
            b"name\0\0\0\0\0\0\0value\0\0\0\0\0\n",
            // Latin-1 in both alignments, Shift_JIS, KOI8-R and GBK with a zero.
            b"La neige fond au caf\xe9\n\0 tr\xe8s t\xf4t.\n",
            b"a La neige fond au caf\xe9\n\0 tr\xe8s t\xf4t.\n",
            b",\n\n,\xff\n\0\n",
            b"\x90\xe1\x82\xaa\x97n\x82\xaf\x82\xe9\x82\xc6\x90\xec\0\x82\xaa\n\0",
            b"\xf3\xce\xc5\xc7 \xd4\xc1\xc5\xd4\0 \xd2\xc5\xcb\xc1 \xda\xcc\xc9\xd7\xc1\xc5\xd4\xd3\xd1\n\0",
            b"\xba\xd3\xcb\xae\xd4\xda\xb4\xba\xcc\xec\0\xc9\xcf\xd5\xc7\xa3\xac\xd1\xcd\n",
        ] {
            assert_eq!(Wide::of(bytes), None, "{bytes:?}");
        }
    }
}
