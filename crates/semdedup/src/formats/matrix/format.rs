//! Matrices of embeddings as a format of rows.

use std::ops::Range;
use std::path::Path;

use crate::error::Result;
use crate::formats::columns::{Column, Columns, Wanted};
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::matrix::rows::{self, MatrixRows, NumberedRows};
use crate::formats::row_format::{RowFormat, RowOf, RowSource, UnparsedRows};
use crate::formats::rows::Rows;

/// Embeddings without other rows (`.npy`, `.npz`, `.safetensors`).
pub(crate) struct MatrixFile;

impl RowFormat for MatrixFile {
    /// No extension stands for files of embeddings, which are rows only where the user names no
    /// other rows.
    fn row_of(&self) -> RowOf {
        RowOf::Vector
    }

    fn columns(&self, _: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(None)
    }

    fn open(
        &self,
        file: &InputFile,
        _: &Columns,
        _: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(MatrixRows::open(file, first_row)?))
    }

    fn count_rows(&self, file: &InputFile, _: &ReadLimits) -> Result<u64> {
        rows::count(file)
    }

    fn check_kept(&self, file: &InputFile) -> Result<()> {
        rows::check_kept(file)
    }

    fn write_kept(
        &self,
        file: &InputFile,
        _: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        rows::write_kept(file, destination, keep)
    }
}

impl RowSource for MatrixRows {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        Ok(self.next_chunk().map(|rows: Range<u64>| Box::new(NumberedRows(rows)) as _))
    }

    fn bytes_read(&self) -> u64 {
        (self.bytes as f64 * self.share_read()) as u64
    }
}

impl UnparsedRows for NumberedRows {
    fn first_row(&self) -> u64 {
        self.0.start
    }

    fn rows(&self) -> usize {
        (self.0.end - self.0.start) as usize
    }

    fn parse(&self, _: &Columns) -> Result<Rows> {
        Ok(rows::parse(&self.0))
    }
}
