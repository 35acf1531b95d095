//! One INPUT argument: the files that it stands for, and how it names them.

use std::path::{Path, PathBuf};

use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::row_files::RowFolder;
use crate::formats::file::FolderFile;

/// How an argument names its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The argument is the name of one file.
    Named,
    /// The argument is a glob that says which extension.
    Picked,
    /// The argument is a folder, or a glob that matches any extension.
    Listed,
}

impl How {
    /// Returns how a glob names its files.
    pub fn by(pattern: &str) -> Self {
        let last = pattern.rsplit('/').next().unwrap_or_default();
        match last.rsplit_once('.') {
            Some((_, extension)) if !extension.is_empty() && !extension.contains(['*', '?', '[', ']']) => {
                Self::Picked
            }
            _ => Self::Listed,
        }
    }
}

/// The files that one INPUT argument stands for.
pub(crate) struct InputArgument {
    pub how: How,
    /// The folder that is listed, as the user typed it.
    pub place: PathBuf,
    /// The name of the folder that the files' names are relative to.
    pub folder: String,
    pub files: Vec<FoundFile>,
    /// READMEs and other documents, which are read only where there is nothing else.
    pub documents: Vec<FoundFile>,
    /// The files that are rows by themselves, relative to `row_folder`.
    pub row_files: Vec<FolderFile>,
    /// The folder of `row_files`, if there are any.
    pub row_folder: Option<RowFolder>,
}

impl InputArgument {
    /// Creates an argument that names one file.
    pub fn new(folder: String, files: Vec<FoundFile>) -> Self {
        let (documents, row_files) = (Vec::new(), Vec::new());
        Self { how: How::Named, place: PathBuf::new(), folder, files, documents, row_files, row_folder: None }
    }

    /// Returns the argument as one whose files were found in a place.
    pub fn found_in(mut self, how: How, place: &Path) -> Self {
        let place = if place == Path::new("") { Path::new(".") } else { place };
        (self.how, self.place) = (how, place.to_path_buf());
        self
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.documents.is_empty() && self.row_folder.is_none()
    }
}
