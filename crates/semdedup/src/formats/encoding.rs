//! The encodings of text files that have no byte order mark, by the names that the web and Python
//! give them.

use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_16BE, UTF_16LE, X_USER_DEFINED};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::formats::text::utf16::ByteOrder;

/// The encoding of a text file, such as windows-1252, GBK or Shift_JIS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

/// The names of Python, Java and iconv that the web does not know.
const OTHER_NAMES: [(&str, &str); 23] = [
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
    ("cp874", "windows-874"),
    ("cp65001", "utf-8"),
    ("latin-1", "latin1"),
    ("latin_1", "latin1"),
    ("shiftjis", "shift_jis"),
    ("eucjp", "euc-jp"),
    ("euckr", "euc-kr"),
    ("koi8r", "koi8-r"),
    ("koi8u", "koi8-u"),
    ("uhc", "euc-kr"),
    ("macroman", "macintosh"),
    ("mac-roman", "macintosh"),
    ("mac_roman", "macintosh"),
    ("maccyrillic", "x-mac-cyrillic"),
    ("mac-cyrillic", "x-mac-cyrillic"),
    ("mac_cyrillic", "x-mac-cyrillic"),
    // ASCII is a part of UTF-8. The web calls windows-1252 by its name.
    ("ascii", "utf-8"),
    ("us-ascii", "utf-8"),
    ("utf-8-sig", "utf-8"),
];

/// The beginnings of the names of encodings that other programs have and this one does not read: pages
/// of DOS and of EBCDIC, and encodings with states.
const NOT_READ: [&str; 11] =
    ["cp", "ibm", "ebcdic", "mac", "x-mac", "iso-2022", "utf-7", "utf7", "hz", "johab", "viscii"];

impl TextEncoding {
    /// Finds an encoding by one of its names, in any case.
    ///
    /// # Errors
    /// An unknown name; UTF-16 without the order of its bytes; an encoding with states, whose lines
    /// cannot be copied one by one.
    pub fn named(name: &str) -> Result<Self> {
        let lower = name.trim().to_ascii_lowercase();
        let letters: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
        match letters.as_str() {
            "utf16le" | "ucs2le" => return Ok(Self(UTF_16LE)),
            "utf16be" | "ucs2be" => return Ok(Self(UTF_16BE)),
            "utf16" | "ucs2" | "unicode" => {
                let problem = "UTF-16 is read without this option if a byte order mark tells it";
                return Err(Error::usage(problem)
                    .hint("utf-16le or utf-16be names the order of the bytes of files without a mark"));
            }
            _ => {}
        }
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == lower).map(|(_, known)| *known);
        let label = label_of(other.unwrap_or(&lower));
        let encoding = Encoding::for_label(label.as_bytes())
            .filter(|found| ![REPLACEMENT, X_USER_DEFINED].contains(found))
            .ok_or_else(|| unknown(&lower))?;
        if encoding == ISO_2022_JP {
            return Err(Error::usage("its lines cannot be told from each other")
                .hint("iconv -f ISO-2022-JP -t UTF-8 OLD > NEW converts the file"));
        }
        Ok(Self(encoding))
    }

    /// Returns the name that the web gives it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the order of its bytes if it is UTF-16.
    pub(crate) fn utf16(self) -> Option<ByteOrder> {
        match self.0 {
            encoding if encoding == UTF_16LE => Some(ByteOrder::Little),
            encoding if encoding == UTF_16BE => Some(ByteOrder::Big),
            _ => None,
        }
    }

    /// Whether it is UTF-8, which needs no decoding.
    pub(crate) fn is_utf8(self) -> bool {
        self.0 == encoding_rs::UTF_8
    }

    /// Decodes bytes that encode again to the same bytes; `None` for others.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<String> {
        let text = self.0.decode_without_bom_handling_and_without_replacement(bytes)?;
        let (again, _, is_lossy) = self.0.encode(&text);
        (!is_lossy && *again == *bytes).then(|| text.into_owned())
    }

    /// Encodes a text; `None` if it has a character that the encoding does not have.
    pub(crate) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let (bytes, _, is_lossy) = self.0.encode(text);
        (!is_lossy).then(|| bytes.into_owned())
    }
}

