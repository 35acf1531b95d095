//! Checks by the first bytes of a file that it can be a file of rows.

use std::io::Read;

use semdedup_embed::{FileKind, Group, kind_of_content};

use crate::error::{Error, Result};
use crate::foreign::{BEGINNING, kind_of_beginning, not_read};
use crate::formats::compression::Compression;
use crate::formats::file::{Format, InputFile};

/// The fewest bytes that tell a text from damaged compressed data.
const FEWEST_OF_TEXT: usize = 16;

/// Fails if a file of rows begins like a file of another kind.
pub(crate) fn check(file: &InputFile, beginning: &[u8]) -> Result<()> {
    let compression = Compression::of_content(beginning);
    if compression != Compression::None && compression == file.compression {
        let inside = unpacked(beginning, compression);
        // What the first bytes unpack to may be less than the whole file.
        let is_whole = (beginning.len() as u64) < BEGINNING;
        return check_kind(
            file,
            if is_whole { kind_of_beginning(&inside) } else { kind_of_content(&inside) },
        );
    }
    check_kind(file, kind_of_beginning(beginning))?;
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

/// Returns what the first bytes of a compressed file unpack to, as far as they go.
fn unpacked(beginning: &[u8], compression: Compression) -> Vec<u8> {
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
