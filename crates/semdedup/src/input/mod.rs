//! The input of a run: the files, their columns, and the embeddings that come with them.

pub(crate) mod differences;
pub(crate) mod embedding_files;
pub(crate) mod find;
pub(crate) mod groups;
mod pairs;
pub(crate) mod provided;
pub(crate) mod read_rows;
