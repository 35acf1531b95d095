//! Files that are rows by themselves, and files of extensions that are not read.

use std::path::PathBuf;

use crate::formats::file::{FolderFile, Format};

/// A file that is a row by itself: an image or a whole text.
pub(crate) struct RowFile {
    /// [`Format::Tree`] for an image, [`Format::TextTree`] for a text.
    pub format: Format,
    /// The folder that the name of the file is relative to.
    pub folder: PathBuf,
    pub file: FolderFile,
}

impl RowFile {
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.file.name)
    }

    pub fn name(&self) -> &str {
        &self.file.name
    }
}

/// A folder whose files are rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowFolder {
    /// [`Format::Tree`] for images, [`Format::TextTree`] for texts.
    pub format: Format,
    pub path: PathBuf,
}

/// A file of an extension that is not read. Files are ordered by their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OtherFile {
    /// The name below the folder of the argument.
    pub name: String,
    pub path: PathBuf,
}

/// A link to a file.
pub(crate) struct Link {
    pub path: PathBuf,
    /// The file that the link leads to.
    pub target: PathBuf,
}
