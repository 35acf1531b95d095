//! Trains centroids on a seeded sample of the rows.

use semdedup_core::{SamplePurpose, Trained, Training, sample_rows};

use crate::arrays::store::EmbeddingStore;
use crate::cluster::cost::{auto_clusters, training_rows};
use crate::error::{Error, Result};
use crate::options::ClusterOptions;
use crate::progress::{Progress, Stage};

/// Rounds of k-means.
const ITERATIONS: usize = 6;

const REFINEMENTS: usize = 36;

/// The number of clusters that the options ask for.
pub(crate) fn clusters_for(options: &ClusterOptions, rows: u64, dim: usize) -> Result<usize> {
    let auto = auto_clusters(rows, dim, options.memory.most_clusters(dim));
    match options.clusters {
        None => Ok(auto),
        Some(0) => {
            Err(Error::usage("--clusters 0: at least 1 cluster is needed").hint("leave it out, or use auto"))
        }
        Some(clusters) if clusters as u64 > rows => {
            Err(Error::usage(format!("--clusters {clusters} is more than the {rows} rows"))
                .hint(format!("leave it out: auto chooses {auto}")))
        }
        Some(clusters) if clusters > options.memory.most_clusters(dim) => Err(Error::usage(format!(
            "--clusters {clusters} cannot be trained in {} MiB of memory",
            options.memory.bytes() >> 20
        ))
        .hint(format!("leave it out: auto chooses {auto}; or raise --memory"))),
        Some(clusters) => Ok(clusters),
    }
}

/// Trains centroids on a seeded sample of the rows.
pub(crate) fn train(
    store: &EmbeddingStore,
    options: &ClusterOptions,
    progress: &dyn Progress,
) -> Result<Trained> {
    let clusters = clusters_for(options, store.rows(), store.dim())?;
    let (rows, training) = training(options, clusters, store.rows(), store.dim());
    progress.begin(Stage::Train, "rows", rows.len() as u64);
    let trained = semdedup_core::train(&store.gather(&rows)?, &training);
    progress.advance(rows.len() as u64);
    Ok(trained)
}

/// Returns the numbers of the rows to train on, and how to train `clusters` centroids on them.
pub(crate) fn training(
    options: &ClusterOptions,
    clusters: usize,
    rows: u64,
    dim: usize,
) -> (Vec<u64>, Training) {
    let sample = training_rows((clusters, options.probes), rows, dim);
    let rows = sample_rows(rows, sample, options.seed, SamplePurpose::Training);
    let refinements = if options.probes.most() == 1 { REFINEMENTS } else { 0 };
    (rows, Training { clusters, iterations: ITERATIONS, refinements, seed: options.seed })
}
