//! The rows arranged by what they are compared in: groups of clusters whose rows fit into memory together.
//!
//! If all rows fit, there is one group and nothing is written. If not, each row is written once to the file of its own
//! group, and once to the file of each other group in which it probes a cluster; a file is then read back in order. The
//! files need no flush to the disk: after a crash they are made again.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use semdedup_core::{NO_CLUSTER, Part};

use crate::cluster::{Clustering, sizes};
use crate::files::at;
use crate::store::{EmbeddingStore, RawRows};
use crate::{Error, Result};

/// Clusters whose rows are compared together, by the rows that take part.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The clusters of each group.
    clusters: Vec<Range<u32>>,
    /// The group of each cluster.
    of_cluster: Vec<u32>,
    /// The rows of each cluster.
    sizes: Vec<u64>,
    /// Own rows and visitors of each group.
    rows: Vec<u64>,
    row_bytes: u64,
    probes_per_row: usize,
}

/// Each group is a file, and a row is written to many groups where there are many.
const MOST_GROUPS: usize = 500;

/// The memory of the buffers of all files.
const BUFFERS: usize = 32 << 20;

/// Rows that a thread looks at in one go.
const TOGETHER: u64 = 1 << 18;

impl Groups {
    /// The fewest groups of which each takes at most `budget` bytes of memory.
    pub(crate) fn plan(store: &EmbeddingStore, clustering: &Clustering, budget: u64) -> Result<Self> {
        let probes_per_row = clustering.probes_per_row();
        // Beside its values a row has its number, cluster and probes, and a place in the list of each of its clusters.
        let row_bytes = store.row_bytes() + 16 + 8 * (probes_per_row as u64 + 1);
        let mut sizes = sizes(&clustering.cluster);
        sizes.resize(clustering.clusters, 0);
        let all: u64 = sizes.iter().sum();
        let mut most = all.div_ceil((all * row_bytes).div_ceil(budget.max(1)).max(1));
        loop {
            let clusters = cut(&sizes, most);
            let mut groups = Self {
                of_cluster: Vec::new(),
                sizes: sizes.clone(),
                rows: vec![all],
                clusters,
                row_bytes,
                probes_per_row,
            };
            for (group, clusters) in groups.clusters.iter().enumerate() {
                groups.of_cluster.resize(clusters.end as usize, group as u32);
            }
            if groups.len() > 1 && groups.len() <= MOST_GROUPS {
                groups.rows = groups.count(clustering)?;
            }
            let largest = groups.rows.iter().max().copied().unwrap_or(0) * row_bytes;
            if largest <= budget {
                return Ok(groups);
            }
            if most == 0 || groups.len() > MOST_GROUPS {
                return Err(Error::usage(format!(
                    "--memory leaves {} MiB for rows that are compared, too little for {all} rows of which {} take part in one of {} groups",
                    budget >> 20,
                    largest / row_bytes,
                    groups.len()
                ))
                .hint("raise --memory, or make more --clusters, or give fewer --probes"));
            }
            let fitting = u128::from(most) * u128::from(budget) / u128::from(largest);
            most = (fitting as u64).min(most * 9 / 10);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.clusters.len()
    }

    /// The bytes of all files.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        if self.len() == 1 { 0 } else { self.rows.iter().sum::<u64>() * self.row_bytes }
    }

