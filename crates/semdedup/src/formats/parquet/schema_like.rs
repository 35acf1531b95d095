//! Makes the schema that a Parquet file is written back with: the source's own, column by column,
//! wherever Arrow's writer can write the bytes in that form. It has annotations and names that
//! Arrow does not have.

use std::sync::Arc;

use arrow_schema::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::errors::Result;
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type, TypePtr};

/// The size of an interval and of an INT96 time, in bytes.
pub(crate) const TWELVE: i32 = 12;

/// Returns the schema of a file with the columns of `own`, which Arrow reads as the first ones of
/// `schema`, and behind them the other columns of `schema`. Times that are INT96 in `own`, and
/// twelve bytes to Arrow, are INT96 in it.
pub(crate) fn schema_like(own: &SchemaDescriptor, schema: &Schema) -> Result<SchemaDescriptor> {
    let derived = ArrowSchemaConverter::new().convert(schema)?;
    let (root, others) = (own.root_schema(), derived.root_schema().get_fields());
    let fields = others.iter().enumerate().map(|(number, other)| match root.get_fields().get(number) {
        Some(field)
            if field.name() == other.name()
                && same_layout(&leaves(own, number), &leaves(&derived, number)) =>
        {
            field.clone()
        }
        _ => other.clone(),
    });
    let root = Type::group_type_builder(root.name()).with_fields(fields.collect()).build()?;
    let bytes = PhysicalType::FIXED_LEN_BYTE_ARRAY;
    let is_time = |leaf: usize, kind: &Type| {
        let is_int96 = own.columns().get(leaf).is_some_and(|column| is_int96(column));
        let is_bytes = matches!(kind, Type::PrimitiveType { physical_type, type_length: TWELVE, .. } if *physical_type == bytes);
        (is_int96 && is_bytes).then_some(PhysicalType::INT96)
    };
    with_leaves(&SchemaDescriptor::new(Arc::new(root)), &is_time)
}

/// Returns a new physical type, of twelve bytes, for the number and the type of a leaf; `None`
/// leaves the type unchanged.
pub(crate) type Change<'a> = dyn Fn(usize, &Type) -> Option<PhysicalType> + 'a;

/// Returns the schema with the physical types that `change` gives to its leaves. Such a leaf has no
/// annotation.
pub(crate) fn with_leaves(schema: &SchemaDescriptor, change: &Change) -> Result<SchemaDescriptor> {
    with_changed(&schema.root_schema_ptr(), &mut 0, change).map(SchemaDescriptor::new)
}

fn with_changed(kind: &TypePtr, leaf: &mut usize, change: &Change) -> Result<TypePtr> {
    let info = kind.get_basic_info();
    let id = info.has_id().then(|| info.id());
    if kind.is_group() {
        let fields = kind.get_fields().iter().map(|field| with_changed(field, leaf, change));
        let group = Type::group_type_builder(kind.name())
            .with_converted_type(info.converted_type())
            .with_logical_type(info.logical_type_ref().cloned())
            .with_fields(fields.collect::<Result<_>>()?)
            .with_id(id);
        // The root has no repetition.
        let group = if info.has_repetition() { group.with_repetition(info.repetition()) } else { group };
        return group.build().map(Arc::new);
    }
    *leaf += 1;
    let Some(physical) = change(*leaf - 1, kind) else { return Ok(kind.clone()) };
    let length = if physical == PhysicalType::FIXED_LEN_BYTE_ARRAY { TWELVE } else { -1 };
    Type::primitive_type_builder(kind.name(), physical)
        .with_repetition(info.repetition())
        .with_length(length)
        .with_id(id)
        .build()
        .map(Arc::new)
}

/// Returns the metadata of a file with another schema of the same leaves.
pub(crate) fn with_schema(metadata: &ParquetMetaData, schema: SchemaDescriptor) -> ParquetMetaData {
    let file = metadata.file_metadata();
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(schema),
        file.column_orders().cloned(),
    );
    ParquetMetaData::new(file, metadata.row_groups().to_vec())
}

