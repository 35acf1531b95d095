//! Spills rows to disk until their group of clusters is compared.
//!
//! If all rows fit into memory, nothing is written. Otherwise each row is written once to the file
//! of its own group, and once to the file of each other group in which it probes a cluster. Each
//! file is then read back in order, in pairs of blocks that fit into memory. The files need no
//! flush to the disk: after a crash they are written again.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use semdedup_core::{NO_CLUSTER, Part};

use crate::arrays::store::{EmbeddingStore, StoredRows};
use crate::error::Result;
use crate::score::groups::{BlockPair, Groups};
use crate::storage::errors::with_path;
use crate::storage::local::scratch_folder;

/// The bytes of the buffers of all files.
const BUFFERS: usize = 32 << 20;

/// A block of rows with everything that comparing them needs.
pub(crate) struct Block {
    /// The number of the first row.
    pub(crate) first: u64,
    pub(crate) rows: StoredRows,
    /// The cluster of each row; [`NO_CLUSTER`] for a row that takes no part in the comparison.
    pub(crate) cluster: Vec<u32>,
    /// The other clusters that each row is compared in, row-major.
    pub(crate) probes: Vec<u32>,
}

/// One row with everything that comparing it needs.
struct SpilledRow<'a> {
    number: u64,
    cluster: u32,
    probes: &'a [u32],
    /// The values are those of row `index` of `rows`.
    rows: &'a StoredRows,
    index: usize,
}

/// The rows that are compared at a time, in memory, in the order in which they were added.
pub(crate) struct LoadedRows {
    rows: StoredRows,
    numbers: Vec<u64>,
    cluster: Vec<u32>,
    probes: Vec<u32>,
    clusters: Range<u32>,
    /// The place of the next row.
    next: usize,
}

impl LoadedRows {
    /// Makes room for `rows` rows of a group.
    fn new(groups: &Groups, group: usize, rows: usize, store: &EmbeddingStore) -> Self {
        Self {
            rows: store.no_rows(rows),
            numbers: vec![0; rows],
            cluster: vec![NO_CLUSTER; rows],
            probes: vec![NO_CLUSTER; rows * groups.probes_per_row],
            clusters: groups.clusters[group].clone(),
            next: 0,
        }
    }

    fn put(&mut self, row: &SpilledRow) {
        let (place, width) = (self.next, row.probes.len());
        self.next += 1;
        self.numbers[place] = row.number;
        self.cluster[place] = row.cluster;
        self.probes[place * width..(place + 1) * width].copy_from_slice(row.probes);
        self.rows.set(place, row.rows, row.index);
    }

    /// Returns the rows as the part that [`semdedup_core::Scoring`] compares.
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

/// The rows of all groups, on disk or in memory, until they are compared.
pub(crate) struct Spill<'a> {
    pub(crate) groups: &'a Groups,
    pub(crate) store: &'a EmbeddingStore,
    folder: &'a Path,
    /// The pairs of blocks to compare.
    pairs: Vec<BlockPair>,
    /// A file for each group; none for a group without a pair to compare.
    files: Vec<Option<SpillFile>>,
    /// The rows, if all fit into memory.
    all: Option<LoadedRows>,
}

/// A file without a name: the system removes it when the process ends, however it ends.
struct SpillFile {
    out: BufWriter<File>,
    /// The bytes written.
    bytes: u64,
    /// The rows written.
    rows: u64,
    /// The rows of a block.
    block_rows: u64,
    /// The offset in bytes at which each block begins.
    starts: Vec<u64>,
}

impl<'a> Spill<'a> {
    /// Creates the files in `folder`. `pairs` are the pairs of blocks to compare, which may be a
    /// part of those of the groups.
    pub(crate) fn new(
        store: &'a EmbeddingStore,
        groups: &'a Groups,
        pairs: Vec<BlockPair>,
        folder: &'a Path,
    ) -> Result<Self> {
        let all = groups.fit().then(|| LoadedRows::new(groups, 0, groups.rows[0] as usize, store));
        let buffer = (BUFFERS / groups.len()).min(1 << 20);
        let mut files = Vec::new();
        for group in 0..groups.len() {
            let wanted = all.is_none() && pairs.iter().any(|pair| pair.group == group);
            let file = || -> Result<SpillFile> {
                let file = tempfile::tempfile_in(scratch_folder(folder)).map_err(|e| with_path(folder, e))?;
                let out = BufWriter::with_capacity(buffer, file);
                let block_rows = groups.block_rows(group);
                Ok(SpillFile { out, bytes: 0, rows: 0, block_rows, starts: vec![0] })
            };
            files.push(wanted.then(file).transpose()?);
        }
        Ok(Self { groups, store, folder, pairs, files, all })
    }