    /// The rows of each group.
    fn count(&self, clustering: &Clustering) -> Result<Vec<u64>> {
        let rows = clustering.cluster.len() as u64;
        let chunks: Vec<u64> = (0..rows).step_by(TOGETHER as usize).collect();
        let counts = chunks.into_par_iter().map(|first| {
            let range = first..rows.min(first + TOGETHER);
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

    fn row_probes<'a>(&self, probes: &'a [u32], i: usize) -> &'a [u32] {
        &probes[i * self.probes_per_row..(i + 1) * self.probes_per_row]
    }

    /// The groups in which a row takes part.
    fn of_row(&self, cluster: u32, probes: &[u32], groups: &mut Vec<u32>) {
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

/// A block of rows with all that comparing them takes.
pub(crate) struct Block {
    pub(crate) first: u64,
    pub(crate) rows: RawRows,
    pub(crate) cluster: Vec<u32>,
    pub(crate) probes: Vec<u32>,
}

/// The rows of one group, in memory: cluster after cluster, so that rows that are compared lie near each other, then the
/// visitors from other groups.
pub(crate) struct Members {
    rows: RawRows,
    numbers: Vec<u64>,
    cluster: Vec<u32>,
    probes: Vec<u32>,
    clusters: Range<u32>,
    /// Where the next row of each cluster goes, and the next visitor.
    next: Vec<usize>,
}

impl Members {
    fn new(groups: &Groups, group: usize, store: &EmbeddingStore) -> Self {
        let (rows, clusters) = (groups.rows[group] as usize, groups.clusters[group].clone());
        let mut next = vec![0];
        for &size in &groups.sizes[clusters.start as usize..clusters.end as usize] {
            next.push(next[next.len() - 1] + size as usize);
        }
        Self {
            rows: store.raw_zeros(rows),
            numbers: vec![0; rows],
            cluster: vec![NO_CLUSTER; rows],
            probes: vec![NO_CLUSTER; rows * groups.probes_per_row],
            clusters,
            next,
        }
    }

    fn put(&mut self, number: u64, cluster: u32, probes: &[u32], row: &[u8]) {
        let own = self.clusters.contains(&cluster);
        let list = if own { (cluster - self.clusters.start) as usize } else { self.clusters.len() };
        let place = self.next[list];
        self.next[list] += 1;
        self.numbers[place] = number;
        self.cluster[place] = cluster;
        self.probes[place * probes.len()..(place + 1) * probes.len()].copy_from_slice(probes);
        self.rows.set(place, row);
    }

    pub(crate) fn part(&self) -> Part<'_> {
        Part {
            rows: &self.rows,
            numbers: &self.numbers,
            cluster: &self.cluster,
            probes: &self.probes,
            clusters: self.clusters.clone(),
        }
    }
}

/// All rows on their way to their groups.
pub(crate) struct Spill<'a> {
    groups: &'a Groups,
    store: &'a EmbeddingStore,
    folder: &'a Path,
    files: Vec<SpillFile>,
    /// The one group, where all fit into memory.
    all: Option<Members>,
}

/// A file without a name: the system removes it when the process ends, however it ends.
struct SpillFile {
    out: BufWriter<File>,
    rows: usize,
}

impl<'a> Spill<'a> {
    /// `folder` is where the files lie.
    pub(crate) fn new(store: &'a EmbeddingStore, groups: &'a Groups, folder: &'a Path) -> Result<Self> {
        let mut spill = Self { groups, store, folder, files: Vec::new(), all: None };
        if groups.len() == 1 {
            spill.all = Some(Members::new(groups, 0, store));
            return Ok(spill);
        }
        let buffer = (BUFFERS / groups.len()).min(1 << 20);
        for _ in 0..groups.len() {
            let file = tempfile::tempfile_in(folder).map_err(|e| at(folder, e))?;
            spill.files.push(SpillFile { out: BufWriter::with_capacity(buffer, file), rows: 0 });
        }
        Ok(spill)
    }

    /// Adds a block; blocks come in the order of their rows.
    pub(crate) fn add(&mut self, block: &Block) -> Result<()> {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.groups.len()];
        let mut groups = Vec::new();
        for (i, &cluster) in block.cluster.iter().enumerate() {
            self.groups.of_row(cluster, self.groups.row_probes(&block.probes, i), &mut groups);
            groups.iter().for_each(|&group| members[group as usize].push(i as u32));
        }
        if let Some(all) = &mut self.all {
            for &i in &members[0] {
                let (i, number) = (i as usize, block.first + u64::from(i));
                let probes = self.groups.row_probes(&block.probes, i);
                all.put(number, block.cluster[i], probes, block.rows.row_bytes(i));
            }
            return Ok(());
        }
        for (file, members) in self.files.iter_mut().zip(&members) {
            write(&mut file.out, block, (self.groups, members)).map_err(|e| at(self.folder, e))?;
            file.rows += members.len();
        }
        Ok(())
    }

    /// Hands over the groups one by one.
    pub(crate) fn each(mut self, mut work: impl FnMut(&Members)) -> Result<()> {
        if let Some(all) = &self.all {
            work(all);
        }
        for (group, file) in std::mem::take(&mut self.files).into_iter().enumerate() {
            work(&self.read(group, file).map_err(|e| at(self.folder, e))?);
        }
        Ok(())
    }

