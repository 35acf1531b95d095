//! Pairs of rows with earlier-ranking rows, by row.

/// Pairs of rows with earlier-ranking rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EarlierPairs {
    /// The rows that have pairs, ascending.
    rows: Vec<u64>,
    /// Where the pairs of each of them begin.
    starts: Vec<usize>,
    earlier: Vec<u64>,
    similarity: Vec<f32>,
}

impl EarlierPairs {
    /// Appends a pair. Rows come in order, and the pairs of a row the most similar first.
    pub fn push(&mut self, row: u64, earlier: u64, similarity: f32) {
        if self.rows.last() != Some(&row) {
            debug_assert!(self.rows.last() < Some(&row), "rows come in order");
            self.rows.push(row);
            self.starts.push(self.earlier.len());
        }
        self.earlier.push(earlier);
        self.similarity.push(similarity);
    }

    /// The rows that have pairs, ascending.
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// Returns the pairs of a row, the most similar first: the earlier-ranking rows, and the cosine
    /// similarity with each.
    pub fn of(&self, row: u64) -> (&[u64], &[f32]) {
        let Ok(place) = self.rows.binary_search(&row) else { return (&[], &[]) };
        let end = self.starts.get(place + 1).copied().unwrap_or(self.earlier.len());
        let range = self.starts[place]..end;
        (&self.earlier[range.clone()], &self.similarity[range])
    }
}
