//! Notices rows of CSV that the dialect may cut wrongly: quotes that may be letters, and backslashes
//! that may escape what follows them.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::formats::dialect::{Dialect, Escape, Quirks, Quote};
use crate::formats::file::InputFile;
use crate::formats::text::grammar::{Grammar, Place, Step};
use crate::formats::text::records::{Records, without_line_end};

/// The reason why rows may be cut wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// A quoted field over some lines has text behind its closing quote.
    StrayQuote { lines: usize, has_backslash: bool },
    /// A quoted field ends behind a backslash, and text follows.
    EscapedQuote,
    /// With the next line, to which a backslash leads, the row would fit.
    EscapedBreak,
}

/// Fails if many of the first rows of a file of one column end in a backslash: each line is a row, and
/// several may be one.
pub(crate) fn check_one_column(file: &InputFile, records: &Records) -> Result<()> {
    let Some(header) = records.header.as_ref().filter(|header| header.names.len() == 1) else {
        return Ok(());
    };
    let Quirks { escape, plain_backslash, .. } = header.dialect.quirks;
    if escape.byte().is_some() || plain_backslash {
        return Ok(());
    }
    let is_open = |span: &&Range<usize>| {
        let record = without_line_end(&records.buffer[(*span).clone()]);
        let backslashes = record.iter().rev().take_while(|byte| **byte == b'\\').count();
        backslashes % 2 == 1
    };
    let (count, rows) = (records.spans.iter().filter(is_open).count(), records.spans.len());
    let first = records.spans.iter().position(|span| is_open(&span)).unwrap_or_default();
    match count >= 2 && 100 * count >= rows {
        true => Err(Doubt::EscapedBreak.error(file, first as u64)),
        false => Ok(()),
    }
}

/// Looks at consecutive rows, and keeps the first doubt.
pub(crate) struct Doubts<'a> {
    dialect: &'a Dialect,
    /// The grammar in which a backslash escapes everything; none where backslashes are known.
    escaping: Option<Grammar>,
    columns: usize,
    /// The number of the next row.
    row: u64,
    /// A row that ends in a backslash, and those that it leads to.
    open: Option<Open>,
    first: Option<(u64, Doubt)>,
}

/// Rows that may be one.
struct Open {
    row: u64,
    /// The fields of the one row.
    fields: usize,
    /// Whether each row fits by itself.
    all_fit: bool,
}

impl<'a> Doubts<'a> {
    /// `columns` is the number of fields of the header.
    pub fn new(dialect: &'a Dialect, columns: usize, first_row: u64) -> Self {
        let Quirks { escape, plain_backslash, .. } = dialect.quirks;
        let quirks = Quirks { quote: Quote(None), escape: Escape(Some('\\')), ..dialect.quirks };
        let escaping = Grammar::of(&Dialect { quirks, ..*dialect });
        let escaping = (escape.byte().is_none() && !plain_backslash).then_some(escaping);
        Self { dialect, escaping, columns, row: first_row, open: None, first: None }
    }

    /// Takes a row without fields, such as one over the limit.
    pub fn pass(&mut self) {
        self.open = None;
        self.row += 1;
    }

    /// Looks for a doubt in a row. `fields` is the number of fields that were read from it.
    pub fn look_at(&mut self, record: &[u8], fields: usize) {
        let quoted = doubt_of_quotes(record, self.dialect, self.escaping.is_some());
        let found = quoted.map(|doubt| (self.row, doubt));
        let found = found.or_else(|| self.doubt_of_backslashes(record, fields));
        self.first = self.first.or(found);
        self.row += 1;
    }

    fn doubt_of_backslashes(&mut self, record: &[u8], fields: usize) -> Option<(u64, Doubt)> {
        let open = self.open.take();
        if open.is_none() {
            memchr::memchr(b'\\', record)?;
        }
        let escaped = fields_of(record, &self.escaping?);
        let fits = fields == self.columns && escaped.count == fields;
        let joined = match open {
            Some(open) => {
                Open { fields: open.fields + escaped.count - 1, all_fit: open.all_fit && fits, ..open }
            }
            None => Open { row: self.row, fields: escaped.count, all_fit: fits },
        };
        let row = joined.row;
        if escaped.is_open {
            self.open = Some(joined);
            return None;
        }
        let is_one = row < self.row && joined.fields == self.columns && !joined.all_fit;
        is_one.then_some((row, Doubt::EscapedBreak))
    }

