//! JSON, CSV and plain text as formats of rows.

use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::added_columns::AddedColumns;
use crate::formats::columns::{Column, Columns, Wanted};
use crate::formats::dialect::Dialect;
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::ids::IdSource;
use crate::formats::row_format::{RowFormat, RowOf, RowSource, no_columns};
use crate::formats::text::annotate::annotate_records;
use crate::formats::text::columns::{csv_columns, json_columns};
use crate::formats::text::json_shape::not_rows;
use crate::formats::text::read::{RecordSource, count_rows};
use crate::formats::text::write::write_records;

/// The formats whose rows are consecutive records of bytes.
pub(crate) enum Text {
    /// One JSON object or string per line, or one list of objects or strings.
    Json,
    /// Separated values with a header line.
    Csv,
    /// One text per line.
    Lines,
}

impl RowFormat for Text {
    fn extensions(&self) -> &'static [(&'static str, Format)] {
        match self {
            // The content tells whether a file `.json` is one object per line.
            Self::Json => &[("jsonl", Format::Jsonl), ("ndjson", Format::Jsonl), ("json", Format::JsonArray)],
            Self::Csv => {
                const COMMA: Format = Format::Csv(Dialect::new(b','));
                const TAB: Format = Format::Csv(Dialect::new(b'\t'));
                const BAR: Format = Format::Csv(Dialect::new(b'|'));
                &[("csv", COMMA), ("tsv", TAB), ("psv", BAR)]
            }
            Self::Lines => &[("txt", Format::Text)],
        }
    }

    fn is_compressible(&self) -> bool {
        true
    }

    fn is_text(&self) -> bool {
        true
    }

    fn row_of(&self) -> RowOf {
        match self {
            Self::Json | Self::Csv => RowOf::Record,
            Self::Lines => RowOf::Line,
        }
    }

    fn id_source(&self) -> IdSource {
        match self {
            Self::Json => IdSource::Json,
            Self::Csv | Self::Lines => IdSource::Typed,
        }
    }

    fn columns(&self, file: &InputFile, wanted: &Wanted) -> Result<Option<Vec<Column>>> {
        match self {
            Self::Json => match json_columns(file, wanted)? {
                Some(columns) => Ok(Some(columns)),
                None => check_plain(file, wanted, "a file of strings").map(|()| None),
            },
            Self::Csv => csv_columns(file, wanted).map(Some),
            Self::Lines => check_plain(file, wanted, "plain text").map(|()| None),
        }
    }

    fn not_rows(&self, file: &InputFile) -> Option<Error> {
        match self {
            Self::Json => not_rows(file),
            Self::Csv | Self::Lines => None,
        }
    }

    fn open(
        &self,
        file: &InputFile,
        _: &Columns,
        limits: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(RecordSource::open(file, limits, first_row)?))
    }

    fn count_rows(&self, file: &InputFile, limits: &ReadLimits) -> Result<u64> {
        count_rows(file, limits)
    }

    fn write_kept(
        &self,
        file: &InputFile,
        limits: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        write_records(file, limits, destination, keep)
    }

    fn can_annotate(&self) -> bool {
        !matches!(self, Self::Lines)
    }

    fn annotate(
        &self,
        file: &InputFile,
        limits: &ReadLimits,
        destination: &Path,
        added: &mut AddedColumns,
    ) -> Result<u64> {
        match self {
            Self::Json | Self::Csv => annotate_records(file, limits, destination, added),
            Self::Lines => Err(no_columns(file)),
        }
    }
}

/// Fails where the user asks for a column that rows without columns cannot have.
fn check_plain(file: &InputFile, wanted: &Wanted, what: &str) -> Result<()> {
    let asked =
        [(wanted.id, "no ids", "--id-column"), (wanted.embedding, "no embeddings", "--embedding-column")];
    match asked.into_iter().find(|(name, ..)| name.is_some()) {
        Some((Some(name), none, option)) => {
            let problem = format!("no column `{name}`: {what} has {none}");
            Err(Error::input(&file.path, problem).hint(format!(
                "leave out {option}, or the files of {}",
                what.trim_start_matches("a file of ")
            )))
        }
        _ => Ok(()),
    }
}
