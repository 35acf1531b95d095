//! The rows on their way to where they are compared.
//!
//! If all rows fit into memory, nothing is written. If not, each row is written once to the file of its own group, and
//! once to the file of each other group in which it probes a cluster; a file is then read back in order, in loads that
//! fit. The files need no flush to the disk: after a crash they are made again.

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

/// The memory of the buffers of all files.
const BUFFERS: usize = 32 << 20;

/// A block of rows with all that comparing them takes.
pub(crate) struct Block {
    pub(crate) first: u64,
    pub(crate) rows: StoredRows,
    pub(crate) cluster: Vec<u32>,
    pub(crate) probes: Vec<u32>,
}

/// The rows of one load, in memory, in the order in which they came.
pub(crate) struct LoadedRows {
    rows: StoredRows,
    numbers: Vec<u64>,
    cluster: Vec<u32>,
    probes: Vec<u32>,
    clusters: Range<u32>,
    /// Where the next row goes.
    next: usize,
}

impl LoadedRows {
    /// For so many rows of a group.
    fn new(groups: &Groups, (group, rows): (usize, usize), store: &EmbeddingStore) -> Self {
        Self {
            rows: store.no_rows(rows),
            numbers: vec![0; rows],
            cluster: vec![NO_CLUSTER; rows],
            probes: vec![NO_CLUSTER; rows * groups.probes_per_row],
            clusters: groups.clusters[group].clone(),
            next: 0,
        }
    }

    fn put(&mut self, number: u64, cluster: u32, probes: &[u32], (rows, row): (&StoredRows, usize)) {
        let place = self.next;
        self.next += 1;
        self.numbers[place] = number;
        self.cluster[place] = cluster;
        self.probes[place * probes.len()..(place + 1) * probes.len()].copy_from_slice(probes);
        self.rows.set(place, rows, row);
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
    /// The loads that are wanted.
    loads: Vec<BlockPair>,
    /// One for each group of which a load is wanted.
    files: Vec<Option<SpillFile>>,
    /// The rows, where all fit into memory.
    all: Option<LoadedRows>,
}

/// A file without a name: the system removes it when the process ends, however it ends.
struct SpillFile {
    out: BufWriter<File>,
    bytes: u64,
    rows: u64,
    /// The rows of a block, and where each block begins.
    block: u64,
    starts: Vec<u64>,
}

impl<'a> Spill<'a> {
    /// `folder` is where the files lie. Of the groups' loads only some may be wanted.
    pub(crate) fn new(
        store: &'a EmbeddingStore,
        groups: &'a Groups,
        loads: Vec<BlockPair>,
        folder: &'a Path,
    ) -> Result<Self> {
        let all = groups.fit().then(|| LoadedRows::new(groups, (0, groups.rows[0] as usize), store));
        let buffer = (BUFFERS / groups.len()).min(1 << 20);
        let mut files = Vec::new();
        for group in 0..groups.len() {
            let wanted = all.is_none() && loads.iter().any(|load| load.group == group);
            let file = || -> Result<SpillFile> {
                let file = tempfile::tempfile_in(scratch_folder(folder)).map_err(|e| with_path(folder, e))?;
                let out = BufWriter::with_capacity(buffer, file);
                Ok(SpillFile { out, bytes: 0, rows: 0, block: groups.block_rows(group), starts: vec![0] })
            };
            files.push(wanted.then(file).transpose()?);
        }
        Ok(Self { groups, store, folder, loads, files, all })
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
                all.put(number, block.cluster[i], probes, (&block.rows, i));
            }
        }
        for (file, members) in self.files.iter_mut().zip(&members) {
            if let Some(file) = file {
                file.add(block, self.groups, members).map_err(|e| with_path(self.folder, e))?;
            }
        }
        Ok(())
    }

    /// Hands over the rows of each wanted load.
    pub(crate) fn each(mut self, mut work: impl FnMut(BlockPair, &LoadedRows) -> Result<()>) -> Result<()> {
        let mut files = std::mem::take(&mut self.files);
        for &load in &self.loads {
            match (&self.all, &mut files[load.group]) {
                (Some(all), _) => work(load, all)?,
                (None, Some(file)) => {
                    work(load, &self.read(load, file).map_err(|e| with_path(self.folder, e))?)?;
                }
                (None, None) => {}
            }
            let last = self.loads.iter().rfind(|other| other.group == load.group) == Some(&load);
            if last {
                // It is not needed any more, and its disk space may be.
                files[load.group] = None;
            }
        }
        Ok(())
    }

    fn read(&self, load: BlockPair, file: &mut SpillFile) -> std::io::Result<LoadedRows> {
        let (first, second) = load.blocks;
        let second_rows = if first == second { 0 } else { file.rows_of(second) };
        let rows = (file.rows_of(first) + second_rows) as usize;
        let mut members = LoadedRows::new(self.groups, (load.group, rows), self.store);
        self.read_block(first, file, &mut members)?;
        if first != second {
            self.read_block(second, file, &mut members)?;
        }
        Ok(members)
    }

    fn read_block(&self, block: u64, file: &mut SpillFile, members: &mut LoadedRows) -> std::io::Result<()> {
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
            for i in 0..count {
                let probes = &probes[i * width..(i + 1) * width];
                members.put(numbers[i], cluster[i], probes, (&rows, i));
            }
            left -= count;
        }
        Ok(())
    }
}

impl SpillFile {
    /// Adds some rows of a block, in pieces of which each lies in one block of this file.
    fn add(&mut self, block: &Block, groups: &Groups, mut members: &[u32]) -> std::io::Result<()> {
        while !members.is_empty() {
            let room = self.block * self.starts.len() as u64 - self.rows;
            if room == 0 {
                self.starts.push(self.bytes);
                continue;
            }
            let (piece, rest) = members.split_at(members.len().min(room as usize));
            self.bytes += write(&mut self.out, block, (groups, piece))?;
            self.rows += piece.len() as u64;
            members = rest;
        }
        Ok(())
    }

    /// The rows of one block.
    fn rows_of(&self, block: u64) -> u64 {
        self.rows.saturating_sub(block * self.block).min(self.block)
    }
}

/// Writes some rows of a block: how many, their numbers, clusters, probes and values. Tells the bytes.
fn write(out: &mut impl Write, block: &Block, (groups, members): (&Groups, &[u32])) -> std::io::Result<u64> {
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
#[path = "spill_tests.rs"]
mod tests;
