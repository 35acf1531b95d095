//! The centroids and the clustering in a work directory, with their sums.

use std::path::{Path, PathBuf};

use semdedup_core::{NO_CLUSTER, UnitEmbeddings, is_compared};

use crate::arrays::floats::read_floats;
use crate::cluster::assign::Assigned;
use crate::cluster::clustering::{
    Clustering, read_centroids, write_assignments, write_centroids, write_similarities,
};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::is_file;
use crate::workdir::stage_sums::{StageSums, again};

const CENTROIDS: &str = "centroids.npy";
const ASSIGNMENTS: &str = "assignments.npy";
const PROBES: &str = "probes.npy";
const SIMILARITIES: &str = "similarities.npy";

/// The highest cosine similarity that rounding can give.
const HIGHEST_COSINE: f32 = 1.001;

/// Writes centroids into the folder of the training stage.
pub(crate) fn store_centroids(folder: &Path, centroids: &UnitEmbeddings) -> Result<()> {
    let sum = write_centroids(&folder.join(CENTROIDS), centroids)?;
    StageSums::default().with(CENTROIDS, &sum).write(folder)
}

/// Reads the centroids of the training stage, which must have the dimension of the rows.
pub(crate) fn stored_centroids(folder: &Path, dim: usize) -> Result<UnitEmbeddings> {
    StageSums::read(folder)?.check(folder, CENTROIDS)?;
    read_centroids(&folder.join(CENTROIDS), dim).map_err(|error| in_stage(error, folder))
}

/// The files of the assignment stage.
pub(crate) struct StoredClustering {
    folder: PathBuf,
}

impl StoredClustering {
    pub(crate) fn inside(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// The place of the probes.
    pub(crate) fn probes(&self) -> PathBuf {
        self.folder.join(PROBES)
    }

    /// Writes a clustering, whose probes are there already.
    pub(crate) fn write(&self, assigned: &Assigned) -> Result<()> {
        let similarities = write_similarities(&self.folder.join(SIMILARITIES), &assigned.similarity)?;
        let assignments = write_assignments(&self.folder.join(ASSIGNMENTS), &assigned.clusters)?;
        let sums = StageSums::default().with(SIMILARITIES, &similarities).with(ASSIGNMENTS, &assignments);
        let probes = assigned.probes_sum.iter();
        probes.fold(sums, |sums, sum| sums.with(PROBES, sum)).write(&self.folder)
    }

    /// Reads the clustering of `rows` rows in `clusters` clusters.
    pub(crate) fn read(&self, rows: u64, clusters: usize, has_probes: bool) -> Result<Clustering> {
        let clustering = self.clusters(rows, clusters, has_probes)?;
        let similarity = self.similarities(&StageSums::read(&self.folder)?, &clustering.cluster)?;
        Ok(Clustering { similarity, ..clustering })
    }

    /// Reads the clustering without the similarities of the rows to the centroids.
    pub(crate) fn clusters(&self, rows: u64, clusters: usize, has_probes: bool) -> Result<Clustering> {
        let sums = StageSums::read(&self.folder)?;
        sums.check(&self.folder, ASSIGNMENTS)?;
        let probes = has_probes.then(|| self.probes());
        probes.iter().try_for_each(|_| sums.check(&self.folder, PROBES))?;
        Clustering::open(&self.folder.join(ASSIGNMENTS), probes.as_deref(), rows, clusters)
            .map_err(|error| in_stage(error, &self.folder))
    }

    /// Reads the similarities of the rows to the centroids of their clusters; none if they are not
    /// there, as in a work directory of an earlier version.
    fn similarities(&self, sums: &StageSums, cluster: &[u32]) -> Result<Option<Vec<f32>>> {
        let path = self.folder.join(SIMILARITIES);
        if !is_file(&path)? {
            return Ok(None);
        }
        let again = |error: Error| {
            Error::new(ErrorKind::Work, error.to_string())
                .hint(format!("delete {}: the similarities are then computed again", path.display()))
        };
        sums.check(&self.folder, SIMILARITIES).map_err(again)?;
        let similarity = read_floats(&path).map_err(again)?;
        match problem(&similarity, cluster) {
            Some(problem) => Err(again(Error::work(&path, problem))),
            None => Ok(Some(similarity)),
        }
    }
}

/// Returns why similarities cannot be those of rows in these clusters.
fn problem(similarity: &[f32], cluster: &[u32]) -> Option<String> {
    if similarity.len() != cluster.len() {
        return Some(format!("{} similarities for {} rows", similarity.len(), cluster.len()));
    }
    let is_possible = |(similarity, &cluster): (&f32, &u32)| {
        is_compared(*similarity) == (cluster != NO_CLUSTER)
            && (similarity.is_nan() || (-HIGHEST_COSINE..=HIGHEST_COSINE).contains(similarity))
    };
    let row = similarity.iter().zip(cluster).position(|row| !is_possible(row))?;
    let found = similarity[row];
    let clustered = if cluster[row] == NO_CLUSTER { "has no cluster" } else { "has a cluster" };
    Some(format!("row {row} has a similarity of {found} and {clustered}"))
}

/// Says what to do if a file of a stage makes no sense: nobody but semdedup wrote it.
fn in_stage(error: Error, folder: &Path) -> Error {
    Error::new(ErrorKind::Work, error.to_string()).hint(again(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_similarity_if_it_has_a_cluster() {
        let (cluster, good) = ([0, NO_CLUSTER, NO_CLUSTER, 2], [0.5, 0.0, f32::NAN, -1.0]);
        assert_eq!(problem(&good, &cluster), None);
        for (row, value) in [(0, 0.0), (0, f32::NAN), (3, 1.1), (0, f32::INFINITY), (1, 0.5), (2, -0.1)] {
            let mut changed = good;
            changed[row] = value;
            let found = problem(&changed, &cluster);
            assert!(found.is_some_and(|found| found.starts_with(&format!("row {row} "))), "{row} {value}");
        }
        assert!(problem(&good[1..], &cluster).is_some());
    }
}
