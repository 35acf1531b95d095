//! The rows arranged by what they are compared in: groups of clusters whose rows fit into memory together.
//!
//! If all rows fit, there is one group and nothing is written. If not, each row is written once to the file of its own
//! group, and once to the file of each other group in which it probes a cluster; a file is then read back in order. The
//! files need no flush to the disk: after a crash they are made again.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use semdedup_core::{NO_CLUSTER, Part};

use crate::cluster::{Clustering, sizes};
use crate::files::{TEMPORARY, at};
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
        let mut wanted = (all * row_bytes).div_ceil(budget.max(1)).max(1);
        loop {
            let clusters = cut(&sizes, all.div_ceil(wanted));
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
            if groups.clusters.len() > 1 {
                groups.rows = groups.count(clustering)?;
            }
            let largest = groups.rows.iter().max().copied().unwrap_or(0) * row_bytes;
            if largest <= budget {
                return Ok(groups);
            }
            if groups.clusters.len() == sizes.len() {
                return Err(Error::usage(format!(
                    "--memory leaves {} MiB for comparing, and one cluster takes {} MiB",
                    budget >> 20,
                    largest.div_ceil(1 << 20)
                ))
                .hint("raise --memory, or make more --clusters, or give fewer --probes"));
            }
            wanted = (wanted + 1).max(wanted * largest / budget.max(1)).min(sizes.len() as u64);
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
        for &cluster in std::iter::once(&cluster).chain(probes).take_while(|&&cluster| cluster != NO_CLUSTER)
        {
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
    files: Vec<SpillFile>,
    /// The one group, where all fit into memory.
    all: Option<Members>,
}

struct SpillFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        // What cannot be removed here goes with the next run: its name says that it is temporary.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl<'a> Spill<'a> {
    /// `beside` is what the files are named after.
    pub(crate) fn new(store: &'a EmbeddingStore, groups: &'a Groups, beside: &Path) -> Result<Self> {
        if groups.len() == 1 {
            let all = Members::new(groups, 0, store);
            return Ok(Self { groups, store, files: Vec::new(), all: Some(all) });
        }
        let file = |group: usize| {
            let mut name = beside.file_name().unwrap_or_default().to_os_string();
            name.push(format!(".rows-{group:04}{TEMPORARY}"));
            let path = beside.with_file_name(name);
            let out = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(|e| at(&path, e))?);
            Ok(SpillFile { path, out })
        };
        let files = (0..groups.len()).map(file).collect::<Result<_>>()?;
        Ok(Self { groups, store, files, all: None })
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
            write(&mut file.out, block, (self.groups, members)).map_err(|e| at(&file.path, e))?;
        }
        Ok(())
    }

    /// Hands over the groups one by one.
    pub(crate) fn each(mut self, mut work: impl FnMut(&Members)) -> Result<()> {
        if let Some(all) = &self.all {
            work(all);
        }
        self.files.reverse();
        for group in 0..self.groups.len() {
            let Some(mut file) = self.files.pop() else { break };
            file.out.flush().map_err(|e| at(&file.path, e))?;
            work(&self.read(group, &file.path).map_err(|e| at(&file.path, e))?);
        }
        Ok(())
    }

    fn read(&self, group: usize, path: &Path) -> std::io::Result<Members> {
        let width = self.groups.probes_per_row;
        let row_bytes = self.store.row_bytes() as usize;
        let mut from = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut members = Members::new(self.groups, group, self.store);
        let mut left = members.numbers.len();
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

    #[test]
    fn clusters_are_cut_in_order_and_a_large_one_is_by_itself() {
        assert_eq!(cut(&[3, 4, 10, 1, 1, 1], 7), [0..2, 2..3, 3..6]);
        assert_eq!(cut(&[5], 1), vec![0..1]);
        assert_eq!(cut(&[0, 0, 9, 2], 3), [0..3, 3..4]);
    }
}
