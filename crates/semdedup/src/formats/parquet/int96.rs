//! INT96 timestamps, which Spark, Hive and Impala write into Parquet: nanoseconds of a day and the
//! day, in twelve bytes.
//!
//! Arrow reads them as nanoseconds since 1970 in 64 bits, which end in 2262, and its writer cannot
//! write them at all. But a page of INT96 values has the same bytes as a page of byte arrays of
//! length 12. So a file is read and written back as if it had such arrays, and then its footer is
//! written again and says INT96. The footer has no smallest and largest values of these columns,
//! because the order of the bytes is not the order of the times.

use std::io::{Seek, SeekFrom, Write};

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
use crate::formats::file::InputFile;
use crate::formats::parquet::footer::{OpenParquet, damaged, footer, guarded};
use crate::formats::parquet::schema_like::{is_int96, with_leaves};

/// The day of 1970-01-01 in the count that INT96 uses.
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

/// The whole days before and after 1970 whose nanoseconds fit into 64 bits: 1677-09-22 to
/// 2262-04-10.
const DAYS_THAT_FIT: i64 = 106_750;

/// The key under which writers store the Arrow schema.
const ARROW_SCHEMA: &str = "ARROW:schema";

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

/// Fails if the column of the ids has INT96 times that nanoseconds in 64 bits cannot hold: two rows
/// could get the same id.
pub(crate) fn check_ids(file: &InputFile, id: Option<&str>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    let OpenParquet { blob, metadata } = footer(file)?;
    let columns = columns(metadata.metadata());
    let Some(Leaf { number, name }) = columns.into_iter().find(|leaf| leaf.name == id) else {
        return Ok(());
    };
    let path = &file.path;
    guarded(path, 0, || {
        let reader = SerializedFileReader::new(blob).map_err(|error| damaged(path, 0, &error))?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|error| damaged(path, 0, &error))?;
            let column = group.get_column_reader(number).map_err(|error| damaged(path, 0, &error))?;
            if !all_fit(column).map_err(|error| damaged(path, 0, &error))? {
                let problem = format!(
                    "column `{name}` has an INT96 time outside the years 1678 to 2261, which cannot be an id"
                );
                return Err(Error::input(path, problem).hint("choose another with --id-column"));
            }
        }
        Ok(())
    })
}

/// A leaf column of a file.
struct Leaf {
    number: usize,
    /// The path of the column, with dots.
    name: String,
}

/// Returns the INT96 columns that are read as nanoseconds.
fn columns(metadata: &ParquetMetaData) -> Vec<Leaf> {
    let file = metadata.file_metadata();
    if file.key_value_metadata().into_iter().flatten().any(|pair| pair.key == ARROW_SCHEMA) {
        return Vec::new();
    }
    let columns = file.schema_descr().columns().iter().enumerate();
    let columns = columns.filter(|(_, column)| column.physical_type() == Type::INT96);
    columns.map(|(number, column)| Leaf { number, name: column.path().string() }).collect()
}

fn all_fit(column: ColumnReader) -> parquet::errors::Result<bool> {
    let ColumnReader::Int96ColumnReader(mut column) = column else { return Ok(true) };
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        values.clear();
        defined.clear();
        repeated.clear();
        let read = column.read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut values)?;
        if !values.iter().all(fits) {
            return Ok(false);
        }
        if read.0 == 0 {
            return Ok(true);
        }
    }
}

fn fits(time: &Int96) -> bool {
    let day = i64::from(time.data()[2].cast_signed());
    (day - JULIAN_DAY_OF_1970).abs() <= DAYS_THAT_FIT
}
