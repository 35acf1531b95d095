//! The selection: which rows go, and lists of those that stay or go.

pub(crate) mod id_lists;
pub(crate) mod row_lists;
pub(crate) mod selection;
