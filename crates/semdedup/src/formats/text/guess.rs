//! Says which encoding a file that is not UTF-8 may be in, and notices one that is.

use std::io::Read;

use crate::error::{Error, Result};
use crate::formats::encoding::TextEncoding;
use crate::formats::file::InputFile;
use crate::formats::stream;
use crate::formats::text::likely::{LikelyEncoding, likely};
use crate::formats::text::utf16::ByteOrder;
use crate::formats::text::wide::Wide;

/// The bytes of a file that are looked at…
const LOOKED_AT: u64 = 1 << 20;
/// …and those that tell UTF-16.
const WIDE_BYTES: usize = 64 << 10;

/// Returns the likely encoding of the lines of a file that are not UTF-8, as far as its beginning
/// tells.
pub(crate) fn likely_encoding(file: &InputFile) -> Option<LikelyEncoding> {
    let mut bytes = Vec::new();
    let stream = stream::open(file).ok()?.stream;
    // What is read before damage is looked at; the damage is reported elsewhere.
    let _ = stream.take(LOOKED_AT).read_to_end(&mut bytes);
    // UTF-16 is what it says.
    if ByteOrder::of_mark(&bytes).is_some() { None } else { likely(&bytes) }
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
    if ByteOrder::of_mark(&bytes).is_some() || bytes.starts_with("\u{feff}".as_bytes()) {
        return Ok(());
    }
    if encoding.utf16().is_some() {
        return check_utf16(file, encoding, &bytes);
    }
    let beyond = valid_beginning(&bytes).chars().filter(|character| !character.is_ascii()).count();
    if beyond < 3 {
        return Ok(());
    }
    let problem = format!("is UTF-8: its beginning is valid, with {beyond} characters beyond ASCII");
    Err(other_encoding(file, encoding, problem))
}

/// Fails if a file that the user calls UTF-16 has its bytes in the other order, or is UTF-8.
fn check_utf16(file: &InputFile, encoding: TextEncoding, bytes: &[u8]) -> Result<()> {
    match Wide::of(&bytes[..bytes.len().min(WIDE_BYTES)]) {
        Some(found) if found.name() == encoding.name() => Ok(()),
        Some(found) => {
            let problem = format!("looks like {}, not like {}", found.name(), encoding.name());
            Err(Error::input(&file.path, problem).hint(found.remedy()))
        }
        None if !valid_beginning(bytes).is_empty() => {
            Err(other_encoding(file, encoding, "is UTF-8: its beginning is valid".to_owned()))
        }
        None => Ok(()),
    }
}

fn other_encoding(file: &InputFile, encoding: TextEncoding, problem: String) -> Error {
    Error::input(&file.path, problem).hint(format!(
        "leave out --encoding {}, or run files of other encodings by themselves",
        encoding.name()
    ))
}

/// Returns the bytes as a text, without a last character that may be cut; empty if they are not UTF-8.
fn valid_beginning(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => "",
    }
}

/// Says how a file is read whose texts are not UTF-8.
pub(crate) fn encoding_hint(likely: Option<LikelyEncoding>) -> String {
    likely.map_or_else(
        || {
            "if they are in another encoding, --encoding NAME reads them, with a NAME such as windows-1252, gbk or \
             shift_jis"
                .to_owned()
        },
        |likely| likely.to_string(),
    )
}

/// The error for a file whose first rows are no text of its encoding, of which `problem` is one.
pub(crate) fn not_text(file: &InputFile, problem: &str) -> Error {
    let likely = likely_encoding(file);
    let Some(encoding) = file.encoding else {
        return Error::input(&file.path, format!("is not UTF-8: {problem}")).hint(encoding_hint(likely));
    };
    let problem = problem.replace("valid UTF-8", &format!("valid {}", encoding.name()));
    let other = likely.filter(|likely| !likely.name.eq_ignore_ascii_case(encoding.name()));
    let hint = other.map_or_else(
        || "see whether --encoding names the right encoding".to_owned(),
        |other| other.to_string(),
    );
    Error::input(&file.path, format!("is not {}: {problem}", encoding.name())).hint(hint)
}
