//! Recognises and converts columns of images in Arrow's types.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use arrow_buffer::NullBuffer;
use arrow_schema::ArrowError;
use arrow_schema::DataType;

use crate::formats::arrow::binary;

/// Whether the values of a column of this type can be images: bytes, or a struct with `bytes`,
/// which Hugging Face writes.
pub(crate) fn is_image_type(kind: &DataType) -> bool {
    let is_bytes = |kind: &DataType| binary::is_binary(kind) && !matches!(kind, DataType::FixedSizeBinary(_));
    match kind {
        DataType::Struct(fields) => {
            fields.iter().any(|field| field.name() == "bytes" && is_bytes(field.data_type()))
        }
        kind => is_bytes(kind),
    }
}

/// Converts a column of images to bytes. `bad` is told of the rows without an image.
pub(crate) fn images_of(
    column: &ArrayRef,
    bad: &mut dyn FnMut(usize, &str),
) -> std::result::Result<LargeBinaryArray, ArrowError> {
    let bytes = match column.as_struct_opt() {
        Some(parts) => parts.column_by_name("bytes").unwrap_or(column),
        None => column,
    };
    let images = binary::values_of(bytes)?;
    // A value inside a null struct is not reliable.
    let missing = column.logical_nulls();
    let nulls = NullBuffer::union(images.nulls(), missing.as_ref());
    let (offsets, values, _) = images.into_parts();
    let images = LargeBinaryArray::try_new(offsets, values, nulls)?;
    for row in (0..images.len()).filter(|&row| images.is_null(row)) {
        let is_null = missing.as_ref().is_some_and(|missing| missing.is_null(row));
        bad(row, if is_null { "is null" } else { "has no bytes" });
    }
    Ok(images)
}
