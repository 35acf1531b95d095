//! The options that say how CSV files are written.

use clap::Args;
use semdedup::formats::{DialectChoice, Escape, Quote};

/// The options that say how CSV files are written. What is not given is found in each file.
#[derive(Debug, Args)]
#[command(next_help_heading = "CSV options")]
pub struct CsvArgs {
    /// The character between two fields of a CSV file, such as `;`, `tab` or `\x01`.
    ///
    /// [default: found in the first rows of each file; the comma for .csv and the tab for .tsv, if
    /// no other fits better]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The character around fields, or `none` to read quotes as letters [default: `"`, or `'` if the
    /// first rows show it]
    #[arg(long, value_name = "CHAR", value_parser = quote)]
    quote: Option<Quote>,
    /// The character before a quote inside quotes, or with `--quote none` before delimiters and line
    /// breaks; `none` if quotes are doubled and backslashes are letters [default: doubled, or a
    /// backslash if the first rows show it]
    #[arg(long, value_name = "CHAR", value_parser = escape)]
    escape: Option<Escape>,
    /// Read the first line of CSV files as a row; the columns are called column_1, column_2 and so
    /// on
    #[arg(long)]
    no_header: bool,
}

impl CsvArgs {
    /// Returns the library's options.
    pub fn choice(&self) -> DialectChoice {
        let Self { delimiter, quote, escape, no_header } = *self;
        // A quote that is escaped by itself is doubled.
        let quote_character = quote.unwrap_or_default();
        let escape = escape.map(|escape| if escape.0 == quote_character.0 { Escape(None) } else { escape });
        DialectChoice { delimiter, quote, escape, no_header }
    }
}

/// Reads one character: itself, `tab`, or an escape (`\t`, `\x01`, `\u0001`).
fn character(typed: &str) -> Result<char, String> {
    if ["tab", "\\t"].contains(&typed) {
        return Ok('\t');
    }
    let code = [("\\x", 2), ("\\u", 4)].into_iter().find_map(|(escape, digits)| {
        let code = typed
            .strip_prefix(escape)
            .filter(|code| code.len() == digits && code.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        char::from_u32(u32::from_str_radix(code, 16).ok()?)
    });
    let mut characters = typed.chars();
    let itself = characters.next().filter(|_| characters.next().is_none());
    match code.or(itself) {
        Some(one) if one.is_ascii() && !"\r\n\0".contains(one) => Ok(one),
        _ => Err("it must be one ASCII character, `tab`, or an escape such as `\\x01`".to_owned()),
    }
}

fn delimiter(typed: &str) -> Result<u8, String> {
    character(typed).map(|delimiter| delimiter as u8)
}

fn quote(typed: &str) -> Result<Quote, String> {
    if typed == "none" { Ok(Quote(None)) } else { character(typed).map(|quote| Quote(Some(quote))) }
}

fn escape(typed: &str) -> Result<Escape, String> {
    if typed == "none" { Ok(Escape(None)) } else { character(typed).map(|escape| Escape(Some(escape))) }
}
