//! Finds the pairs of similar rows, of which the scores keep only the best one of each row.

pub(crate) mod find;
pub(crate) mod floor;
mod merge;
pub(crate) mod pairs_file;
pub(crate) mod rule_search;
