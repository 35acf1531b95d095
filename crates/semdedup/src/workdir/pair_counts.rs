//! Counts how many pairs of vectors each stage compared, and what that is in operations.

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::atomic::write_atomically;

/// The comparisons that a run made, of two vectors each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) train: u64,
    pub(crate) assign: u64,
    pub(crate) score: u64,
}

impl Compared {
    /// Operations of these: a multiplication and an addition for each value of the dimension, in 8-bit integers for all
    /// but the few that decide.
    pub(crate) fn flops(self, dim: usize) -> f64 {
        2.0 * dim as f64 * (self.train as f64 + self.assign as f64 + self.score as f64)
    }
}

/// The same for comparing every row with every other.
pub(crate) fn brute_force_flops(rows: u64, dim: usize) -> f64 {
    let rows = rows as f64;
    dim as f64 * rows * (rows - 1.0).max(0.0)
}

/// Writes down a number of comparisons beside the files of a stage.
pub(crate) fn write_compared(folder: &Path, compared: u64) -> Result<()> {
    write_atomically(&folder.join(COMPARED), compared.to_string().as_bytes())
}

/// Reads it back.
pub(crate) fn read_compared(folder: &Path) -> Result<u64> {
    let path = folder.join(COMPARED);
    let text = crate::storage::read(&path).map_err(|e| Error::work(&path, e))?;
    String::from_utf8_lossy(&text).trim().parse().map_err(|_| {
        Error::work(&path, "not a number of comparisons").hint("delete the work directory to begin anew")
    })
}

const COMPARED: &str = "compared.txt";
