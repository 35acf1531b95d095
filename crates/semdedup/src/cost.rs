//! What clustering and comparing cost, in comparisons of two vectors, and the number of clusters that costs least.

use std::path::Path;

use semdedup_core::Probes;

use crate::files::write_atomically;
use crate::{Error, Result};

/// The number of clusters for `rows` rows where the user names none: 0.3 · rows^(2/3), at least 1, and no more than `most`,
/// which memory allows to train.
///
/// A row is compared with some √k centroids and with some rows / k rows of each cluster that it probes; that sum is least
/// where k grows with rows^(2/3). The factor is measured.
pub fn auto_clusters(rows: u64, most: usize) -> usize {
    let clusters = (0.3 * (rows as f64).powf(2.0 / 3.0)).round() as usize;
    clusters.min(most).max(1)
}

/// The comparisons of a run, of two vectors each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) train: u64,
    pub(crate) assign: u64,
    pub(crate) score: u64,
}

impl Compared {
    /// Floating-point operations that these would be in the paper's way: a multiplication and an addition for each
    /// value of the dimension.
    pub(crate) fn flops(self, dim: usize) -> f64 {
        2.0 * dim as f64 * (self.train as f64 + self.assign as f64 + self.score as f64)
    }
}

/// The same for comparing every row with every other.
pub(crate) fn brute_force_flops(rows: u64, dim: usize) -> f64 {
    let rows = rows as f64;
    dim as f64 * rows * (rows - 1.0).max(0.0)
}

/// What the stages are expected to compare, for `--dry-run`.
pub(crate) fn expected(rows: u64, clusters: usize, training_rows: usize, probes: Probes) -> Compared {
    let (n, k, sample) = (rows as f64, clusters as f64, training_rows as f64);
    let looked_at = if clusters <= 256 { k } else { 9.0 * k.sqrt() };
    let trained = if clusters <= 64 { 8.0 * k } else { 16.0 * k.sqrt() };
    let visits = match probes {
        Probes::Nearest(count) => count as f64 - 1.0,
        Probes::Auto => AUTO_VISITS.min(k - 1.0),
    };
    // Clusters differ in size, and rows lie in the large ones.
    let together = UNEVEN * n / k;
    Compared {
        train: (sample * trained) as u64,
        assign: (n * looked_at) as u64,
        score: (n * together * (0.5 + visits)) as u64,
    }
}

/// Other clusters that a row probes on average.
const AUTO_VISITS: f64 = 3.0;

/// The rows of a row's cluster on average, in average clusters.
const UNEVEN: f64 = 1.6;

/// Writes down a number of comparisons beside the files of a stage.
pub(crate) fn write_compared(folder: &Path, compared: u64) -> Result<()> {
    write_atomically(&folder.join(COMPARED), compared.to_string().as_bytes())
}

/// Reads it back.
pub(crate) fn read_compared(folder: &Path) -> Result<u64> {
    let path = folder.join(COMPARED);
    let text = fs_err::read_to_string(&path).map_err(Error::io)?;
    text.trim().parse().map_err(|_| {
        Error::work(&path, "not a number of comparisons").hint("delete the work directory to begin anew")
    })
}

const COMPARED: &str = "compared.txt";
