//! CSV and TSV: the ends of records, the header, and the fields of a record (the `csv-core` crate
//! does the grammar).

use std::sync::Arc;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::rows::{RowsBuilder, join, not_utf8};
use crate::formats::text::records::{CsvHeader, Records};

/// Finds where records end, across any number of buffers.
pub(crate) struct CsvRecords {
    reader: Reader,
    delimiter: u8,
    header: Option<Arc<CsvHeader>>,
    /// Whether the record has ended in `\r` and the next byte may be its `\n`.
    carriage_return: bool,
    /// Room for unquoted fields, which are not used here.
    scratch: Vec<u8>,
}

impl CsvRecords {
    pub fn new(delimiter: u8) -> Self {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
        keep_marks(&mut reader);
        Self { reader, delimiter, header: None, carriage_return: false, scratch: vec![0; 16 << 10] }
    }

    pub fn header(&self) -> Option<Arc<CsvHeader>> {
        self.header.clone()
    }

    pub fn set_header(&mut self, file: &InputFile, record: &[u8]) -> Result<()> {
        let mut fields = Fields::new(self.delimiter);
        fields.read(record);
        let names = fields
            .iter()
            .map(|field| String::from_utf8(field.to_vec()))
            .collect::<std::result::Result<_, _>>();
        let names = names.map_err(|error| Error::input(&file.path, format!("header: {error}")))?;
        self.header = Some(Arc::new(CsvHeader { names, delimiter: self.delimiter }));
        Ok(())
    }

    /// Returns how many bytes of `input` belong to the current record; `None` if it does not end in
    /// `input`.
    pub fn find_end(&mut self, input: &[u8]) -> Option<usize> {
        let mut read = 0;
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
            || matches!(
                self.reader.read_record(b"\n", &mut self.scratch, &mut ends).0,
                ReadRecordResult::Record
            )
    }
}

/// Gives a reader a blank line, so that it keeps byte order marks. It removes one from the first
/// bytes that it gets, wherever these are in the file; the mark of the file itself has been read by
/// then.
fn keep_marks(reader: &mut Reader) {
    reader.read_record(b"\n", &mut [0], &mut [0]);
}

/// Appends a field to a record, in quotes where it needs them.
pub(crate) fn push_field(record: &mut Vec<u8>, delimiter: u8, text: &str) {
    record.push(delimiter);
    if text.bytes().any(|byte| byte == delimiter || b"\"\r\n".contains(&byte)) {
        record.push(b'"');
        record.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        record.push(b'"');
    } else {
        record.extend_from_slice(text.as_bytes());
    }
}

/// The fields of one record.
struct Fields {
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Fields {
    fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, bytes: Vec::new(), ends: vec![0; 16], count: 0 }
    }

    fn read(&mut self, record: &[u8]) {
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

    fn field(&self, column: usize) -> &[u8] {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[column]]
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|column| self.field(column))
    }
}

/// Fails if a header of one column has another delimiter in it: the file does not have the
/// delimiter that its name stands for.
pub(crate) fn check_delimiter(file: &InputFile, header: &str) -> Result<()> {
    let Some(found) = [';', '\t', '|', ','].into_iter().find(|&other| header.contains(other)) else {
        return Ok(());
    };
    let shown = found.escape_default();
    let header = header.escape_debug();
    let problem = format!("the header is one column, `{header}`, with `{shown}` in it");
    let hint = match found {
        '\t' => "if tabs separate the columns, name the file .tsv".to_owned(),
        ',' => "if commas separate the columns, name the file .csv".to_owned(),
        other => format!(
            "if `{other}` separates the columns, write the file with commas: python3 -c \"import csv,sys; \
             csv.writer(sys.stdout).writerows(csv.reader(sys.stdin,delimiter='{other}'))\" < OLD.csv > NEW.csv"
        ),
    };
    Err(Error::input(&file.path, problem)
        .hint(format!("{hint}; if it is one column, name it with --text-column")))
}

/// Returns the fields of the first row, in quotes.
pub(crate) fn first_values(records: &Records, columns: usize) -> Vec<Option<String>> {
    let (Some(header), Some(span)) = (&records.header, records.spans.first()) else { return Vec::new() };
    let mut fields = Fields::new(header.delimiter);
    fields.read(&records.buffer[span.clone()]);
    let shown = |field: &[u8]| format!("\"{}\"", String::from_utf8_lossy(&field[..field.len().min(200)]));
    fields.iter().take(columns).map(|field| Some(shown(field))).collect()
}

/// The positions of the texts and the id among the fields.
struct FieldPositions {
    fields: usize,
    texts: Vec<usize>,
    id: Option<usize>,
}

/// Parses the records of one chunk; the error says which column the header lacks.
pub(crate) fn parse(
    records: &Records,
    columns: &Columns,
    rows: &mut RowsBuilder,
) -> std::result::Result<(), String> {
    // Rows come after a header, so without a header there are none.
    let Some(header) = &records.header else { return Ok(()) };
    let id = columns.id.as_deref().map(|id| header.position(id)).transpose()?;
    let texts = columns.texts().map(|text| header.position(text)).collect::<std::result::Result<_, _>>()?;
    let places = FieldPositions { fields: header.names.len(), texts, id };
    let (mut fields, mut joined) = (Fields::new(header.delimiter), String::new());
    records.for_each(rows.limit, |record| {
        let parsed = record.and_then(|record| {
            std::str::from_utf8(record).map_err(|error| not_utf8(&error))?;
            fields.read(record);
            row_of(&fields, &places, &mut joined)
        });
        match parsed {
            Ok(CsvRow { text, id }) => rows.push(text.unwrap_or(&joined), id),
            Err(reason) => rows.push_bad(reason),
        }
    });
    Ok(())
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
    if fields.count != places.fields {
        return Err(format!("row has {} fields, the header has {}", fields.count, places.fields));
    }
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
