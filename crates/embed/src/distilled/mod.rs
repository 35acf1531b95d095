//! Static text models, the built-in one and those in folders: the sum of the vectors of a text's
//! words, from a table of int8, with features of letters for words that the vocabulary lacks, and
//! exact features of numbers.
//!
//! `words` reads a text word by word, as `split` cuts it: each is brought into its normal form and
//! divided into `runs`, which `word` reads. `vocabulary` finds the pieces of words, `letters` makes
//! features of the others, and `numbers` reads numbers and operators, of which `exact` makes
//! features. `cache` keeps the results of frequent words, with `buffers` for what few of them have.
//! A `reading` holds what was read of a text, and `table` sums it up. `short` makes integers of
//! short words, which are found sooner, and `key` of all words that are kept.
mod buffers;
mod built_in;
mod cache;
pub(crate) mod exact;
mod folder;
mod key;
pub(crate) mod letters;
mod model;
pub(crate) mod normal;
mod numbers;
mod parts;
pub(crate) mod reading;
pub(crate) mod runs;
mod short;
pub(crate) mod split;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod vocabulary;
pub(crate) mod word;
pub(crate) mod words;

pub use folder::WordVectors;
pub use model::StaticModel;
pub use normal::normal_form;
pub use runs::is_unspaced;
