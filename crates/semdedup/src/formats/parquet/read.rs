//! Reads the projected columns of a Parquet file, batch after batch.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::formats::arrow::batches::{self, RowBatch};
use crate::formats::arrow::nested;
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::parquet::footer::{OpenParquet, damaged, footer, guarded};
use crate::formats::parquet::int96;
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
    next_row: u64,
    rows: u64,
}

impl ParquetRows {
    /// Opens a file to read from row `first_row` on; row groups before it are not read.
    pub fn open(file: &InputFile, columns: &Columns, first_row: u64) -> Result<Self> {
        int96::check_ids(file, columns.id.as_deref())?;
        let Projected { builder, group_rows: groups } = projected(file, columns)?;
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
        Ok(Self { file: file.clone(), batches, next_row, rows })
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
                Ok(Some(RowBatch { first_row, batch, damaged }))
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
    let OpenParquet { blob, metadata } = footer(file)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, metadata);
    let mut batches = build(&file.path, builder.with_batch_size(SHOWN_ROWS).with_limit(SHOWN_ROWS))?;
    next_batch(&file.path, 0, &mut batches)
}

/// A file of which only some columns are read.
struct Projected {
    builder: ParquetRecordBatchReaderBuilder<Blob>,
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
    let metadata = with_large_text(metadata, text).map_err(|error| damaged(&file.path, 0, &error))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, metadata);
    let builder = builder.with_projection(mask).with_batch_size(rows as usize);
    Ok(Projected { builder, group_rows })
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
fn with_large_text(
    metadata: ArrowReaderMetadata,
    text: Option<&[usize]>,
) -> parquet::errors::Result<ArrowReaderMetadata> {
    let large = |kind: &DataType| match kind {
        DataType::Utf8 => Some(DataType::LargeUtf8),
        DataType::Binary => Some(DataType::LargeBinary),
        _ => None,
    };
    let schema: &SchemaRef = metadata.schema();
    let Some(fields) = text.and_then(|text| nested::retyped(schema.fields(), text, &large)) else {
        return Ok(metadata);
    };
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), ArrowReaderOptions::new().with_schema(schema))
}

/// Reads the texts of some rows, in ascending order; `None` where there is no such row.
pub(crate) fn texts_at(file: &InputFile, columns: &Columns, rows: &[u64]) -> Result<Vec<Option<String>>> {
    let Projected { builder, group_rows: groups } = projected(file, columns)?;
    let total: u64 = groups.iter().sum();
    let mut wanted: Vec<usize> = rows.iter().filter(|row| **row < total).map(|row| *row as usize).collect();
    wanted.dedup();
    let ranges = wanted.iter().map(|row| *row..row + 1);
    let builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total as usize));
    let mut found = Vec::with_capacity(wanted.len());
    let mut batches = build(&file.path, builder)?;
    while let Some(batch) = next_batch(&file.path, rows.first().copied().unwrap_or(0), &mut batches)? {
        let rows = batches::parse(&file.path, &RowBatch { first_row: 0, batch, damaged }, columns)?;
        found.extend(rows.texts.iter().map(|text| text.map(str::to_owned)));
    }
    let text = |row: &u64| wanted.binary_search(&(*row as usize)).ok().and_then(|at| found.get(at)?.clone());
    Ok(rows.iter().map(text).collect())
}
