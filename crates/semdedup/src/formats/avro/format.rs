//! Avro files as a format of rows.

use std::path::Path;

use arrow_array::RecordBatch;

use crate::error::{Error, Result};
use crate::formats::arrow::columns::arrow_columns;
use crate::formats::columns::{Column, Columns, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::row_format::{Images, RowFormat, RowSource};

#[cfg(not(feature = "avro"))]
use crate::formats::avro::absent as reader;
#[cfg(feature = "avro")]
use crate::formats::avro::read as reader;

/// Apache Avro, an object container file.
pub(crate) struct Avro;

impl RowFormat for Avro {
    fn extensions(&self) -> &'static [(&'static str, Format)] {
        &[("avro", Format::Avro)]
    }

    fn by_content(&self, beginning: &[u8]) -> Option<Format> {
        beginning.starts_with(b"Obj\x01").then_some(Format::Avro)
    }

    fn has_schema(&self) -> bool {
        true
    }

    fn columns(&self, file: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(Some(arrow_columns(reader::schema(file)?.fields())))
    }

    fn images(&self, _: &InputFile) -> Result<Images> {
        Ok(Images::InColumns)
    }

    fn first_rows(&self, file: &InputFile) -> Result<Option<RecordBatch>> {
        reader::first_rows(file)
    }

    fn open(
        &self,
        file: &InputFile,
        columns: &Columns,
        _: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        reader::open(file, columns, first_row)
    }

    fn count_rows(&self, file: &InputFile, _: &ReadLimits) -> Result<u64> {
        reader::count_rows(file)
    }

    fn check_kept(&self, file: &InputFile) -> Result<()> {
        Err(only_read(file))
    }

    fn write_kept(
        &self,
        file: &InputFile,
        _: &ReadLimits,
        _: &Path,
        _: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        Err(only_read(file))
    }
}

/// The error for a result that would be an Avro file.
fn only_read(file: &InputFile) -> Error {
    Error::input(&file.path, "Avro files are read but not written, so the kept rows cannot be written back")
        .hint("--output ids lists the rows that stay; or convert the files to Parquet first")
}
