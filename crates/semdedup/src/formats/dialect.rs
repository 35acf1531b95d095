//! Dialects of CSV: how fields, quotes and the header are written in a file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The dialect of a file of separated values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dialect {
    /// The byte between two fields.
    pub delimiter: u8,
    /// What else is particular to the file.
    #[serde(flatten)]
    pub quirks: Quirks,
    /// Whether the user named the delimiter, so that a header of one column is no question.
    #[serde(skip)]
    pub is_asked: bool,
}

/// What a file of separated values has beside its delimiter. The default is what most files have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Quirks {
    /// The character around fields that hold delimiters and line breaks.
    #[serde(skip_serializing_if = "Quote::is_default")]
    pub quote: Quote,
    /// How a quote inside quotes is written.
    #[serde(skip_serializing_if = "Escape::is_default")]
    pub escape: Escape,
    /// Whether the first record is a row, so that the columns are called by their numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_header: bool,
    /// The lines above the header that are no rows, such as a title. Blank lines do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub lines_above_header: u32,
    /// Whether rows end in delimiters, and so in empty fields, that the header does not have.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trailing_delimiter: bool,
    /// Whether spaces in front of a field are no part of it, so that a quote behind them opens it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_spaces: bool,
    /// Whether the user says that backslashes are letters, so that one before a quote, a delimiter or
    /// a line break is no question.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plain_backslash: bool,
}

/// The character around fields that hold delimiters and line breaks; none if no character does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quote(pub Option<char>);

impl Default for Quote {
    fn default() -> Self {
        Self(Some('"'))
    }
}

/// The character before a quote inside quotes; none if such a quote is doubled. Where there are no
/// quotes, it stands before delimiters, line breaks and itself, as MySQL writes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Escape(pub Option<char>);

impl Quote {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the quote as a byte.
    pub(crate) fn byte(self) -> Option<u8> {
        self.0.map(|quote| quote as u8)
    }
}

impl Escape {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the character as a byte.
    pub(crate) fn byte(self) -> Option<u8> {
        self.0.map(|escape| escape as u8)
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Dialect {
    /// Returns the dialect with this delimiter in which everything else is as usual.
    pub const fn new(delimiter: u8) -> Self {
        let quirks = Quirks {
            quote: Quote(Some('"')),
            escape: Escape(None),
            no_header: false,
            lines_above_header: 0,
            trailing_delimiter: false,
            skip_spaces: false,
            plain_backslash: false,
        };
        Self { delimiter, quirks, is_asked: false }
    }
}

/// Displays what is unusual in a dialect, such as `quote '; no header`; nothing if nothing is.
impl fmt::Display for Quirks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notes = Vec::new();
        match self.quote {
            Quote(Some('"')) => {}
            Quote(Some(quote)) => notes.push(format!("quote {quote}")),
            Quote(None) => notes.push("no quotes".to_owned()),
        }
        if let Escape(Some(escape)) = self.escape {
            notes.push(format!("escape {escape}"));
        }
        if self.no_header {
            notes.push("no header".to_owned());
        }
        match self.lines_above_header {
            0 => {}
            1 => notes.push("1 line above the header skipped".to_owned()),
            lines => notes.push(format!("{lines} lines above the header skipped")),
        }
        if self.trailing_delimiter {
            notes.push("delimiters at the end of rows ignored".to_owned());
        }
        if self.skip_spaces {
            notes.push("spaces before fields ignored".to_owned());
        }
        if self.plain_backslash {
            notes.push("backslashes are letters".to_owned());
        }
        out.write_str(&notes.join("; "))
    }
}

/// What the user says about the dialect of CSV files. What is left open is found in each file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialectChoice {
    /// The byte between two fields.
    pub delimiter: Option<u8>,
    /// The character around fields.
    pub quote: Option<Quote>,
    /// How a quote inside quotes is written.
    pub escape: Option<Escape>,
    /// Whether the first record is a row.
    pub no_header: bool,
}

impl DialectChoice {
    /// Fails if the characters cannot be told apart.
    pub(crate) fn check(&self) -> Result<()> {
        let quote = self.quote.and_then(Quote::byte);
        let escape = self.escape.and_then(Escape::byte);
        let named = [("--delimiter", self.delimiter), ("--quote", quote), ("--escape", escape)];
        for (option, byte) in named {
            if let Some(byte) = byte.filter(|byte| !byte.is_ascii() || b"\r\n\0".contains(byte)) {
                let problem = format!("{option} is the byte {byte}, it must be an ASCII character");
                return Err(Error::usage(problem).hint("type one character that is no line break"));
            }
        }
        let same = [(named[0], named[1]), (named[0], named[2])];
        match same.into_iter().find(|((_, one), (_, other))| one.is_some() && one == other) {
            Some(((one, byte), (other, _))) => {
                let character = char::from(byte.unwrap_or_default()).escape_default().to_string();
                Err(Error::usage(format!("{one} and {other} are both `{character}`"))
                    .hint("name two characters"))
            }
            None => Ok(()),
        }
    }
}