    fn read(&self, group: usize, file: SpillFile) -> std::io::Result<Members> {
        let mut left = file.rows;
        let mut file = file.out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        let mut from = BufReader::with_capacity(1 << 20, file);
        let width = self.groups.probes_per_row;
        let row_bytes = self.store.row_bytes() as usize;
        let mut members = Members::new(self.groups, group, self.store);
        while left > 0 {
            let mut count = [0u64];
            from.read_exact(bytemuck::cast_slice_mut(&mut count))?;
            let count = count[0] as usize;
            let (mut numbers, mut cluster) = (vec![0u64; count], vec![0u32; count]);
            let (mut probes, mut rows) = (vec![0u32; count * width], vec![0u8; count * row_bytes]);
            from.read_exact(bytemuck::cast_slice_mut(&mut numbers))?;
            from.read_exact(bytemuck::cast_slice_mut(&mut cluster))?;
            from.read_exact(bytemuck::cast_slice_mut(&mut probes))?;
            from.read_exact(&mut rows)?;
            for i in 0..count {
                let row = &rows[i * row_bytes..(i + 1) * row_bytes];
                members.put(numbers[i], cluster[i], &probes[i * width..(i + 1) * width], row);
            }
            left -= count;
        }
        Ok(members)
    }
}

/// Writes some rows of a block: how many, their numbers, clusters, probes and values.
fn write(out: &mut impl Write, block: &Block, (groups, members): (&Groups, &[u32])) -> std::io::Result<()> {
    let of = |&i: &u32| i as usize;
    let numbers: Vec<u64> = members.iter().map(|&i| block.first + u64::from(i)).collect();
    let cluster: Vec<u32> = members.iter().map(|i| block.cluster[of(i)]).collect();
    out.write_all(bytemuck::bytes_of(&(members.len() as u64)))?;
    out.write_all(bytemuck::cast_slice(&numbers))?;
    out.write_all(bytemuck::cast_slice(&cluster))?;
    for i in members {
        out.write_all(bytemuck::cast_slice(groups.row_probes(&block.probes, of(i))))?;
    }
    members.iter().try_for_each(|i| out.write_all(block.rows.row_bytes(of(i))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::{IntegerMatrix, NpyWriter};

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
    fn groups_fit_into_the_budget_or_the_data_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        let groups = Groups::plan(&store, &clustering, u64::MAX).expect("one group");
        let row_bytes = groups.row_bytes;
        assert_eq!(groups.len(), 1);
        // All rows take part in clusters 0, 1 and 3, so no division helps.
        assert!(Groups::plan(&store, &clustering, 110 * row_bytes).is_err());
        let alone = Clustering { probes: None, ..clustering };
        let row_bytes = Groups::plan(&store, &alone, u64::MAX).expect("one group").row_bytes;
        let groups = Groups::plan(&store, &alone, 100 * row_bytes).expect("several groups");
        assert!(groups.len() > 1 && groups.rows.iter().all(|&rows| rows <= 100));
        assert!(Groups::plan(&store, &alone, 99 * row_bytes).is_err());
    }

    #[test]
    fn rows_that_turn_out_to_have_no_place_are_not_missed_when_rows_are_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, clustering) = hub(folder.path());
        let clustering = Clustering { probes: None, ..clustering };
        let row_bytes = Groups::plan(&store, &clustering, u64::MAX).expect("one group").row_bytes;
        let groups = Groups::plan(&store, &clustering, 100 * row_bytes).expect("several groups");
        let mut spill = Spill::new(&store, &groups, folder.path()).expect("files");
        let mut cluster = clustering.cluster.clone();
        cluster[50] = NO_CLUSTER;
        let rows = store.read_raw(0..111).expect("rows");
        spill.add(&Block { first: 0, rows, cluster, probes: Vec::new() }).expect("written");
        let mut read = Vec::new();
        spill
            .each(|members| {
                let placed = members.numbers.iter().zip(&members.cluster).filter(|(_, c)| **c != NO_CLUSTER);
                read.extend(placed.map(|(&number, _)| number));
            })
            .expect("read back");
        read.sort_unstable();
        assert_eq!(read, (0..111).filter(|&row| row != 50).collect::<Vec<u64>>());
    }

    #[test]
    fn clusters_are_cut_in_order_and_a_large_one_is_by_itself() {
        assert_eq!(cut(&[3, 4, 10, 1, 1, 1], 7), [0..2, 2..3, 3..6]);
        assert_eq!(cut(&[5], 1), vec![0..1]);
        assert_eq!(cut(&[0, 0, 9, 2], 3), [0..3, 3..4]);
    }
}

#[cfg(test)]
#[path = "spill_tests.rs"]
mod spill_tests;
