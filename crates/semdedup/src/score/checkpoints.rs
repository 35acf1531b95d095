//! Stores the matches of each compared part, so that a killed run continues from there.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use semdedup_core::PartMatches;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::error::{Error, Result};
use crate::score::groups::{BlockPair, Groups};
use crate::storage::atomic::PendingFile;
use crate::storage::errors::with_path;
use crate::storage::{Blob, create_dir_all, fault_of, is_file, remove_all};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::work_dir::remove_temporary_files;

/// The name of the folder of the checkpoints, inside the folder of the stage.
const FOLDER: &str = "parts";

/// The checkpoints of a stage.
///
/// The work directory ensures that the files in the folder are of the same rows, clusters and
/// ranking. Each file also records its stage, so that a file that an earlier run wrote late is not
/// used.
pub(crate) struct ScoreCheckpoints<'a> {
    folder: PathBuf,
    /// The hash of the stage's fingerprint.
    stage: u64,
    groups: &'a Groups,
    /// The number of rows of the data.
    rows: u64,
    /// The most matches of a row.
    most: u64,
}

/// The beginning of a file: stage, rows, comparisons, hash of the rest.
type Header = [u64; 4];

impl<'a> ScoreCheckpoints<'a> {
    /// Opens the checkpoints in the folder of a stage, for data of `rows` rows.
    pub(crate) fn open(folder: &Path, stage: &Fingerprint, groups: &'a Groups, rows: u64) -> Result<Self> {
        let folder = folder.join(FOLDER);
        create_dir_all(&folder)?;
        remove_temporary_files(&folder)?;
        let stage = xxh3_64(stage.as_str().as_bytes());
        Ok(Self { folder, stage, groups, rows, most: 1 })
    }

    /// Says that a row can have this many matches in a part.
    pub(crate) fn with_several(self, most: usize) -> Self {
        Self { most: most as u64, ..self }
    }

    /// Returns whether an earlier run has compared a pair of blocks.
    pub(crate) fn has(&self, pair: BlockPair) -> bool {
        // If the file cannot be looked for, the pair is compared again. `get` reports a damaged
        // file.
        let path = self.path(pair);
        let is_ours = || {
            let mut stage = [0; size_of::<u64>()];
            let read = Blob::open(&path).map(|file| file.read_exact_at(&mut stage, 0));
            !matches!(read, Ok(Ok(())) if u64::from_ne_bytes(stage) != self.stage)
        };
        is_file(&path).unwrap_or(false) && is_ours()
    }

    /// Reads the matches that an earlier run found in a pair of blocks.
    ///
    /// # Errors
    /// A file that cannot be read, or that is damaged.
    pub(crate) fn get(&self, pair: BlockPair) -> Result<PartMatches> {
        let path = self.path(pair);
        let damaged = || damaged(&path);
        let file = Blob::open(&path)?;
        let (length, mut file) = (file.bytes(), file.reader(0));
        let mut header: Header = [0; 4];
        let unread = |error| unread(&path, error);
        file.read_exact(bytemuck::cast_slice_mut(&mut header)).map_err(unread)?;
        let [stage, rows, compared, hash] = header;
        if stage != self.stage
            || rows > self.rows.saturating_mul(self.most)
            || length != size_of::<Header>() as u64 + rows * BYTES_PER_ROW
        {
            return Err(damaged());
        }
        let rows = rows as usize;
        let mut found = PartMatches {
            rows: vec![0; rows],
            similarity: vec![0.0; rows],
            duplicate_of: vec![0; rows],
            compared,
        };
        file.read_exact(bytemuck::cast_slice_mut(&mut found.rows)).map_err(unread)?;
        file.read_exact(bytemuck::cast_slice_mut(&mut found.similarity)).map_err(unread)?;
        file.read_exact(bytemuck::cast_slice_mut(&mut found.duplicate_of)).map_err(unread)?;
        let in_range = found.rows.iter().chain(&found.duplicate_of).all(|&row| row < self.rows);
        if hash_of(&found) == hash && in_range { Ok(found) } else { Err(damaged()) }
    }

