//! Counts rows and remembers the first of them, so that a warning can name examples.

use serde::{Deserialize, Serialize};

use crate::workdir::row_index::RowIndex;

/// Rows named in a warning.
pub(crate) const EXAMPLES: usize = 3;

/// Some rows: how many, and the numbers of the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) rows: u64,
    pub(crate) first: Vec<u64>,
}

impl Counted {
    /// Counts one more row; rows come in their order.
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

    /// Leaves out some of the rows of which only the number is known: then no row can be named.
    pub(crate) fn without(mut self, rows: u64) -> Self {
        if rows > 0 {
            self.first.clear();
        }
        self.rows = self.rows.saturating_sub(rows);
        self
    }

    pub(crate) fn names(&self, row_index: &RowIndex) -> Vec<String> {
        self.first.iter().map(|&row| row_index.name(row)).collect()
    }
}