/// Returns the name of the web for one of Windows (`cp1252`, `win1252`) or of iconv (`ISO_8859-1`).
fn label_of(name: &str) -> String {
    let windows = ["cp125", "win125", "win-125", "windows125"];
    match windows.into_iter().find_map(|start| name.strip_prefix(start)) {
        Some(digit) => format!("windows-125{digit}"),
        None => name.replace("iso_8859", "iso-8859").replace("iso8859", "iso-8859"),
    }
}

/// The error for a name that the web does not know.
fn unknown(lower: &str) -> Error {
    let is_page = lower.len() == 3 && lower.bytes().all(|byte| byte.is_ascii_digit());
    let page = if is_page { format!("cp{lower}") } else { lower.to_owned() };
    if is_page || NOT_READ.iter().any(|start| page.starts_with(start)) {
        let name = page.to_ascii_uppercase();
        return Error::usage(format!("{name} is not read"))
            .hint(format!("iconv -f {name} -t UTF-8 OLD > NEW converts a file that is in it"));
    }
    if lower.starts_with("utf-32") || lower.starts_with("utf32") || lower.starts_with("ucs-4") {
        return Error::usage("UTF-32 is not read").hint("iconv -f UTF-32 -t UTF-8 OLD > NEW converts a file");
    }
    Error::usage("no such encoding").hint(
        "such as windows-1252, latin1, gbk, gb18030, big5, shift_jis, euc-jp, euc-kr, koi8-r; `iconv -l` lists more, and \
         iconv -f NAME -t UTF-8 OLD > NEW converts a file",
    )
}

impl Serialize for TextEncoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TextEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).map_err(|error| D::Error::custom(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn encodings_have_the_names_of_the_web_of_python_and_of_iconv() {
        for (names, found) in [
            (
                &[
                    "windows-1252",
                    "cp1252",
                    "CP1252",
                    "latin1",
                    "latin-1",
                    "Latin_1",
                    "iso-8859-1",
                    "ISO_8859-1",
                ][..],
                "windows-1252",
            ),
            (&["gbk", "GB2312", "cp936"], "GBK"),
            (&["gb18030"], "gb18030"),
            (&["shift_jis", "sjis", "cp932", "Shift-JIS"], "Shift_JIS"),
            (&["koi8-r", "koi8r", "KOI8_R", "koi8"], "KOI8-R"),
            (&["iso8859-2", "latin2"], "ISO-8859-2"),
            (&["iso8859-1", "l1", "win1252"], "windows-1252"),
            (&["cp1250", "windows1250"], "windows-1250"),
            (&["cp1251", "win-1251"], "windows-1251"),
            (&["cp866", "ibm866"], "IBM866"),
            (&["macroman", "mac-roman", "Mac_Roman", "macintosh"], "macintosh"),
            (&["mac-cyrillic"], "x-mac-cyrillic"),
            (&["utf-8", "utf8", "cp65001", "utf-8-sig", "ascii", "US-ASCII"], "UTF-8"),
        ] {
            for name in names {
                assert_eq!(TextEncoding::named(name).unwrap().name(), found, "{name}");
            }
        }
        for (name, found) in [("utf-16le", "UTF-16LE"), ("UTF_16_LE", "UTF-16LE"), ("utf16be", "UTF-16BE")] {
            assert_eq!(TextEncoding::named(name).unwrap().name(), found, "{name}");
        }
        for name in ["klingon", "", "utf-16", "ucs-2", "iso-2022-jp", "replacement"] {
            assert!(TextEncoding::named(name).unwrap_err().hint_text().is_some(), "{name}");
        }
        for (name, problem, iconv) in [
            ("cp437", "CP437 is not read", "CP437"),
            ("437", "CP437 is not read", "CP437"),
            ("IBM850", "IBM850 is not read", "IBM850"),
            ("cp037", "CP037 is not read", "CP037"),
            ("mac-centraleurope", "MAC-CENTRALEUROPE is not read", "MAC-CENTRALEUROPE"),
            ("utf-7", "UTF-7 is not read", "UTF-7"),
            ("utf-32le", "UTF-32 is not read", "UTF-32"),
            ("cp125", "CP125 is not read", "CP125"),
        ] {
            let error = TextEncoding::named(name).unwrap_err();
            assert_eq!(error.to_string(), problem);
            assert!(error.hint_text().unwrap().contains(&format!("iconv -f {iconv} -t UTF-8")), "{name}");
        }
    }
}
