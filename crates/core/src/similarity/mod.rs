//! Unit embeddings, and the search for the most similar of them.
//!
//! From the bottom up: `embeddings` (rows of unit length), `kernels` (inner loops), `codes` and
//! `panels` (rows quantized to 8 bits, with an `error_bound`), `candidates`, `search` and
//! `top_search` (which targets may be most similar to a query). `of_pair` is the similarity of two rows.

pub(crate) mod candidates;
pub(crate) mod codes;
pub(crate) mod embeddings;
pub(crate) mod error_bound;
pub(crate) mod kernels;
pub(crate) mod of_pair;
pub(crate) mod panels;
pub(crate) mod search;
pub(crate) mod thresholds;
pub(crate) mod top_search;
