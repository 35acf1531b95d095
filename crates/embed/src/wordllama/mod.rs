//! The built-in text model: WordLlama `l2_supercat_256`, the mean of int8 token vectors, with
//! features of letters for words that its vocabulary lacks.
//!
//! `words` reads a text word by word: each is brought into its `normal` form and split into `runs`.
//! `bpe` finds the tokens of words that the vocabulary knows, and `letters` makes features of the
//! others. `cache` keeps the results of frequent words, a `reading` holds what was read of a text,
//! and `table` averages it. `scripts/make_wordllama.py` makes the files.
mod bpe;
mod cache;
mod letters;
mod model;
pub(crate) mod normal;
#[cfg(all(test, feature = "transformers"))]
mod original_tests;
pub(crate) mod parts;
mod reading;
pub(crate) mod runs;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use model::StaticModel;
