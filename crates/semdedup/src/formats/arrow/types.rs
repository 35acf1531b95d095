//! Tells by the Arrow type of a column what its values can be.

use arrow_schema::DataType;

/// Whether a column of this type can be the text.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Whether every value of a column of this type is missing: the type is null, or that of lists of
/// nulls, which some writers choose where all lists of a file are empty.
pub(crate) fn is_null(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_null(item.data_type())
        }
        kind => kind == &DataType::Null,
    }
}

/// Whether the values of a column of this type can be embeddings.
pub(crate) fn is_vector(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        // Some programs write this type for a column in which every value is missing.
        DataType::Null => true,
        _ => false,
    }
}
