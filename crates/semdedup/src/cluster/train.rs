//! Trains centroids on a seeded sample of the rows.

use semdedup_core::{SamplePurpose, Trained, Training, sample_rows};

use crate::arrays::store::EmbeddingStore;
use crate::cluster::cost::{auto_clusters, training_rows};
use crate::error::{Error, Result};
use crate::options::ClusterOptions;
use crate::progress::{Progress, Stage, StopSignal, stopped};

/// The rounds of k-means.
const ITERATIONS: usize = 6;

/// The rounds that refine all clusters, with `--probes 1`.
const REFINEMENTS: usize = 36;

/// Returns the number of clusters that the options ask for.
///
/// # Errors
/// 0 clusters, more clusters than rows, or more clusters than memory allows to train.
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
    let TrainingPlan { sample, settings } = training(options, clusters, store.rows(), store.dim());
    progress.begin(Stage::Train, "rows", sample.len() as u64);
    let stop = StopSignal::new(progress);
    let rows = store.gather(&sample)?;
    let trained = semdedup_core::train_until(&rows, &settings, &|| stop.is_set()).ok_or_else(stopped)?;
    progress.advance(sample.len() as u64);
    Ok(trained)
}

/// The rows to train on, and how to train.
pub(crate) struct TrainingPlan {
    /// The numbers of the rows, ascending.
    pub(crate) sample: Vec<u64>,
    pub(crate) settings: Training,
}

/// Draws the sample of `rows` rows of dimension `dim` that `clusters` centroids are trained on.
pub(crate) fn training(options: &ClusterOptions, clusters: usize, rows: u64, dim: usize) -> TrainingPlan {
    let count = training_rows(rows, dim, clusters, options.probes);
    let sample = sample_rows(rows, count, options.seed, SamplePurpose::Training);
    let refinements = if options.probes.most() == 1 { REFINEMENTS } else { 0 };
    let settings = Training { clusters, iterations: ITERATIONS, refinements, seed: options.seed };
    TrainingPlan { sample, settings }
}
