//! The attention of a model: its sizes, and what is done to queries, keys and scores.

use std::sync::Arc;

use super::distances::Distances;
use super::head_norms::HeadNorms;
use super::rotation::Rotation;
use super::span::AttentionSpan;

/// The attention of a block, without its projections.
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// The number of heads of keys and values. Where it is smaller than `heads`, several heads of
    /// queries share one.
    pub(crate) kv_heads: usize,
    /// The width of a head.
    pub(crate) width: usize,
    /// The factor of the products of queries and keys.
    pub(crate) scale: f64,
    pub(crate) span: AttentionSpan,
    pub(crate) rotation: Option<Arc<Rotation>>,
    /// Numbers that are added to scores, by distance.
    pub(crate) distances: Option<Arc<Distances>>,
    pub(crate) head_norms: Option<Arc<HeadNorms>>,
    /// The bound ±`cap` of scores, applied with tanh.
    pub(crate) cap: Option<f64>,
}

impl Attention {
    /// Makes the attention of most models: every token attends to every token, and the heads divide
    /// the width.
    pub(crate) fn plain(hidden: usize, heads: usize) -> Self {
        let width = hidden / heads;
        Self {
            heads,
            kv_heads: heads,
            width,
            scale: 1.0 / (width as f64).sqrt(),
            span: AttentionSpan::All,
            rotation: None,
            distances: None,
            head_norms: None,
            cap: None,
        }
    }

    /// Returns the width of a token's queries, which is also that of its output.
    pub(super) fn queries(&self) -> usize {
        self.heads * self.width
    }

    /// Returns the width of a token's keys, which is also that of its values.
    pub(super) fn keys(&self) -> usize {
        self.kv_heads * self.width
    }

    /// Returns the width of a token's queries, keys and values side by side.
    pub(crate) fn joint(&self) -> usize {
        self.queries() + 2 * self.keys()
    }
}
