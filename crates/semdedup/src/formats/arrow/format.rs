//! Arrow IPC files and streams as a format of rows.

use std::path::Path;

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::formats::added_columns::AddedColumns;
use crate::formats::arrow::batches::FileBatch;
use crate::formats::arrow::columns::arrow_columns;
use crate::formats::arrow::ipc::Ipc;
use crate::formats::arrow::read::{self, ArrowRows};
use crate::formats::arrow::write;
use crate::formats::columns::{Column, Columns, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::row_format::{Images, RowFormat, RowSource, UnparsedRows};

/// Arrow IPC (Feather version 2), a file or a stream.
pub(crate) struct Arrow;

impl RowFormat for Arrow {
    fn extensions(&self) -> &'static [(&'static str, Format)] {
        &[
            ("arrow", Format::Arrow),
            ("arrows", Format::Arrow),
            ("feather", Format::Arrow),
            ("ipc", Format::Arrow),
        ]
    }

    fn by_content(&self, beginning: &[u8]) -> Option<Format> {
        (beginning.starts_with(b"ARROW1\0\0") || is_stream(beginning)).then_some(Format::Arrow)
    }

    fn has_schema(&self) -> bool {
        true
    }

    fn columns(&self, file: &InputFile, _: &Wanted) -> Result<Option<Vec<Column>>> {
        Ok(Some(arrow_columns(Ipc::open(file)?.schema.fields())))
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
        Ok(Box::new(ArrowRows::open(file, columns, first_row)?))
    }

    fn count_rows(&self, file: &InputFile, _: &ReadLimits) -> Result<u64> {
        read::count_rows(file)
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

/// Whether bytes begin a stream: a mark, and the length of the schema, which is padded to 8 bytes.
fn is_stream(beginning: &[u8]) -> bool {
    let Some(([mark, length], _)) = beginning.as_chunks::<4>().0.split_first_chunk::<2>() else {
        return false;
    };
    let length = u32::from_le_bytes(*length);
    *mark == [0xff; 4] && length > 0 && length.is_multiple_of(8) && length < 1 << 30
}

impl RowSource for ArrowRows {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        let rows = self.next_batch()?;
        Ok(rows.map(|rows| FileBatch::of(&self.file.path, rows)))
    }

    fn bytes_read(&self) -> u64 {
        self.ipc.bytes_read()
    }
}
