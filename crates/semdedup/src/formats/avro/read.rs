//! Reads the projected columns of an Avro file, some rows at a time.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_avro::reader::{Reader, ReaderBuilder};

use crate::error::{Error, Result};
use crate::formats::arrow::batches::{self, FileBatch, RowBatch};
use crate::formats::arrow::nested;
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::row_format::{RowSource, UnparsedRows};
use crate::formats::stream;
use crate::storage::recent_fault;

/// A batch is at most this many rows.
const MAX_ROWS: usize = 2048;

/// How many rows show what the columns hold.
const SHOWN_ROWS: usize = 16;

/// The error for an Avro file that cannot be read, at the row that was reached.
fn damaged(path: &Path, row: u64, cause: &dyn std::fmt::Display) -> Error {
    if let Some(fault) = recent_fault(path) {
        return fault;
    }
    let cause = cause.to_string().replace('\n', " ");
    Error::input(path, format!("row {row}: the Avro data cannot be read: {cause}"))
        .hint("the file is truncated, damaged or not Avro; copy or write it again")
}

/// Runs one step of the Avro library; a panic is an error too.
fn guarded<T>(path: &Path, row: u64, step: impl FnOnce() -> std::result::Result<T, ArrowError>) -> Result<T> {
    batches::guarded(damaged, (path, row), || step().map_err(|error| damaged(path, row, &error)))
}

/// An open Avro file.
struct AvroRows {
    file: InputFile,
    reader: Reader<BufReader<Box<dyn Read + Send>>>,
    /// How many of the file's bytes have been read.
    bytes: Arc<AtomicU64>,
    next_row: u64,
    /// Rows before this one are skipped.
    first_row: u64,
}

/// How the columns of a file are read.
enum Projection<'a> {
    All,
    Of(&'a Columns),
}

impl AvroRows {
    fn open(file: &InputFile, projection: &Projection, first_row: u64) -> Result<Self> {
        let builder = ReaderBuilder::new().with_batch_size(MAX_ROWS);
        let builder = match projection {
            Projection::All => builder,
            Projection::Of(columns) => builder.with_projection(positions(file, columns)?),
        };
        let (stream, bytes) = stream::open(file)?;
        let reader = guarded(&file.path, 0, || builder.build(BufReader::new(stream)))?;
        Ok(Self { file: file.clone(), reader, bytes, next_row: 0, first_row })
    }

    fn next_batch(&mut self) -> Result<Option<RowBatch>> {
        loop {
            let (row, reader) = (self.next_row, &mut self.reader);
            let batch = guarded(&self.file.path, row, || reader.next().transpose())?;
            let Some(batch) = batch else { return Ok(None) };
            self.next_row += batch.num_rows() as u64;
            let skipped = self.first_row.saturating_sub(row).min(batch.num_rows() as u64);
            if skipped < batch.num_rows() as u64 {
                let batch = batch.slice(skipped as usize, batch.num_rows() - skipped as usize);
                return Ok(Some(RowBatch { first_row: row + skipped, batch, damaged }));
            }
        }
    }
}

/// Returns the positions of the columns to read, ascending.
fn positions(file: &InputFile, columns: &Columns) -> Result<Vec<usize>> {
    let schema = schema(file)?;
    let position = |name: &str| {
        let found = nested::find(schema.fields(), name).map(|positions| positions[0]);
        found.ok_or_else(|| Error::input(&file.path, format!("no column `{name}`")))
    };
    let others = [&columns.id, &columns.embedding, &columns.image].into_iter().flatten();
    let names = columns.texts().chain(others.map(String::as_str));
    let mut positions = names.map(position).collect::<Result<Vec<usize>>>()?;
    // A file is gone through by one of its columns at least.
    if positions.is_empty() && !schema.fields().is_empty() {
        positions.push(0);
    }
    positions.sort_unstable();
    positions.dedup();
    Ok(positions)
}

impl RowSource for AvroRows {
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>> {
        let rows = self.next_batch()?;
        Ok(rows.map(|rows| FileBatch::of(&self.file.path, rows)))
    }

    fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Returns the schema of a file.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef> {
    Ok(AvroRows::open(file, &Projection::All, 0)?.reader.schema())
}

/// Opens a file to read some of its columns from row `first_row` on.
pub(crate) fn open(file: &InputFile, columns: &Columns, first_row: u64) -> Result<Box<dyn RowSource>> {
    Ok(Box::new(AvroRows::open(file, &Projection::Of(columns), first_row)?))
}

/// Reads the first few rows of a file, with all of its columns.
pub(crate) fn first_rows(file: &InputFile) -> Result<Option<RecordBatch>> {
    let rows = AvroRows::open(file, &Projection::All, 0)?.next_batch()?;
    Ok(rows.map(|rows| rows.batch.slice(0, rows.batch.num_rows().min(SHOWN_ROWS))))
}

/// Counts the rows of a file by going through it.
pub(crate) fn count_rows(file: &InputFile) -> Result<u64> {
    let mut rows = AvroRows::open(file, &Projection::Of(&Columns::default()), 0)?;
    while rows.next_batch()?.is_some() {}
    Ok(rows.next_row)
}
