//! Writes Parquet back: with the same schema, codec and size of row groups, and with fewer rows or
//! more columns.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use fs_err::{File, OpenOptions};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, add_encoded_arrow_schema_to_metadata};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::SchemaDescPtr;

use crate::error::{Error, Result};
use crate::formats::added_columns::{AddedColumns, Edit, with_columns, with_fields};
use crate::formats::file::InputFile;
use crate::formats::parquet::footer::{OpenParquet, damaged, footer, guarded};
use crate::formats::parquet::int96::{self, has_int96};
use crate::formats::parquet::schema_like::{is_int96, schema_like};
use crate::formats::parquet::{intervals, read, spark, strings, unknown};

/// A batch has at most this many rows…
const MAX_ROWS: u64 = 8192;
/// …and about this many bytes.
const BATCH_BYTES: u64 = 8 << 20;
/// A row group is in memory until it is complete; a larger one is split.
const GROUP_BYTES: usize = 512 << 20;

/// Fails if rows of a file cannot be written back in its schema.
pub(crate) fn check(file: &InputFile) -> Result<()> {
    let path = &file.path;
    let OpenParquet { metadata, .. } = footer(file)?;
    unknown::check(path, metadata.parquet_schema())?;
    guarded(path, 0, || {
        let rewrite = Rewrite::of(metadata, None).map_err(|error| damaged(path, 0, &error))?;
        let options = rewrite.writer_options().map_err(|error| damaged(path, 0, &error))?;
        let writer = ArrowWriter::try_new_with_options(io::sink(), rewrite.columns.clone(), options);
        writer.and_then(ArrowWriter::close).map(drop).map_err(|error| {
            Error::input(path, format!("its schema cannot be written back: {error}"))
                .hint("--output ids lists the rows that stay")
        })
    })
}

/// Writes the rows that `keep` picks; see [`crate::formats::write::write_kept`].
pub(crate) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    rewrite(file, destination, None, &mut |row, batch| {
        let kept = (row..).take(batch.num_rows()).map(|row| keep(row).map(Some));
        let kept = kept.collect::<Result<BooleanArray>>()?;
        filter_record_batch(&batch, &kept).map_err(|error| damaged(&file.path, row, &error))
    })
}

/// Writes all rows with columns added; see [`crate::formats::annotate::write_annotated`].
pub(crate) fn write_annotated(file: &InputFile, destination: &Path, added: &mut AddedColumns) -> Result<u64> {
    let schema = added.schema.clone();
    rewrite(file, destination, Some(&schema), &mut |row, batch| {
        let values = (added.next)(batch.num_rows())?;
        with_columns(&batch, &values).map_err(|error| damaged(&file.path, row, &error))
    })
}

/// Copies a file batch by batch, and returns how many rows it has written.
fn rewrite(file: &InputFile, destination: &Path, added: Option<&Schema>, edit: &mut Edit) -> Result<u64> {
    let path = &file.path;
    let OpenParquet { blob, metadata } = footer(file)?;
    let promised: u64 = read::group_rows(file, metadata.metadata())?.iter().sum();
    let rewrite =
        guarded(path, 0, || Rewrite::of(metadata, added).map_err(|error| damaged(path, 0, &error)))?;
    let mut writer = guarded(path, 0, || rewrite.open_writer(path, destination))?;
    let rows = read::batch_rows(rewrite.source.metadata(), BATCH_BYTES, |_| true).clamp(1, MAX_ROWS);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, rewrite.source.clone());
    let mut batches = read::build(path, builder.with_batch_size(rows as usize))?;
    let (mut row, mut written) = (0, 0);
    while let Some(batch) = read::next_batch(path, row, &mut batches)? {
        let rows = batch.num_rows() as u64;
        let batch = guarded(path, row, || edit(row, batch))?;
        written += batch.num_rows() as u64;
        guarded(path, row, || writer.write(&batch).map_err(|error| Error::output(destination, error)))?;
        row += rows;
    }
    if row != promised {
        return Err(damaged(path, row, &format!("the footer promises {promised} rows")));
    }
    let mut output = writer.into_inner().map_err(|error| Error::output(destination, error))?;
    if has_int96(&rewrite.schema) {
        int96::relabel(&mut output, &rewrite.schema).map_err(|error| Error::output(destination, error))?;
    }
    output.sync_all().map_err(|error| Error::output(destination, error))?;
    Ok(written)
}

