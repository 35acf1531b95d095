//! Files that a command writes together into a folder, and replaces together.
//!
//! One of them comes last, so that the result is whole if it is there. Before the first change a
//! mark lists the files, so that the next command knows what a killed one left. A lock in the folder
//! of the mark keeps two commands apart.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::commands::guards::{check_free, check_not_input};
use crate::error::{Error, Result};
use crate::storage::atomic::write_atomically;
use crate::storage::marks::{MARK, WRITING};
use crate::storage::{Lock, create_dir_all, exists, read, remove_all, remove_file};

/// Files that a command is about to write.
pub(super) struct FileSet<'a> {
    pub(super) out: &'a Path,
    /// The names of the files.
    pub(super) names: Vec<String>,
    /// The file that is written last.
    pub(super) last: &'static str,
    /// The files of an earlier, whole result of the same command; empty if there is none.
    pub(super) old: Vec<String>,
    /// What an earlier result is called in messages, such as `selection`.
    pub(super) what: &'static str,
    pub(super) overwrite: bool,
    /// The files that the command reads, which it never replaces.
    pub(super) inputs: &'a [PathBuf],
}

/// The right to write the files, which this process alone has.
pub(super) struct Claim {
    folder: PathBuf,
    lock: Lock,
}

impl FileSet<'_> {
    /// Fails if something is in the way of the files. Only files of an earlier result are replaced,
    /// and only with `--overwrite`; what a killed command left is replaced without it.
    pub(super) fn check(&self) -> Result<()> {
        let left = self.left_over()?;
        for name in self.names.iter().chain(&self.old) {
            let path = self.out.join(name);
            check_not_input(&path, self.inputs)?;
            if left.contains(name) {
                continue;
            }
            check_free(&path, self.overwrite)?;
            if !self.old.contains(name) && exists(&path)? {
                let problem =
                    format!("was not written by an earlier {}, and only such files are replaced", self.what);
                return Err(Error::output(&path, problem).hint("name another --out, or move the file"));
            }
        }
        Ok(())
    }

    /// Locks the folder, marks the files, and removes those that are there, the last one first: files
    /// of two results are never together.
    ///
    /// # Errors
    /// Those of [`Self::check`], because another command may have written since; another command
    /// that is writing.
    pub(super) fn claim(&self) -> Result<Claim> {
        let folder = self.out.join(WRITING);
        create_dir_all(&folder)?;
        let lock = Lock::take_for(&folder, self.out)?;
        self.check()?;
        let left = self.left_over()?;
        let files: BTreeSet<&String> = self.names.iter().chain(&self.old).chain(&left).collect();
        let json = serde_json::to_vec(&files).map_err(|error| Error::output(self.out, error))?;
        write_atomically(&folder.join(MARK), &json)?;
        remove_file(&self.out.join(self.last))?;
        files.iter().try_for_each(|name| remove_file(&self.out.join(name)))?;
        Ok(Claim { folder, lock })
    }

    /// Removes the files that were written, because they are wrong. The mark stays, as after a kill.
    pub(super) fn discard(&self) -> Result<()> {
        self.names.iter().try_for_each(|name| remove_file(&self.out.join(name)))
    }

    /// Lists the files that a killed command marked, if it had begun to replace them.
    fn left_over(&self) -> Result<Vec<String>> {
        if exists(&self.out.join(self.last))? {
            return Ok(Vec::new());
        }
        let marked = read(&self.out.join(WRITING).join(MARK)).ok();
        let names: Vec<String> =
            marked.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        // A name is a file in the folder, whoever wrote the mark.
        Ok(names.into_iter().filter(|name| Path::new(name).file_name() == Some(name.as_ref())).collect())
    }
}

impl Claim {
    /// Removes the mark and the lock, after the last file is there.
    pub(super) fn release(self) -> Result<()> {
        drop(self.lock);
        remove_all(&self.folder)
    }
}
