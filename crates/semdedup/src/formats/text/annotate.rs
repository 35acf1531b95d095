//! Adds columns to records of JSON and CSV; every other byte stays as it was.

use std::io::Write;
use std::path::Path;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::error::{Error, Result};
use crate::formats::added_columns::{AddedColumns, taken};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::stream::Sink;
use crate::formats::text::records::{Records, without_line_end};
use crate::formats::text::split::Splitter;
use crate::formats::text::{csv, json};

pub(crate) fn annotate_records(
    file: &InputFile,
    limits: &ReadLimits,
    destination: &Path,
    added: &mut AddedColumns,
) -> Result<u64> {
    let unwritable = |error| Error::output(destination, error);
    let names: Vec<String> = added.schema.fields().iter().map(|field| field.name().clone()).collect();
    let (mut splitter, _) = Splitter::open(file, limits)?;
    let mut sink = Sink::create(destination, file.compression).map_err(unwritable)?;
    let (mut written, mut bytes) = (0, Vec::new());
    while let Some(records) = splitter.next_records()? {
        let values = (added.next)(records.spans.len())?;
        let annotator = Annotator { file, names: &names, values: &values };
        bytes.clear();
        annotator.append(&records, &mut bytes)?;
        sink.write_all(&bytes).map_err(unwritable)?;
        written += records.spans.len() as u64;
    }
    sink.finish().map_err(unwritable)?;
    Ok(written)
}

/// Writes records with values added.
struct Annotator<'a> {
    file: &'a InputFile,
    names: &'a [String],
    values: &'a RecordBatch,
}

impl Annotator<'_> {
    /// Appends a region: what lies between its rows as it is, the header and the rows with their columns.
    fn append(&self, records: &Records, out: &mut Vec<u8>) -> Result<()> {
        let unprintable = |error| Error::input(&self.file.path, error);
        let options = FormatOptions::default();
        let columns: Vec<ArrayFormatter> = self
            .values
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<_, _>>()
            .map_err(unprintable)?;
        let mut done = records.region.start;
        if let (Some(header), Format::Csv { delimiter }) = (&records.header_span, self.file.format) {
            let end = header.start + without_line_end(&records.buffer[header.clone()]).len();
            out.extend_from_slice(&records.buffer[done..end]);
            self.names.iter().for_each(|name| csv::push_field(out, delimiter, name));
            done = end;
        }
        for (index, span) in records.spans.iter().enumerate() {
            let row = records.first_row + index as u64;
            if let Some((_, bytes)) = records.overlong.iter().find(|(long, _)| *long == index) {
                let problem =
                    format!("row {row}: a row of {bytes} bytes is over the limit and cannot be copied");
                return Err(Error::input(&self.file.path, problem).hint("raise --max-row-bytes"));
            }
            let record = without_line_end(&records.buffer[span.clone()]);
            out.extend_from_slice(&records.buffer[done..span.start]);
            match self.file.format {
                Format::Csv { delimiter } => {
                    out.extend_from_slice(record);
                    columns.iter().enumerate().for_each(|(number, column)| {
                        let null = self.values.column(number).is_null(index);
                        let text = if null { String::new() } else { column.value(index).to_string() };
                        csv::push_field(out, delimiter, &text);
                    });
                }
                _ => self.append_object(record, (index, row), &columns, out)?,
            }
            done = span.start + record.len();
        }
        out.extend_from_slice(&records.buffer[done..records.region.end]);
        Ok(())
    }

    /// A line of JSONL, or an element of a list, with the columns before its last brace.
    fn append_object(
        &self,
        line: &[u8],
        (index, row): (usize, u64),
        columns: &[ArrayFormatter],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let keys = match json::keys_of(line) {
            Ok(keys) => keys,
            // It was skipped, and is no object that could take more.
            Err(_) if self.values.columns().iter().all(|column| column.is_null(index)) => {
                out.extend_from_slice(line);
                return Ok(());
            }
            Err(reason) => {
                let problem = format!("changed since it was read: row {row}: {reason}");
                return Err(Error::input(&self.file.path, problem).hint("start again"));
            }
        };
        if let Some(name) = self.names.iter().find(|name| keys.contains(name)) {
            return Err(taken(self.file, name, Some(row)));
        }
        // An object ends with a brace and perhaps white space.
        let brace = line.iter().rposition(|&byte| byte == b'}').unwrap_or(line.len());
        out.extend_from_slice(&line[..brace]);
        for (number, name) in self.names.iter().enumerate() {
            if number > 0 || !keys.is_empty() {
                out.push(b',');
            }
            json::push_string(out, name);
            out.push(b':');
            let values = self.values.column(number);
            let text = columns[number].value(index).to_string();
            match values.data_type() {
                _ if values.is_null(index) => out.extend_from_slice(b"null"),
                kind if kind.is_floating() && !is_finite(&text) => out.extend_from_slice(b"null"),
                kind if kind.is_integer() || kind.is_floating() || kind == &DataType::Boolean => {
                    out.extend_from_slice(text.as_bytes());
                }
                _ => json::push_string(out, &text),
            }
        }
        out.extend_from_slice(&line[brace..]);
        Ok(())
    }
}

/// JSON has no word for other numbers.
fn is_finite(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_finite)
}