/// The schemas with which a file is read and written again.
struct Rewrite {
    /// The source, with bytes instead of strings and of the types that Arrow does not have.
    source: ArrowReaderMetadata,
    /// The written columns as Arrow reads them from `source`…
    columns: SchemaRef,
    /// …and as Arrow reads them from the file itself.
    declared: SchemaRef,
    /// The schema that the written file will have.
    schema: SchemaDescPtr,
    /// The metadata of the written file, without Arrow's schema.
    pairs: Vec<KeyValue>,
}

impl Rewrite {
    fn of(metadata: ArrowReaderMetadata, added: Option<&Schema>) -> parquet::errors::Result<Self> {
        let own = metadata.metadata().file_metadata().schema_descr_ptr();
        let with_added =
            |schema: &SchemaRef| added.map_or_else(|| schema.clone(), |added| with_fields(schema, added));
        let declared = with_added(metadata.schema());
        let source = intervals::as_bytes(metadata)?;
        let schema = Arc::new(schema_like(&own, &with_added(source.schema()))?);
        let source = strings::as_bytes(&source, source.schema())?;
        let columns = with_added(source.schema());
        let mut pairs = source.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        pairs.retain(|pair| pair.key != ARROW_SCHEMA_META_KEY);
        if let Some(added) = added {
            spark::add_fields(&mut pairs, added);
        }
        Ok(Self { source, columns, declared, schema, pairs })
    }

    fn open_writer(&self, path: &Path, destination: &Path) -> Result<ArrowWriter<File>> {
        let options = self.writer_options().map_err(|error| damaged(path, 0, &error))?;
        let unwritable = |error: std::io::Error| Error::output(destination, error);
        let mut create = OpenOptions::new();
        let output = create.read(true).write(true).create(true).truncate(true).open(destination);
        ArrowWriter::try_new_with_options(output.map_err(unwritable)?, self.columns.clone(), options)
            .map_err(|error| Error::output(destination, error))
    }

    /// Returns the options with which the source was written.
    fn writer_options(&self) -> parquet::errors::Result<ArrowWriterOptions> {
        let metadata = self.source.metadata();
        let file = metadata.file_metadata();
        let has_arrow_schema =
            file.key_value_metadata().into_iter().flatten().any(|pair| pair.key == ARROW_SCHEMA_META_KEY);
        let group_rows = metadata.row_groups().iter().map(|group| group.num_rows()).max();
        let group_rows = group_rows.and_then(|rows| usize::try_from(rows).ok()).filter(|rows| *rows > 0);
        let mut properties = WriterProperties::builder()
            .set_key_value_metadata(Some(self.pairs.clone()))
            .set_max_row_group_bytes(Some(GROUP_BYTES));
        if let Some(rows) = group_rows {
            properties = properties.set_max_row_group_row_count(Some(rows));
        }
        let columns = metadata.row_groups().first().map_or(&[][..], |group| group.columns());
        if let Some(column) = columns.first() {
            properties = properties.set_compression(column.compression());
        }
        for column in columns {
            properties =
                properties.set_column_compression(column.column_path().clone(), column.compression());
        }
        for time in self.schema.columns().iter().filter(|column| is_int96(column)) {
            properties =
                properties.set_column_statistics_enabled(time.path().clone(), EnabledStatistics::None);
        }
        if let Some(writer) = file.created_by().filter(|_| has_int96(&self.schema)) {
            // Hive and Impala shift INT96 times to another time zone, or do not, depending on the
            // program that wrote them.
            properties = properties.set_created_by(writer.to_owned());
        }
        let mut properties = properties.build();
        if has_arrow_schema {
            add_encoded_arrow_schema_to_metadata(&self.declared, &mut properties);
        }
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        Ok(options.with_parquet_schema(int96::as_bytes(&self.schema)?))
    }
}
