//! The layout of the hub's cache, which `huggingface_hub` and other programs share:
//!
//! - `models--org--name/refs/main` holds the commit of a revision.
//! - `models--org--name/snapshots/<commit>/` holds the files of a commit, as symbolic links to
//!   blobs.
//! - `models--org--name/blobs/<etag>` holds the bytes of a file.
//! - `models--org--name/.no_exist/<commit>/` holds an empty file for each file that the commit is
//!   known to lack.

use std::path::{Path, PathBuf};
#[cfg(feature = "server")]
use std::{fs, io};

use super::name::Name;

/// The part of the cache for one model.
#[derive(Debug)]
pub(super) struct ModelCache {
    folder: PathBuf,
}

impl ModelCache {
    pub(super) fn new(cache: &Path, name: &Name) -> Self {
        Self { folder: cache.join(format!("models--{}", name.repo.replace('/', "--"))) }
    }

    /// Returns the folder of a commit's files.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// Returns the folder of the files of a revision, if the cache has one.
    pub(super) fn snapshot_of(&self, revision: &str) -> Option<PathBuf> {
        let commit = match std::fs::read_to_string(self.folder.join("refs").join(revision)) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => revision.to_owned(),
        };
        Some(self.snapshot(&commit)).filter(|folder| folder.is_dir())
    }

    /// Returns the folder of notes about files that a commit lacks.
    pub(super) fn absent(&self, commit: &Path) -> PathBuf {
        self.folder.join(".no_exist").join(commit)
    }

    /// Notes that a commit lacks a file.
    #[cfg(feature = "server")]
    pub(super) fn note_absent(&self, commit: &str, file: &str) -> io::Result<()> {
        write(&self.absent(Path::new(commit)).join(file), "")
    }

    /// Notes the commit of a revision.
    #[cfg(feature = "server")]
    pub(super) fn note_commit(&self, revision: &str, commit: &str) -> io::Result<()> {
        write(&self.folder.join("refs").join(revision), commit)
    }

    /// Returns the path of a blob.
    #[cfg(feature = "server")]
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    /// Puts a blob into a snapshot, as a relative link where the system has links.
    #[cfg(feature = "server")]
    pub(super) fn link(&self, etag: &str, commit: &str, file: &str) -> io::Result<()> {
        let pointer = self.snapshot(commit).join(file);
        if pointer.exists() {
            return Ok(());
        }
        if let Some(folder) = pointer.parent() {
            fs::create_dir_all(folder)?;
        }
        if pointer.symlink_metadata().is_ok() {
            // A link to a blob that is gone.
            fs::remove_file(&pointer)?;
        }
        // Up from the file's folder, the commit and `snapshots`.
        let up = "../".repeat(file.split('/').count() + 1);
        let target = PathBuf::from(format!("{up}blobs/{etag}"));
        #[cfg(unix)]
        return std::os::unix::fs::symlink(target, pointer);
        #[cfg(windows)]
        return std::os::windows::fs::symlink_file(target, &pointer)
            .or_else(|_| fs::rename(self.blob(etag), pointer));
    }
}

#[cfg(feature = "server")]
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
