//! What differs between the removed rows of a result and the rows that they duplicate.

use semdedup_core::NO_ROW;

use crate::difference::kind::Difference;
use crate::error::Result;
use crate::input::differences::{BatchSize, Pair, RowTexts};
use crate::inspect::finished_run::FinishedRun;
use crate::memory::Memory;

/// A removed row, and what differs between its text and that of the row that it duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowDifference {
    /// The number of the row in the whole input.
    pub row: u64,
    /// What differs; none if one of the texts is missing, or could not be read.
    pub difference: Option<Difference>,
}

impl FinishedRun {
    /// Says what differs between each removed row and the row that it duplicates
    /// (`duplicate_of_row` in `scores.parquet`), by row number; nothing if no result was written.
    /// The texts are read from the input in batches that fit into `memory`, but for 24 bytes for
    /// each row of the input and 40 for each removed one.
    ///
    /// # Errors
    /// Input that is not there any more, or has changed.
    pub fn differences(&self, memory: Memory) -> Result<Vec<RowDifference>> {
        let duplicate_of = self.scores.columns()?.duplicate_of;
        let mut pairs: Vec<Pair> = Vec::new();
        let named = self.removed()?.into_iter().flatten().map(|row| [row, duplicate_of[row as usize]]);
        // A target can remove a row that was compared with no earlier one.
        pairs.extend(named.filter(|[_, of]| *of != NO_ROW));
        drop(duplicate_of);
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        pairs.sort_unstable();
        let input = self.input()?;
        let texts = RowTexts { input: &input, row_index: &self.scores.row_index };
        let found = texts.differences(&pairs, BatchSize::within(memory))?;
        let difference = |(pair, difference): (&Pair, _)| RowDifference { row: pair[0], difference };
        Ok(pairs.iter().zip(found).map(difference).collect())
    }
}
