//! Writes files atomically: a file is written under a temporary name, flushed to the disk, then
//! renamed. A file for a store is written to an unnamed temporary file and sent when it is
//! complete.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::File;

use crate::error::{Error, Result};
use crate::storage::flushed::FlushedFile;
use crate::storage::location::is_url;
use crate::storage::write::upload;

#[cfg(target_os = "linux")]
use crate::storage::errors::with_path;

/// The suffix of a temporary name.
pub(crate) const TEMPORARY: &str = ".semdedup-tmp";

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(TEMPORARY);
    path.with_file_name(name)
}

/// The file that is written first.
#[derive(Debug)]
enum Target {
    /// It has a temporary name beside its place.
    Disk(FlushedFile),
    /// It has no name. It need not survive a power cut, because it is sent to a store.
    Store(File),
}

/// A file that gets its name only when it is complete. If it is dropped before that, nothing
/// remains.
#[derive(Debug)]
pub(crate) struct PendingFile {
    file: Target,
    path: PathBuf,
    committed: bool,
}

impl PendingFile {
    /// Opens a temporary file that becomes `path` when it is committed.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = match is_url(path) {
            false => Target::Disk(FlushedFile::new(File::create(temporary_name(path)).map_err(Error::io)?)),
            true => Target::Store(File::from_parts(tempfile::tempfile().map_err(Error::io)?, path)),
        };
        Ok(Self { file, path: path.to_path_buf(), committed: false })
    }

    /// Flushes the file to the disk and renames it, or sends it to its store.
    pub(crate) fn commit(mut self) -> Result<()> {
        match &mut self.file {
            Target::Disk(file) => file.sync_all().map_err(Error::io)?,
            Target::Store(file) => {
                self.committed = true;
                return upload(file.try_clone().map_err(Error::io)?, &self.path);
            }
        }
        fs::rename(temporary_name(&self.path), &self.path).map_err(Error::io)?;
        self.committed = true;
        sync_folder_of(&self.path)
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Target::Disk(file) => file.write(bytes),
            Target::Store(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Target::Disk(file) => file.flush(),
            Target::Store(file) => file.flush(),
        }
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.file {
            Target::Disk(file) => file.seek(to),
            Target::Store(file) => file.seek(to),
        }
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.committed && !is_url(&self.path) {
            // If this fails, the next run removes the temporary file.
            let _ = fs::remove_file(temporary_name(&self.path));
        }
    }
}

/// Writes a small file atomically.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = PendingFile::create(path)?;
    file.write_all(bytes).map_err(Error::io)?;
    file.commit()
}

/// Flushes the folder of a file, so that renames in it survive a power cut.
pub(crate) fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io)?;
    }
    Ok(())
}

/// Flushes all files below a folder to the disk, so that they survive a power cut. Linux does this
/// in one call, because a folder may hold a million files.
pub(crate) fn sync_tree(folder: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    return File::open(folder)
        .and_then(|folder| nix::unistd::syncfs(folder.file()).map_err(io::Error::from))
        .map_err(|error| with_path(folder, error));
    #[cfg(not(target_os = "linux"))]
    {
        for entry in walkdir::WalkDir::new(folder) {
            sync_entry(&entry.map_err(|error| Error::io(error.into()))?)?;
        }
        Ok(())
    }
}

/// Flushes one file to the disk, or one folder.
#[cfg(not(any(target_os = "linux", windows)))]
fn sync_entry(entry: &walkdir::DirEntry) -> Result<()> {
    File::open(entry.path()).and_then(|file| file.sync_all()).map_err(Error::io)
}

/// Flushes one file to the disk. Windows has no flush of folders.
#[cfg(windows)]
fn sync_entry(entry: &walkdir::DirEntry) -> Result<()> {
    if !entry.file_type().is_file() {
        return Ok(());
    }
    // Windows refuses to flush a file that is open for reading only.
    match fs::OpenOptions::new().write(true).open(entry.path()) {
        // A copy of a read-only file is read-only too. The system flushes it in its own time.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened.and_then(|file| file.sync_all()).map_err(Error::io),
    }
}
