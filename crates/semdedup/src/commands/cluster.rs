//! Trains centroids and assigns rows, as a command of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::assign::{self, AssignOptions};
use crate::cluster::clustering::{largest, write_assignments, write_centroids};
use crate::cluster::train;
use crate::commands::clustered::{ASSIGNMENTS, CLUSTERED, Clustered};
use crate::commands::guards::{check_folder, check_free, check_not_input};
use crate::commands::places::places_of;
use crate::error::{Error, Result};
use crate::memory::peak_rss_bytes;
use crate::options::{ClusterOptions, OutputOptions};
use crate::progress::{Progress, Stage};
use crate::storage::{create_dir_all, remove_file};
use crate::workdir::pair_counts::PairCounts;

/// The report of [`cluster()`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterReport {
    /// The rows of all files.
    pub rows: u64,
    /// The dimension of the embeddings.
    pub dim: usize,
    /// The number of centroids that were trained.
    pub clusters: usize,
    /// The rows of the largest cluster.
    pub largest_cluster: u64,
    /// Rows of zeros, such as those of empty texts, which are in no cluster.
    pub zero_rows: u64,
    /// Rows with a NaN or an infinity, which are in no cluster.
    pub non_finite_rows: u64,
    /// Floating-point operations of training and assigning: 2 × dimension for each comparison.
    pub flops: f64,
    /// The seconds that each step took.
    pub seconds: BTreeMap<&'static str, f64>,
    /// The most memory that this process held, in bytes; none if the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

/// Clusters embeddings: writes `assignments.npy`, `probes.npy` if rows can probe other clusters,
/// `clustered.json`, which ties them to the embeddings, and then `centroids.npy` into the output
/// folder.
///
/// # Errors
/// Embeddings that cannot be read, more clusters than rows, or results in the way.
pub fn cluster(
    embeddings: &[PathBuf],
    options: &ClusterOptions,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<ClusterReport> {
    let store = EmbeddingStore::open(embeddings)?;
    if store.rows() == 0 {
        return Err(Error::usage("the embeddings have no rows").hint("there is nothing to cluster"));
    }
    let files = ClusterFiles::inside(&output.out);
    files.check(embeddings, output)?;
    let start = Instant::now();
    let trained = train::train(&store, options, progress)?;
    progress.end(Stage::Train, false);
    let train_seconds = start.elapsed().as_secs_f64();
    create_dir_all(&output.out)?;
    files.remove()?;
    let start = Instant::now();
    let ClusterOptions { probes, memory, .. } = *options;
    let assigning = AssignOptions { probes, memory, probes_path: &files.probes };
    let assigned = assign::assign(&store, &trained.centroids, &assigning, progress)?;
    Clustered::of(&store)?.write(&files.clustered)?;
    write_assignments(&files.assignments, &assigned.clusters)?;
    // The centroids come last: if they are there, everything is.
    write_centroids(&files.centroids, &trained.centroids)?;
    progress.end(Stage::Assign, false);
    let assign_seconds = start.elapsed().as_secs_f64();
    let uncompared = &assigned.uncompared;
    uncompared.warnings(&places_of(&store)).iter().for_each(|warning| progress.warn(warning));
    let cost = PairCounts { train: trained.compared, assign: assigned.compared, score: 0 };
    Ok(ClusterReport {
        rows: store.rows(),
        dim: store.dim(),
        clusters: trained.centroids.len(),
        largest_cluster: largest(&assigned.clusters),
        zero_rows: uncompared.zero.rows,
        non_finite_rows: uncompared.non_finite.rows,
        flops: cost.flops(store.dim()),
        seconds: BTreeMap::from([("train", train_seconds), ("assign", assign_seconds)]),
        peak_rss_bytes: peak_rss_bytes(),
    })
}

/// The paths of the files that [`cluster()`] writes.
struct ClusterFiles {
    centroids: PathBuf,
    assignments: PathBuf,
    probes: PathBuf,
    /// The record of the embeddings.
    clustered: PathBuf,
}

impl ClusterFiles {
    fn inside(out: &Path) -> Self {
        let file = |name: &str| out.join(name);
        Self {
            centroids: file("centroids.npy"),
            assignments: file(ASSIGNMENTS),
            probes: file("probes.npy"),
            clustered: file(CLUSTERED),
        }
    }

    fn all(&self) -> [&PathBuf; 4] {
        [&self.centroids, &self.assignments, &self.probes, &self.clustered]
    }

    /// Fails if something is in the way of the files.
    fn check(&self, embeddings: &[PathBuf], output: &OutputOptions) -> Result<()> {
        check_folder(&output.out)?;
        self.all().into_iter().try_for_each(|path| {
            check_free(path, output.overwrite)?;
            check_not_input(path, embeddings)
        })
    }

    /// Removes the files of an earlier clustering: files of two clusterings must never be together.
    fn remove(&self) -> Result<()> {
        self.all().into_iter().try_for_each(|path| remove_file(path))
    }
}
