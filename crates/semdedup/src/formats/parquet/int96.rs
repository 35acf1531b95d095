//! INT96 timestamps, which Spark, Hive and Impala write into Parquet: nanoseconds of a day and the
//! day, in twelve bytes.
//!
//! Arrow reads them as nanoseconds since 1970 in 64 bits, which end in 2262, and its writer cannot
//! write them at all. But a page of INT96 values has the same bytes as a page of byte arrays of
//! length 12. So a file is read and written back as if it had such arrays, and then its footer is
//! written again and says INT96. The footer has no smallest and largest values of these columns,
//! because the order of the bytes is not the order of the times.

use std::io::{Seek, SeekFrom, Write};

use arrow_schema::{DataType, TimeUnit};
use fs_err::File;
use parquet::basic::Type;
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int96;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescPtr, SchemaDescPtr, SchemaDescriptor};

use crate::error::{Error, Result};
use crate::formats::arrow::nested;
use crate::formats::file::InputFile;
use crate::formats::parquet::footer::{OpenParquet, damaged, footer, guarded};
use crate::formats::parquet::schema_like::{is_int96, with_leaves};
use crate::storage::Blob;

/// The day of 1970-01-01 in the count that INT96 uses.
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

/// The whole days before and after 1970 whose nanoseconds fit into 64 bits: 1677-09-22 to
/// 2262-04-10. Microseconds of a thousand times as many days do.
const DAYS_THAT_FIT: i64 = 106_750;

/// This many values are read at a time.
const BATCH: usize = 8192;

/// Whether a schema has INT96 times.
pub(crate) fn has_int96(schema: &SchemaDescriptor) -> bool {
    schema.columns().iter().any(|column| is_int96(column))
}

/// Returns the schema with byte arrays instead of INT96 times.
pub(crate) fn as_bytes(schema: &SchemaDescriptor) -> ParquetResult<SchemaDescriptor> {
    with_leaves(schema, &|leaf, _| is_int96(&schema.column(leaf)).then_some(Type::FIXED_LEN_BYTE_ARRAY))
}

/// Writes the footer of a file again, with `schema` instead of its own: byte arrays become INT96
/// times.
pub(crate) fn relabel(file: &mut File, schema: &SchemaDescPtr) -> ParquetResult<()> {
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let mut reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
    reader.try_parse(file.file())?;
    let footer = reader.metadata_size().unwrap_or_default() as u64;
    let metadata = relabelled(&reader.finish()?, schema)?;
    let end = file.metadata()?.len().checked_sub(footer);
    let end = end.filter(|_| footer > 0).ok_or_else(|| ParquetError::General("no footer".to_owned()))?;
    // The footer is written to memory first: the library does not report an error of its last
    // bytes.
    let mut bytes = Vec::new();
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish()?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(&bytes)?;
    Ok(())
}

fn relabelled(metadata: &ParquetMetaData, schema: &SchemaDescPtr) -> ParquetResult<ParquetMetaData> {
    let file = metadata.file_metadata();
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        schema.clone(),
        file.column_orders().cloned(),
    );
    let groups = metadata.row_groups().iter().map(|group| relabelled_group(group, schema));
    Ok(ParquetMetaData::new(file, groups.collect::<ParquetResult<_>>()?))
}

fn relabelled_group(group: &RowGroupMetaData, schema: &SchemaDescPtr) -> ParquetResult<RowGroupMetaData> {
    let chunks = group.columns().iter().zip(schema.columns());
    let chunks = chunks.map(|(chunk, column)| relabelled_chunk(chunk, column));
    let mut relabelled = RowGroupMetaData::builder(schema.clone())
        .set_num_rows(group.num_rows())
        .set_total_byte_size(group.total_byte_size())
        .set_sorting_columns(group.sorting_columns().cloned())
        .set_column_metadata(chunks.collect::<ParquetResult<_>>()?);
    if let Some(offset) = group.file_offset() {
        relabelled = relabelled.set_file_offset(offset);
    }
    if let Some(ordinal) = group.ordinal() {
        relabelled = relabelled.set_ordinal(ordinal);
    }
    relabelled.build()
}

