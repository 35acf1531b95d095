//! Which rows are in memory together: groups of clusters, and loads of a group's rows where even one cluster has too many.

use std::ops::Range;

use rayon::prelude::*;
use semdedup_core::{NO_CLUSTER, part_row_bytes};

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{Clustering, sizes};
use crate::error::{Error, Result};

/// Clusters whose rows are compared together, by the rows that take part.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The clusters of each group.
    pub(crate) clusters: Vec<Range<u32>>,
    /// The group of each cluster.
    of_cluster: Vec<u32>,
    /// The rows of each cluster.
    pub(crate) sizes: Vec<u64>,
    /// Own rows and visitors of each group.
    pub(crate) rows: Vec<u64>,
    /// The rows that fit into memory.
    most_rows: u64,
    pub(crate) row_bytes: RowBytes,
    pub(crate) probes_per_row: usize,
}

/// Rows of a group that are in memory at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPair {
    pub(crate) group: usize,
    /// Two blocks of the group's rows. Every pair of rows is in some load, however many blocks there are.
    pub(crate) blocks: (u64, u64),
}

/// Each group is a file, and a row is written to many groups where there are many.
const MOST_GROUPS: usize = 500;

/// Rows that a thread looks at in one go.
const ROWS_PER_TASK: u64 = 1 << 18;

/// The bytes of a row, by the bytes of its values, its dimension and the other clusters that it can be compared in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowBytes {
    /// While it is compared.
    pub(crate) memory: u64,
    /// While it waits on the disk.
    pub(crate) disk: u64,
}

impl RowBytes {
    pub(crate) fn of(values: u64, dim: usize, probes_per_row: usize) -> Self {
        // Its number, cluster and probes.
        let disk = values + 12 + 4 * probes_per_row as u64;
        // Its direction and factor, and what the comparison makes of it.
        Self { disk, memory: disk + 9 + part_row_bytes(dim, probes_per_row) }
    }

    pub(crate) fn of_store(store: &EmbeddingStore, probes_per_row: usize) -> Self {
        Self::of(store.row_bytes(), store.dim(), probes_per_row)
    }
}

impl Groups {
    /// The fewest groups of which each takes at most `budget` bytes of memory, or is one cluster.
    pub(crate) fn plan(store: &EmbeddingStore, clustering: &Clustering, budget: u64) -> Result<Self> {
        let row_bytes = RowBytes::of_store(store, clustering.probes_per_row());
        let mut sizes = sizes(&clustering.cluster);
        sizes.resize(clustering.clusters, 0);
        let all: u64 = sizes.iter().sum();
        let mut most = all.div_ceil((all * row_bytes.memory).div_ceil(budget.max(1)).max(1));
        loop {
            let clusters = cut(&sizes, most);
            let mut groups = Self {
                of_cluster: Vec::new(),
                sizes: sizes.clone(),
                rows: vec![all],
                clusters,
                most_rows: budget / row_bytes.memory,
                row_bytes,
                probes_per_row: clustering.probes_per_row(),
            };
            for (group, clusters) in groups.clusters.iter().enumerate() {
                groups.of_cluster.resize(clusters.end as usize, group as u32);
            }
            if groups.len() > 1 && groups.len() <= MOST_GROUPS {
                groups.rows = groups.count(clustering)?;
            }
            let largest = groups.largest_to_divide();
            if groups.len() <= MOST_GROUPS && groups.most_rows >= 2 && largest <= groups.most_rows {
                return Ok(groups);
            }
            if groups.len() > MOST_GROUPS || groups.most_rows < 2 {
                return Err(Error::usage(format!(
                    "--memory leaves {} MiB for rows that are compared, too little for {all} rows in {} groups",
                    budget >> 20,
                    groups.len()
                ))
                .hint("raise --memory, or give fewer --probes"));
            }
            let fitting = u128::from(most) * u128::from(groups.most_rows) / u128::from(largest);
            most = (fitting as u64).min(most * 9 / 10);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.clusters.len()
    }

    /// The rows of the largest group of more than one cluster.
    fn largest_to_divide(&self) -> u64 {
        let several = |clusters: &Range<u32>| {
            let sizes = &self.sizes[clusters.start as usize..clusters.end as usize];
            sizes.iter().filter(|&&size| size > 0).count() > 1
        };
        let divisible = self.clusters.iter().zip(&self.rows).filter(|(clusters, _)| several(clusters));
        divisible.map(|(_, &rows)| rows).max().unwrap_or(0)
    }

    /// Whether all rows are in memory at once.
    pub(crate) fn fit(&self) -> bool {
        self.len() == 1 && self.rows[0] <= self.most_rows
    }

    /// The rows of a block of a group: all, or half of what fits into memory, so that two blocks do.
    pub(crate) fn block_rows(&self, group: usize) -> u64 {
        if self.rows[group] <= self.most_rows { self.rows[group].max(1) } else { self.most_rows / 2 }
    }

    fn blocks(&self, group: usize) -> u64 {
        self.rows[group].div_ceil(self.block_rows(group)).max(1)
    }

    /// In how many loads a row of a group is.
    pub(crate) fn loads_of_row(&self, group: usize) -> u64 {
        (self.blocks(group) - 1).max(1)
    }

    /// All loads, in the order of their groups.
    pub(crate) fn loads(&self) -> Vec<BlockPair> {
        let of_group = |group: usize| {
            let blocks = self.blocks(group);
            let pairs = (0..blocks).flat_map(move |a| (a + 1..blocks).map(move |b| (a, b)));
            let alone = (blocks == 1).then_some((0, 0));
            alone.into_iter().chain(pairs).map(move |blocks| BlockPair { group, blocks })
        };
        (0..self.len()).flat_map(of_group).collect()
    }

    /// The bytes of all files.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        if self.fit() { 0 } else { self.rows.iter().sum::<u64>() * self.row_bytes.disk }
    }

