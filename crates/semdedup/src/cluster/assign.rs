//! Finds the cluster of every row, and the other clusters that the row is compared in.

use std::path::Path;

use semdedup_core::{Assigner, Probes, UnitEmbeddings};
use xxhash_rust::xxh3::Xxh3;

use crate::arrays::npy_writer::NpyWriter;
use crate::arrays::store::{EmbeddingStore, blocks};
use crate::cluster::clustering::numbers;
use crate::error::Result;
use crate::memory::Memory;
use crate::progress::{Progress, Stage, StopSignal};
use crate::workdir::uncompared::Uncompared;

/// How [`assign`] works, and where it writes.
#[derive(Clone, Copy)]
pub(crate) struct AssignOptions<'a> {
    /// The clusters in which a row is compared.
    pub(crate) probes: Probes,
    /// The most memory to hold.
    pub(crate) memory: Memory,
    /// Where `probes.npy` goes, if rows can be compared in more than one cluster.
    pub(crate) probes_path: &'a Path,
}

/// The clusters that [`assign`] finds.
pub(crate) struct Assigned {
    /// The cluster of each row; [`semdedup_core::NO_CLUSTER`] for a row without direction.
    pub(crate) clusters: Vec<u32>,
    /// The similarity of each row to the centroid of its cluster.
    pub(crate) similarity: Vec<f32>,
    pub(crate) uncompared: Uncompared,
    /// Comparisons of a row with a centroid.
    pub(crate) compared: u64,
    /// The sum of `probes.npy`, if it was written.
    pub(crate) probes_sum: Option<Xxh3>,
}

/// Limits probes to the number of clusters, so that no memory is spent on probes of none.
pub(crate) fn possible_probes(probes: Probes, clusters: usize) -> Probes {
    match probes {
        Probes::Nearest(count) if count > 1 => Probes::Nearest(count.min(clusters.max(2))),
        probes => probes,
    }
}

/// Finds the cluster of every row that has a direction, block by block. Writes the clusters to
/// probe to `probes.npy` if a row can be compared in more than one cluster.
pub(crate) fn assign(
    store: &EmbeddingStore,
    centroids: &UnitEmbeddings,
    options: &AssignOptions,
    progress: &dyn Progress,
) -> Result<Assigned> {
    progress.begin(Stage::Assign, "rows", store.rows());
    let probes = possible_probes(options.probes, centroids.len());
    let others = probes.most() - 1;
    let mut file =
        (others > 0).then(|| NpyWriter::integer_matrix(options.probes_path, others)).transpose()?;
    let assigner = Assigner::new(centroids);
    let rows = store.rows() as usize;
    let (clusters, similarity) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let uncompared = Uncompared::default();
    let mut assigned = Assigned { clusters, similarity, uncompared, compared: 0, probes_sum: None };
    let stop = StopSignal::new(progress);
    for range in blocks(store, options.memory) {
        stop.check()?;
        let rows = store.read(range.clone())?;
        let found = assigner.assign(&rows, probes);
        assigned.clusters.extend(&found.cluster);
        assigned.similarity.extend(&found.similarity);
        assigned.uncompared.add_undirected(range.start, &rows);
        assigned.compared += found.compared;
        if let Some(file) = &mut file {
            file.write(&numbers(&found.probes))?;
        }
        progress.advance(found.cluster.len() as u64);
    }
    assigned.probes_sum = file.map(NpyWriter::finish_hashed).transpose()?;
    Ok(assigned)
}
