//! Holds the result of the comparison, in the order of the rows.

use semdedup_core::{EXACT, RankedRows, Ranking, ScoredPairs};

use crate::workdir::uncompared::Uncompared;

/// The result of the comparison, in the order of the rows.
#[derive(Debug)]
pub(crate) struct ScoreColumns {
    /// The cluster; [`semdedup_core::NO_CLUSTER`] for a row without direction, and for a row that
    /// was given no cluster.
    pub(crate) cluster: Vec<u32>,
    /// The similarity to the centroid of the cluster: 0 for a row of zeros, NaN for any other row
    /// without a cluster.
    pub(crate) similarity: Vec<f32>,
    /// The score; NaN for a row that could not be read.
    pub(crate) score: Vec<f32>,
    /// The row that reaches the score; [`semdedup_core::NO_ROW`] if no compared row ranks before.
    pub(crate) duplicate_of: Vec<u64>,
    /// The rank that the input gives the row; empty if it gives none.
    pub(crate) ranks: Vec<u32>,
}

impl ScoreColumns {
    /// Makes room for the results of `rows` rows.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            cluster: Vec::with_capacity(rows),
            similarity: Vec::with_capacity(rows),
            score: Vec::with_capacity(rows),
            duplicate_of: Vec::with_capacity(rows),
            ranks: Vec::new(),
        }
    }

    /// The best pair of each row.
    pub(crate) fn pairs(&self) -> ScoredPairs<'_> {
        ScoredPairs { score: &self.score, duplicate_of: &self.duplicate_of }
    }

    /// Returns the rank order of the rows.
    pub(crate) fn order(&self, ranking: Ranking) -> RankedRows<'_> {
        RankedRows::new(ranking, &self.similarity, &self.ranks)
    }

    /// Counts the rows with the same embedding as a row that ranks before them.
    pub(crate) fn equal_embeddings(&self) -> u64 {
        self.score.iter().filter(|&&score| score == EXACT).count() as u64
    }

    /// Counts the rows that are compared with nothing, for a run in which every row with a
    /// direction has a cluster. Rows that could not be read are not counted.
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
