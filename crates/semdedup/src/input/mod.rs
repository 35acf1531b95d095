//! What goes in: the files, their columns, and embeddings that come with them.

pub(crate) mod embedding_files;
pub(crate) mod find;
pub(crate) mod provided;
