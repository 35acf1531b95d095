//! Counts the pairs of vectors that each stage compared.

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::atomic::write_atomically;

/// The file of a stage that holds its number of compared pairs.
const FILE_NAME: &str = "compared.txt";

/// The number of pairs of vectors that each stage compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PairCounts {
    pub(crate) train: u64,
    pub(crate) assign: u64,
    pub(crate) score: u64,
}

impl PairCounts {
    /// Returns the operations of all comparisons: a multiplication and an addition for each of the
    /// `dim` values. Nearly all of them are on 8-bit integers; reranking uses floats.
    pub(crate) fn flops(self, dim: usize) -> f64 {
        2.0 * dim as f64 * (self.train as f64 + self.assign as f64 + self.score as f64)
    }
}

/// Returns the operations of comparing each row with each other row.
pub(crate) fn brute_force_flops(rows: u64, dim: usize) -> f64 {
    let rows = rows as f64;
    dim as f64 * rows * (rows - 1.0).max(0.0)
}

/// Stores the number of compared pairs in the folder of a stage.
pub(crate) fn write_pair_count(folder: &Path, pairs: u64) -> Result<()> {
    write_atomically(&folder.join(FILE_NAME), pairs.to_string().as_bytes())
}

/// Reads the number of compared pairs from the folder of a stage.
pub(crate) fn read_pair_count(folder: &Path) -> Result<u64> {
    let path = folder.join(FILE_NAME);
    let text = crate::storage::read(&path).map_err(|e| Error::work(&path, e))?;
    String::from_utf8_lossy(&text).trim().parse().map_err(|_| {
        Error::work(&path, "not a number of comparisons").hint("delete the work directory to begin anew")
    })
}
