//! CSV and TSV: the ends of records, the header, and the rows.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::dialect::{Dialect, Quote};
use crate::formats::file::InputFile;
use crate::formats::number_list::numbers_of_text;
use crate::formats::rows::{RowsBuilder, join, no_embedding, not_utf8};
use crate::formats::text::doubts::Doubts;
use crate::formats::text::fields::Fields;
use crate::formats::text::guess::{encoding_hint, likely_encoding};
use crate::formats::text::record_ends::RecordEnds;
use crate::formats::text::records::{CsvHeader, Records, without_line_end};

/// Finds where records end, across any number of buffers.
pub(crate) struct CsvRecords {
    ends: RecordEnds,
    dialect: Dialect,
    /// The number of lines above the header that follow.
    lines_above: u32,
    header: Option<Arc<CsvHeader>>,
    /// Whether the record has ended in `\r` and the next byte may be its `\n`.
    carriage_return: bool,
}

impl CsvRecords {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            ends: RecordEnds::of(&dialect),
            dialect,
            lines_above: dialect.quirks.lines_above_header,
            header: None,
            carriage_return: false,
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
        if !self.carriage_return {
            read += self.ends.find(&input[read..])?;
            if input[read - 1] != b'\r' {
                return Some(read);
            }
            self.carriage_return = true;
        }
        if read == input.len() {
            return None;
        }
        self.carriage_return = false;
        Some(read + usize::from(input[read] == b'\n'))
    }

    /// Whether the current record can end at the end of the file, that is, outside quotes.
    pub fn can_end(&mut self) -> bool {
        self.carriage_return || self.lines_above > 0 || self.ends.can_end()
    }

    /// The error for a file that ends inside quotes.
    pub fn not_closed(&self, file: &InputFile, row: u64) -> Error {
        let problem = format!("row {row}: a quoted field is not closed by the end of the file");
        let Quote(quote) = self.dialect.quirks.quote;
        let quote = quote.unwrap_or('"');
        Error::input(&file.path, problem).hint(format!(
            "the file is truncated, or a `{quote}` at the start of a field is meant literally: --quote none reads quotes as \
             letters; where a backslash escapes quotes, type --escape '\\'"
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

/// A field, and the name of its column.
struct NamedField<'a> {
    name: &'a str,
    place: usize,
}

/// The positions of the texts, the id and the embedding among the fields.
struct FieldPositions<'a> {
    fields: usize,
    texts: Vec<usize>,
    id: Option<usize>,
    embedding: Option<NamedField<'a>>,
    /// Whether a row may have delimiters behind its last field.
    trailing_delimiter: bool,
}

impl FieldPositions<'_> {
    /// Fails if a record does not have as many fields as the header.
    fn check(&self, fields: usize) -> std::result::Result<(), String> {
        match fields == self.fields {
            true => Ok(()),
            false => Err(format!("row has {fields} fields, the header has {}", self.fields)),
        }
    }

    /// Counts the fields of a record, which was read, without those that delimiters at its end make.
    fn count(&self, fields: &Fields, record: &[u8]) -> usize {
        let trailing = fields.trailing_delimiters(record, self.fields).filter(|_| self.trailing_delimiter);
        fields.count() - trailing.unwrap_or_default()
    }
}

/// Parses the records of one chunk.
///
/// # Errors
/// A column that the header lacks; rows that the dialect may cut wrongly ([`Doubts`]).
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
    let named = |name| position(name).map(|place| NamedField { name, place });
    let embedding = columns.embedding.as_deref().map(named).transpose()?;
    let texts = columns.texts().map(position).collect::<Result<_>>()?;
    let trailing_delimiter = header.dialect.quirks.trailing_delimiter;
    let places = FieldPositions { fields: header.names.len(), texts, id, embedding, trailing_delimiter };
    let (mut fields, mut joined) = (Fields::new(&header.dialect), String::new());
    let mut doubts = Doubts::new(&header.dialect, header.names.len(), records.first_row);
    records.for_each(rows.limit, |record| {
        let valid = |record| std::str::from_utf8(record).map(|_| record).map_err(|error| not_utf8(&error));
        let record = record.and_then(valid).inspect_err(|_| doubts.pass());
        let parsed = record.and_then(|record| {
            fields.read(record);
            let count = places.count(&fields, record);
            doubts.look_at(record, count);
            places.check(count).map_err(|reason| reason + doubts.remedy(record))?;
            row_of(&fields, &places, &mut joined)
        });
        match parsed {
            Ok(CsvRow { text, id, vector }) => {
                vector.iter().for_each(|vector| rows.push_vector(vector));
                rows.push(text.unwrap_or(&joined), id);
            }
            Err(reason) => rows.push_bad(reason),
        }
    });
    doubts.check(file)
}

/// The values of a record.
struct CsvRow<'a> {
    /// The text; `None` where it was joined from several fields.
    text: Option<&'a str>,
    id: Option<&'a str>,
    vector: Option<Vec<f32>>,
}

/// Reads the embedding of a record.
fn vector_of(
    fields: &Fields,
    &NamedField { name, place }: &NamedField,
) -> std::result::Result<Vec<f32>, String> {
    let text = std::str::from_utf8(fields.field(place)).map_err(|error| not_utf8(&error))?;
    match text.trim() {
        "" => Err(no_embedding(name)),
        text => numbers_of_text(text).map_err(|problem| format!("column `{name}` {problem}")),
    }
}

/// Reads the text, the id and the embedding of a record. A text of several fields goes into `joined`.
fn row_of<'a>(
    fields: &'a Fields,
    places: &FieldPositions<'_>,
    joined: &mut String,
) -> std::result::Result<CsvRow<'a>, String> {
    // Only ASCII is removed from a record, so its fields are UTF-8 if the record is.
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
    let vector = places.embedding.as_ref().map(|field| vector_of(fields, field)).transpose()?;
    Ok(CsvRow { text, id, vector })
}
