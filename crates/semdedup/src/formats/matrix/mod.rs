//! Embeddings without rows beside them: each row of a matrix is a row.

pub(crate) mod format;
pub(crate) mod rows;
