//! Reads the projected columns of a Parquet file, batch after batch.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::formats::arrow::batches::{self, ByteRows, RowBatch};
use crate::formats::arrow::nested;
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::parquet::footer::{OpenParquet, damaged, footer, guarded};
use crate::formats::parquet::int96::{self, Precision};
use crate::formats::parquet::strings;
use crate::storage::Blob;

/// A batch has at most this many rows…
const MAX_ROWS: u64 = 2048;

/// …and about this many bytes, by the statistics of the file.
const BATCH_BYTES: u64 = 1 << 20;

/// This many rows are read to show what columns hold.
const SHOWN_ROWS: usize = 16;

/// Returns the next batch of a file that has been read up to `row`.
pub(crate) fn next_batch(
    path: &Path,
    row: u64,
    batches: &mut ParquetRecordBatchReader,
) -> Result<Option<RecordBatch>> {
    guarded(path, row, || batches.next().transpose().map_err(|error| damaged(path, row, &error)))
}

/// Sets a reader up.
pub(crate) fn build(
    path: &Path,
    builder: ParquetRecordBatchReaderBuilder<Blob>,
) -> Result<ParquetRecordBatchReader> {
    guarded(path, 0, || builder.build().map_err(|error| damaged(path, 0, &error)))
}

/// Returns the number of rows of each row group.
pub(crate) fn group_rows(file: &InputFile, metadata: &ParquetMetaData) -> Result<Vec<u64>> {
    let rows = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()));
    let rows: Vec<u64> =
        rows.collect::<std::result::Result<_, _>>().map_err(|error| damaged(&file.path, 0, &error))?;
    match rows.iter().try_fold(0u64, |sum, &rows| sum.checked_add(rows)) {
        Some(_) => Ok(rows),
        None => Err(damaged(&file.path, 0, &"its row groups claim more rows than there can be")),
    }
}

/// Returns how many rows make a batch of about `bytes` bytes, for the leaf columns that `selected`
/// picks.
pub(crate) fn batch_rows(metadata: &ParquetMetaData, bytes: u64, selected: impl Fn(usize) -> bool) -> u64 {
    let (mut size, mut rows) = (0, 0);
    for group in metadata.row_groups() {
        rows = u64::try_from(group.num_rows()).unwrap_or(0).saturating_add(rows);
        for (leaf, column) in group.columns().iter().enumerate() {
            if selected(leaf) {
                size = u64::try_from(column.uncompressed_size()).unwrap_or(0).saturating_add(size);
            }
        }
    }
    bytes.saturating_mul(rows).checked_div(size).unwrap_or(u64::MAX)
}

/// Reads the text, id and embedding columns of a file.
pub(crate) struct ParquetRows {
    pub file: InputFile,
    batches: ParquetRecordBatchReader,
    declared: SchemaRef,
    next_row: u64,
    rows: u64,
}

impl ParquetRows {
    /// Opens a file to read from row `first_row` on; row groups before it are not read.
    pub fn open(file: &InputFile, columns: &Columns, first_row: u64) -> Result<Self> {
        let Projected { builder, declared, group_rows: groups } = projected(file, columns)?;
        let rows = groups.iter().sum();
        let (mut before, mut wanted) = (0, Vec::new());
        for (group, group_rows) in groups.iter().enumerate() {
            if wanted.is_empty() && before + group_rows <= first_row {
                before += group_rows;
            } else {
                wanted.push(group);
            }
        }
        let next_row = first_row.min(rows);
        let offset = usize::try_from(next_row - before).map_err(|error| damaged(&file.path, 0, &error))?;
        let builder = builder.with_row_groups(wanted).with_offset(offset);
        let batches = build(&file.path, builder)?;
        Ok(Self { file: file.clone(), batches, declared, next_row, rows })
    }

    /// Returns the share of the file's rows that have been read, in [0, 1].
    pub fn share_read(&self) -> f64 {
        if self.rows == 0 { 1.0 } else { self.next_row as f64 / self.rows as f64 }
    }

    /// Returns the next rows; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<RowBatch>> {
        let first_row = self.next_row;
        let path = &self.file.path;
        match next_batch(path, first_row, &mut self.batches)? {
            Some(batch) => {
                self.next_row += batch.num_rows() as u64;
                let declared = self.declared.fields();
                ByteRows { path, first_row, batch, declared, damaged }.with_strings().map(Some)
            }
            None if first_row < self.rows => {
                Err(damaged(path, first_row, &format!("the footer promises {} rows", self.rows)))
            }
            None => Ok(None),
        }
    }
}

/// Reads the first few rows of a file, with all columns, to show what the columns hold.
pub(crate) fn first_rows(file: &InputFile) -> Result<Option<RecordBatch>> {
    let path = &file.path;
    let OpenParquet { blob, metadata } = footer(file)?;
    let (declared, metadata) = (metadata.schema().clone(), with_bytes(path, &metadata, metadata.schema())?);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, metadata);
    let mut batches = build(path, builder.with_batch_size(SHOWN_ROWS).with_limit(SHOWN_ROWS))?;
    let Some(batch) = next_batch(path, 0, &mut batches)? else { return Ok(None) };
    let rows = ByteRows { path, first_row: 0, batch, declared: declared.fields(), damaged };
    Ok(Some(rows.with_strings()?.batch))
}

