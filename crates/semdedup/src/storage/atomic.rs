//! Files that are either whole or not there: written under a temporary name, flushed to the disk, then renamed. What goes
//! to a store is written to a file without a name and sent when it is whole.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::File;

use crate::error::{Error, Result};
use crate::storage::errors::with_path;
use crate::storage::location::is_url;
use crate::storage::write::upload;

/// What a temporary name ends with.
pub(crate) const TEMPORARY: &str = ".semdedup-tmp";

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(TEMPORARY);
    path.with_file_name(name)
}

/// A file that gets its name only when it is whole; dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct PendingFile {
    file: File,
    path: PathBuf,
    committed: bool,
}

impl PendingFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = match is_url(path) {
            false => File::create(temporary_name(path)).map_err(Error::io)?,
            true => File::from_parts(tempfile::tempfile().map_err(Error::io)?, path),
        };
        Ok(Self { file, path: path.to_path_buf(), committed: false })
    }

    /// Flushes to the disk and renames; sends to a store.
    pub(crate) fn commit(mut self) -> Result<()> {
        if is_url(&self.path) {
            self.committed = true;
            return upload(self.file.try_clone().map_err(Error::io)?, &self.path);
        }
        self.file.sync_all().map_err(Error::io)?;
        fs::rename(temporary_name(&self.path), &self.path).map_err(Error::io)?;
        self.committed = true;
        sync_folder_of(&self.path)
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.committed && !is_url(&self.path) {
            // Nothing to be done if this fails: the next run clears temporary files too.
            let _ = fs::remove_file(temporary_name(&self.path));
        }
    }
}

/// Writes a whole small file atomically.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = PendingFile::create(path)?;
    file.write_all(bytes).map_err(Error::io)?;
    file.commit()
}

/// Makes renames in a file's folder last through a power cut.
pub(crate) fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io)?;
    }
    Ok(())
}

/// Makes all files below a folder last through a power cut, at once where the system can: a folder may hold a million.
pub(crate) fn sync_tree(folder: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    return File::open(folder)
        .and_then(|folder| nix::unistd::syncfs(folder.file()).map_err(io::Error::from))
        .map_err(|error| with_path(folder, error));
    #[cfg(not(target_os = "linux"))]
    {
        for entry in walkdir::WalkDir::new(folder) {
            let entry = entry.map_err(|error| Error::io(error.into()))?;
            if entry.file_type().is_file() || cfg!(unix) {
                File::open(entry.path()).and_then(|file| file.sync_all()).map_err(Error::io)?;
            }
        }
        Ok(())
    }
}
