//! The outcome of embedding some rows.

use semdedup_embed::EmbedStats;

use crate::formats::BadRow;

/// What a source of embeddings found while it embedded some rows.
#[derive(Default)]
pub(crate) struct EmbedOutcome {
    pub(crate) stats: EmbedStats,
    /// The rows that could not be embedded, such as those with a broken image, in order.
    pub(crate) bad: Vec<BadRow>,
    /// The numbers of those of them whose text the model refused.
    pub(crate) refused: Vec<u64>,
    /// The rows, counted from the first one, of which the model did not read the end.
    pub(crate) truncated: Vec<usize>,
    /// The number of rows whose embeddings an earlier run made.
    pub(crate) reused: usize,
}

impl EmbedOutcome {
    /// Adds what was found while other rows of the same task were embedded.
    pub(crate) fn extend(&mut self, other: Self) {
        let EmbedStats { truncated, unknown, tokens } = other.stats;
        self.stats.truncated += truncated;
        self.stats.unknown += unknown;
        self.stats.tokens += tokens;
        self.bad.extend(other.bad);
        self.bad.sort_by_key(|bad| bad.row);
        self.refused.extend(other.refused);
        self.refused.sort_unstable();
        self.truncated.extend(other.truncated);
        self.reused += other.reused;
    }
}
