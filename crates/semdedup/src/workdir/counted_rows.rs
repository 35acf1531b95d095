//! Counts rows and remembers the first ones, so that a warning can name examples.

use serde::{Deserialize, Serialize};

use crate::workdir::row_index::RowIndex;

/// The rows that a warning names.
pub(crate) const EXAMPLES: usize = 3;

/// A number of rows, and the first of these rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CountedRows {
    pub(crate) rows: u64,
    /// The row numbers of the first ones, at most [`EXAMPLES`].
    pub(crate) first: Vec<u64>,
}

impl CountedRows {
    /// Counts one more row. Rows must come in ascending order.
    pub(crate) fn add(&mut self, row: u64) {
        self.rows += 1;
        if self.first.len() < EXAMPLES {
            self.first.push(row);
        }
    }

    /// Adds rows that all come after the rows counted so far.
    pub(crate) fn extend(&mut self, later: &Self) {
        self.rows += later.rows;
        self.first.extend(&later.first);
        self.first.truncate(EXAMPLES);
    }

    /// Subtracts rows of which only the number is known. No row can be named after that.
    pub(crate) fn without(mut self, rows: u64) -> Self {
        if rows > 0 {
            self.first.clear();
        }
        self.rows = self.rows.saturating_sub(rows);
        self
    }

    /// Returns the names of the first rows.
    pub(crate) fn names(&self, row_index: &RowIndex) -> Vec<String> {
        self.first.iter().map(|&row| row_index.name(row)).collect()
    }
}
