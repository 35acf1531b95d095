//! Parquet INTERVALs (DuckDB writes them): months, days and milliseconds in twelve bytes.
//!
//! Arrow's reader makes days and milliseconds of them and forgets the months. To be written back as they are, they are
//! read as the twelve bytes that they are; the kept file has the source's own schema, which says what they mean.

use std::sync::Arc;

use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::ConvertedType;
use parquet::errors::Result;
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

/// The bytes of an interval.
const BYTES: i32 = 12;

/// The same file as one in which intervals are bytes; nothing else changes.
pub(super) fn as_bytes(metadata: ArrowReaderMetadata) -> Result<ArrowReaderMetadata> {
    let file = metadata.metadata().file_metadata();
    let is_interval = |column: &Arc<parquet::schema::types::ColumnDescriptor>| {
        column.converted_type() == ConvertedType::INTERVAL
    };
    // Where an Arrow schema says of which kind they are, nothing is forgotten.
    let has_kinds =
        file.key_value_metadata().into_iter().flatten().any(|pair| pair.key == ARROW_SCHEMA_META_KEY);
    if has_kinds || !file.schema_descr().columns().iter().any(is_interval) {
        return Ok(metadata);
    }
    let schema = SchemaDescriptor::new(without_intervals(&file.schema_descr().root_schema_ptr(), true)?);
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(schema),
        file.column_orders().cloned(),
    );
    let groups = metadata.metadata().row_groups().to_vec();
    ArrowReaderMetadata::try_new(Arc::new(ParquetMetaData::new(file, groups)), ArrowReaderOptions::new())
}

/// A type in which intervals are only bytes.
fn without_intervals(kind: &TypePtr, is_root: bool) -> Result<TypePtr> {
    let info = kind.get_basic_info();
    let id = info.has_id().then(|| info.id());
    if kind.is_group() {
        let fields = kind.get_fields().iter().map(|field| without_intervals(field, false));
        let group = Type::group_type_builder(kind.name())
            .with_converted_type(info.converted_type())
            .with_logical_type(info.logical_type_ref().cloned())
            .with_fields(fields.collect::<Result<_>>()?)
            .with_id(id);
        let group = if is_root { group } else { group.with_repetition(info.repetition()) };
        return group.build().map(Arc::new);
    }
    if info.converted_type() != ConvertedType::INTERVAL {
        return Ok(kind.clone());
    }
    Type::primitive_type_builder(kind.name(), kind.get_physical_type())
        .with_repetition(info.repetition())
        .with_length(BYTES)
        .with_id(id)
        .build()
        .map(Arc::new)
}
