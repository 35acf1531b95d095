//! The likely encoding of bytes that are not UTF-8, by the letters that texts have most of.

use std::cmp::Reverse;
use std::fmt;
use std::ops::RangeInclusive;

use encoding_rs::Encoding;

/// An encoding that bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LikelyEncoding {
    /// Its name, which iconv knows too.
    pub name: &'static str,
    /// Others that may be meant, the more likely one first.
    pub others: [Option<&'static str>; 2],
    /// Whether few bytes tell it, or another one is nearly as likely.
    pub is_guess: bool,
}

/// Below this many characters beyond ASCII, the encoding is a guess.
const FEW: usize = 24;
/// A less likely encoding is named too if its score is at least this, out of 1000.
const LEAST: usize = 500;

/// An encoding of two bytes a character.
struct TwoBytes {
    name: &'static str,
    /// The first bytes of the usual characters.
    firsts: [RangeInclusive<u8>; 2],
    /// The first and the second bytes of kana, without which a text is hardly Japanese.
    kana: Option<[RangeInclusive<u8>; 2]>,
    /// Whether both bytes are in the upper half.
    is_euc: bool,
}

const TWO_BYTES: [TwoBytes; 5] = [
    TwoBytes {
        name: "SHIFT_JIS",
        firsts: [0x81..=0x83, 0x88..=0x97],
        kana: Some([0x82..=0x83, 0x40..=0xf1]),
        is_euc: false,
    },
    TwoBytes {
        name: "EUC-JP",
        firsts: [0xa1..=0xa5, 0xb0..=0xcf],
        kana: Some([0xa4..=0xa5, 0xa1..=0xf6]),
        is_euc: true,
    },
    TwoBytes { name: "EUC-KR", firsts: [0xa1..=0xa3, 0xb0..=0xc8], kana: None, is_euc: true },
    TwoBytes { name: "GBK", firsts: [0xa1..=0xa3, 0xb0..=0xd7], kana: None, is_euc: true },
    TwoBytes { name: "BIG5", firsts: [0xa1..=0xa3, 0xa4..=0xc6], kana: None, is_euc: false },
];

/// The first of [`ALPHABETS`] are met more often than the others.
const MET_OFTEN: usize = 3;

/// An encoding of a script with an alphabet.
struct Alphabet {
    name: &'static str,
    letters: [RangeInclusive<u8>; 2],
    /// The six letters that texts have most of.
    usual: [u8; 6],
}

const ALPHABETS: [Alphabet; 9] = [
    Alphabet {
        name: "WINDOWS-1251",
        letters: [0xa8..=0xbf, 0xc0..=0xff],
        usual: [0xee, 0xe5, 0xe0, 0xe8, 0xed, 0xf2],
    },
    Alphabet {
        name: "KOI8-R",
        letters: [0xa3..=0xb7, 0xc0..=0xff],
        usual: [0xcf, 0xc5, 0xc1, 0xc9, 0xce, 0xd4],
    },
    Alphabet {
        name: "IBM866",
        letters: [0x80..=0xaf, 0xe0..=0xf7],
        usual: [0xae, 0xa5, 0xa0, 0xa8, 0xad, 0xe2],
    },
    Alphabet {
        name: "ISO-8859-5",
        letters: [0xa1..=0xaf, 0xb0..=0xff],
        usual: [0xde, 0xd5, 0xd0, 0xd8, 0xdd, 0xe2],
    },
    Alphabet {
        name: "X-MAC-CYRILLIC",
        letters: [0x80..=0x9f, 0xdd..=0xff],
        usual: [0xee, 0xe5, 0xe0, 0xe8, 0xed, 0xf2],
    },
    Alphabet {
        name: "WINDOWS-1253",
        letters: [0xa1..=0xbf, 0xc0..=0xfe],
        usual: [0xe1, 0xef, 0xe9, 0xe5, 0xf4, 0xed],
    },
    Alphabet {
        name: "WINDOWS-1255",
        letters: [0xc0..=0xd3, 0xe0..=0xfa],
        usual: [0xe9, 0xe5, 0xe4, 0xec, 0xe0, 0xfa],
    },
    Alphabet {
        name: "WINDOWS-1256",
        letters: [0x80..=0x90, 0xc0..=0xff],
        usual: [0xc7, 0xe1, 0xed, 0xe3, 0xe6, 0xe4],
    },
    Alphabet {
        name: "WINDOWS-874",
        letters: [0xa1..=0xda, 0xdf..=0xfb],
        usual: [0xd2, 0xb9, 0xc3, 0xcd, 0xa1, 0xe0],
    },
];

