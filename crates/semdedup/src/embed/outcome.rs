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
}
