//! Which row of which file a row number stands for, and what the row is called.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt64Array};
use arrow::compute::take;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The rows of one file: a name and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRows {
    pub(crate) name: String,
    pub(crate) rows: u64,
}

/// Rows numbered through a list of files.
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

    /// All rows.
    pub(crate) fn rows(&self) -> u64 {
        self.starts[self.files.len()]
    }

    /// The file of a row, and the row's number there.
    pub(crate) fn locate(&self, row: u64) -> (usize, u64) {
        let file = self.starts.partition_point(|&start| start <= row) - 1;
        (file, row - self.starts[file])
    }

    /// The number of a row of a file in the whole input.
    pub(crate) fn number(&self, file: usize, row: u64) -> u64 {
        self.starts[file] + row
    }

    /// The name of a row without an id: `file:row`.
    pub(crate) fn name(&self, row: u64) -> String {
        let (file, row) = self.locate(row);
        format!("{}:{row}", self.files[file].name)
    }
}

/// What rows are called.
#[derive(Debug, Clone)]
pub(crate) enum Ids {
    /// By a column of the input.
    Column(ArrayRef),
    /// By file and row number.
    RowIndex(RowIndex),
}

impl Ids {
    /// The ids of some rows.
    pub(crate) fn of(&self, rows: &UInt64Array) -> Result<ArrayRef> {
        match self {
            Self::Column(ids) => take(ids, rows, None).map_err(|error| Error::usage(error.to_string())),
            Self::RowIndex(row_index) => Ok(Arc::new(
                rows.iter().map(|row| row.map(|row| row_index.name(row))).collect::<StringArray>(),
            )),
        }
    }
}
