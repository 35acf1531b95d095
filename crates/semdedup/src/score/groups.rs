//! Divides the rows into parts that fit into memory: groups of clusters, and pairs of blocks of a
//! group in which even one cluster has too many rows.

use std::ops::Range;

use rayon::prelude::*;
use semdedup_core::part_row_bytes;

use crate::error::{Error, Result};
use crate::memory::ComparingBytes;
use crate::score::compared_rows::{ComparedRows, RowCluster};

/// The groups of clusters whose rows are compared together. A row takes part in a group if it is in
/// one of its clusters, or probes one.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The clusters of each group.
    pub(crate) clusters: Vec<Range<u32>>,
    /// The group of each cluster.
    of_cluster: Vec<u32>,
    /// The rows of each cluster.
    pub(crate) sizes: Vec<u64>,
    /// The rows that take part in each group: its own rows and the visitors.
    pub(crate) rows: Vec<u64>,
    /// The rows that fit into memory.
    most_rows: u64,
}

/// The part of a group that is in memory at once: two of its blocks, or its only block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPair {
    pub(crate) group: usize,
    /// Two different blocks of the group's rows, or (0, 0) if there is one block. Every pair of
    /// rows of the group is in some pair of blocks.
    pub(crate) blocks: (u64, u64),
}

/// The most groups. For each of them, the clusters and probes of all rows are read.
const MOST_GROUPS: usize = 500;

/// From this number of groups on, memory is the only reason to divide them further.
const MANY_GROUPS: usize = 50;

/// The rows that a thread counts at a time.
const ROWS_PER_TASK: u64 = 1 << 14;

/// Returns the bytes that a row of `values` bytes of values, of dimension `dim`, takes while it is
/// compared in `probes_per_row` other clusters.
pub(crate) fn loaded_row_bytes(values: u64, dim: usize, probes_per_row: usize) -> u64 {
    // Besides the values: the number, the cluster, the probes, the direction and the factor of the
    // row, and what the comparison derives from it.
    values + 12 + 4 * probes_per_row as u64 + 9 + part_row_bytes(dim, probes_per_row)
}

impl Groups {
    /// Makes the fewest groups of which each takes at most the wanted bytes of memory, or is one
    /// cluster. A row takes `row_bytes` while it is compared.
    ///
    /// # Errors
    /// If memory is for fewer than two rows, or for so few that there would be too many groups.
    pub(crate) fn plan(row_bytes: u64, compared: ComparedRows, bytes: ComparingBytes) -> Result<Self> {
        let sizes = compared.sizes();
        let all: u64 = sizes.iter().sum();
        let mut most = all.div_ceil((all * row_bytes).div_ceil(bytes.wanted.max(1)).max(1));
        loop {
            let mut groups = Self {
                of_cluster: Vec::new(),
                clusters: cut(&sizes, most),
                sizes: sizes.clone(),
                rows: vec![all],
                most_rows: bytes.most / row_bytes,
            };
            for (group, clusters) in groups.clusters.iter().enumerate() {
                groups.of_cluster.resize(clusters.end as usize, group as u32);
            }
            if groups.len() > MOST_GROUPS || groups.most_rows < 2 {
                return Err(too_little_memory(&groups, all, bytes.most));
            }
            if groups.len() > 1 {
                groups.rows = groups.count(compared)?;
            }
            // Clusters that many rows probe may make all divisions too large.
            let is_many = groups.len() >= MANY_GROUPS;
            let enough = if is_many { groups.most_rows } else { bytes.wanted / row_bytes };
            let largest = groups.largest_to_divide();
            if largest <= enough {
                return Ok(groups);
            }
            let fitting = u128::from(most) * u128::from(enough) / u128::from(largest);
            most = (fitting as u64).min(most * 9 / 10);
        }
    }

    /// Returns the number of groups.
    pub(crate) fn len(&self) -> usize {
        self.clusters.len()
    }

    /// Returns the rows of the largest group that has more than one cluster, and so can be divided.
    fn largest_to_divide(&self) -> u64 {
        let several = |clusters: &Range<u32>| {
            let sizes = &self.sizes[clusters.start as usize..clusters.end as usize];
            sizes.iter().filter(|&&size| size > 0).count() > 1
        };
        let divisible = self.clusters.iter().zip(&self.rows).filter(|(clusters, _)| several(clusters));
        divisible.map(|(_, &rows)| rows).max().unwrap_or(0)
    }

    /// Returns the rows of a block of a group: all of its rows if they fit into memory, otherwise
    /// half of the rows that fit, so that two blocks fit.
    pub(crate) fn block_rows(&self, group: usize) -> u64 {
        if self.rows[group] <= self.most_rows { self.rows[group].max(1) } else { self.most_rows / 2 }
    }

    /// Returns the most rows of a pair of blocks.
    pub(crate) fn most_loaded(&self) -> u64 {
        self.rows.iter().map(|&rows| rows.min(self.most_rows)).max().unwrap_or(0)
    }

    /// Returns the number of blocks of a group.
    fn blocks(&self, group: usize) -> u64 {
        self.rows[group].div_ceil(self.block_rows(group)).max(1)
    }

    /// Returns the number of pairs of blocks that a row of a group is in.
    pub(crate) fn pairs_of_row(&self, group: usize) -> u64 {
        (self.blocks(group) - 1).max(1)
    }