/// Returns the leaves of a column.
fn leaves(schema: &SchemaDescriptor, root: usize) -> Vec<&ColumnDescriptor> {
    let columns = schema.columns().iter().enumerate();
    columns
        .filter(|(leaf, _)| schema.get_column_root_idx(*leaf) == root)
        .map(|(_, column)| &**column)
        .collect()
}

fn same_layout(own: &[&ColumnDescriptor], derived: &[&ColumnDescriptor]) -> bool {
    own.len() == derived.len()
        && own.iter().zip(derived).all(|(own, derived)| {
            own.max_def_level() == derived.max_def_level()
                && own.max_rep_level() == derived.max_rep_level()
                && (same_bytes(own, derived)
                    || is_writable_decimal(own, derived)
                    || is_date(own, derived)
                    || is_time(own, derived))
        })
}

fn same_bytes(own: &ColumnDescriptor, derived: &ColumnDescriptor) -> bool {
    own.physical_type() == derived.physical_type()
        && (own.physical_type() != PhysicalType::FIXED_LEN_BYTE_ARRAY
            || own.type_length() == derived.type_length())
}

/// Whether both are decimals and Arrow's writer can follow the source. Decimals are integers or
/// bytes, by the writer's choice; Arrow's writer follows a schema that asks for as many bytes as
/// the digits need.
fn is_writable_decimal(own: &ColumnDescriptor, derived: &ColumnDescriptor) -> bool {
    let is_decimal = |column: &ColumnDescriptor| {
        column.converted_type() == ConvertedType::DECIMAL
            || matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)))
    };
    let digits = own.type_precision();
    is_decimal(own)
        && is_decimal(derived)
        && digits == derived.type_precision()
        && match own.physical_type() {
            PhysicalType::INT32 => digits <= 9,
            PhysicalType::INT64 => digits <= 18,
            PhysicalType::FIXED_LEN_BYTE_ARRAY => own.type_length() == bytes_for(digits),
            _ => false,
        }
}

/// Whether both are dates. Dates that Arrow counts in milliseconds are days in Parquet, and Arrow's
/// writer writes days where the schema asks for them; otherwise it would write a plain number.
fn is_date(own: &ColumnDescriptor, derived: &ColumnDescriptor) -> bool {
    (own.physical_type(), derived.physical_type()) == (PhysicalType::INT32, PhysicalType::INT64)
        && own.converted_type() == ConvertedType::DATE
        && (derived.converted_type(), derived.logical_type_ref()) == (ConvertedType::NONE, None)
}

/// Whether both are times. INT96 times go through Arrow as twelve bytes
/// ([`crate::formats::parquet::int96`]).
fn is_time(own: &ColumnDescriptor, derived: &ColumnDescriptor) -> bool {
    is_int96(own)
        && derived.physical_type() == PhysicalType::FIXED_LEN_BYTE_ARRAY
        && derived.type_length() == TWELVE
}

/// Returns how many bytes hold every integer of `digits` digits, with its sign.
fn bytes_for(digits: i32) -> i32 {
    let holds = |bytes: &i32| f64::from(8 * bytes - 1) * std::f64::consts::LOG10_2 >= f64::from(digits);
    (1..).find(holds).unwrap_or(i32::MAX)
}

/// Whether a column holds INT96 times. An annotated column is of another kind, such as one of nulls
/// alone.
pub(crate) fn is_int96(column: &ColumnDescriptor) -> bool {
    column.physical_type() == PhysicalType::INT96
        && column.logical_type_ref().is_none()
        && column.converted_type() == ConvertedType::NONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_takes_the_fewest_bytes_that_hold_its_digits() {
        // The greatest precision for each number of bytes, as the Parquet specification lists it.
        let most = [2, 4, 6, 9, 11, 14, 16, 18, 21, 23, 26, 28, 31, 33, 35, 38];
        for (bytes, digits) in (1..).zip(most) {
            assert_eq!((bytes_for(digits), bytes_for(digits + 1)), (bytes, bytes + 1), "{digits} digits");
        }
    }
}
