//! Adds columns to records of JSON and CSV; every other byte stays as it was.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use crate::error::{Error, Result};
use crate::formats::added_columns::{AddedColumns, taken};
use crate::formats::arrow::display::printable;
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::text::encoded::TextSink;
use crate::formats::text::fields::{Fields, push_field};
use crate::formats::text::json;
use crate::formats::text::records::{CsvHeader, Records, without_line_end};
use crate::formats::text::split::Splitter;

/// Writes all records with columns added; see [`crate::formats::annotate::write_annotated`].
pub(crate) fn annotate_records(
    file: &InputFile,
    limits: &ReadLimits,
    destination: &Path,
    added: &mut AddedColumns,
) -> Result<u64> {
    let unwritable = |error| Error::output(destination, error);
    let names: Vec<String> = added.schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut splitter = Splitter::open(file, limits)?;
    let mut sink = TextSink::create(destination, file, splitter.coding()).map_err(unwritable)?;
    let (mut written, mut bytes) = (0, Vec::new());
    while let Some(records) = splitter.next_records()? {
        let values = (added.next)(records.spans.len())?;
        bytes.clear();
        let values: Vec<ArrayRef> = values.columns().iter().map(printable).collect();
        Annotator::new(file, &names, &values)?.append(&records, &mut bytes)?;
        sink.write_all(&bytes).map_err(unwritable)?;
        written += records.spans.len() as u64;
    }
    sink.finish().map_err(unwritable)?;
    Ok(written)
}

/// Writes records with values added.
struct Annotator<'a> {
    file: &'a InputFile,
    columns: Vec<AddedColumn<'a>>,
}

/// An added column with its values for some consecutive rows.
struct AddedColumn<'a> {
    name: &'a str,
    values: &'a ArrayRef,
    printed: ArrayFormatter<'a>,
}

/// A record and where it is.
struct Record<'a> {
    /// The bytes without the line end.
    bytes: &'a [u8],
    /// The index of the row among the added values.
    index: usize,
    /// The number of the row in the file.
    row: u64,
}

impl<'a> Annotator<'a> {
    fn new(file: &'a InputFile, names: &'a [String], values: &'a [ArrayRef]) -> Result<Self> {
        let unprintable = |error| Error::input(&file.path, error);
        let column = |(name, values): (&'a String, &'a ArrayRef)| {
            let printed = ArrayFormatter::try_new(values.as_ref(), &FormatOptions::default());
            Ok(AddedColumn { name, values, printed: printed.map_err(unprintable)? })
        };
        let columns = names.iter().zip(values).map(column).collect::<Result<_>>()?;
        Ok(Self { file, columns })
    }

    /// Appends a region: the header and the rows with their added columns, and the bytes between
    /// rows as they are.
    fn append(&self, records: &Records, out: &mut Vec<u8>) -> Result<()> {
        let mut done = records.region.start;
        if let (Some(header), Format::Csv(dialect)) = (&records.header_span, self.file.format) {
            let end = header.start + without_line_end(&records.buffer[header.clone()]).len();
            out.extend_from_slice(&records.buffer[done..end]);
            for column in &self.columns {
                push_field(out, &dialect, column.name).map_err(|problem| self.unwritable(None, &problem))?;
            }
            done = end;
        }
        let mut csv = CsvRows::new(records);
        for (index, span) in records.spans.iter().enumerate() {
            let row = records.first_row + index as u64;
            if let Some(long) = records.overlong.iter().find(|long| long.index == index) {
                return Err(self.too_long(row, long.bytes));
            }
            let bytes = without_line_end(&records.buffer[span.clone()]);
            out.extend_from_slice(&records.buffer[done..span.start]);
            match self.file.format {
                Format::Csv(_) => self.append_fields(&Record { bytes, index, row }, &mut csv, out)?,
                _ => self.append_object(&Record { bytes, index, row }, out)?,
            }
            done = span.start + bytes.len();
        }
        out.extend_from_slice(&records.buffer[done..records.region.end]);
        Ok(())
    }

    fn too_long(&self, row: u64, bytes: u64) -> Error {
        let problem = format!("row {row}: a row of {bytes} bytes is over the limit and cannot be copied");
        Error::input(&self.file.path, problem).hint("raise --max-row-bytes")
    }