    /// Lists all pairs of blocks, in the order of their groups.
    pub(crate) fn block_pairs(&self) -> Vec<BlockPair> {
        let of_group = |group: usize| {
            let blocks = self.blocks(group);
            let pairs = (0..blocks).flat_map(move |a| (a + 1..blocks).map(move |b| (a, b)));
            let alone = (blocks == 1).then_some((0, 0));
            alone.into_iter().chain(pairs).map(move |blocks| BlockPair { group, blocks })
        };
        (0..self.len()).flat_map(of_group).collect()
    }

    /// Counts the rows that take part in each group.
    fn count(&self, compared: ComparedRows) -> Result<Vec<u64>> {
        let rows = compared.all();
        let chunks: Vec<u64> = (0..rows).step_by(ROWS_PER_TASK as usize).collect();
        let counts = chunks.into_par_iter().map(|first| {
            let rows = compared.read(first..rows.min(first + ROWS_PER_TASK))?;
            let mut counts = vec![0; self.len()];
            let mut groups = Vec::new();
            for row in rows.rows() {
                self.of_row(&row, &mut groups);
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

    /// Sets `groups` to the groups in which a row takes part.
    fn of_row(&self, row: &RowCluster, groups: &mut Vec<u32>) {
        groups.clear();
        for cluster in row.clusters() {
            let group = self.of_cluster[cluster as usize];
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }
}

/// Says that memory is for too few of the `all` rows.
fn too_little_memory(groups: &Groups, all: u64, budget: u64) -> Error {
    Error::usage(format!(
        "--memory leaves {} MiB for rows that are compared, too little for {all} rows in {} groups",
        budget >> 20,
        groups.len()
    ))
    .hint("raise --memory, or give fewer --probes")
}

/// Cuts the clusters into ranges of at most `rows` rows each. A cluster that is larger than that is
/// in a range whose other clusters have no rows.
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
    use crate::arrays::store::EmbeddingStore;
    use crate::cluster::clustering::Clustering;
    use crate::score::bulk_copies::BulkCopies;

    /// Makes 111 rows of dimension 2 in clusters of 1, 1, 100 and 9 rows. Every row probes all
    /// clusters except cluster 2.
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
        (store, Clustering { cluster, probes, clusters: 4, similarity: None })
    }

    /// Divides the rows into groups that fit into memory for `rows` rows.
    fn groups(store: &EmbeddingStore, clustering: &Clustering, rows: u64) -> Groups {
        let copies = &BulkCopies::default();
        let most = rows * loaded_row_bytes(store.row_bytes(), store.dim(), clustering.probes_per_row());
        let bytes = ComparingBytes { most, wanted: most, fits: false };
        let row_bytes = loaded_row_bytes(store.row_bytes(), store.dim(), clustering.probes_per_row());
        Groups::plan(row_bytes, ComparedRows { clustering, copies }, bytes).expect("groups")
    }

    #[test]
    fn groups_fit_into_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        let whole = groups(&store, &clustering, 111);
        assert_eq!(whole.block_pairs(), [BlockPair { group: 0, blocks: (0, 0) }]);
        let alone = Clustering { probes: None, ..clustering };
        let groups = groups(&store, &alone, 100);
        assert!(groups.len() > 1 && groups.rows.iter().all(|&rows| rows <= 100));
        assert_eq!(groups.block_pairs().len(), groups.len());
    }

    #[test]
    fn a_group_of_one_cluster_that_does_not_fit_is_divided_into_all_pairs_of_its_blocks() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        // All rows take part in clusters 0, 1 and 3, so no division makes these smaller.
        let groups = groups(&store, &clustering, 110);
        assert_eq!(groups.rows, [111, 111, 100, 111]);
        let pairs = groups.block_pairs();
        let of = |group| pairs.iter().filter(move |pair| pair.group == group).map(|pair| pair.blocks);
        assert!(of(0).eq([(0, 1), (0, 2), (1, 2)]) && of(2).eq([(0, 0)]));
        assert_eq!((groups.block_rows(0), groups.block_rows(2)), (55, 100));
        assert_eq!((groups.pairs_of_row(0), groups.pairs_of_row(2)), (2, 1));
    }

    #[test]
    fn a_cluster_that_fits_is_not_divided_although_less_memory_is_wanted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        let copies = &BulkCopies::default();
        let bytes = ComparingBytes { most: 1 << 20, wanted: 1 << 10, fits: true };
        let compared = ComparedRows { clustering: &clustering, copies };
        let row_bytes = loaded_row_bytes(store.row_bytes(), 2, clustering.probes_per_row());
        let groups = Groups::plan(row_bytes, compared, bytes).expect("groups");
        assert_eq!((groups.len(), groups.block_pairs().len()), (4, 4));
    }

    #[test]
    fn clusters_are_cut_in_order_and_a_large_one_is_by_itself() {
        assert_eq!(cut(&[3, 4, 10, 1, 1, 1], 7), [0..2, 2..3, 3..6]);
        assert_eq!(cut(&[5], 1), vec![0..1]);
        assert_eq!(cut(&[0, 0, 9, 2], 3), [0..3, 3..4]);
    }
}