    /// Adds a block of rows. Blocks must be added in the order of their rows.
    pub(crate) fn add(&mut self, block: &Block) -> Result<()> {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.groups.len()];
        let mut groups = Vec::new();
        for (i, &cluster) in block.cluster.iter().enumerate() {
            self.groups.of_row(cluster, self.groups.row_probes(&block.probes, i), &mut groups);
            groups.iter().for_each(|&group| members[group as usize].push(i as u32));
        }
        if let Some(all) = &mut self.all {
            for &i in &members[0] {
                let (index, number) = (i as usize, block.first + u64::from(i));
                let probes = self.groups.row_probes(&block.probes, index);
                let cluster = block.cluster[index];
                all.put(&SpilledRow { number, cluster, probes, rows: &block.rows, index });
            }
        }
        for (file, members) in self.files.iter_mut().zip(&members) {
            if let Some(file) = file {
                file.add(block, self.groups, members).map_err(|e| with_path(self.folder, e))?;
            }
        }
        Ok(())
    }

    /// Calls `work` with the rows of each pair of blocks.
    pub(crate) fn each(mut self, mut work: impl FnMut(BlockPair, &LoadedRows) -> Result<()>) -> Result<()> {
        let mut files = std::mem::take(&mut self.files);
        for &pair in &self.pairs {
            match (&self.all, &mut files[pair.group]) {
                (Some(all), _) => work(pair, all)?,
                (None, Some(file)) => {
                    work(pair, &self.read(pair, file).map_err(|e| with_path(self.folder, e))?)?;
                }
                (None, None) => {}
            }
            let last = self.pairs.iter().rfind(|other| other.group == pair.group) == Some(&pair);
            if last {
                // The file is not needed any more, but its disk space may be.
                files[pair.group] = None;
            }
        }
        Ok(())
    }

    /// Reads the rows of a pair of blocks.
    fn read(&self, pair: BlockPair, file: &mut SpillFile) -> std::io::Result<LoadedRows> {
        let (first, second) = pair.blocks;
        let second_rows = if first == second { 0 } else { file.rows_of(second) };
        let rows = (file.rows_of(first) + second_rows) as usize;
        let mut loaded = LoadedRows::new(self.groups, pair.group, rows, self.store);
        self.read_block(first, file, &mut loaded)?;
        if first != second {
            self.read_block(second, file, &mut loaded)?;
        }
        Ok(loaded)
    }

    /// Reads the rows of one block of a file.
    fn read_block(&self, block: u64, file: &mut SpillFile, loaded: &mut LoadedRows) -> std::io::Result<()> {
        let mut left = file.rows_of(block) as usize;
        if left == 0 {
            return Ok(());
        }
        file.out.seek(SeekFrom::Start(file.starts[block as usize]))?;
        let mut from = BufReader::with_capacity(1 << 20, file.out.get_ref());
        let width = self.groups.probes_per_row;
        let row_bytes = self.store.row_bytes() as usize;
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
            let rows = self.store.rows_of(&rows);
            for index in 0..count {
                let probes = &probes[index * width..(index + 1) * width];
                let (number, cluster) = (numbers[index], cluster[index]);
                loaded.put(&SpilledRow { number, cluster, probes, rows: &rows, index });
            }
            left -= count;
        }
        Ok(())
    }
}

impl SpillFile {
    /// Adds some rows of a block, in pieces that are each within one block of this file.
    fn add(&mut self, block: &Block, groups: &Groups, mut members: &[u32]) -> std::io::Result<()> {
        while !members.is_empty() {
            let room = self.block_rows * self.starts.len() as u64 - self.rows;
            if room == 0 {
                self.starts.push(self.bytes);
                continue;
            }
            let (piece, rest) = members.split_at(members.len().min(room as usize));
            self.bytes += write(&mut self.out, block, groups, piece)?;
            self.rows += piece.len() as u64;
            members = rest;
        }
        Ok(())
    }

    /// Returns the number of rows of a block of this file.
    fn rows_of(&self, block: u64) -> u64 {
        self.rows.saturating_sub(block * self.block_rows).min(self.block_rows)
    }
}

/// Writes the rows `members` of a block: how many they are, and their numbers, clusters, probes and
/// values. Returns the number of bytes.
fn write(out: &mut impl Write, block: &Block, groups: &Groups, members: &[u32]) -> std::io::Result<u64> {
    let of = |&i: &u32| i as usize;
    let numbers: Vec<u64> = members.iter().map(|&i| block.first + u64::from(i)).collect();
    let cluster: Vec<u32> = members.iter().map(|i| block.cluster[of(i)]).collect();
    out.write_all(bytemuck::bytes_of(&(members.len() as u64)))?;
    out.write_all(bytemuck::cast_slice(&numbers))?;
    out.write_all(bytemuck::cast_slice(&cluster))?;
    for i in members {
        out.write_all(bytemuck::cast_slice(groups.row_probes(&block.probes, of(i))))?;
    }
    let mut bytes = 8 + members.len() as u64 * (12 + 4 * groups.probes_per_row as u64);
    for i in members {
        let row = block.rows.bytes(of(i));
        out.write_all(row)?;
        bytes += row.len() as u64;
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "spill_case.rs"]
mod case;

#[cfg(test)]
#[path = "spill_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "spill_blocks_tests.rs"]
mod blocks_tests;
