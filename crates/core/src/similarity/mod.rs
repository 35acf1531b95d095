//! Similarity.

pub(crate) mod codes;
pub(crate) mod embeddings;
pub(crate) mod error_bound;
pub(crate) mod kernels;
pub(crate) mod panels;
pub(crate) mod search;
pub(crate) mod thresholds;
