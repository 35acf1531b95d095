//! Guesses the encoding of texts that are not UTF-8, for hints.

use std::io::Read;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::stream;
use crate::formats::text::encoded::open_text;

/// The bytes of a file that are looked at.
const LOOKED_AT: u64 = 1 << 20;

/// Returns the likely encoding of the lines of a file that are not UTF-8, as far as its beginning
/// tells.
pub(crate) fn likely_encoding(file: &InputFile) -> Option<&'static str> {
    let mut bytes = Vec::new();
    let stream = open_text(file).ok()?.open.stream;
    // What is read before damage is looked at; the damage is reported elsewhere.
    let _ = stream.take(LOOKED_AT).read_to_end(&mut bytes);
    likely(&bytes)
}

/// Fails if a file that the user calls one of another encoding is UTF-8 by its beginning. (UTF-8 is
/// seldom valid by chance: three characters beyond ASCII are taken for certain.)
pub(crate) fn check_no_utf8(file: &InputFile) -> Result<()> {
    let Some(encoding) = file.encoding.filter(|encoding| !encoding.is_utf8()) else { return Ok(()) };
    let mut bytes = Vec::new();
    // Folders of texts have no beginning, and damage is reported elsewhere.
    if file.format.is_tree()
        || stream::open(file)
            .and_then(|open| open.stream.take(LOOKED_AT).read_to_end(&mut bytes).map_err(Error::io))
            .is_err()
    {
        return Ok(());
    }
    let valid = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Ok(()),
    };
    let beyond =
        valid.trim_start_matches('\u{feff}').chars().filter(|character| !character.is_ascii()).count();
    if beyond < 3 || valid.starts_with('\u{feff}') {
        return Ok(());
    }
    let problem = format!("is UTF-8: its beginning is valid, with {beyond} characters beyond ASCII");
    Err(Error::input(&file.path, problem).hint(format!(
        "leave out --encoding {}, or run files of other encodings by themselves",
        encoding.name()
    )))
}

/// Says how a file is read whose texts are not UTF-8.
pub(crate) fn encoding_hint(likely: Option<&str>) -> String {
    match likely {
        Some(name) => {
            format!("its bytes look like {name}: --encoding {name} reads it")
        }
        None => "if they are in another encoding, --encoding NAME reads them, with a NAME such as \
                 windows-1252, gbk or shift_jis"
            .to_owned(),
    }
}

/// Returns the likely encoding of the lines that are not UTF-8.
fn likely(bytes: &[u8]) -> Option<&'static str> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |last| last + 1);
    let lines = bytes[..end].split_inclusive(|byte| *byte == b'\n');
    let odd: Vec<u8> = lines.filter(|line| std::str::from_utf8(line).is_err()).flatten().copied().collect();
    let high = odd.iter().filter(|byte| **byte >= 0x80).count();
    if high == 0 {
        return None;
    }
    // The usual characters of an encoding, by their first and second bytes, and their least share.
    let kana = 0.3;
    let usual: [(&str, RangeInclusive<u8>, RangeInclusive<u8>, f64); 5] = [
        ("SHIFT_JIS", 0x82..=0x83, 0x40..=0xf1, kana),
        ("EUC-JP", 0xa4..=0xa5, 0xa1..=0xf6, kana),
        ("EUC-KR", 0xb0..=0xc8, 0xa1..=0xfe, 0.9),
        ("GBK", 0xa1..=0xd7, 0xa1..=0xfe, 0.7),
        ("BIG5", 0xa1..=0xc6, 0x40..=0xfe, 0.7),
    ];
    let pairs = pairs(&odd);
    let of_pairs = |firsts: &RangeInclusive<u8>, seconds: &RangeInclusive<u8>| {
        let usual = pairs.iter().filter(|pair| firsts.contains(&pair[0]) && seconds.contains(&pair[1]));
        usual.count() as f64 / pairs.len() as f64
    };
    // Accents are single letters; Cyrillic and the scripts of two bytes have whole words of them.
    let letters = odd.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if 2 * high <= letters {
        return Some("WINDOWS-1252");
    }
    let is_euc = of_pairs(&(0xa1..=0xfe), &(0xa1..=0xfe)) >= 0.95;
    let of_two = usual.iter().find(|(name, firsts, seconds, least)| {
        of_pairs(firsts, seconds) >= *least && (is_euc || !name.starts_with("EUC"))
    });
    let cyrillic = odd.iter().filter(|byte| **byte >= 0xc0).count();
    match of_two {
        _ if 10 * cyrillic >= 9 * high => Some("WINDOWS-1251"),
        Some((name, ..)) => Some(name),
        None => Some("WINDOWS-1252"),
    }
}

/// Returns the characters of two bytes.
fn pairs(bytes: &[u8]) -> Vec<[u8; 2]> {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some(start) = rest.iter().position(|byte| *byte >= 0x80)
        && let [first, second, tail @ ..] = &rest[start..]
    {
        found.push([*first, *second]);
        rest = tail;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_encoding_of_a_text_is_found() {
        // The texts are "The snow melts." in several languages, in these encodings.
        let cases: [(&str, &[u8]); 7] = [
            ("WINDOWS-1252", b"La neige fond au caf\xe9, tr\xe8s t\xf4t.\n"),
            ("WINDOWS-1251", b"\xd1\xed\xe5\xe3 \xf2\xe0\xe5\xf2, \xe8 \xf0\xe5\xea\xe0 \xf0\xe0\xe7\xeb\xe8\xe2\xe0\xe5\xf2\xf1\xff.\n"),
            ("GBK", b"\xba\xd3\xcb\xae\xc3\xbf\xc4\xea\xb4\xba\xcc\xec\xb6\xbc\xbb\xe1\xb7\xba\xc0\xc4\n"),
            ("BIG5", b"\xaae\xa4\xf4\xa8C\xa6~\xacK\xa4\xd1\xb3\xa3\xb7|\xaax\xc0\xdd\n"),
            ("SHIFT_JIS", b"\x90\xe1\x82\xaa\x97n\x82\xaf\x82\xdc\x82\xb7\n"),
            ("EUC-JP", b"\xc0\xe3\xa4\xac\xcd\xcf\xa4\xb1\xa4\xde\xa4\xb9\n"),
            ("EUC-KR", b"\xb4\xab\xc0\xcc \xb3\xec\xbd\xc0\xb4\xcf\xb4\xd9\n"),
        ];
        for (name, bytes) in cases {
            assert_eq!(likely(bytes), Some(name));
        }
        assert_eq!(likely("caf\u{e9}\n".as_bytes()), None);
    }
}
