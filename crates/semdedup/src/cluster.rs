//! The stages that cluster: train centroids on a sample, then find each row's cluster and the others to compare it in.

use std::ops::Range;
use std::path::Path;

use semdedup_core::{
    Assigner, NO_CLUSTER, Probes, SamplePurpose, Trained, Training, UnitEmbeddings, sample_rows,
};

use crate::cost::auto_clusters;
use crate::error::{Error, Result};
use crate::memory::{Memory, training_row_bytes};
use crate::npy::{IntegerMatrix, NpyWriter};
use crate::options::ClusterOptions;
use crate::progress::{Progress, Stage};
use crate::store::EmbeddingStore;
use crate::uncompared::Uncompared;

/// Rows of the training sample for each centroid, where the sample stays below [`TRAINING_BYTES`]; and at least. Recall
/// hardly depends on how long k-means trains, so train little.
const TRAINING_ROWS_PER_CLUSTER: usize = 64;
pub(crate) const LEAST_TRAINING_ROWS_PER_CLUSTER: usize = 16;

/// The size that a training sample of many rows for each centroid may have.
const TRAINING_BYTES: usize = 128 << 20;

/// Rounds of k-means.
const ITERATIONS: usize = 6;

/// Where a row is compared in its own cluster alone, what lies beyond its border is lost, so borders must lie well: there
/// are so many times the training rows, and so many rounds over all clusters follow.
const MORE_TRAINING: usize = 2;
const REFINEMENTS: usize = 36;

/// Part of every fingerprint from training on; to be raised whenever the code would give another result.
pub(crate) const REVISION: u32 = 9;

/// The clusters of all rows.
#[derive(Debug)]
pub(crate) struct Clustering {
    /// [`NO_CLUSTER`] for a row without direction, and for one that was given no cluster.
    pub(crate) cluster: Vec<u32>,
    /// The other clusters that each row is compared in; none with `--probes 1`.
    pub(crate) probes: Option<IntegerMatrix>,
    pub(crate) clusters: usize,
}

impl Clustering {
    /// Reads `assignments.npy` and `probes.npy`, if that is there, for `rows` rows and `clusters` clusters.
    pub(crate) fn open(
        assignments: &Path,
        probes: Option<&Path>,
        rows: u64,
        clusters: usize,
    ) -> Result<Self> {
        let cluster = read_assignments(assignments, rows, clusters)?;
        let probes = probes.map(IntegerMatrix::open).transpose()?;
        if let Some(probes) = &probes
            && probes.rows() != rows
        {
            return Err(Error::input(
                probes.path(),
                format!("probes of {} rows for {rows} rows", probes.rows()),
            )
            .hint("use the probes that were made from these embeddings"));
        }
        Ok(Self { cluster, probes, clusters })
    }

    /// How many other clusters a row can be compared in.
    pub(crate) fn probes_per_row(&self) -> usize {
        self.probes.as_ref().map_or(0, IntegerMatrix::columns)
    }

    /// The other clusters that the rows of a range are compared in, row-major, [`NO_CLUSTER`] for none.
    pub(crate) fn probes(&self, rows: Range<u64>) -> Result<Vec<u32>> {
        let Some(probes) = &self.probes else { return Ok(Vec::new()) };
        let (first, columns) = (rows.start, probes.columns());
        let check = |(i, number): (usize, i32)| match u32::try_from(number) {
            Err(_) => Ok(NO_CLUSTER),
            Ok(cluster) if (cluster as usize) < self.clusters => Ok(cluster),
            Ok(cluster) => {
                let row = first + (i / columns) as u64;
                let problem =
                    format!("row {row} probes cluster {cluster}, there are {} centroids", self.clusters);
                Err(Error::input(probes.path(), problem))
            }
        };
        probes.read(rows)?.into_iter().enumerate().map(check).collect()
    }
}

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

/// The rows that centroids are trained on.
pub(crate) fn training_rows((clusters, probes): (usize, Probes), rows: u64, dim: usize) -> usize {
    let more = if probes.most() == 1 { MORE_TRAINING } else { 1 };
    let wanted = (clusters * TRAINING_ROWS_PER_CLUSTER * more)
        .min(TRAINING_BYTES * more / training_row_bytes(dim) as usize)
        .max(clusters * LEAST_TRAINING_ROWS_PER_CLUSTER);
    wanted.min(usize::try_from(rows).unwrap_or(usize::MAX))
}

