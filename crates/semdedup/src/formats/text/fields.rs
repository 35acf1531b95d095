//! The fields of a CSV record (the `csv-core` crate does the grammar), and the fields that are
//! added to one.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::formats::dialect::{Dialect, Quirks};
use crate::formats::text::grammar::{Grammar, Place, Step};

/// Returns a reader of a dialect that keeps byte order marks.
///
/// csv-core removes a mark from the first bytes that it gets, wherever these are in the file; the
/// mark of the file itself has been read by then. So the reader is given a blank line first.
pub(crate) fn csv_reader(dialect: &Dialect) -> Reader {
    let Dialect { delimiter, quirks: Quirks { quote, escape, .. }, .. } = *dialect;
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).escape(escape.byte());
    match quote.byte() {
        Some(quote) => builder.quote(quote),
        None => builder.quoting(false),
    };
    let mut reader = builder.build();
    keep_marks(&mut reader);
    reader
}

fn keep_marks(reader: &mut Reader) {
    reader.read_record(b"\n", &mut [0], &mut [0]);
}

/// The fields of one record.
pub(crate) struct Fields {
    by: ReadBy,
    delimiter: u8,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Fields {
    pub fn new(dialect: &Dialect) -> Self {
        let grammar = Grammar::of(dialect);
        let by = match grammar.is_usual() {
            true => ReadBy::Core(Box::new(csv_reader(dialect))),
            false => ReadBy::Grammar(grammar),
        };
        Self { by, delimiter: dialect.delimiter, bytes: Vec::new(), ends: vec![0; 16], count: 0 }
    }

    pub fn read(&mut self, record: &[u8]) {
        let reader = match &mut self.by {
            ReadBy::Core(reader) => reader,
            &mut ReadBy::Grammar(grammar) => return self.read_by(grammar, record),
        };
        reader.reset();
        keep_marks(reader);
        if self.bytes.len() < record.len() {
            self.bytes.resize(record.len().next_power_of_two(), 0);
        }
        let (mut read, mut written) = (0, 0);
        self.count = 0;
        loop {
            if self.count == self.ends.len() {
                self.ends.resize(2 * self.count, 0);
            }
            // Fields are never longer than the record, so `bytes` cannot be full. Empty input ends
            // the record.
            let (result, bytes_in, bytes_out, ends) =
                reader.read_record(&record[read..], &mut self.bytes[written..], &mut self.ends[self.count..]);
            read += bytes_in;
            written += bytes_out;
            self.count += ends;
            if matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                return;
            }
        }
    }

    fn read_by(&mut self, grammar: Grammar, record: &[u8]) {
        self.bytes.clear();
        self.ends.clear();
        let (mut place, mut start) = (Place::Start, 0);
        for (at, &byte) in record.iter().enumerate() {
            match grammar.step(place, byte) {
                Step::Skip(next) => place = next,
                Step::Take(next, meant) => {
                    self.bytes.push(meant);
                    place = next;
                }
                // A record has no line end outside its fields.
                Step::EndRecord => break,
                Step::EndField => {
                    self.end_field(grammar.is_null(&record[start..at]));
                    (place, start) = (Place::Start, at + 1);
                }
            }
        }
        self.end_field(grammar.is_null(&record[start..]));
        self.count = self.ends.len();
    }

    /// Ends a field; one that is null is empty.
    fn end_field(&mut self, is_null: bool) {
        let start = self.ends.last().copied().unwrap_or_default();
        self.bytes.truncate(if is_null { start } else { self.bytes.len() });
        self.ends.push(self.bytes.len());
    }

    /// Returns the number of fields of the record that was read.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn field(&self, column: usize) -> &[u8] {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[column]]
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|column| self.field(column))
    }

    /// Returns how many delimiters stand at the end of `record`, which was read, behind as many fields
    /// as there are columns; none if a field behind these is not empty.
    pub fn trailing_delimiters(&self, record: &[u8], columns: usize) -> Option<usize> {
        let behind = self.count.checked_sub(columns).filter(|behind| *behind > 0)?;
        let (_, end) = record.split_at_checked(record.len().checked_sub(behind)?)?;
        let is_empty = |column: usize| self.field(column).is_empty();
        let are_empty = (columns..self.count).all(is_empty) && end.iter().all(|byte| *byte == self.delimiter);
        are_empty.then_some(behind)
    }
}

/// The program that reads records.
enum ReadBy {
    Core(Box<Reader>),
    Grammar(Grammar),
}

/// Appends a field to a record, in quotes where it needs them.
///
/// # Errors
/// A field that needs quotes where the dialect has none.
pub(crate) fn push_field(
    record: &mut Vec<u8>,
    dialect: &Dialect,
    text: &str,
) -> std::result::Result<(), String> {
    let Dialect { delimiter, quirks: Quirks { quote, escape, skip_spaces, .. }, .. } = *dialect;
    let is_special = |byte: u8| byte == delimiter || b"\r\n".contains(&byte) || Some(byte) == quote.byte();
    record.push(delimiter);
    let (quote, needs_quotes) = match (quote.byte(), escape.byte()) {
        (None, Some(escape)) => {
            for byte in text.bytes() {
                if is_special(byte) || byte == escape {
                    record.push(escape);
                }
                record.push(byte);
            }
            return Ok(());
        }
        (quote, _) => (quote, text.bytes().any(is_special) || skip_spaces && text.starts_with(' ')),
    };
    if !needs_quotes {
        record.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let Some(quote) = quote else {
        return Err(format!(
            "the value `{}` needs quotes, and the file is read without",
            text.escape_debug()
        ));
    };
    record.push(quote);
    for byte in text.bytes() {
        if byte == quote || Some(byte) == escape.byte() {
            record.push(escape.byte().unwrap_or(quote));
        }
        record.push(byte);
    }
    record.push(quote);
    Ok(())
}
