//! Folders whose files are rows, such as images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use xxhash_rust::xxh3::Xxh3;

use super::rows::{Rows, RowsBuilder};
use super::write::Stamp;
use super::{Columns, InputFile};
use crate::files::sync_tree;
use crate::{Error, Result};

/// The column of the files' paths.
pub(super) const PATH: &str = "path";

/// A batch is at most this many files…
const MAX_ROWS: usize = 256;
/// …and about this many bytes.
const BATCH_BYTES: u64 = 4 << 20;

/// The files that are the rows of a folder, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members(Arc<Vec<Member>>);

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The path below the folder, parts joined by `/`.
    pub name: String,
    pub stamp: Stamp,
}

impl Members {
    pub(super) fn new(members: Vec<Member>) -> Self {
        Self(Arc::new(members))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What tells whether these are the files that were found: the latest time, and a hash over everything.
    pub fn stamp(&self) -> (u128, [u64; 2]) {
        let mut hash = Xxh3::new();
        for Member { name, stamp } in self.0.iter() {
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(&stamp.bytes.to_le_bytes());
            hash.update(&stamp.modified_ns.to_le_bytes());
            stamp.identity.iter().for_each(|part| hash.update(&part.to_le_bytes()));
        }
        let hash = hash.digest128();
        let modified = self.0.iter().map(|member| member.stamp.modified_ns).max().unwrap_or(0);
        (modified, [hash as u64, (hash >> 64) as u64])
    }

    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|member| member.stamp.bytes).sum()
    }
}

/// Some files of a folder, not read yet.
pub(super) struct Files {
    members: Members,
    first: usize,
    count: usize,
}

/// Goes through the files of a folder.
pub(super) struct Tree {
    members: Members,
    next: usize,
    bytes: u64,
}

impl Tree {
    pub fn open(file: &InputFile, first_row: u64) -> Self {
        let first = usize::try_from(first_row).unwrap_or(usize::MAX).min(file.members.len());
        let bytes = file.members.0[..first].iter().map(|member| member.stamp.bytes).sum();
        Self { members: file.members.clone(), next: first, bytes }
    }

    pub fn next_files(&mut self) -> Option<Files> {
        let (first, mut bytes) = (self.next, 0);
        for member in self.members.0[first..].iter().take(MAX_ROWS) {
            if bytes >= BATCH_BYTES {
                break;
            }
            bytes += member.stamp.bytes;
            self.next += 1;
        }
        self.bytes += bytes;
        let count = self.next - first;
        (count > 0).then(|| Files { members: self.members.clone(), first, count })
    }

    /// How many bytes of the files have been handed out.
    pub fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

impl Files {
    pub fn first_row(&self) -> u64 {
        self.first as u64
    }

    pub fn rows(&self) -> usize {
        self.count
    }

    /// Reads the files; one that cannot be read is a bad row.
    pub fn parse(&self, file: &InputFile, limit: usize, columns: &Columns) -> Rows {
        let mut rows = RowsBuilder::new(self.first_row(), limit, columns);
        for member in &self.members.0[self.first..self.first + self.count] {
            let path = format!("{}/{}", file.name, member.name);
            match read(&file.path.join(&member.name), member, limit, columns) {
                Ok(bytes) => {
                    rows.push_image(&bytes);
                    rows.push("", Some(&path));
                }
                Err(problem) => rows.push_bad(format!("{path}: {problem}")),
            }
        }
        rows.finish()
    }
}

fn read(
    path: &Path,
    member: &Member,
    limit: usize,
    columns: &Columns,
) -> std::result::Result<Vec<u8>, String> {
    if columns.image.is_none() {
        return Ok(Vec::new());
    }
    let bytes = member.stamp.bytes;
    if bytes > limit as u64 {
        return Err(format!("{bytes} bytes are over the limit of {limit} (--max-row-bytes)"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

/// Fails where a file is not the one that was found.
pub(super) fn check_unchanged(file: &InputFile) -> Result<()> {
    file.members.0.iter().try_for_each(|member| member.stamp.check(&file.path.join(&member.name)))
}

/// Copies the files that `keep` picks into the folder `destination`; see [`super::write_kept`].
pub(super) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    fs::create_dir_all(destination).map_err(Error::io)?;
    let (mut written, mut folder) = (0, PathBuf::new());
    for (row, member) in file.members.0.iter().enumerate() {
        if !keep(row as u64) {
            continue;
        }
        let (from, to) = (file.path.join(&member.name), destination.join(&member.name));
        if let Some(parent) = to.parent().filter(|parent| *parent != folder) {
            fs::create_dir_all(parent).map_err(Error::io)?;
            folder = parent.to_path_buf();
        }
        fs::copy(&from, &to).map_err(Error::io)?;
        written += 1;
    }
    sync_tree(destination)?;
    Ok(written)
}
