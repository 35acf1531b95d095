//! The result of the comparison, in the order of the rows.

use semdedup_core::EXACT;

use crate::workdir::uncompared::Uncompared;

/// The result of the comparison, in the order of the rows.
#[derive(Debug, Default)]
pub(crate) struct ScoreColumns {
    /// [`semdedup_core::NO_CLUSTER`] for a row without direction, and for one that was given no cluster.
    pub(crate) cluster: Vec<u32>,
    /// To the centroid of its cluster: 0 for a row of zeros, NaN for any other row without a cluster.
    pub(crate) similarity: Vec<f32>,
    pub(crate) score: Vec<f32>,
    /// [`semdedup_core::NO_ROW`] where no row that it is compared with ranks before.
    pub(crate) duplicate_of: Vec<u64>,
}

impl ScoreColumns {
    /// Rows with the same embedding as a row that ranks before them.
    pub(crate) fn exact_duplicates(&self) -> u64 {
        self.score.iter().filter(|&&score| score == EXACT).count() as u64
    }

    /// Counts the rows that are compared with nothing in a run, in which every row with a direction has a cluster. Rows that could not be read are not
    /// among them.
    pub(crate) fn uncompared(&self) -> Uncompared {
        let mut found = Uncompared::default();
        for (row, (&similarity, &score)) in (0..).zip(self.similarity.iter().zip(&self.score)) {
            if similarity == 0.0 {
                found.zero.add(row);
            } else if similarity.is_nan() && !score.is_nan() {
                found.non_finite.add(row);
            }
        }
        found
    }
}
