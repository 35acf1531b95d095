//! The options of the user that decide which files of a folder are read.

use crate::formats::columns::ColumnChoice;
use crate::formats::dialect::DialectChoice;
use crate::formats::encoding::TextEncoding;
use crate::formats::file::{CompareBy, TextFiles};

/// The options of the user that decide which files of a folder are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The rows of files of plain text.
    pub text_files: TextFiles,
    /// The columns and the compared part of a row, where the user names them.
    pub columns: ColumnChoice,
    /// The dialect of CSV files, where the user names it.
    pub csv: DialectChoice,
    /// The encoding of files of text, where the user names it.
    pub encoding: Option<TextEncoding>,
    /// Whether the user names files of embeddings.
    pub embeddings: bool,
}

impl From<TextFiles> for Asked {
    fn from(text_files: TextFiles) -> Self {
        Self { text_files, ..Self::default() }
    }
}

impl Asked {
    /// Returns the part of a row that the user wants to compare, if the options tell.
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
