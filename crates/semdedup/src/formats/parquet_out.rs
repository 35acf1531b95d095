//! Parquet written back: the same schema, codec and size of row group; fewer rows, or more columns.

use std::path::Path;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::datatypes::Schema;
use fs_err::File;
use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::SchemaDescriptor;

use super::annotate::{AddedColumns, Edit, with_columns, with_fields};
use super::layout::schema_like;
use super::parquet_in::{self, damaged, guarded};
use super::{InputFile, intervals};
use crate::{Error, Result};

const MAX_ROWS: u64 = 8192;
const BATCH_BYTES: u64 = 8 << 20;
/// A row group is held in memory until it is complete; one larger than this is split.
const GROUP_BYTES: usize = 512 << 20;

/// Writes the rows that `keep` picks; see [`super::write_kept`].
pub(super) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    rewrite(file, destination, None, &mut |row, batch| {
        let kept: BooleanArray = (row..).take(batch.num_rows()).map(|row| Some(keep(row))).collect();
        filter_record_batch(&batch, &kept).map_err(|error| damaged(&file.path, row, &error))
    })
}

/// Writes all rows with columns added; see [`super::write_annotated`].
pub(super) fn write_annotated(file: &InputFile, destination: &Path, added: &mut AddedColumns) -> Result<u64> {
    let schema = added.schema.clone();
    rewrite(file, destination, Some(&schema), &mut |row, batch| {
        let values = (added.next)(batch.num_rows())?;
        with_columns(&batch, &values).map_err(|error| damaged(&file.path, row, &error))
    })
}

/// Copies a file batch by batch, and says how many rows it has written.
fn rewrite(file: &InputFile, destination: &Path, added: Option<&Schema>, edit: &mut Edit) -> Result<u64> {
    let path = &file.path;
    let (handle, metadata) = parquet_in::footer(file)?;
    let promised: u64 = parquet_in::group_rows(file, metadata.metadata())?.iter().sum();
    let schema = metadata.metadata().file_metadata().schema_descr_ptr();
    let metadata = guarded(path, 0, || intervals::as_bytes(metadata).map_err(|e| damaged(path, 0, &e)))?;
    let mut writer = guarded(path, 0, || open_writer((&metadata, &schema), added, path, destination))?;
    let rows = parquet_in::batch_rows(metadata.metadata(), BATCH_BYTES, |_| true).clamp(1, MAX_ROWS);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata);
    let mut batches = parquet_in::build(path, builder.with_batch_size(rows as usize))?;
    let (mut row, mut written) = (0, 0);
    while let Some(batch) = parquet_in::next_batch(path, row, &mut batches)? {
        let rows = batch.num_rows() as u64;
        let batch = guarded(path, row, || edit(row, batch))?;
        written += batch.num_rows() as u64;
        guarded(path, row, || writer.write(&batch).map_err(|error| Error::output(destination, error)))?;
        row += rows;
    }
    if row != promised {
        return Err(damaged(path, row, &format!("the footer promises {promised} rows")));
    }
    let output = writer.into_inner().map_err(|error| Error::output(destination, error))?;
    output.sync_all().map_err(|error| Error::output(destination, error))?;
    Ok(written)
}

fn open_writer(
    (source, own): (&ArrowReaderMetadata, &SchemaDescriptor),
    added: Option<&Schema>,
    path: &Path,
    destination: &Path,
) -> Result<ArrowWriter<File>> {
    let schema = added.map_or_else(|| source.schema().clone(), |added| with_fields(source.schema(), added));
    let options = writer_options((source, own), &schema).map_err(|error| damaged(path, 0, &error))?;
    let output = File::create(destination).map_err(|error| Error::output(destination, error))?;
    ArrowWriter::try_new_with_options(output, schema, options)
        .map_err(|error| Error::output(destination, error))
}

/// The way the source was written, whose own schema is given too.
fn writer_options(
    (source, own): (&ArrowReaderMetadata, &SchemaDescriptor),
    schema: &Schema,
) -> parquet::errors::Result<ArrowWriterOptions> {
    let metadata = source.metadata();
    let pairs = metadata.file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let (arrow, pairs): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|pair| pair.key == ARROW_SCHEMA_META_KEY);
    let group_rows = metadata.row_groups().iter().map(|group| group.num_rows()).max();
    let group_rows = group_rows.and_then(|rows| usize::try_from(rows).ok()).filter(|rows| *rows > 0);
    let mut properties = WriterProperties::builder()
        .set_key_value_metadata(Some(pairs))
        .set_max_row_group_bytes(Some(GROUP_BYTES));
    if let Some(rows) = group_rows {
        properties = properties.set_max_row_group_row_count(Some(rows));
    }
    let columns = metadata.row_groups().first().map_or(&[][..], |group| group.columns());
    if let Some(column) = columns.first() {
        properties = properties.set_compression(column.compression());
    }
    for column in columns {
        properties = properties.set_column_compression(column.column_path().clone(), column.compression());
    }
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(arrow.is_empty());
    Ok(options.with_parquet_schema(schema_like(own, schema)?))
}
