//! Checks whether the files of the input are still the ones that were found.

use std::path::PathBuf;

use crate::arrays::place::file_of;
use crate::error::Result;
use crate::formats::file::{Format, InputFile};
use crate::formats::folder::tree;
use crate::storage::Stamp;

/// Fails if any of the files has changed since it was found.
pub(crate) fn check_all_unchanged(files: &[InputFile]) -> Result<()> {
    let (trees, files): (Vec<&InputFile>, Vec<&InputFile>) =
        files.iter().partition(|file| file.format.is_tree());
    let stamped: Vec<_> = files.iter().map(|file| (path_of(file), file.stamp())).collect();
    Stamp::check_all(&stamped)?;
    trees.into_iter().try_for_each(tree::check_unchanged)
}

/// Fails if a file has changed since it was found: its row numbers could mean other rows.
///
/// # Errors
/// Another size or modification time, or a missing file.
pub fn check_unchanged(file: &InputFile) -> Result<()> {
    if file.format.is_tree() {
        return tree::check_unchanged(file);
    }
    file.stamp().check(&path_of(file))
}

/// Returns the path of a file on the disk: that of embeddings may be the place of an array in it.
fn path_of(file: &InputFile) -> PathBuf {
    if file.format == Format::Matrix { file_of(&file.path) } else { file.path.clone() }
}

impl InputFile {
    /// Returns the stamp of the file from when it was found.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::new(self.bytes, self.modified_ns, self.identity)
    }
}
