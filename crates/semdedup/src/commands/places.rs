//! Names the rows of embeddings that have no input beside them, and finds the rows without
//! direction.

use std::path::Path;

use crate::arrays::store::{self, EmbeddingStore};
use crate::error::Result;
use crate::memory::Memory;
use crate::workdir::row_index::{FileRows, RowIndex};
use crate::workdir::uncompared::Uncompared;

/// Reads all rows to find those without direction.
pub(crate) fn undirected(store: &EmbeddingStore) -> Result<Uncompared> {
    let mut found = Uncompared::default();
    for range in store::blocks(store, Memory::default()) {
        found.add_undirected(range.start, &store.read(range)?);
    }
    Ok(found)
}

/// Names rows by the files of the embeddings.
pub(crate) fn places_of(store: &EmbeddingStore) -> RowIndex {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    RowIndex::new(store.files().map(|(path, rows)| FileRows { name: name(path), rows }).collect())
}
