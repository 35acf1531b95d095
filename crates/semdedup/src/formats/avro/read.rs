//! Reads the projected columns of an Avro file, some rows at a time.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_avro::reader::{Decoder, DecoderMode, HeaderInfo, ReaderBuilder};
use arrow_avro::schema::{Fingerprint, FingerprintAlgorithm, SchemaStore};
use arrow_schema::{Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::foreign;
use crate::formats::arrow::batches::{FileBatch, RowBatch};
use crate::formats::arrow::guard::catch_panics;
use crate::formats::arrow::nested;
use crate::formats::avro::blocks::{Block, Blocks};
use crate::formats::avro::schema_size;
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::row_format::{RowSource, UnparsedRows};
use crate::formats::stream::{self, OpenFile};
use crate::storage::recent_fault;

/// A batch has at most this many rows…
const MAX_ROWS: usize = 2048;
/// …and ends with the row at which its rows take this many bytes in their blocks. A batch of long
/// rows would take gigabytes otherwise, more than Arrow's 32-bit offsets of texts can say.
const BATCH_BYTES: usize = 1 << 20;

/// This many rows are read to show what columns hold.
const SHOWN_ROWS: usize = 16;

/// The error for an Avro file that cannot be read, at the row that was reached.
fn damaged(path: &Path, row: u64, cause: &dyn std::fmt::Display) -> Error {
    if let Some(fault) = recent_fault(path) {
        return fault;
    }
    if row == 0
        && let Some(error) = foreign::named_by_content(path)
    {
        return error;
    }
    let cause = cause.to_string().replace('\n', " ");
    Error::input(path, format!("row {row}: the Avro data cannot be read: {cause}"))
        .hint("the file is truncated, damaged or not Avro; copy or write it again")
}

/// Runs one step of the Avro library; a panic of the library becomes an error.
fn guarded<T, E: std::fmt::Display>(
    path: &Path,
    row: u64,
    step: impl FnOnce() -> std::result::Result<T, E>,
) -> Result<T> {
    catch_panics(damaged, path, row, || step().map_err(|error| damaged(path, row, &error)))
}

/// An open Avro file.
struct AvroRows {
    file: InputFile,
    blocks: Blocks<BufReader<Box<dyn Read + Send>>>,
    decoder: Decoder,
    /// The positions of the decoded columns that are handed out; `None` for all.
    selected: Option<Vec<usize>>,
    /// The block that is being decoded, with the number of rows that are left in it.
    block: Block,
    /// The bytes of the block that have been decoded.
    done: usize,
    /// The number of the file's own bytes that have been read.
    bytes_read: Arc<AtomicU64>,
    next_row: u64,
    /// Rows before this one are skipped.
    first_row: u64,
}

/// The columns of a file that are read.
enum Projection<'a> {
    /// All columns.
    All,
    /// The columns of a run.
    Of(&'a Columns),
}

impl AvroRows {
    fn open(file: &InputFile, projection: &Projection, first_row: u64) -> Result<Self> {
        let OpenFile { stream, bytes_read } = stream::open(file)?;
        let blocks = guarded(&file.path, 0, || Blocks::open(BufReader::new(stream)))?;
        let schema = guarded(&file.path, 0, || blocks.header.writer_schema())?;
        schema_size::check(&file.path, &schema.json_string)?;
        let decoder = |projection| guarded(&file.path, 0, || decoder(&blocks.header, projection));
        let all = decoder(None)?;
        let (decoder, selected) = match projection {
            Projection::All => (all, None),
            Projection::Of(columns) => {
                let positions = positions(&file.path, &all.schema(), columns)?;
                // The library does not find a named type that only an unread column defines.
                match decoder(Some(positions.clone())) {
                    Ok(projected) => (projected, None),
                    Err(_) => (all, Some(positions)),
                }
            }
        };
        let (file, block) = (file.clone(), Block { rows: 0, data: Vec::new() });
        Ok(Self { file, blocks, decoder, selected, block, done: 0, bytes_read, next_row: 0, first_row })
    }

    /// Decodes the next rows of a batch; `None` at the end of the file.
    fn decode(&mut self) -> std::result::Result<Option<RecordBatch>, Box<dyn std::error::Error>> {
        let mut bytes = 0;
        while !self.decoder.batch_is_full() && bytes < BATCH_BYTES {
            if self.block.rows > 0 {
                let row_bytes = self.decoder.decode(&self.block.data[self.done..])?;
                self.done += row_bytes;
                bytes += row_bytes;
                self.block.rows -= 1;
            } else if self.done < self.block.data.len() {
                return Err("a block has more rows than its header says".into());
            } else if let Some(block) = self.blocks.next()? {
                (self.block, self.done) = (block, 0);
            } else {
                break;
            }
        }
        let batch = self.decoder.flush()?;
        Ok(match (batch, &self.selected) {
            (Some(batch), Some(positions)) => Some(batch.project(positions)?),
            (batch, _) => batch,
        })
    }

    fn next_batch(&mut self) -> Result<Option<RowBatch>> {
        loop {
            let (path, row) = (self.file.path.clone(), self.next_row);
            let Some(batch) = guarded(&path, row, || self.decode())? else { return Ok(None) };
            self.next_row += batch.num_rows() as u64;
            let skipped = self.first_row.saturating_sub(row).min(batch.num_rows() as u64);
            if skipped < batch.num_rows() as u64 {
                let batch = batch.slice(skipped as usize, batch.num_rows() - skipped as usize);
                let (first_row, not_utf8) = (row + skipped, Vec::new());
                return Ok(Some(RowBatch { first_row, batch, not_utf8, damaged }));
            }
        }
    }
}

/// Makes a decoder of single rows.
fn decoder(
    header: &HeaderInfo,
    projection: Option<Vec<usize>>,
) -> std::result::Result<Decoder, Box<dyn std::error::Error>> {
    let mut schemas = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    schemas.set(Fingerprint::Id(0), header.writer_schema()?)?;
    let builder = ReaderBuilder::new()
        .with_batch_size(MAX_ROWS)
        .with_decoder_mode(DecoderMode::UnframedDatum)
        .with_writer_schema_store(schemas)
        .with_active_fingerprint(Fingerprint::Id(0));
    let builder = match projection {
        Some(positions) => builder.with_projection(positions),
        None => builder,
    };
    Ok(builder.build_decoder()?)
}

/// Returns the positions of the columns to read, ascending.
fn positions(path: &Path, schema: &Schema, columns: &Columns) -> Result<Vec<usize>> {
    let position = |name: &str| {
        let found = nested::find(schema.fields(), name).map(|positions| positions[0]);
        found.ok_or_else(|| Error::input(path, format!("no column `{name}`")))
    };
    let mut positions = columns.sources().map(position).collect::<Result<Vec<usize>>>()?;
    // The decoder needs at least one column to find the rows.
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
        self.bytes_read.load(Ordering::Relaxed)
    }
}

/// Returns the schema of a file.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef> {
    Ok(AvroRows::open(file, &Projection::All, 0)?.decoder.schema())
}

/// Opens a file to read some of its columns from row `first_row` on.
pub(crate) fn open(file: &InputFile, columns: &Columns, first_row: u64) -> Result<Box<dyn RowSource>> {
    Ok(Box::new(AvroRows::open(file, &Projection::Of(columns), first_row)?))
}

/// Reads the first few rows of a file, with all columns, to show what the columns hold.
pub(crate) fn first_rows(file: &InputFile) -> Result<Option<RecordBatch>> {
    let rows = AvroRows::open(file, &Projection::All, 0)?.next_batch()?;
    Ok(rows.map(|rows| rows.batch.slice(0, rows.batch.num_rows().min(SHOWN_ROWS))))
}

/// Counts the rows of a file by reading all of it.
pub(crate) fn count_rows(file: &InputFile) -> Result<u64> {
    let mut rows = AvroRows::open(file, &Projection::Of(&Columns::default()), 0)?;
    while rows.next_batch()?.is_some() {}
    Ok(rows.next_row)
}
