//! The logical types of Parquet that Arrow does not have: UUID, ENUM, JSON, BSON, and times in UTC.
//! They are read as plain bytes, strings and times. So that the ids of a run keep them, they are
//! carried from the input to the results.

use std::sync::Arc;

use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::Type as PhysicalType;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor, SchemaDescriptor, Type, TypePtr};

use crate::error::Result;
use crate::formats::arrow::nested;
use crate::formats::file::InputFile;
use crate::formats::parquet::footer::{OpenParquet, damaged, footer};
use crate::formats::parquet::unknown::is_unknown;

/// Returns the type of a column of a file, if Arrow loses a part of it.
pub(crate) fn of_column(file: &InputFile, name: &str) -> Result<Option<TypePtr>> {
    let OpenParquet { metadata, .. } = footer(file)?;
    let fields = metadata.schema().fields();
    let Some(places) = nested::find(fields, name) else { return Ok(None) };
    let path = nested::names(fields, &places);
    let mut leaves = metadata.parquet_schema().columns().iter();
    let Some(own) = leaves.find(|leaf| leaf.path().parts() == path) else { return Ok(None) };
    let field = nested::field(fields, &places);
    let derived = leaf_of(field).map_err(|error| damaged(&file.path, 0, &error))?;
    Ok(derived.filter(|derived| loses(own, derived)).map(|_| own.self_type_ptr()))
}

/// Returns the column as which Arrow writes a field; `None` if it is several.
fn leaf_of(field: &Field) -> ParquetResult<Option<ColumnDescPtr>> {
    let schema = ArrowSchemaConverter::new().convert(&Schema::new(vec![field.clone()]))?;
    Ok((schema.num_columns() == 1).then(|| schema.column(0)))
}

/// Whether Arrow writes a column back in the same bytes, but without its logical type.
fn loses(own: &ColumnDescriptor, derived: &ColumnDescriptor) -> bool {
    let has_other_logical_type =
        own.logical_type_ref().is_some() && own.logical_type_ref() != derived.logical_type_ref();
    has_same_bytes(own.self_type(), derived.self_type())
        && !is_unknown(own.self_type())
        && (has_other_logical_type || own.converted_type() != derived.converted_type())
}

/// Whether two columns have one logical type.
pub(crate) fn is_same_type(one: &Type, other: &Type) -> bool {
    let (one, other) = (one.get_basic_info(), other.get_basic_info());
    one.logical_type_ref() == other.logical_type_ref() && one.converted_type() == other.converted_type()
}

fn has_same_bytes(one: &Type, other: &Type) -> bool {
    let length = |kind: &Type| match kind {
        Type::PrimitiveType { type_length, physical_type: PhysicalType::FIXED_LEN_BYTE_ARRAY, .. } => {
            *type_length
        }
        _ => 0,
    };
    one.is_primitive()
        && other.is_primitive()
        && one.get_physical_type() == other.get_physical_type()
        && length(one) == length(other)
}

/// Returns the schema as which Arrow writes a table, with a stored type for the columns of these
/// names. A column of other bytes keeps its type.
pub(crate) fn with_type(schema: &Schema, stored: &Type, names: &[&str]) -> ParquetResult<SchemaDescriptor> {
    let derived = ArrowSchemaConverter::new().convert(schema)?;
    let root = derived.root_schema();
    let fields = root.get_fields().iter().map(|field| {
        let is_meant = names.contains(&field.name()) && has_same_bytes(field, stored);
        if is_meant { retyped(field, stored) } else { Ok(field.clone()) }
    });
    let fields = fields.collect::<ParquetResult<_>>()?;
    let root = Type::group_type_builder(root.name()).with_fields(fields).build()?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

/// Returns a column with another logical type.
fn retyped(column: &Type, stored: &Type) -> ParquetResult<TypePtr> {
    let length = match column {
        Type::PrimitiveType { type_length, .. } => *type_length,
        Type::GroupType { .. } => -1,
    };
    let (precision, scale) = match stored {
        Type::PrimitiveType { precision, scale, .. } => (*precision, *scale),
        Type::GroupType { .. } => (-1, -1),
    };
    let info = stored.get_basic_info();
    let retyped = Type::primitive_type_builder(column.name(), column.get_physical_type())
        .with_repetition(column.get_basic_info().repetition())
        .with_length(length)
        .with_precision(precision)
        .with_scale(scale)
        .with_logical_type(info.logical_type_ref().cloned())
        .with_converted_type(info.converted_type());
    retyped.build().map(Arc::new)
}
