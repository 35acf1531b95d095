//! Maps row numbers to files and rows in them, and names the rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt64Array};
use arrow_select::take::take;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The name of a file and the number of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRows {
    pub(crate) name: String,
    pub(crate) rows: u64,
}

/// Numbers the rows of a list of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowIndex {
    pub(crate) files: Vec<FileRows>,
    starts: Vec<u64>,
}

impl RowIndex {
    pub(crate) fn new(files: Vec<FileRows>) -> Self {
        let mut starts = vec![0];
        for file in &files {
            starts.push(starts[starts.len() - 1] + file.rows);
        }
        Self { files, starts }
    }

    /// The number of all rows.
    pub(crate) fn rows(&self) -> u64 {
        self.starts[self.files.len()]
    }

    /// Returns the file of a row, and the row number in that file.
    pub(crate) fn locate(&self, row: u64) -> RowLocation {
        let file = self.starts.partition_point(|&start| start <= row) - 1;
        RowLocation { file, row: row - self.starts[file] }
    }

    /// Returns the row number in the whole input of a row in a file.
    pub(crate) fn number(&self, file: usize, row: u64) -> u64 {
        self.starts[file] + row
    }

    /// Returns the name of a row that has no id: `file:row`.
    pub(crate) fn name(&self, row: u64) -> String {
        let RowLocation { file, row } = self.locate(row);
        format!("{}:{row}", self.files[file].name)
    }
}

/// The place of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowLocation {
    /// The position of the file in the input.
    pub(crate) file: usize,
    /// The row number in the file.
    pub(crate) row: u64,
}

/// The ids of all rows.
#[derive(Debug, Clone)]
pub(crate) enum Ids {
    /// The values of a column of the input.
    Column(ArrayRef),
    /// The file and row number of each row.
    RowIndex(RowIndex),
    /// The row numbers.
    Numbers,
}

impl Ids {
    /// Returns the ids of some rows.
    pub(crate) fn of(&self, rows: &UInt64Array) -> Result<ArrayRef> {
        match self {
            Self::Column(ids) => take(ids, rows, None).map_err(|error| Error::usage(error.to_string())),
            Self::Numbers => Ok(Arc::new(rows.clone())),
            Self::RowIndex(row_index) => Ok(Arc::new(
                rows.iter().map(|row| row.map(|row| row_index.name(row))).collect::<StringArray>(),
            )),
        }
    }
}
