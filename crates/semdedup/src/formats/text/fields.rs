//! The fields of a CSV record (the `csv-core` crate does the grammar), and the fields that are
//! added to one.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::formats::dialect::{Dialect, Quirks};

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

/// Returns over how many lines a quoted field goes that has text behind its closing quote; none if
/// there is no such field, as in every record of one line.
pub(crate) fn lines_of_stray_quote(record: &[u8], dialect: &Dialect) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', record)?;
    let (quote, escape) = (dialect.quirks.quote.byte()?, dialect.quirks.escape.byte());
    let mut rest = record;
    loop {
        if rest.first() == Some(&quote) {
            let end = end_of_quotes(rest, quote, escape)?;
            let lines = memchr::memchr_iter(b'\n', &rest[..end]).count();
            rest = &rest[end..];
            let behind = rest.iter().find(|byte| **byte != b' ');
            if lines > 0 && behind.is_some_and(|byte| *byte != dialect.delimiter) {
                return Some(lines + 1);
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

/// The fields of one record.
pub(crate) struct Fields {
    reader: Reader,
    delimiter: u8,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Fields {
    pub fn new(dialect: &Dialect) -> Self {
        let (reader, delimiter) = (csv_reader(dialect), dialect.delimiter);
        Self { reader, delimiter, bytes: Vec::new(), ends: vec![0; 16], count: 0 }
    }

    pub fn read(&mut self, record: &[u8]) {
        self.reader.reset();
        keep_marks(&mut self.reader);
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
            let (result, bytes_in, bytes_out, ends) = self.reader.read_record(
                &record[read..],
                &mut self.bytes[written..],
                &mut self.ends[self.count..],
            );
            read += bytes_in;
            written += bytes_out;
            self.count += ends;
            if matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                return;
            }
        }
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

    /// Whether `record`, which was read, has `columns` fields and a delimiter behind the last.
    pub fn has_trailing_delimiter(&self, record: &[u8], columns: usize) -> bool {
        self.count == columns + 1 && record.last() == Some(&self.delimiter) && self.field(columns).is_empty()
    }
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
    let Dialect { delimiter, quirks: Quirks { quote, escape, .. }, .. } = *dialect;
    let needs_quotes = |byte: u8| byte == delimiter || b"\r\n".contains(&byte) || Some(byte) == quote.byte();
    record.push(delimiter);
    if !text.bytes().any(needs_quotes) {
        record.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let Some(quote) = quote.byte() else {
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
