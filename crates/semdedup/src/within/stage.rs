//! The stage that divides the clusters by a column: the values of the rows, and the clustering in which
//! rows are then compared.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, UInt32Array};
use semdedup_core::UnitEmbeddings;

use crate::arrays::npy_writer::NpyWriter;
use crate::cluster::assign::Assigned;
use crate::cluster::clustering::{Clustering, numbers};
use crate::cluster::stored::StoredClustering;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::within::divided::DividedClusters;
use crate::workdir::table_file::{BATCH_ROWS, check_table, open_columns, write_column};
use crate::workdir::uncompared::Uncompared;

/// The file of the groups, and its column.
const GROUPS: &str = "groups.parquet";
const GROUP: &str = "group";

/// The centroids of divided clusters take at most one in this many bytes of the memory.
const CENTROIDS_SHARE: u64 = 4;

/// A clustering in which rows are compared with those of their group alone.
pub(crate) struct WithinGroups {
    pub(crate) clustering: Clustering,
    pub(crate) centroids: UnitEmbeddings,
    pub(crate) divided: DividedClusters,
}

/// Divides the clusters of rows, which have these groups, and writes what [`WithinGroups::open`] reads.
pub(crate) fn divide(folder: &Path, whole: Clustering, groups: &[u32]) -> Result<()> {
    let array = |groups: &[u32]| Arc::new(UInt32Array::from(groups.to_vec())) as ArrayRef;
    let arrays: Vec<ArrayRef> = groups.chunks(BATCH_ROWS).map(array).collect();
    write_column(&folder.join(GROUPS), GROUP, &arrays)?;
    let divided = DividedClusters::new(&whole.cluster, groups);
    let stored = StoredClustering::inside(folder);
    let width = whole.probes_per_row();
    let mut file = (width > 0).then(|| NpyWriter::integer_matrix(&stored.probes(), width)).transpose()?;
    for first in (0..groups.len()).step_by(BATCH_ROWS) {
        let rows = first..groups.len().min(first + BATCH_ROWS);
        let mut probes = whole.probes(rows.start as u64..rows.end as u64)?;
        for (probes, &group) in probes.chunks_mut(width.max(1)).zip(&groups[rows]) {
            probes.iter_mut().for_each(|cluster| *cluster = divided.of(*cluster, group));
        }
        file.as_mut().map_or(Ok(()), |file| file.write(&numbers(&probes)))?;
    }
    let clusters = whole.cluster.iter().zip(groups).map(|(&cluster, &group)| divided.of(cluster, group));
    let Some(similarity) = whole.similarity else {
        let problem = "the similarities of the rows to their centroids are not there";
        return Err(
            Error::work(folder, problem).hint("delete the folder `assign` beside it: it is made again")
        );
    };
    stored.write(&Assigned {
        clusters: clusters.collect(),
        similarity,
        uncompared: Uncompared::default(),
        compared: 0,
        probes_sum: file.map(NpyWriter::finish_hashed).transpose()?,
    })
}

impl WithinGroups {
    /// Reads a clustering that [`divide`] wrote. `whole` is the one that it was made of.
    ///
    /// # Errors
    /// Files that are missing or damaged; more clusters than fit into memory.
    pub(crate) fn open(
        folder: &Path,
        whole: &Clustering,
        centroids: &UnitEmbeddings,
        memory: Memory,
    ) -> Result<Self> {
        let groups = read_groups(folder, whole.cluster.len())?;
        let divided = DividedClusters::new(&whole.cluster, &groups);
        let bytes = divided.len() as u64 * centroids.dim() as u64 * 4;
        if bytes > memory.bytes() / CENTROIDS_SHARE {
            let (from, to) = (whole.clusters, divided.len());
            let problem = format!(
                "--within divides {from} clusters into {to}, whose centroids take {} MiB of --memory {} MiB",
                bytes >> 20,
                memory.bytes() >> 20
            );
            return Err(Error::usage(problem).hint("name a column with fewer values, or allow more memory"));
        }
        let clustering = StoredClustering::inside(folder).read(
            groups.len() as u64,
            divided.len(),
            whole.probes.is_some(),
        )?;
        let centroids = divided.centroids(centroids)?;
        Ok(Self { clustering, centroids, divided })
    }
}

/// Reads the groups of `rows` rows from the folder of the stage.
pub(crate) fn read_groups(folder: &Path, rows: usize) -> Result<Vec<u32>> {
    let path = &folder.join(GROUPS);
    let wrong = |problem: String| Error::work(path, problem).hint("delete its folder: it is made again");
    check_table(path)?;
    let mut groups = Vec::with_capacity(rows);
    for batch in open_columns(path, &[GROUP])? {
        let batch = batch?;
        let column = batch.column(0).as_primitive_opt::<UInt32Type>();
        let column = column.filter(|column| column.null_count() == 0);
        groups.extend_from_slice(column.ok_or_else(|| wrong("is damaged".to_owned()))?.values());
    }
    match groups.len() == rows {
        true => Ok(groups),
        false => Err(wrong(format!("has {} groups for {rows} rows", groups.len()))),
    }
}
