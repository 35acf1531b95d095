//! Trains centroids and assigns rows, as a command of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use semdedup_core::UnitEmbeddings;
use serde::Serialize;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::assign::{self, AssignOptions, Assigned};
use crate::cluster::clustering::{begin_assignments, begin_centroids, largest};
use crate::cluster::train;
use crate::commands::clustered::{ASSIGNMENTS, CLUSTERED, Clustered};
use crate::commands::file_set::FileSet;
use crate::commands::guards::check_folder;
use crate::commands::places::places_of;
use crate::commands::stamped::StampedFiles;
use crate::error::{Error, Result};
use crate::memory::peak_rss_bytes;
use crate::options::{ClusterOptions, OutputOptions};
use crate::progress::{Progress, Stage};
use crate::storage::exists;
use crate::workdir::pair_counts::PairCounts;
use crate::workdir::sums::shown;

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
/// Embeddings that cannot be read or that change meanwhile, more clusters than rows, or results in the
/// way.
pub fn cluster(
    embeddings: &[PathBuf],
    options: &ClusterOptions,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<ClusterReport> {
    let stamped = StampedFiles::take(embeddings)?;
    let store = EmbeddingStore::open(embeddings)?;
    if store.rows() == 0 {
        return Err(Error::usage("the embeddings have no rows").hint("there is nothing to cluster"));
    }
    check_folder(&output.out)?;
    let files = file_set(embeddings, output)?;
    files.check()?;
    let start = Instant::now();
    let trained = train::train(&store, options, progress)?;
    progress.end(Stage::Train, false);
    let train_seconds = start.elapsed().as_secs_f64();
    let claim = files.claim()?;
    let start = Instant::now();
    let ClusterOptions { probes, memory, .. } = *options;
    let assigning = AssignOptions { probes, memory, probes_path: &output.out.join(PROBES) };
    let assigned = assign::assign(&store, &trained.centroids, &assigning, progress)?;
    let record = Clustered::of(&store)?;
    // Each step read the rows anew, so a file that changed was read in several versions.
    stamped.check()?;
    write_clustering(&output.out, record, &trained.centroids, &assigned)?;
    claim.release()?;
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

/// Writes the assignments, `clustered.json` and then the centroids. The probes are there already.
fn write_clustering(
    out: &Path,
    mut record: Clustered,
    centroids: &UnitEmbeddings,
    assigned: &Assigned,
) -> Result<()> {
    let place = |name: &str| out.join(name);
    let assignments = begin_assignments(&place(ASSIGNMENTS), &assigned.clusters)?;
    let centroids = begin_centroids(&place(CENTROIDS), centroids)?;
    record.add_sum(ASSIGNMENTS, shown(&assignments.hash_so_far()));
    record.add_sum(CENTROIDS, shown(&centroids.hash_so_far()));
    assigned.probes_sum.iter().for_each(|sum| record.add_sum(PROBES, shown(sum)));
    record.write(&place(CLUSTERED))?;
    assignments.finish()?;
    centroids.finish()
}

/// The files that [`cluster()`] writes. The centroids come last: if they are there, everything is.
const CENTROIDS: &str = "centroids.npy";
const PROBES: &str = "probes.npy";
const FILES: [&str; 4] = [CENTROIDS, ASSIGNMENTS, PROBES, CLUSTERED];

/// Describes the files that are about to be written.
fn file_set<'a>(embeddings: &'a [PathBuf], output: &'a OutputOptions) -> Result<FileSet<'a>> {
    Ok(FileSet {
        out: &output.out,
        names: FILES.map(str::to_owned).to_vec(),
        last: CENTROIDS,
        old: earlier_clustering(&output.out)?,
        what: "clustering",
        overwrite: output.overwrite,
        inputs: embeddings,
    })
}

/// Lists the files of an earlier clustering, which has a record of its embeddings.
fn earlier_clustering(out: &Path) -> Result<Vec<String>> {
    let is_whole = Clustered::inside(out)?.is_some() && exists(&out.join(CENTROIDS))?;
    Ok(if is_whole { FILES.map(str::to_owned).to_vec() } else { Vec::new() })
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