    /// Says how a row of too many fields would fit; empty if it would not.
    pub fn remedy(&self, record: &[u8]) -> &'static str {
        let escaped = self.escaping.filter(|_| record.contains(&b'\\'));
        match escaped.map(|grammar| fields_of(record, &grammar)) {
            Some(escaped) if escaped.count == self.columns && !escaped.is_open => {
                " (with --quote none --escape '\\' it would fit)"
            }
            _ => "",
        }
    }

    /// Fails if a row was in doubt.
    pub fn check(self, file: &InputFile) -> Result<()> {
        self.first.map_or(Ok(()), |(row, doubt)| Err(doubt.error(file, row)))
    }
}

impl Doubt {
    fn error(self, file: &InputFile, row: u64) -> Error {
        let (problem, hint) = match self {
            Self::StrayQuote { lines, has_backslash } => (
                format!(
                    "a quoted field goes over {lines} lines and has text behind its closing quote, so that several rows may be \
                     taken for one"
                ),
                match has_backslash {
                    true => "if a backslash escapes quotes in this file, as Spark writes them, type --escape '\\'; if quotes are \
                             letters, type --quote none",
                    false => "if quotes are letters in this file, --quote none reads them so; if they are not, double those \
                              inside of fields",
                },
            ),
            Self::EscapedQuote => (
                "a backslash stands before the quote that ends a field, and text follows, so that the field may end elsewhere"
                    .to_owned(),
                "if a backslash escapes quotes in this file, as Spark writes them, type --escape '\\'; if it is a letter, type \
                 --escape none",
            ),
            Self::EscapedBreak => (
                "ends in a backslash, and with the next line it has as many fields as the header, so that one row may be taken \
                 for several"
                    .to_owned(),
                "if backslashes escape delimiters and line breaks in this file, as MySQL writes them, type --quote none \
                 --escape '\\'; if they are letters, type --escape none",
            ),
        };
        Error::input(&file.path, format!("row {row}: {problem}")).hint(hint)
    }
}

/// The fields of a record in which a backslash escapes whatever follows it.
struct EscapedFields {
    count: usize,
    /// Whether its last backslash escapes the line end.
    is_open: bool,
}

fn fields_of(record: &[u8], grammar: &Grammar) -> EscapedFields {
    let (mut place, mut count) = (Place::Start, 1);
    for &byte in record {
        place = match grammar.step(place, byte) {
            Step::Skip(next) | Step::Take(next, _) => next,
            // A line break in quotes is of the same field.
            Step::EndRecord => Place::Unquoted,
            Step::EndField => {
                count += 1;
                Place::Start
            }
        };
    }
    EscapedFields { count, is_open: place == Place::Literal }
}

/// Returns the doubt that quoted fields with text behind their closing quote raise.
fn doubt_of_quotes(record: &[u8], dialect: &Dialect, may_escape: bool) -> Option<Doubt> {
    let Quirks { quote, escape, skip_spaces, .. } = dialect.quirks;
    let (quote, escape) = (quote.byte()?, escape.byte());
    let has_break = memchr::memchr2(b'\n', b'\r', record).is_some();
    let escapes = |at: usize| record.get(at + 1) == Some(&quote);
    let has_backslash = may_escape && memchr::memchr_iter(b'\\', record).any(escapes);
    let mut rest = Some(record).filter(|_| has_break || has_backslash)?;
    loop {
        let spaces = if skip_spaces { rest.iter().take_while(|byte| **byte == b' ').count() } else { 0 };
        rest = &rest[spaces..];
        if rest.first() == Some(&quote) {
            let end = end_of_quotes(rest, quote, escape)?;
            let (field, behind) = rest.split_at(end);
            rest = behind;
            let next = behind.iter().find(|byte| **byte != b' ');
            let is_stray = next.is_some_and(|byte| *byte != dialect.delimiter);
            let lines = memchr::memchr_iter(b'\n', field).count();
            if is_stray && has_backslash && field.ends_with(&[b'\\', quote]) {
                return Some(Doubt::EscapedQuote);
            }
            if is_stray && lines > 0 {
                return Some(Doubt::StrayQuote { lines: lines + 1, has_backslash });
            }
        }
        rest = &rest[memchr::memchr(dialect.delimiter, rest)? + 1..];
    }
}

/// Returns where a quoted field ends, behind its closing quote.
fn end_of_quotes(field: &[u8], quote: u8, escape: Option<u8>) -> Option<usize> {
    let mut at = 1;
    loop {
        match *field.get(at)? {
            byte if Some(byte) == escape => at += 2,
            byte if byte != quote => at += 1,
            _ if field.get(at + 1) == Some(&quote) => at += 2,
            _ => return Some(at + 1),
        }
    }
}