    /// Appends a CSV record with the added fields, in front of delimiters at its end that the header
    /// does not have.
    fn append_fields(&self, record: &Record, csv: &mut Option<CsvRows>, out: &mut Vec<u8>) -> Result<()> {
        let Some(csv) = csv else { return Ok(()) };
        let dialect = csv.header.dialect;
        let is_bad = self.columns.iter().all(|column| column.values.is_null(record.index));
        let end = csv.end_of(record.bytes, is_bad);
        let (bytes, behind) = record.bytes.split_at(record.bytes.len() - end.trailing());
        out.extend_from_slice(bytes);
        for column in &self.columns {
            let text = match column.values.is_null(record.index) {
                true => String::new(),
                false => column.printed.value(record.index).to_string(),
            };
            push_field(out, &dialect, &text)
                .map_err(|problem| self.unwritable(Some(record.row), &problem))?;
        }
        out.extend_from_slice(behind);
        if end == RowEnd::TooManyFields {
            match dialect.quirks.quote.byte() {
                Some(quote) => out.extend([quote; 2]),
                None => out.push(b' '),
            }
        }
        Ok(())
    }

    fn unwritable(&self, row: Option<u64>, problem: &str) -> Error {
        let place = row.map_or("header".to_owned(), |row| format!("row {row}"));
        Error::input(&self.file.path, format!("{place}: cannot be annotated: {problem}"))
            .hint("--output ids lists the rows that stay, and scores.parquet has the score of every row")
    }

    /// Appends a line of JSONL, or an element of a list, with the added columns before its last
    /// brace.
    fn append_object(&self, record: &Record, out: &mut Vec<u8>) -> Result<()> {
        let &Record { bytes: line, index, row } = record;
        let keys = match json::keys_of(line) {
            Ok(keys) => keys,
            // It was skipped as a bad row, and it is not an object that could take columns.
            Err(_) if self.columns.iter().all(|column| column.values.is_null(index)) => {
                out.extend_from_slice(line);
                return Ok(());
            }
            Err(reason) => {
                let problem = format!("changed since it was read: row {row}: {reason}");
                return Err(Error::input(&self.file.path, problem).hint("start again"));
            }
        };
        let is_taken = |column: &&AddedColumn| keys.iter().any(|key| key == column.name);
        if let Some(column) = self.columns.iter().find(is_taken) {
            return Err(taken(self.file, column.name, Some(row)));
        }
        // An object ends with a brace and perhaps white space.
        let brace = line.iter().rposition(|&byte| byte == b'}').unwrap_or(line.len());
        out.extend_from_slice(&line[..brace]);
        for (number, column) in self.columns.iter().enumerate() {
            if number > 0 || !keys.is_empty() {
                out.push(b',');
            }
            json::push_string(out, column.name);
            out.push(b':');
            column.append_value(index, out);
        }
        out.extend_from_slice(&line[brace..]);
        Ok(())
    }
}

/// Tells where fields are added to the rows of a CSV file.
struct CsvRows {
    header: Arc<CsvHeader>,
    fields: Fields,
}

impl CsvRows {
    /// Returns none if there is no header, and so no row.
    fn new(records: &Records) -> Option<Self> {
        let header = records.header.clone()?;
        Some(Self { fields: Fields::new(&header.dialect), header })
    }

    /// Returns how a record ends. `is_bad` says that it may be a bad row.
    fn end_of(&mut self, record: &[u8], is_bad: bool) -> RowEnd {
        let (may_trail, columns) = (self.header.dialect.quirks.trailing_delimiter, self.header.names.len());
        if !may_trail && !is_bad {
            return RowEnd::Usual;
        }
        self.fields.read(record);
        match self.fields.trailing_delimiters(record, columns) {
            Some(delimiters) if may_trail => RowEnd::TrailingDelimiters(delimiters),
            _ if is_bad && self.fields.count() > columns => RowEnd::TooManyFields,
            _ => RowEnd::Usual,
        }
    }
}

/// How a CSV record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowEnd {
    Usual,
    /// So many delimiters follow the last field, as in other rows.
    TrailingDelimiters(usize),
    /// A bad row has more fields than the header. With nothing but delimiters behind it, it would look
    /// like a row with delimiters at its end, so the last added field is written as an empty one in
    /// quotes, or as a space where there are no quotes.
    TooManyFields,
}

impl RowEnd {
    /// The number of delimiters at the end.
    fn trailing(self) -> usize {
        if let Self::TrailingDelimiters(delimiters) = self { delimiters } else { 0 }
    }
}

impl AddedColumn<'_> {
    /// Appends a value as JSON.
    fn append_value(&self, index: usize, out: &mut Vec<u8>) {
        let text = self.printed.value(index).to_string();
        match self.values.data_type() {
            _ if self.values.is_null(index) => out.extend_from_slice(b"null"),
            kind if kind.is_floating() && !is_finite(&text) => out.extend_from_slice(b"null"),
            kind if kind.is_integer() || kind.is_floating() || kind == &DataType::Boolean => {
                out.extend_from_slice(text.as_bytes());
            }
            _ => json::push_string(out, &text),
        }
    }
}

/// Whether a number is finite. JSON has no other numbers.
fn is_finite(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_finite)
}