/// Returns the chunk of a column with its new type, or unchanged if the type is the same.
fn relabelled_chunk(
    chunk: &ColumnChunkMetaData,
    column: &ColumnDescPtr,
) -> ParquetResult<ColumnChunkMetaData> {
    if chunk.column_type() == column.physical_type() {
        return Ok(chunk.clone());
    }
    let relabelled = ColumnChunkMetaData::builder(column.clone())
        .set_encodings_mask(*chunk.encodings_mask())
        .set_compression_codec(chunk.compression_codec())
        .set_num_values(chunk.num_values())
        .set_total_compressed_size(chunk.compressed_size())
        .set_total_uncompressed_size(chunk.uncompressed_size())
        .set_data_page_offset(chunk.data_page_offset())
        .set_dictionary_page_offset(chunk.dictionary_page_offset())
        .set_offset_index_offset(chunk.offset_index_offset())
        .set_offset_index_length(chunk.offset_index_length())
        .set_repetition_level_histogram(chunk.repetition_level_histogram().cloned())
        .set_definition_level_histogram(chunk.definition_level_histogram().cloned());
    match chunk.page_encoding_stats() {
        Some(stats) => relabelled.set_page_encoding_stats(stats.clone()),
        None => relabelled,
    }
    .build()
}

/// The precision of the INT96 times of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Whole microseconds, as Spark writes them.
    Microseconds,
    /// Nanoseconds, in the years that 64 bits hold.
    Nanoseconds,
}

/// Returns the precision of the column of the ids, if it has INT96 times.
///
/// # Errors
/// Times in nanoseconds that 64 bits cannot hold: two rows could get the same id.
pub(crate) fn id_precision(file: &InputFile, id: Option<&str>) -> Result<Option<Precision>> {
    let Some(id) = id else { return Ok(None) };
    let OpenParquet { blob, metadata } = footer(file)?;
    let columns = metadata.parquet_schema().columns().iter().enumerate();
    let mut times = columns.filter(|(_, column)| is_int96(column));
    let Some((leaf, _)) = times.find(|(_, column)| column.path().string() == id) else { return Ok(None) };
    // A stored Arrow schema may name another unit.
    let fields = metadata.schema().fields();
    let kind = nested::find(fields, id).map(|places| nested::field(fields, &places).data_type());
    if !matches!(kind, Some(DataType::Timestamp(TimeUnit::Nanosecond, _))) {
        return Ok(None);
    }
    let path = &file.path;
    guarded(path, 0, || {
        let found = precision_of(blob, leaf).map_err(|error| damaged(path, 0, &error))?;
        found.map(Some).ok_or_else(|| {
            let problem = format!(
                "column `{id}` has an INT96 time outside the years 1678 to 2261 that is no whole number of microseconds, \
                 which cannot be an id"
            );
            Error::input(path, problem).hint("choose another with --id-column")
        })
    })
}

/// Returns the precision of a column; `None` if neither holds all of its times.
fn precision_of(blob: Blob, leaf: usize) -> ParquetResult<Option<Precision>> {
    let reader = SerializedFileReader::new(blob)?;
    let mut times = TimesSeen { are_micros: true, fit_nanos: true };
    for group in 0..reader.num_row_groups() {
        times.look_at(reader.get_row_group(group)?.get_column_reader(leaf)?)?;
    }
    Ok(match times {
        TimesSeen { are_micros: true, .. } => Some(Precision::Microseconds),
        TimesSeen { fit_nanos: true, .. } => Some(Precision::Nanoseconds),
        _ => None,
    })
}

/// The facts about the times that have been read.
struct TimesSeen {
    /// Whether all of them are whole microseconds.
    are_micros: bool,
    /// Whether nanoseconds in 64 bits hold all of them.
    fit_nanos: bool,
}

impl TimesSeen {
    fn look_at(&mut self, column: ColumnReader) -> ParquetResult<()> {
        let ColumnReader::Int96ColumnReader(mut column) = column else { return Ok(()) };
        let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            values.clear();
            defined.clear();
            repeated.clear();
            let read = column.read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut values)?;
            self.are_micros &= values.iter().all(is_micros);
            self.fit_nanos &= values.iter().all(fits_nanos);
            if read.0 == 0 {
                return Ok(());
            }
        }
    }
}

fn is_micros(time: &Int96) -> bool {
    let nanos = (u64::from(time.data()[1]) << 32) | u64::from(time.data()[0]);
    nanos % 1000 == 0 && days_from_1970(time) <= 1000 * DAYS_THAT_FIT
}

fn fits_nanos(time: &Int96) -> bool {
    days_from_1970(time) <= DAYS_THAT_FIT
}

/// Returns the number of days between a time and 1970.
fn days_from_1970(time: &Int96) -> i64 {
    (i64::from(time.data()[2].cast_signed()) - JULIAN_DAY_OF_1970).abs()
}
