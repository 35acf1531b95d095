//! Embeddings without other rows: each row of a matrix is a row.

pub(crate) mod format;
pub(crate) mod rows;
