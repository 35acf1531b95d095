//! Columns of bytes: recognises their types, and converts their values to one type of array.

use arrow_array::cast::AsArray;
use arrow_array::{Array, LargeBinaryArray};
use arrow_schema::DataType;

/// Whether the values of a column of this type are bytes.
pub(crate) fn is_binary(kind: &DataType) -> bool {
    match kind {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            true
        }
        DataType::Dictionary(_, values) => is_binary(values),
        _ => false,
    }
}

/// Returns the name of such a type in messages.
pub(crate) fn name_of(kind: &DataType) -> String {
    match kind {
        DataType::FixedSizeBinary(bytes) => format!("binary of {bytes} bytes"),
        DataType::Dictionary(_, values) => name_of(values),
        _ => "binary".to_owned(),
    }
}

/// Converts a column of bytes to one type of array.
pub(crate) fn values_of(
    column: &dyn Array,
) -> std::result::Result<LargeBinaryArray, arrow_schema::ArrowError> {
    Ok(arrow_cast::cast::cast(column, &DataType::LargeBinary)?.as_binary::<i64>().clone())
}
