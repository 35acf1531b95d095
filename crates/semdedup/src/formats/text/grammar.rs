//! The grammar of CSV, byte by byte. `csv-core` reads the usual dialects. It does not know spaces
//! in front of quotes, nor a character that escapes delimiters and line breaks outside quotes, as
//! MySQL and PostgreSQL write; files with these are read by this grammar.

use crate::formats::dialect::{Dialect, Quirks};

/// What separates and quotes the fields of a dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grammar {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
    skips_spaces: bool,
}

/// A place in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    Unquoted,
    Quoted,
    /// Behind the character that escapes a quote.
    Escaped,
    /// Behind a quote inside quotes, which ends the field unless another follows.
    Closed,
    /// Behind the character that escapes whatever follows it.
    Literal,
    /// Behind an escaped `\r`, to which a `\n` belongs.
    LiteralReturn,
}

/// What a byte does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It belongs to no field.
    Skip(Place),
    /// It is a byte of the field, or stands for one.
    Take(Place, u8),
    EndField,
    EndRecord,
}

impl Grammar {
    pub fn of(dialect: &Dialect) -> Self {
        let Dialect { delimiter, quirks: Quirks { quote, escape, skip_spaces, .. }, .. } = *dialect;
        Self { delimiter, quote: quote.byte(), escape: escape.byte(), skips_spaces: skip_spaces }
    }

    /// Whether `csv-core` reads it alike.
    pub fn is_usual(&self) -> bool {
        !self.skips_spaces && (self.quote.is_some() || self.escape.is_none())
    }

    /// Returns what the next byte does.
    pub fn step(&self, place: Place, byte: u8) -> Step {
        let (is_quote, is_escape) = (Some(byte) == self.quote, Some(byte) == self.escape);
        match place {
            Place::Quoted if is_quote => Step::Skip(Place::Closed),
            Place::Quoted if is_escape => Step::Skip(Place::Escaped),
            Place::Quoted | Place::Escaped => Step::Take(Place::Quoted, byte),
            Place::Closed if is_quote => Step::Take(Place::Quoted, byte),
            Place::Literal if byte == b'\r' => Step::Take(Place::LiteralReturn, byte),
            Place::Literal => Step::Take(Place::Unquoted, meant(byte)),
            Place::LiteralReturn if byte == b'\n' => Step::Take(Place::Unquoted, byte),
            _ if b"\r\n".contains(&byte) => Step::EndRecord,
            _ if byte == self.delimiter => Step::EndField,
            Place::Start if is_quote => Step::Skip(Place::Quoted),
            Place::Start if self.skips_spaces && byte == b' ' => Step::Skip(Place::Start),
            // Quotes say where an escape counts; without them it counts everywhere.
            _ if is_escape && self.quote.is_none() => Step::Skip(Place::Literal),
            _ => Step::Take(Place::Unquoted, byte),
        }
    }

    /// Whether a record can end at the end of the file.
    pub fn can_end(place: Place) -> bool {
        !matches!(place, Place::Quoted | Place::Escaped)
    }

    /// Whether the bytes of a field, as they are in the file, say that there is no value.
    pub fn is_null(&self, field: &[u8]) -> bool {
        self.quote.is_none() && matches!(field, [escape, b'N'] if Some(*escape) == self.escape)
    }
}

/// Returns the byte that one behind an escape stands for.
fn meant(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'0' => 0,
        other => other,
    }
}
