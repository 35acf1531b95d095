//! Whether the files of the input are still the ones that were read.

use crate::error::Result;
use crate::formats::file::InputFile;
use crate::formats::folder::tree;
use crate::storage::Stamp;

/// Fails if any of the files is not the one that was read.
pub(crate) fn check_all_unchanged(files: &[InputFile]) -> Result<()> {
    let (trees, files): (Vec<&InputFile>, Vec<&InputFile>) =
        files.iter().partition(|file| file.format.is_tree());
    let stamped: Vec<_> = files.iter().map(|file| (file.path.clone(), file.stamp())).collect();
    Stamp::check_all(&stamped)?;
    trees.into_iter().try_for_each(tree::check_unchanged)
}

/// Fails where a file is not the one that was read: its rows would be taken for others.
///
/// # Errors
/// Another size or modification time, or no file.
pub fn check_unchanged(file: &InputFile) -> Result<()> {
    if file.format.is_tree() {
        return tree::check_unchanged(file);
    }
    file.stamp().check(&file.path)
}

impl InputFile {
    /// What the file was when it was found.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::new(self.bytes, self.modified_ns, self.identity)
    }
}
