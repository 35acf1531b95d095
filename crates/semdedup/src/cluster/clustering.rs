//! Reads and writes the results of clustering: centroids, assignments, probes.

use std::ops::Range;
use std::path::Path;

use semdedup_core::{NO_CLUSTER, UnitEmbeddings};
use xxhash_rust::xxh3::Xxh3;

use crate::arrays::integers::{IntegerMatrix, IntegerVector};
use crate::arrays::npy_writer::NpyWriter;
use crate::arrays::store::EmbeddingStore;
use crate::error::{Error, Result};

/// Is part of every fingerprint from training on. Raise it whenever the code would give another
/// result.
pub(crate) const REVISION: u32 = 10;

/// The rows whose clusters are read or written at a time.
const ROWS_PER_READ: usize = 1 << 16;

/// The clusters of all rows.
#[derive(Debug)]
pub(crate) struct Clustering {
    /// The cluster of each row; [`NO_CLUSTER`] for a row without direction, and for a row that was
    /// given no cluster.
    pub(crate) cluster: Vec<u32>,
    /// The other clusters that each row is compared in; none with `--probes 1`.
    pub(crate) probes: Option<IntegerMatrix>,
    /// The number of clusters.
    pub(crate) clusters: usize,
    /// The similarity of each row to the centroid of its cluster, as
    /// [`semdedup_core::centroid_similarity`] finds it, if it is known.
    pub(crate) similarity: Option<Vec<f32>>,
}

impl Clustering {
    /// Reads `assignments.npy`, and `probes.npy` if there is one, for `rows` rows and `clusters`
    /// clusters.
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
        Ok(Self { cluster, probes, clusters, similarity: None })
    }

    /// Returns the number of other clusters that a row can be compared in.
    pub(crate) fn probes_per_row(&self) -> usize {
        self.probes.as_ref().map_or(0, IntegerMatrix::columns)
    }

    /// Reads the other clusters that the rows of a range are compared in, row-major, [`NO_CLUSTER`]
    /// for none.
    pub(crate) fn probes(&self, rows: Range<u64>) -> Result<Vec<u32>> {
        let Some(probes) = &self.probes else { return Ok(Vec::new()) };
        let first = rows.start;
        let mut numbers = probes.read(rows)?;
        // The probes of all rows are read for each group of clusters, so these are loops over numbers.
        let limit = i32::try_from(self.clusters).unwrap_or(i32::MAX);
        if numbers.iter().copied().max().is_some_and(|highest| highest >= limit) {
            let place = numbers.iter().position(|&cluster| cluster >= limit).unwrap_or(0);
            let (row, cluster) = (first + (place / probes.columns()) as u64, numbers[place]);
            let problem =
                format!("row {row} probes cluster {cluster}, there are {} centroids", self.clusters);
            return Err(Error::input(probes.path(), problem));
        }
        // The bits of −1 are those of NO_CLUSTER.
        numbers.iter_mut().for_each(|cluster| *cluster = (*cluster).max(-1));
        Ok(bytemuck::allocation::cast_vec(numbers))
    }
}

/// Writes `centroids.npy`: f32, `clusters × dim`. Returns the sum of the file.
pub(crate) fn write_centroids(path: &Path, centroids: &UnitEmbeddings) -> Result<Xxh3> {
    begin_centroids(path, centroids)?.finish_hashed()
}

/// Writes everything of `centroids.npy` except the header.
pub(crate) fn begin_centroids(path: &Path, centroids: &UnitEmbeddings) -> Result<NpyWriter> {
    let mut file = NpyWriter::matrix(path, centroids.dim())?;
    file.write(centroids.values())?;
    Ok(file)
}

/// Reads centroids, which must have the dimension of the rows.
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

/// Returns cluster numbers as files store them: −1 for none.
pub(crate) fn numbers(clusters: &[u32]) -> Vec<i32> {
    clusters.iter().map(|&c| if c == NO_CLUSTER { -1 } else { c as i32 }).collect()
}

/// Writes `assignments.npy`: one i32 for each row, −1 for a row without a cluster. Returns the sum of
/// the file.
pub(crate) fn write_assignments(path: &Path, clusters: &[u32]) -> Result<Xxh3> {
    begin_assignments(path, clusters)?.finish_hashed()
}

/// Writes everything of `assignments.npy` except the header.
pub(crate) fn begin_assignments(path: &Path, clusters: &[u32]) -> Result<NpyWriter> {
    let mut file = NpyWriter::integers(path)?;
    clusters.chunks(ROWS_PER_READ).try_for_each(|clusters| file.write(&numbers(clusters)))?;
    Ok(file)
}

/// Writes `similarities.npy`: the similarity of each row to the centroid of its cluster, an f32.
/// Returns the sum of the file.
pub(crate) fn write_similarities(path: &Path, similarity: &[f32]) -> Result<Xxh3> {
    let mut file = NpyWriter::floats(path)?;
    file.write(similarity)?;
    file.finish_hashed()
}

/// Reads the assignments of `rows` rows to `clusters` clusters.
fn read_assignments(path: &Path, rows: u64, clusters: usize) -> Result<Vec<u32>> {
    let numbers = IntegerVector::open(path)?;
    if numbers.len() != rows {
        return Err(Error::input(path, format!("{} assignments for {rows} rows", numbers.len()))
            .hint("use the assignments that were made from these embeddings"));
    }
    let mut cluster = Vec::with_capacity(rows as usize);
    for first in (0..rows).step_by(ROWS_PER_READ) {
        for number in numbers.read(first..rows.min(first + ROWS_PER_READ as u64))? {
            cluster.push(match number {
                None => NO_CLUSTER,
                Some(cluster) if cluster < clusters as u64 => cluster as u32,
                Some(number) => {
                    let row = cluster.len();
                    let problem = format!("row {row} is in cluster {number}, there are {clusters} centroids");
                    return Err(Error::input(path, problem));
                }
            });
        }
    }
    Ok(cluster)
}

/// Counts the rows of each cluster, up to the last cluster that has a row.
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

/// Counts the rows of the largest cluster.
pub(crate) fn largest(clusters: &[u32]) -> u64 {
    sizes(clusters).into_iter().max().unwrap_or(0)
}
