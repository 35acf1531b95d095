//! The stages that cluster: train centroids on a sample, then find each row's cluster.

use std::path::Path;

use semdedup_core::{NO_CLUSTER, SamplePurpose, Training, UnitEmbeddings, sample_rows};

use crate::npy::NpyWriter;
use crate::options::ClusterOptions;
use crate::progress::{Progress, Stage};
use crate::store::EmbeddingStore;
use crate::{Error, Result};

/// Rows of the training sample for each centroid. Recall hardly depends on how long k-means trains, so train little.
const TRAINING_ROWS_PER_CLUSTER: usize = 64;

/// Rounds of k-means.
const ITERATIONS: usize = 8;

/// Part of every fingerprint from training on; to be raised whenever the code would give another result.
pub(crate) const REVISION: u32 = 1;

/// Rows that are in memory at a time.
pub(crate) const BLOCK_ROWS: u64 = 1 << 16;

/// The number of clusters for `rows` rows where the user names none: √(rows / 8), at least 1.
///
/// Assigning costs rows × clusters comparisons, scoring rows² / (2 × clusters) and more where clusters are uneven; the
/// two balance near √(rows / 2) clusters. Half of that costs little more, because copies are compared once, and fewer
/// clusters have fewer borders for duplicates to be lost at.
pub fn auto_clusters(rows: u64) -> usize {
    ((rows as f64 / 8.0).sqrt().round() as usize).max(1)
}

/// The number of clusters that the options ask for.
pub(crate) fn clusters_for(options: &ClusterOptions, rows: u64) -> Result<usize> {
    match options.clusters {
        None => Ok(auto_clusters(rows)),
        Some(0) => {
            Err(Error::usage("--clusters 0: at least 1 cluster is needed").hint("leave it out, or use auto"))
        }
        Some(clusters) if clusters as u64 > rows => {
            Err(Error::usage(format!("--clusters {clusters} is more than the {rows} rows"))
                .hint(format!("leave it out: auto chooses {}", auto_clusters(rows))))
        }
        Some(clusters) => Ok(clusters),
    }
}

/// Trains centroids on a seeded sample of the rows.
pub(crate) fn train(
    store: &EmbeddingStore,
    options: &ClusterOptions,
    progress: &dyn Progress,
) -> Result<UnitEmbeddings> {
    let clusters = clusters_for(options, store.rows())?;
    let sample = clusters.saturating_mul(TRAINING_ROWS_PER_CLUSTER);
    let rows = sample_rows(store.rows(), sample, options.seed, SamplePurpose::Training);
    progress.begin(Stage::Train, "rows", rows.len() as u64);
    let training = Training { clusters, iterations: ITERATIONS, seed: options.seed };
    let centroids = semdedup_core::train(&store.gather(&rows)?, &training);
    progress.advance(rows.len() as u64);
    Ok(centroids)
}

/// Finds the cluster of every row, block by block.
pub(crate) fn assign(
    store: &EmbeddingStore,
    centroids: &UnitEmbeddings,
    progress: &dyn Progress,
) -> Result<Vec<u32>> {
    progress.begin(Stage::Assign, "rows", store.rows());
    let mut clusters = Vec::with_capacity(store.rows() as usize);
    for first in (0..store.rows()).step_by(BLOCK_ROWS as usize) {
        let rows = store.read(first..store.rows().min(first + BLOCK_ROWS))?;
        clusters.extend(semdedup_core::assign(&rows, centroids).cluster);
        progress.advance(rows.len() as u64);
    }
    Ok(clusters)
}

/// Writes `centroids.npy`: f32, clusters × dim.
pub(crate) fn write_centroids(path: &Path, centroids: &UnitEmbeddings) -> Result<()> {
    let mut file = NpyWriter::matrix(path, centroids.dim())?;
    file.write(centroids.values())?;
    file.finish()
}

/// Reads centroids of the dimension of the rows.
pub(crate) fn read_centroids(path: &Path, dim: usize) -> Result<UnitEmbeddings> {
    let store = EmbeddingStore::open(&[path.to_path_buf()])?;
    if store.dim() != dim {
        return Err(Error::input(
            path,
            format!("centroids of dimension {}, embeddings of {dim}", store.dim()),
        )
        .hint("use the centroids that were trained on these embeddings"));
    }
    let centroids = store.read(0..store.rows())?;
    if let Some(row) = centroids.non_finite_rows().first() {
        return Err(Error::input(path, format!("centroid {row} has a NaN or an infinity")));
    }
    Ok(centroids)
}

/// Writes `assignments.npy`: i32, a row each, −1 where a row has no place in the clustering.
pub(crate) fn write_assignments(path: &Path, clusters: &[u32]) -> Result<()> {
    let numbers: Vec<i32> = clusters.iter().map(|&c| if c == NO_CLUSTER { -1 } else { c as i32 }).collect();
    let mut file = NpyWriter::integers(path)?;
    file.write(&numbers)?;
    file.finish()
}

/// Reads assignments of `rows` rows to `clusters` clusters.
pub(crate) fn read_assignments(path: &Path, rows: u64, clusters: usize) -> Result<Vec<u32>> {
    let numbers = crate::npy::read_integers(path)?;
    if numbers.len() as u64 != rows {
        return Err(Error::input(path, format!("{} assignments for {rows} rows", numbers.len()))
            .hint("use the assignments that were made from these embeddings"));
    }
    let cluster = |(row, number): (usize, Option<u64>)| match number {
        None => Ok(NO_CLUSTER),
        Some(cluster) if cluster < clusters as u64 => Ok(cluster as u32),
        Some(cluster) => Err(Error::input(
            path,
            format!("row {row} is in cluster {cluster}, there are {clusters} centroids"),
        )),
    };
    numbers.into_iter().enumerate().map(cluster).collect()
}

/// The rows of the largest cluster.
pub(crate) fn largest(clusters: &[u32]) -> u64 {
    let mut sizes: Vec<u64> = Vec::new();
    for &cluster in clusters.iter().filter(|&&cluster| cluster != NO_CLUSTER) {
        if sizes.len() <= cluster as usize {
            sizes.resize(cluster as usize + 1, 0);
        }
        sizes[cluster as usize] += 1;
    }
    sizes.into_iter().max().unwrap_or(0)
}
