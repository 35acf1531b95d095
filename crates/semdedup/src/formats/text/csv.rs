//! CSV and TSV: the ends of records, the header, and the rows.

use std::sync::Arc;

use csv_core::{ReadRecordResult, Reader};

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::dialect::{Dialect, Quote};
use crate::formats::file::InputFile;
use crate::formats::rows::{RowsBuilder, join, not_utf8};
use crate::formats::text::fields::{Fields, csv_reader, lines_of_stray_quote};
use crate::formats::text::guess::{encoding_hint, likely_encoding};
use crate::formats::text::records::{CsvHeader, Records, without_line_end};

/// Finds where records end, across any number of buffers.
pub(crate) struct CsvRecords {
    reader: Reader,
    dialect: Dialect,
    /// The number of lines above the header that follow.
    lines_above: u32,
    header: Option<Arc<CsvHeader>>,
    /// Whether the record has ended in `\r` and the next byte may be its `\n`.
    carriage_return: bool,
    /// Room for unquoted fields, which are not used here.
    scratch: Vec<u8>,
}

impl CsvRecords {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            reader: csv_reader(&dialect),
            dialect,
            lines_above: dialect.quirks.lines_above_header,
            header: None,
            carriage_return: false,
            scratch: vec![0; 16 << 10],
        }
    }

    pub fn header(&self) -> Option<Arc<CsvHeader>> {
        self.header.clone()
    }

    /// Takes a record before there is a header, and returns what it is.
    pub fn take_first(&mut self, file: &InputFile, record: &[u8]) -> Result<FirstRecord> {
        if self.lines_above > 0 {
            self.lines_above -= 1;
            return Ok(FirstRecord::Above);
        }
        let mut fields = Fields::new(&self.dialect);
        fields.read(without_line_end(record));
        let no_header = self.dialect.quirks.no_header;
        let name = |(number, field): (usize, &[u8])| match no_header {
            true => Ok(format!("column_{}", number + 1)),
            false => String::from_utf8(field.to_vec()),
        };
        let names = fields.iter().enumerate().map(name).collect::<std::result::Result<_, _>>();
        let names = names.map_err(|error| {
            Error::input(&file.path, format!("header: {error}")).hint(encoding_hint(likely_encoding(file)))
        })?;
        self.header = Some(Arc::new(CsvHeader { names, dialect: self.dialect }));
        Ok(if no_header { FirstRecord::Row } else { FirstRecord::Header })
    }

    /// Returns how many bytes of `input` belong to the current record; `None` if it does not end in
    /// `input`.
    pub fn find_end(&mut self, input: &[u8]) -> Option<usize> {
        let mut read = 0;
        if self.lines_above > 0 && !self.carriage_return {
            // A line above the header has no fields, so quotes mean nothing in it.
            read = memchr::memchr2(b'\r', b'\n', input)? + 1;
            if input[read - 1] == b'\n' {
                return Some(read);
            }
            self.carriage_return = true;
        }
        // csv-core takes empty input for the end of the file.
        while !self.carriage_return && read < input.len() {
            let mut ends = [0; 64];
            let (result, bytes, ..) = self.reader.read_record(&input[read..], &mut self.scratch, &mut ends);
            read += bytes;
            if matches!(result, ReadRecordResult::Record) {
                if input[read - 1] != b'\r' {
                    return Some(read);
                }
                self.carriage_return = true;
            }
        }
        if !self.carriage_return || read == input.len() {
            return None;
        }
        self.carriage_return = false;
        Some(read + usize::from(input[read] == b'\n'))
    }

    /// Whether the current record can end at the end of the file, that is, outside quotes.
    pub fn can_end(&mut self) -> bool {
        let mut ends = [0; 64];
        // Only inside quotes does a line end not end the record. (A clone of the reader cannot be
        // asked: `clone` of csv-core 0.1 leaves out half of its tables.)
        self.carriage_return
            || self.lines_above > 0
            || matches!(
                self.reader.read_record(b"\n", &mut self.scratch, &mut ends).0,
                ReadRecordResult::Record
            )
    }

    /// The error for a file that ends inside quotes.
    pub fn not_closed(&self, file: &InputFile, row: u64) -> Error {
        let problem = format!("row {row}: a quoted field is not closed by the end of the file");
        let Quote(quote) = self.dialect.quirks.quote;
        let quote = quote.unwrap_or('"');
        Error::input(&file.path, problem).hint(format!(
            "the file is truncated, or a `{quote}` at the start of a field is meant literally: --quote none reads quotes as \
             letters"
        ))
    }
}

