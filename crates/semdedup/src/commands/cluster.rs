//! The clustering stages as a command of their own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{largest, write_assignments, write_centroids};
use crate::cluster::{assign, train};
use crate::commands::guards::{check_folder, check_free, check_not_input};
use crate::commands::places::places_of;
use crate::error::{Error, Result};
use crate::memory::peak_rss_bytes;
use crate::options::{ClusterOptions, OutputOptions};
use crate::progress::{Progress, Stage};
use crate::storage::{create_dir_all, remove_file};
use crate::workdir::pair_counts::PairCounts;

/// What [`cluster()`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterReport {
    /// Rows of all files.
    pub rows: u64,
    /// The dimension.
    pub dim: usize,
    /// Centroids trained.
    pub clusters: usize,
    /// The rows of the largest cluster.
    pub largest_cluster: u64,
    /// Rows of zeros, such as those of empty texts, which are in no cluster.
    pub zero_rows: u64,
    /// Rows with a NaN or an infinity, which are in no cluster.
    pub non_finite_rows: u64,
    /// Floating-point operations of training and assigning: 2 × dimension for each comparison.
    pub flops: f64,
    /// Seconds of each step.
    pub seconds: BTreeMap<&'static str, f64>,
    /// The most memory that this process held, in bytes; none where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

/// Clusters embeddings: writes `assignments.npy`, where rows can probe `probes.npy`, and then `centroids.npy` into the
/// output folder.
///
/// # Errors
/// Embeddings that cannot be read, more clusters than rows, results in the way.
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
    check_folder(&output.out)?;
    let file = |name: &str| output.out.join(name);
    let (centroids_path, assignments_path) = (file("centroids.npy"), file("assignments.npy"));
    let probes_path = file("probes.npy");
    for path in [&centroids_path, &assignments_path, &probes_path] {
        check_free(path, output.overwrite)?;
        check_not_input(path, embeddings)?;
    }
    let start = Instant::now();
    let trained = train::train(&store, options, progress)?;
    progress.end(Stage::Train, false);
    let train_seconds = start.elapsed().as_secs_f64();
    create_dir_all(&output.out)?;
    // Files of two clusterings must never stand side by side. The centroids come last: with them all is there.
    for path in [&centroids_path, &assignments_path, &probes_path] {
        remove_file(path)?;
    }
    let start = Instant::now();
    let assigned = assign::assign(&store, &trained.centroids, (options, &probes_path), progress)?;
    write_assignments(&assignments_path, &assigned.clusters)?;
    write_centroids(&centroids_path, &trained.centroids)?;
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
