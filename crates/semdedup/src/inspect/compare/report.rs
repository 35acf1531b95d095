//! What a comparison of results says.

use serde::Serialize;

/// The comparison of two or more results of the same input. Results are numbered from 0, in the order in
/// which they were named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedResults {
    /// The rows of the input; none if all results are lists of some of them.
    pub rows: Option<u64>,
    /// The results.
    pub results: Vec<ComparedResult>,
    /// Each two of the results.
    pub pairs: Vec<ResultPair>,
    /// The rows that all results keep; none if the results are lists of removed rows.
    pub kept_by_all: Option<u64>,
    /// For each result, what it alone removes and all others keep.
    pub only_removed: Vec<OnlyRemoved>,
    /// The files of the input, in its order; empty if no result says where its rows come from.
    pub files: Vec<ComparedFile>,
}

/// One of the results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedResult {
    /// Where it is, as it was named.
    pub place: String,
    /// The rows that it keeps; none for a list of removed rows by itself.
    pub rows_kept: Option<u64>,
    /// The rows that it removes; none for a list of kept rows by itself.
    pub rows_removed: Option<u64>,
    /// The rows that could not be read.
    pub rows_skipped: u64,
    /// The ε that was used, or that its goal amounts to, if it is the result of a run.
    pub epsilon: Option<f64>,
    /// Which row of duplicates it kept, if it is the result of a run.
    pub keep: Option<String>,
    /// The model that made its embeddings, if it is the result of a run.
    pub model: Option<String>,
}

/// Two of the results.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ResultPair {
    /// The number of the first one.
    pub first: usize,
    /// The number of the second one.
    pub second: usize,
    /// The rows that both keep: |A ∩ B|. None for lists of removed rows by themselves.
    pub kept_by_both: Option<u64>,
    /// `kept_by_both` as a share of the rows that the first one keeps: the intersection of SemDeDup
    /// (arXiv 2303.09540, section 4), where both have the same size.
    pub share_of_first: Option<f64>,
    /// The same as a share of the rows that the second one keeps.
    pub share_of_second: Option<f64>,
    /// The rows that both remove. None for lists of kept rows by themselves.
    pub removed_by_both: Option<u64>,
    /// The rows that the first one removes and the second one keeps.
    pub only_first_removed: u64,
    /// The rows that the second one removes and the first one keeps.
    pub only_second_removed: u64,
}

/// The rows that one result removes and all others keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnlyRemoved {
    /// The number of the result.
    pub result: usize,
    /// How many rows.
    pub rows: u64,
    /// Some of them, chosen at random, in the order of the input.
    pub samples: Vec<SampledRow>,
}

/// A row of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampledRow {
    /// Its id.
    pub id: String,
    /// The name of its file, if that is known.
    pub file: Option<String>,
    /// Its number in the file, from 0.
    pub row: Option<u64>,
    /// Its text, if one of the results is a run whose input can still be read.
    pub text: Option<String>,
}

/// A file of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedFile {
    /// Its name.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// The rows of it that each result keeps.
    pub rows_kept: Vec<u64>,
    /// The rows of it that all results keep.
    pub kept_by_all: u64,
}