    /// The rows of each group.
    fn count(&self, clustering: &Clustering) -> Result<Vec<u64>> {
        let rows = clustering.cluster.len() as u64;
        let chunks: Vec<u64> = (0..rows).step_by(ROWS_PER_TASK as usize).collect();
        let counts = chunks.into_par_iter().map(|first| {
            let range = first..rows.min(first + ROWS_PER_TASK);
            let probes = clustering.probes(range.clone())?;
            let mut counts = vec![0; self.len()];
            let mut groups = Vec::new();
            for (i, row) in range.enumerate() {
                self.of_row(clustering.cluster[row as usize], self.row_probes(&probes, i), &mut groups);
                groups.iter().for_each(|&group| counts[group as usize] += 1);
            }
            Ok(counts)
        });
        let add = |mut a: Vec<u64>, b: Vec<u64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            Ok(a)
        };
        counts.try_reduce(|| vec![0; self.len()], add)
    }

    pub(crate) fn row_probes<'a>(&self, probes: &'a [u32], i: usize) -> &'a [u32] {
        &probes[i * self.probes_per_row..(i + 1) * self.probes_per_row]
    }

    /// The groups in which a row takes part.
    pub(crate) fn of_row(&self, cluster: u32, probes: &[u32], groups: &mut Vec<u32>) {
        groups.clear();
        if cluster == NO_CLUSTER {
            return;
        }
        for &cluster in std::iter::once(&cluster).chain(probes).filter(|&&cluster| cluster != NO_CLUSTER) {
            let group = self.of_cluster[cluster as usize];
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }
}

/// Clusters in a row, with up to so many rows; a larger cluster is by itself.
fn cut(sizes: &[u64], rows: u64) -> Vec<Range<u32>> {
    let mut groups = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (c, &size) in sizes.iter().enumerate() {
        if held > 0 && held + size > rows {
            groups.push(start..c as u32);
            (start, held) = (c as u32, 0);
        }
        held += size;
    }
    groups.push(start..sizes.len() as u32);
    groups
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::arrays::integers::IntegerMatrix;
    use crate::arrays::npy_writer::NpyWriter;

    /// 111 rows of dimension 2 in clusters of 1, 1, 100 and 9 rows, every row probing all clusters.
    fn hub(folder: &Path) -> (EmbeddingStore, Clustering) {
        let path = |name: &str| folder.join(name);
        let mut file = NpyWriter::matrix(&path("e.npy"), 2).expect("a file");
        file.write(&[1.0f32; 222]).expect("written");
        file.finish().expect("written");
        let cluster: Vec<u32> = [1, 1, 100, 9].iter().zip(0..).flat_map(|(&n, c)| vec![c; n]).collect();
        let mut file = NpyWriter::integer_matrix(&path("p.npy"), 4).expect("a file");
        file.write(&[-1i32, 0, 1, 3].repeat(111)).expect("written");
        file.finish().expect("written");
        let store = EmbeddingStore::open(&[path("e.npy")]).expect("embeddings");
        let probes = Some(IntegerMatrix::open(&path("p.npy")).expect("probes"));
        (store, Clustering { cluster, probes, clusters: 4 })
    }

    #[test]
    fn groups_fit_into_the_budget() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        let groups = Groups::plan(&store, &clustering, u64::MAX).expect("one group");
        assert_eq!(groups.len(), 1);
        assert_eq!(groups.loads(), [BlockPair { group: 0, blocks: (0, 0) }]);
        let alone = Clustering { probes: None, ..clustering };
        let row_bytes = Groups::plan(&store, &alone, u64::MAX).expect("one group").row_bytes.memory;
        let groups = Groups::plan(&store, &alone, 100 * row_bytes).expect("several groups");
        assert!(groups.len() > 1 && groups.rows.iter().all(|&rows| rows <= 100));
        assert_eq!(groups.loads().len(), groups.len());
    }

    #[test]
    fn groups_of_one_cluster_that_do_not_fit_have_a_load_for_each_pair_of_blocks() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        let row_bytes = Groups::plan(&store, &clustering, u64::MAX).expect("one group").row_bytes.memory;
        // All rows take part in clusters 0, 1 and 3, so no division makes these smaller.
        let groups = Groups::plan(&store, &clustering, 110 * row_bytes).expect("loads");
        assert_eq!(groups.rows, [111, 111, 100, 111]);
        let loads = groups.loads();
        let of = |group| loads.iter().filter(move |load| load.group == group).map(|load| load.blocks);
        assert!(of(0).eq([(0, 1), (0, 2), (1, 2)]) && of(2).eq([(0, 0)]));
        assert_eq!((groups.block_rows(0), groups.block_rows(2)), (55, 100));
        assert_eq!((groups.loads_of_row(0), groups.loads_of_row(2)), (2, 1));
    }

    #[test]
    fn clusters_are_cut_in_order_and_a_large_one_is_by_itself() {
        assert_eq!(cut(&[3, 4, 10, 1, 1, 1], 7), [0..2, 2..3, 3..6]);
        assert_eq!(cut(&[5], 1), vec![0..1]);
        assert_eq!(cut(&[0, 0, 9, 2], 3), [0..3, 3..4]);
    }
}