/// The letters of central Europe that are no letters in WINDOWS-1252, or seldom: in WINDOWS-1250…
const CENTRAL: &[u8] = &[0x9a, 0x9c, 0x9d, 0x9e, 0x9f, 0x8a, 0x8c, 0x8e, 0x8f, 0xa3, 0xa5, 0xb3, 0xb9, 0xbf];
/// …and in ISO-8859-2.
const CENTRAL_ISO: &[u8] = &[0xa1, 0xa6, 0xa9, 0xac, 0xae, 0xb1, 0xb3, 0xb6, 0xb9, 0xbb, 0xbc, 0xbe, 0xbf];
/// The accents that western texts have most of: of a Macintosh…
const MACINTOSH: &[u8] = &[0x8e, 0x8f, 0x8a, 0x9a, 0x9f, 0x87, 0x92, 0x97, 0x96, 0x8d, 0x88, 0x90, 0xa7];
/// …and of DOS.
const DOS: &[u8] = &[0x82, 0x8a, 0x84, 0x94, 0x81, 0xa0, 0xa1, 0xa2, 0xa4, 0x87, 0x85, 0x88, 0xe1];

/// Says that a file is of this encoding, and what to do.
impl fmt::Display for LikelyEncoding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, others, is_guess } = *self;
        let others: String = others.iter().flatten().map(|other| format!(" or {other}")).collect();
        match is_guess {
            true => write!(out, "its bytes may be {name}{others}, which is a guess: ")?,
            false => write!(out, "its bytes look like {name}: ")?,
        }
        match Encoding::for_label(name.as_bytes()) {
            Some(_) => write!(out, "--encoding {name} reads it")?,
            None => write!(out, "iconv -f {name} -t UTF-8 OLD > NEW converts it")?,
        }
        if is_guess { out.write_str("; look at some texts first") } else { Ok(()) }
    }
}

/// Returns the likely encoding of the lines that are not UTF-8.
pub(crate) fn likely(bytes: &[u8]) -> Option<LikelyEncoding> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |last| last + 1);
    let lines = bytes[..end].split_inclusive(|byte| *byte == b'\n');
    let odd: Vec<u8> = lines.filter(|line| std::str::from_utf8(line).is_err()).flatten().copied().collect();
    let words = Words::of(&odd);
    if words.high == 0 {
        return None;
    }
    let scores = if words.high <= words.letters { latin_scores(&words) } else { scores(&odd, &words) };
    let mut scores = scores.into_iter().filter(|score| score.1 > 0).collect::<Vec<_>>();
    scores.sort_by_key(|score| Reverse(score.1));
    let (name, best) = *scores.first().unwrap_or(&("WINDOWS-1252", 0));
    let is_near = scores.get(1).is_some_and(|other| 10 * other.1 >= 9 * best);
    let is_guess = words.high < FEW || best < LEAST || is_near;
    let other = |place: usize| scores.get(place).filter(|other| is_guess && other.1 >= LEAST);
    let others = [1, 2].map(|place| other(place).map(|other| other.0));
    Some(LikelyEncoding { name, others, is_guess })
}

/// The words of bytes that have letters beyond ASCII.
struct Words {
    bytes: Vec<u8>,
    /// Their letters of ASCII.
    letters: usize,
    /// Their other bytes.
    high: usize,
}

impl Words {
    fn of(bytes: &[u8]) -> Self {
        let is_part = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
        let words = bytes.split(|byte| !is_part(byte)).filter(|word| !word.is_ascii());
        let bytes: Vec<u8> = words.flatten().copied().collect();
        let letters = bytes.iter().filter(|byte| byte.is_ascii()).count();
        Self { high: bytes.len() - letters, letters, bytes }
    }

    /// Returns the share of the bytes beyond ASCII that are counted, out of 1000.
    fn share(&self, counted: impl Fn(u8) -> bool) -> usize {
        let high = self.bytes.iter().filter(|byte| !byte.is_ascii());
        1000 * high.filter(|byte| counted(**byte)).count() / self.high.max(1)
    }
}

