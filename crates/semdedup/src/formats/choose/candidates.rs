//! Columns that may be the text where the user names none.

use crate::formats::columns::{Column, Wanted};

/// At most this many columns of strings are searched for the text.
pub(crate) const MOST_CANDIDATES: usize = 64;

/// Whether a column may be taken unasked. A column that is always null may not.
pub(crate) fn is_candidate(column: &Column, wanted: &Wanted) -> bool {
    !column.is_nested
        && column.kind.as_deref() != Some("null")
        && Some(column.name.as_str()) != wanted.id
        && !wanted.is_image(&column.name)
}

/// Whether a list or a struct may hold texts beside the text column.
pub(crate) fn may_hold(column: &Column, wanted: &Wanted) -> bool {
    column.may_hold_text
        && !column.is_image
        && Some(column.name.as_str()) != wanted.embedding
        && !wanted.is_image(&column.name)
}