/// Trains centroids on a seeded sample of the rows.
pub(crate) fn train(
    store: &EmbeddingStore,
    options: &ClusterOptions,
    progress: &dyn Progress,
) -> Result<Trained> {
    let clusters = clusters_for(options, store.rows(), store.dim())?;
    let sample = training_rows((clusters, options.probes), store.rows(), store.dim());
    let rows = sample_rows(store.rows(), sample, options.seed, SamplePurpose::Training);
    progress.begin(Stage::Train, "rows", rows.len() as u64);
    let refinements = if options.probes.most() == 1 { REFINEMENTS } else { 0 };
    let training = Training { clusters, iterations: ITERATIONS, refinements, seed: options.seed };
    let trained = semdedup_core::train(&store.gather(&rows)?, &training);
    progress.advance(rows.len() as u64);
    Ok(trained)
}

/// What [`assign`] finds.
pub(crate) struct Assigned {
    /// The cluster of each row, [`NO_CLUSTER`] for one without direction.
    pub(crate) clusters: Vec<u32>,
    pub(crate) uncompared: Uncompared,
    /// Comparisons of a row with a centroid.
    pub(crate) compared: u64,
}

/// Finds the cluster of every row that has a direction, block by block, and writes the clusters to probe to `probes.npy`
/// where there can be any.
pub(crate) fn assign(
    store: &EmbeddingStore,
    centroids: &UnitEmbeddings,
    (options, probes_path): (&ClusterOptions, &Path),
    progress: &dyn Progress,
) -> Result<Assigned> {
    progress.begin(Stage::Assign, "rows", store.rows());
    let probes = match options.probes {
        Probes::Nearest(count) if count > 1 => Probes::Nearest(count.min(centroids.len().max(2))),
        probes => probes,
    };
    let others = probes.most() - 1;
    let mut file = (others > 0).then(|| NpyWriter::integer_matrix(probes_path, others)).transpose()?;
    let assigner = Assigner::new(centroids);
    let clusters = Vec::with_capacity(store.rows() as usize);
    let mut assigned = Assigned { clusters, uncompared: Uncompared::default(), compared: 0 };
    for range in blocks(store, options.memory) {
        let rows = store.read(range.clone())?;
        let found = assigner.assign(&rows, probes);
        assigned.clusters.extend(&found.cluster);
        assigned.uncompared.add_undirected(range.start, &rows);
        assigned.compared += found.compared;
        if let Some(file) = &mut file {
            file.write(&numbers(&found.probes))?;
        }
        progress.advance(found.cluster.len() as u64);
    }
    file.map_or(Ok(()), NpyWriter::finish)?;
    Ok(assigned)
}

/// The rows in blocks that fit into memory.
pub(crate) fn blocks(store: &EmbeddingStore, memory: Memory) -> impl Iterator<Item = Range<u64>> {
    let (rows, block) = (store.rows(), memory.block_rows(store.dim()));
    (0..rows).step_by(block as usize).map(move |first| first..rows.min(first + block))
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

/// Cluster numbers as files have them: −1 for none.
fn numbers(clusters: &[u32]) -> Vec<i32> {
    clusters.iter().map(|&c| if c == NO_CLUSTER { -1 } else { c as i32 }).collect()
}

/// Writes `assignments.npy`: i32, a row each, −1 where a row has no cluster.
pub(crate) fn write_assignments(path: &Path, clusters: &[u32]) -> Result<()> {
    let mut file = NpyWriter::integers(path)?;
    file.write(&numbers(clusters))?;
    file.finish()
}

/// Reads assignments of `rows` rows to `clusters` clusters.
fn read_assignments(path: &Path, rows: u64, clusters: usize) -> Result<Vec<u32>> {
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

/// The rows of each cluster.
pub(crate) fn sizes(clusters: &[u32]) -> Vec<u64> {
    let mut sizes: Vec<u64> = Vec::new();
    for &cluster in clusters.iter().filter(|&&cluster| cluster != NO_CLUSTER) {
        if sizes.len() <= cluster as usize {
            sizes.resize(cluster as usize + 1, 0);
        }
        sizes[cluster as usize] += 1;
    }
    sizes
}

/// The rows of the largest cluster.
pub(crate) fn largest(clusters: &[u32]) -> u64 {
    sizes(clusters).into_iter().max().unwrap_or(0)
}
