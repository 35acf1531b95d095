//! Parquet files as a format of rows.

use std::path::Path;

use arrow_array::RecordBatch;
use parquet::schema::types::TypePtr;

use crate::error::Result;
use crate::formats::added_columns::AddedColumns;
use crate::formats::arrow::batches::FileBatch;
use crate::formats::arrow::columns::arrow_columns;
use crate::formats::columns::{Column, Columns, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::parquet::footer::footer;
use crate::formats::parquet::read::{self, ParquetRows};
use crate::formats::parquet::{stored_type, write};
use crate::formats::row_format::{Images, RowFormat, RowSource, UnparsedRows};

/// Apache Parquet.
pub(crate) struct Parquet;

impl RowFormat for Parquet {
    fn extensions(&self) -> &'static [(&'static str, Format)] {
        &[("parquet", Format::Parquet), ("pq", Format::Parquet), ("parq", Format::Parquet)]
    }

    fn by_content(&self, beginning: &[u8]) -> Option<Format> {
        // The header of a page and the footer begin with this byte. An encrypted page or footer
        // begins with its length, and such a file is no text either.
        let (magic, next) = beginning.split_first_chunk::<4>()?;
        let next = next.first_chunk::<4>()?;
        let is_parquet = [b"PAR1", b"PARE"].contains(&magic) && (next[0] == 0x15 || next.contains(&0));
        is_parquet.then_some(Format::Parquet)
    }

    fn has_schema(&self) -> bool {
        true
    }

    fn columns(&self, file: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(Some(arrow_columns(footer(file)?.metadata.schema().fields())))
    }

    fn stored_type(&self, file: &InputFile, column: &str) -> Result<Option<TypePtr>> {
        stored_type::of_column(file, column)
    }

    fn images(&self, _: &InputFile) -> Result<Images> {
        Ok(Images::InColumns)
    }

    fn first_rows(&self, file: &InputFile) -> Result<Option<RecordBatch>> {
        read::first_rows(file)
    }

    fn open(
        &self,
        file: &InputFile,
        columns: &Columns,
        _: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(ParquetRows::open(file, columns, first_row)?))
    }

    fn count_rows(&self, file: &InputFile, _: &ReadLimits) -> Result<u64> {
        let opened = footer(file)?;
        Ok(read::group_rows(file, opened.metadata.metadata())?.iter().sum())
    }

    fn texts_at(
        &self,
        file: &InputFile,
        columns: &Columns,
        _: &ReadLimits,
        rows: &[u64],
    ) -> Option<Result<Vec<Option<String>>>> {
        Some(read::texts_at(file, columns, rows))
    }

    fn check_kept(&self, file: &InputFile) -> Result<()> {
        write::check(file)
    }

    fn write_kept(
        &self,
        file: &InputFile,
        _: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        write::write_kept(file, destination, keep)
    }

    fn can_annotate(&self) -> bool {
        true
    }

    fn annotate(
        &self,
        file: &InputFile,
        _: &ReadLimits,
        destination: &Path,
        added: &mut AddedColumns,
    ) -> Result<u64> {
        write::write_annotated(file, destination, added)
    }
}

impl RowSource for ParquetRows {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        let rows = self.next_batch()?;
        Ok(rows.map(|rows| FileBatch::of(&self.file.path, rows)))
    }

    fn bytes_read(&self) -> u64 {
        (self.file.bytes as f64 * self.share_read()) as u64
    }
}