/// Scores encodings of Latin letters with accents.
fn latin_scores(words: &Words) -> Vec<(&'static str, usize)> {
    let share = |letters: &[u8]| words.share(|byte| letters.contains(&byte));
    let usual = words.share(|byte| byte >= 0xc0);
    let (central, central_iso) = (share(CENTRAL), share(CENTRAL_ISO));
    let others = central.max(central_iso);
    let is_there = |share: usize| share >= 50;
    // What is `ő` and `ű` in Hungarian is `õ` and `û` elsewhere.
    let hungarian = if is_there(share(&[0xf5, 0xfb])) { usual * 19 / 20 } else { 0 };
    let low = words.share(|byte| byte < 0xa0 || [0xa7, 0xae, 0xaf, 0xbe, 0xbf].contains(&byte));
    let dos = words.share(|byte| byte <= 0xa5 || byte == 0xe1);
    vec![
        ("WINDOWS-1252", usual.saturating_sub(if is_there(others) { others } else { 0 })),
        ("WINDOWS-1250", if is_there(central) { usual + central } else { hungarian }),
        ("ISO-8859-2", if is_there(central_iso) { usual + central_iso } else { 0 }),
        ("MACINTOSH", (low + share(MACINTOSH)) / 2),
        ("IBM850", (dos + share(DOS)) / 2),
    ]
}

/// Scores encodings of other scripts: those of two bytes a character, and alphabets.
fn scores(odd: &[u8], words: &Words) -> Vec<(&'static str, usize)> {
    let pairs = pairs(odd);
    let is_euc =
        20 * pairs.iter().filter(|pair| pair[0] >= 0xa1 && pair[1] >= 0xa1).count() >= 19 * pairs.len();
    let spaces = odd.windows(3).filter(|at| at[0] >= 0x80 && at[1] == b' ' && at[2] >= 0x80).count();
    let two_bytes = TWO_BYTES.iter().filter(|two| is_euc || !two.is_euc || two.name == "GBK").map(|two| {
        // Korean has spaces between words, and the others have none.
        let is_like = (two.name == "EUC-KR") == (15 * spaces >= pairs.len());
        // A third of the characters of Big5 has a second byte of ASCII.
        let is_odd = two.name == "BIG5" && is_euc && pairs.len() >= FEW / 2;
        let score = two.score(&pairs) * if is_like { 5 } else { 4 } / 5;
        (two.name, if is_odd { score / 2 } else { score })
    });
    let alphabets = ALPHABETS.iter().enumerate().map(|(place, Alphabet { name, letters, usual })| {
        let others = words.share(|byte| !letters.iter().any(|range| range.contains(&byte)));
        let usual = words.share(|byte| usual.contains(&byte)).min(500);
        let score = 500_usize.saturating_sub(3 * others) + usual;
        (*name, if place < MET_OFTEN { score } else { score * 9 / 10 })
    });
    two_bytes.chain(alphabets).filter(|(name, _)| is_valid(odd, name)).collect()
}

impl TwoBytes {
    /// Returns the share of pairs that are usual characters, out of 1000; less if kana are missing.
    fn score(&self, pairs: &[[u8; 2]]) -> usize {
        let share = |is: &dyn Fn(&[u8; 2]) -> bool| {
            1000 * pairs.iter().filter(|pair| is(pair)).count() / pairs.len().max(1)
        };
        let usual = share(&|pair| {
            let is_second = if self.is_euc { pair[1] >= 0xa1 } else { pair[1] >= 0x40 };
            is_second && self.firsts.iter().any(|range| range.contains(&pair[0]))
        });
        match &self.kana {
            Some([firsts, seconds])
                if share(&|pair| firsts.contains(&pair[0]) && seconds.contains(&pair[1])) < 200 =>
            {
                usual * 3 / 5
            }
            _ => usual,
        }
    }
}

/// Whether bytes up to the last separator are a text of an encoding.
fn is_valid(odd: &[u8], name: &str) -> bool {
    let end = odd.iter().rposition(|byte| *byte < b'0').unwrap_or(odd.len());
    let encoding = Encoding::for_label(name.as_bytes());
    encoding.is_some_and(|encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(&odd[..end]).is_some()
    })
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
#[path = "likely_tests.rs"]
mod tests;
