//! What the user said that decides which files of a folder are read.

use crate::formats::columns::ColumnChoice;
use crate::formats::file::{CompareBy, TextFiles};

/// What the user said, as far as it decides which files of a folder are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// What files of plain text hold.
    pub text_files: TextFiles,
    /// The columns, and what is compared, where the user named them.
    pub columns: ColumnChoice,
    /// Whether files of embeddings are named.
    pub embeddings: bool,
}

impl From<TextFiles> for Asked {
    fn from(text_files: TextFiles) -> Self {
        Self { text_files, ..Self::default() }
    }
}

impl Asked {
    /// What the user named, if that tells images and rows apart.
    pub(crate) fn by(&self) -> Option<CompareBy> {
        let columns = &self.columns;
        match (columns.by, &columns.embedding, &columns.image, &columns.text) {
            (Some(by), ..) => Some(by),
            (None, Some(_), ..) => Some(CompareBy::Text),
            (None, None, Some(_), Some(_)) => Some(CompareBy::Both),
            (None, None, Some(_), None) => Some(CompareBy::Image),
            (None, None, None, Some(_)) => Some(CompareBy::Text),
            (None, None, None, None) => None,
        }
    }
}