/// What a record before the first row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstRecord {
    /// A line above the header.
    Above,
    Header,
    /// A row, because the file has no header.
    Row,
}

/// Returns the fields of the first row, in quotes.
pub(crate) fn first_values(records: &Records, columns: usize) -> Vec<Option<String>> {
    let (Some(header), Some(span)) = (&records.header, records.spans.first()) else { return Vec::new() };
    let mut fields = Fields::new(&header.dialect);
    fields.read(&records.buffer[span.clone()]);
    let shown = |field: &[u8]| format!("\"{}\"", String::from_utf8_lossy(&field[..field.len().min(200)]));
    fields.iter().take(columns).map(|field| Some(shown(field))).collect()
}

/// The positions of the texts and the id among the fields.
struct FieldPositions {
    fields: usize,
    texts: Vec<usize>,
    id: Option<usize>,
    /// Whether a row may have a delimiter behind its last field.
    trailing_delimiter: bool,
}

impl FieldPositions {
    /// Fails if a record, which was read, does not have as many fields as the header.
    fn check(&self, fields: &Fields, record: &[u8]) -> std::result::Result<(), String> {
        let is_fit = fields.count() == self.fields
            || self.trailing_delimiter && fields.has_trailing_delimiter(record, self.fields);
        match is_fit {
            true => Ok(()),
            false => Err(format!("row has {} fields, the header has {}", fields.count(), self.fields)),
        }
    }
}

/// Parses the records of one chunk.
///
/// # Errors
/// A column that the header lacks; a field over several lines with text behind its closing quote:
/// the quotes may be letters, and then several rows are taken for one.
pub(crate) fn parse(
    file: &InputFile,
    records: &Records,
    columns: &Columns,
    rows: &mut RowsBuilder,
) -> Result<()> {
    // Rows come after a header, so without a header there are none.
    let Some(header) = &records.header else { return Ok(()) };
    let position = |name: &str| header.position(name).map_err(|problem| Error::input(&file.path, problem));
    let id = columns.id.as_deref().map(position).transpose()?;
    let texts = columns.texts().map(position).collect::<Result<_>>()?;
    let trailing_delimiter = header.dialect.quirks.trailing_delimiter;
    let places = FieldPositions { fields: header.names.len(), texts, id, trailing_delimiter };
    let (mut fields, mut joined) = (Fields::new(&header.dialect), String::new());
    let (mut number, mut stray) = (records.first_row, None);
    records.for_each(rows.limit, |record| {
        let lines = record.as_ref().ok().and_then(|record| lines_of_stray_quote(record, &header.dialect));
        stray = stray.or(lines.map(|lines| (number, lines)));
        number += 1;
        let parsed = record.and_then(|record| {
            std::str::from_utf8(record).map_err(|error| not_utf8(&error))?;
            fields.read(record);
            places.check(&fields, record)?;
            row_of(&fields, &places, &mut joined)
        });
        match parsed {
            Ok(CsvRow { text, id }) => rows.push(text.unwrap_or(&joined), id),
            Err(reason) => rows.push_bad(reason),
        }
    });
    stray.map_or(Ok(()), |(row, lines)| Err(stray_quote(file, row, lines)))
}

/// The error for rows that quotes may join.
fn stray_quote(file: &InputFile, row: u64, lines: usize) -> Error {
    let problem = format!(
        "row {row}: a quoted field goes over {lines} lines and has text behind its closing quote, so that several rows may be taken \
         for one"
    );
    Error::input(&file.path, problem).hint(
        "if quotes are letters in this file, --quote none reads them so; if they are not, double those inside of fields",
    )
}

/// The values of a record.
struct CsvRow<'a> {
    /// The text; `None` where it was joined from several fields.
    text: Option<&'a str>,
    id: Option<&'a str>,
}

/// Reads the text and the id of a record. A text of several fields goes into `joined`.
fn row_of<'a>(
    fields: &'a Fields,
    places: &FieldPositions,
    joined: &mut String,
) -> std::result::Result<CsvRow<'a>, String> {
    // Only quotes are removed from a record, so its fields are UTF-8 if the record is.
    let field = |column| std::str::from_utf8(fields.field(column)).map_err(|error| not_utf8(&error));
    let id = places.id.map(field).transpose()?;
    let text = match places.texts[..] {
        [] => Some(""),
        [only] => Some(field(only)?),
        _ => {
            joined.clear();
            places.texts.iter().try_for_each(|&column| field(column).map(|text| join(joined, text)))?;
            None
        }
    };
    Ok(CsvRow { text, id })
}