    /// Reads those matches of a pair of blocks whose rows are in a range. The rows must be stored in
    /// order, and the file must have been read or written whole by this process.
    pub(crate) fn of_rows(&self, pair: BlockPair, range: &Range<u64>) -> Result<PartMatches> {
        let file = Blob::open(&self.path(pair))?;
        let all = (file.bytes() - size_of::<Header>() as u64) / BYTES_PER_ROW;
        let read = |bytes: &mut [u8], offset: u64| {
            file.read_exact_at(bytes, size_of::<Header>() as u64 + offset).map_err(Error::io)
        };
        let begin = |row: u64| -> Result<u64> {
            let (mut low, mut high) = (0, all);
            while low < high {
                let middle = low.midpoint(high);
                let mut found = [0; size_of::<u64>()];
                read(&mut found, middle * 8)?;
                (low, high) =
                    if u64::from_ne_bytes(found) < row { (middle + 1, high) } else { (low, middle) };
            }
            Ok(low)
        };
        let (start, end) = (begin(range.start)?, begin(range.end)?);
        let count = (end - start) as usize;
        let mut found = PartMatches {
            rows: vec![0; count],
            similarity: vec![0.0; count],
            duplicate_of: vec![0; count],
            compared: 0,
        };
        read(bytemuck::cast_slice_mut(&mut found.rows), start * 8)?;
        read(bytemuck::cast_slice_mut(&mut found.similarity), all * 8 + start * 4)?;
        read(bytemuck::cast_slice_mut(&mut found.duplicate_of), all * 12 + start * 8)?;
        Ok(found)
    }

    /// Stores the matches that were found in a pair of blocks.
    pub(crate) fn put(&self, pair: BlockPair, found: &PartMatches) -> Result<()> {
        let mut file = PendingFile::create(&self.path(pair))?;
        let header: Header = [self.stage, found.rows.len() as u64, found.compared, hash_of(found)];
        file.write_all(bytemuck::cast_slice(&header)).map_err(Error::io)?;
        pieces(found).into_iter().try_for_each(|bytes| file.write_all(bytes)).map_err(Error::io)?;
        file.commit()
    }

    /// Returns the path of a checkpoint. Its name says which rows were compared with each other, so
    /// it means the same under any `--memory`.
    fn path(&self, pair: BlockPair) -> PathBuf {
        let groups = self.groups;
        let (clusters, (a, b)) = (&groups.clusters[pair.group], pair.blocks);
        let blocks =
            if a == b { String::new() } else { format!("-{}-{a}-{b}", groups.block_rows(pair.group)) };
        self.folder.join(format!("clusters-{}-{}{blocks}.found", clusters.start, clusters.end))
    }
}

fn damaged(path: &Path) -> Error {
    Error::work(path, "is damaged").hint("delete this file: its rows are then compared again")
}

/// Calls a file damaged only if it is too short: a file that a disk or a store cannot read now may
/// be whole.
fn unread(path: &Path, error: std::io::Error) -> Error {
    let is_short = error.kind() == ErrorKind::UnexpectedEof && fault_of(&error).is_none();
    if is_short { damaged(path) } else { with_path(path, error) }
}

/// Removes the checkpoints from the folder of a stage that is done.
pub(crate) fn remove_checkpoints(stage: &Path) -> Result<()> {
    remove_all(&stage.join(FOLDER))
}

/// The bytes of a row in memory and in a file.
const BYTES_PER_ROW: u64 = 20;

/// Returns the columns as bytes, in the order in which a file stores them.
fn pieces(found: &PartMatches) -> [&[u8]; 3] {
    let PartMatches { rows, similarity, duplicate_of, .. } = found;
    [bytemuck::cast_slice(rows), bytemuck::cast_slice(similarity), bytemuck::cast_slice(duplicate_of)]
}

fn hash_of(found: &PartMatches) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&found.compared.to_le_bytes());
    pieces(found).into_iter().for_each(|bytes| hash.update(bytes));
    hash.digest()
}

#[cfg(test)]
#[path = "checkpoints_tests.rs"]
mod tests;
