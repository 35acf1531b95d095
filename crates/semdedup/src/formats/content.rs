//! Checks by the first bytes of a file that it can be a file of rows.

use std::io::Read;

use semdedup_embed::{FileKind, Group, kind_of_content};

use crate::error::{Error, Result};
use crate::foreign::{BEGINNING, kind_of_beginning, not_read};
use crate::formats::compression::Compression;
use crate::formats::file::{Format, InputFile};
use crate::storage::is_url;

/// The fewest bytes that tell a text from damaged compressed data.
const FEWEST_OF_TEXT: usize = 16;

/// Fails if a file of rows begins like a file of another kind.
pub(crate) fn check(file: &InputFile, beginning: &[u8]) -> Result<()> {
    let compression = Compression::of_content(beginning);
    if compression != Compression::None && compression == file.compression {
        let inside = unpacked(beginning, compression);
        // What the first bytes unpack to may be less than the whole file.
        let is_whole = (beginning.len() as u64) < BEGINNING;
        check_kind(file, if is_whole { kind_of_beginning(&inside) } else { kind_of_content(&inside) })?;
        return check_json(file, &inside);
    }
    if compression != Compression::None && is_url(&file.path) && file.format.rows().is_compressible() {
        let (tool, extension) = (compression.tool(), compression.extension());
        return Err(Error::input(&file.path, format!("is {tool} data, and its name does not end with {extension}"))
            .hint("rename it: in a store the name tells the compression; or download it: on a disk the content does"));
    }
    check_kind(file, kind_of_beginning(beginning))?;
    check_json(file, beginning)?;
    let named = file.compression.extension();
    match is_text(beginning) && !named.is_empty() {
        true => Err(Error::input(&file.path, format!("is not compressed, although its name says {named}"))
            .hint(format!("give it a name without {named}"))),
        false => Ok(()),
    }
}

fn check_kind(file: &InputFile, kind: Option<&FileKind>) -> Result<()> {
    let is_other = |kind: &&FileKind| ![Group::Picture, Group::Media].contains(&kind.group);
    let Some(kind) = kind.filter(is_other) else { return Ok(()) };
    let error = not_read(&file.path, kind);
    Err(match file.format {
        Format::Text if kind.group == Group::Page => {
            error.hint(format!("{}; --text-files whole compares it as one text", kind.remedy))
        }
        _ => error,
    })
}

/// Fails if a compressed file, which unpacks to these first bytes, is of another kind inside.
pub(crate) fn check_unpacked(file: &InputFile, inside: &[u8]) -> Result<()> {
    check_kind(file, kind_of_beginning(inside))?;
    check_json(file, inside)
}

/// Fails if a file of lines or of separated values is JSON: its brackets and keys would be compared.
fn check_json(file: &InputFile, beginning: &[u8]) -> Result<()> {
    let what = match (json_of(beginning), file.format) {
        (Some(true), Format::Text | Format::Csv(_)) => "a JSON list",
        (Some(false), Format::Text) => "JSON",
        _ => return Ok(()),
    };
    let packed = file.compression.extension();
    Err(Error::input(&file.path, format!("is {what} by its content")).hint(format!(
        "give it a name that ends with .jsonl{packed} if it has an object in each line, or else with .json{packed}"
    )))
}

/// Whether bytes begin a JSON object or, if true, a list of objects; `None` if they are neither.
fn json_of(beginning: &[u8]) -> Option<bool> {
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    let inside = text.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    let object = inside.unwrap_or(text).strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = object.iter().position(|byte| *byte == b'"')?;
    object[end + 1..].trim_ascii_start().starts_with(b":").then_some(inside.is_some())
}

/// Returns what the first bytes of a compressed file unpack to, as far as they go.
pub(crate) fn unpacked(beginning: &[u8], compression: Compression) -> Vec<u8> {
    let mut inside = Vec::new();
    // The bytes end within the data, so an error is no surprise.
    let _ = compression.reader(beginning).and_then(|reader| reader.take(BEGINNING).read_to_end(&mut inside));
    inside
}

/// Whether bytes are the beginning of a text, and not of compressed data that is damaged.
fn is_text(beginning: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !byte.is_ascii_whitespace();
    let is_utf8 = match std::str::from_utf8(beginning) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    };
    beginning.len() >= FEWEST_OF_TEXT && is_utf8 && !beginning.iter().any(is_control)
}