/// Lets a file of the columns of `schema` be read with bytes instead of strings.
fn with_bytes(path: &Path, metadata: &ArrowReaderMetadata, schema: &Schema) -> Result<ArrowReaderMetadata> {
    guarded(path, 0, || strings::as_bytes(metadata, schema).map_err(|error| damaged(path, 0, &error)))
}

/// A file of which only some columns are read.
struct Projected {
    /// The builder of a reader that reads bytes instead of strings.
    builder: ParquetRecordBatchReaderBuilder<Blob>,
    /// The columns of the file, with the strings.
    declared: SchemaRef,
    /// The number of rows in each row group.
    group_rows: Vec<u64>,
}

/// Sets up a reader of these columns alone.
fn projected(file: &InputFile, columns: &Columns) -> Result<Projected> {
    let OpenParquet { blob, metadata } = footer(file)?;
    let group_rows = group_rows(file, metadata.metadata())?;
    let fields = metadata.schema().fields();
    let place = |name: &str| {
        nested::find(fields, name).ok_or_else(|| Error::input(&file.path, format!("no column `{name}`")))
    };
    let places = columns.sources().map(place).collect::<Result<Vec<Vec<usize>>>>()?;
    let leaves = leaves(&metadata, places.iter());
    let selected = |leaf| leaves.contains(&leaf);
    let rows = batch_rows(metadata.metadata(), BATCH_BYTES, selected).clamp(1, MAX_ROWS);
    let mask = ProjectionMask::leaves(metadata.parquet_schema(), leaves.iter().copied());
    // A column that is also the id keeps its type.
    let is_plain = columns.is_plain() && columns.text.is_some() && columns.text != columns.id;
    let text = places.first().filter(|_| is_plain).map(Vec::as_slice);
    let declared = with_large_text(metadata.schema(), text);
    let id = columns.id.as_deref();
    let declared = match int96::id_precision(file, id)? {
        Some(Precision::Microseconds) => with_micros(&declared, id),
        _ => declared,
    };
    let metadata = with_bytes(&file.path, &metadata, &declared)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, metadata);
    let builder = builder.with_projection(mask).with_batch_size(rows as usize);
    Ok(Projected { builder, declared, group_rows })
}

/// Returns the leaf columns of Parquet that some columns consist of.
fn leaves<'a>(
    metadata: &ArrowReaderMetadata,
    places: impl Iterator<Item = &'a Vec<usize>>,
) -> BTreeSet<usize> {
    let fields = metadata.schema().fields();
    let paths: Vec<Vec<&str>> = places.map(|places| nested::names(fields, places)).collect();
    let is_part = |leaf: &[String]| {
        paths.iter().any(|path| leaf.iter().zip(path).filter(|(a, b)| a == b).count() == path.len())
    };
    let columns = metadata.parquet_schema().columns().iter().enumerate();
    columns.filter(|(_, column)| is_part(column.path().parts())).map(|(leaf, _)| leaf).collect()
}

/// Lets a plain text column, of strings or of bytes, be read straight into 64-bit offsets: no copy
/// later, and no overflow on long texts.
fn with_large_text(schema: &SchemaRef, text: Option<&[usize]>) -> SchemaRef {
    let large = |kind: &DataType| match kind {
        DataType::Utf8 => Some(DataType::LargeUtf8),
        DataType::Binary => Some(DataType::LargeBinary),
        _ => None,
    };
    retyped(schema, text, &large)
}

/// Lets ids that are INT96 times be read as microseconds: Spark reads no nanoseconds.
fn with_micros(schema: &SchemaRef, id: Option<&str>) -> SchemaRef {
    let micros = |kind: &DataType| match kind {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        _ => None,
    };
    retyped(schema, id.and_then(|id| nested::find(schema.fields(), id)).as_deref(), &micros)
}

/// Returns a schema with another type for the column at `places`.
fn retyped(
    schema: &SchemaRef,
    places: Option<&[usize]>,
    change: &dyn Fn(&DataType) -> Option<DataType>,
) -> SchemaRef {
    match places.and_then(|places| nested::retyped(schema.fields(), places, change)) {
        Some(fields) => Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
        None => schema.clone(),
    }
}

/// Reads the texts of some rows, in ascending order; `None` where there is no such row.
pub(crate) fn texts_at(file: &InputFile, columns: &Columns, rows: &[u64]) -> Result<Vec<Option<String>>> {
    let Projected { builder, declared, group_rows: groups } = projected(file, columns)?;
    let total: u64 = groups.iter().sum();
    let mut wanted: Vec<usize> = rows.iter().filter(|row| **row < total).map(|row| *row as usize).collect();
    wanted.dedup();
    let ranges = wanted.iter().map(|row| *row..row + 1);
    let builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total as usize));
    let mut found = Vec::with_capacity(wanted.len());
    let mut batches = build(&file.path, builder)?;
    let (path, declared) = (&file.path, declared.fields());
    while let Some(batch) = next_batch(path, rows.first().copied().unwrap_or(0), &mut batches)? {
        let read = ByteRows { path, first_row: 0, batch, declared, damaged }.with_strings()?;
        let rows = batches::parse(path, &read, columns)?;
        found.extend(rows.texts.iter().map(|text| text.map(str::to_owned)));
    }
    let text = |row: &u64| wanted.binary_search(&(*row as usize)).ok().and_then(|at| found.get(at)?.clone());
    Ok(rows.iter().map(text).collect())
}
