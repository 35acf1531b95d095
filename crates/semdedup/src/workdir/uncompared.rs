//! Counts the rows that are compared with nothing, by reason, and names the first ones.

use semdedup_core::{Direction, NO_CLUSTER, UnitEmbeddings};

use crate::warning::Warning;
use crate::workdir::counted_rows::CountedRows;
use crate::workdir::row_index::RowIndex;

/// The rows that are compared with nothing, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Uncompared {
    /// Rows whose embedding is zeros.
    pub(crate) zero: CountedRows,
    /// Rows whose embedding has a NaN or an infinity.
    pub(crate) non_finite: CountedRows,
    /// Rows that have a direction but no cluster.
    pub(crate) unclustered: CountedRows,
}

impl Uncompared {
    /// Counts a row if it is compared with nothing.
    pub(crate) fn add(&mut self, row: u64, direction: Direction, cluster: u32) {
        match direction {
            Direction::Zero => self.zero.add(row),
            Direction::NonFinite => self.non_finite.add(row),
            Direction::Unit if cluster == NO_CLUSTER => self.unclustered.add(row),
            Direction::Unit => {}
        }
    }

    /// Counts the rows without direction in a block of rows. `first` is the number of its first
    /// row.
    pub(crate) fn add_undirected(&mut self, first: u64, rows: &UnitEmbeddings) {
        rows.zero_rows().iter().for_each(|&row| self.zero.add(first + row as u64));
        rows.non_finite_rows().iter().for_each(|&row| self.non_finite.add(first + row as u64));
    }

    /// Returns the warnings about these rows.
    pub(crate) fn warnings(&self, row_index: &RowIndex) -> Vec<Warning> {
        let Self { zero, non_finite, unclustered } = self;
        let warning = |counted: &CountedRows, of: fn(u64, Vec<String>) -> Warning| {
            (counted.rows > 0).then(|| of(counted.rows, counted.names(row_index)))
        };
        let found = [
            warning(zero, |rows, examples| Warning::ZeroRows { rows, examples }),
            warning(non_finite, |rows, examples| Warning::NonFiniteRows { rows, examples }),
            warning(unclustered, |rows, examples| Warning::UnclusteredRows { rows, examples }),
        ];
        found.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_the_reason_and_the_first_three_are_named() {
        let mut found = Uncompared::default();
        for row in 0..10 {
            found.add(row, Direction::Zero, 3);
        }
        found.add(10, Direction::NonFinite, NO_CLUSTER);
        found.add(11, Direction::Unit, NO_CLUSTER);
        found.add(12, Direction::Unit, 0);
        let counted = |rows, first: &[u64]| CountedRows { rows, first: first.to_vec() };
        assert_eq!(found.zero, counted(10, &[0, 1, 2]));
        assert_eq!((&found.non_finite, &found.unclustered), (&counted(1, &[10]), &counted(1, &[11])));
        found.non_finite.extend(&found.zero);
        assert_eq!(found.non_finite, counted(11, &[10, 0, 1]));
        assert_eq!(found.zero.clone().without(0), found.zero);
        assert_eq!(found.zero.without(4), counted(6, &[]));
    }
}
