//! Folders whose files are rows, as formats of rows.

use std::path::Path;

use crate::error::Result;
use crate::formats::columns::{Column, Columns, RunColumns, Wanted};
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::folder::columns::{file_columns, text_file_columns};
use crate::formats::folder::tree::{self, FolderReader, FolderRows};
use crate::formats::row_format::{Images, RowFormat, RowOf, RowSource, UnparsedRows};
use crate::formats::rows::Rows;

/// A folder of images.
pub(crate) struct ImageFolder;

/// A folder of texts.
pub(crate) struct TextFolder;

impl RowFormat for ImageFolder {
    fn row_of(&self) -> RowOf {
        RowOf::File
    }

    fn columns(&self, _: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(Some(Vec::new()))
    }

    fn resolve(&self, file: &InputFile, run: &RunColumns) -> Result<Option<Columns>> {
        file_columns(file, run).map(Some)
    }

    fn images(&self, _: &InputFile) -> Result<Images> {
        Ok(Images::Always)
    }

    fn open(
        &self,
        file: &InputFile,
        _: &Columns,
        limits: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        Ok(Box::new(FolderReader::open(file, limits.max_row_bytes, first_row)))
    }

    fn count_rows(&self, file: &InputFile, _: &ReadLimits) -> Result<u64> {
        Ok(file.members.len() as u64)
    }

    fn write_kept(
        &self,
        file: &InputFile,
        _: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        tree::write_kept(file, destination, keep)
    }
}

impl RowFormat for TextFolder {
    fn is_text(&self) -> bool {
        true
    }

    fn row_of(&self) -> RowOf {
        RowOf::File
    }

    fn columns(&self, _: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(Some(Vec::new()))
    }

    fn resolve(&self, file: &InputFile, run: &RunColumns) -> Result<Option<Columns>> {
        text_file_columns(file, run).map(Some)
    }

    fn open(
        &self,
        file: &InputFile,
        columns: &Columns,
        limits: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>> {
        ImageFolder.open(file, columns, limits, first_row)
    }

    fn count_rows(&self, file: &InputFile, limits: &ReadLimits) -> Result<u64> {
        ImageFolder.count_rows(file, limits)
    }

    fn texts_at(
        &self,
        file: &InputFile,
        _: &Columns,
        limits: &ReadLimits,
        rows: &[u64],
    ) -> Option<Result<Vec<Option<String>>>> {
        Some(Ok(tree::texts_at(file, limits.max_row_bytes, rows)))
    }

    fn write_kept(
        &self,
        file: &InputFile,
        limits: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64> {
        ImageFolder.write_kept(file, limits, destination, keep)
    }
}

impl RowSource for FolderReader {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        Ok(self
            .next_files()
            .map(|files| Box::new(FolderRows { files, file: self.file.clone(), limit: self.limit }) as _))
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

impl UnparsedRows for FolderRows {
    fn first_row(&self) -> u64 {
        self.files.first_row()
    }

    fn rows(&self) -> usize {
        self.files.rows()
    }

    fn parse(&self, columns: &Columns) -> Result<Rows> {
        self.files.parse(&self.file, self.limit, columns)
    }
}
