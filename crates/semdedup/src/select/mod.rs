//! Decides which rows go, and lists the rows that stay or go.

pub(crate) mod id_lists;
pub(crate) mod representatives;
pub(crate) mod row_lists;
pub(crate) mod selection;
pub(crate) mod written;
