//! Reads records of JSON, CSV and plain text.

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::row_format::{RowSource, UnparsedRows};
use crate::formats::rows::{Rows, RowsBuilder, not_utf8};
use crate::formats::text::records::Records;
use crate::formats::text::split::Splitter;
use crate::formats::text::{csv, json};

/// An open file that is cut into records.
pub(crate) struct RecordSource {
    splitter: Splitter,
    file: InputFile,
    limit: usize,
    first_row: u64,
}

impl RecordSource {
    pub fn open(file: &InputFile, limits: &ReadLimits, first_row: u64) -> Result<Self> {
        let splitter = Splitter::open(file, limits)?;
        Ok(Self { splitter, file: file.clone(), limit: limits.max_row_bytes, first_row })
    }

    /// Returns the next records that are rows, from `first_row` on.
    fn next_records(&mut self) -> Result<Option<Records>> {
        while let Some(mut records) = self.splitter.next_records()? {
            let before = self.first_row.saturating_sub(records.first_row);
            let before =
                usize::try_from(before).map_or(records.spans.len(), |rows| rows.min(records.spans.len()));
            records.drop_rows(before);
            if !records.spans.is_empty() {
                return Ok(Some(records));
            }
        }
        Ok(None)
    }
}

impl RowSource for RecordSource {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        let (records, limit) = (self.next_records()?, self.limit);
        Ok(records.map(|records| Box::new(RecordRows { records, file: self.file.clone(), limit }) as _))
    }

    fn bytes_read(&self) -> u64 {
        self.splitter.bytes_read()
    }
}

/// Records of a file, not parsed yet.
struct RecordRows {
    records: Records,
    file: InputFile,
    limit: usize,
}

impl UnparsedRows for RecordRows {
    fn first_row(&self) -> u64 {
        self.records.first_row
    }

    fn rows(&self) -> usize {
        self.records.spans.len()
    }

    fn parse(&self, columns: &Columns) -> Result<Rows> {
        let Self { records, file, limit } = self;
        let bytes = records.spans.iter().map(ExactSizeIterator::len).sum();
        let rows = RowsBuilder::new(records.first_row, *limit, columns);
        let mut rows = rows.reserve(records.spans.len(), bytes);
        match file.format {
            Format::Jsonl | Format::JsonArray => json::parse(records, columns, &mut rows)
                .map_err(|rival| rival_error(file, &rival, columns))?,
            Format::Csv { .. } => csv::parse(file, records, columns, &mut rows)?,
            _ => records.for_each(*limit, |line| {
                match line.and_then(|line| std::str::from_utf8(line).map_err(|error| not_utf8(&error))) {
                    Ok(text) => rows.push(text, None),
                    Err(reason) => rows.push_bad(reason),
                }
            }),
        }
        let mut rows = rows.finish();
        if let Some(encoding) = file.encoding {
            let name = format!("valid {}", encoding.name());
            rows.bad.iter_mut().for_each(|bad| bad.reason = bad.reason.replace("valid UTF-8", &name));
        }
        Ok(rows)
    }
}

/// The error for a row that has a column which is more likely to be the text than the text column.
fn rival_error(file: &InputFile, rival: &json::RivalColumn, columns: &Columns) -> Error {
    let json::RivalColumn { row, column: name } = rival;
    let taken = columns.text.as_deref().unwrap_or_default();
    let problem = format!("row {row}: has a column `{name}`, but the texts are read from `{taken}`");
    Error::input(&file.path, problem)
        .hint(format!("name the one that is meant: --text-column {name}, or --text-column {taken}; --text-column {taken},{name} joins both"))
}

/// Counts the rows of a file by reading all of it.
pub(crate) fn count_rows(file: &InputFile, limits: &ReadLimits) -> Result<u64> {
    let mut splitter = Splitter::open(file, limits)?;
    let mut rows = 0;
    while let Some(records) = splitter.next_records()? {
        rows = records.first_row + records.spans.len() as u64;
    }
    Ok(rows)
}
