//! Files that are either whole or not there: written under a temporary name, flushed to the disk, then renamed. What goes
//! to a store is written to a file without a name and sent when it is whole.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::File;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{fault_of, is_url, upload};

/// What a temporary name ends with.
pub(crate) const TEMPORARY: &str = ".semdedup-tmp";

/// The error of a file operation, in the user's words.
pub(crate) fn at(path: &Path, error: io::Error) -> Error {
    if let Some(fault) = fault_of(&error) {
        return fault;
    }
    Error::io(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

impl Error {
    /// An I/O error whose message names the path (`fs_err` sees to that).
    pub(crate) fn io(error: io::Error) -> Self {
        if let Some(fault) = fault_of(&error) {
            return fault;
        }
        let (kind, hint) = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
                ErrorKind::Output,
                Some(
                    "free some space, or put --work on another disk, and run the same command again: it goes on from here",
                ),
            ),
            io::ErrorKind::FileTooLarge => (
                ErrorKind::Output,
                Some("raise the file size limit of the system (ulimit -f) and run the same command again"),
            ),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ErrorKind::Output, Some("check the permissions of this path"))
            }
            io::ErrorKind::NotFound => (ErrorKind::Input, Some("check the path")),
            _ => (ErrorKind::Input, None),
        };
        let message = one_line(&error.to_string());
        let line = Self::new(kind, message);
        match hint {
            Some(hint) => line.hint(hint),
            None => line,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Fails unless files in a folder can grow by so many bytes. `why` begins the message.
pub(crate) fn check_free_space(folder: &Path, bytes: u64, why: &str) -> Result<()> {
    let Some(free) = free_space(folder) else { return Ok(()) };
    if bytes <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::output(folder, format!("{why} takes {} MiB, {} MiB are free", mib(bytes), free >> 20))
        .hint("free some space, put --work on another disk, or raise --memory"))
}

/// The bytes that this user can still write to the disk of a folder; none where the system does not tell.
pub(crate) fn free_space(folder: &Path) -> Option<u64> {
    let folder = &scratch_folder(folder);
    #[cfg(unix)]
    {
        let disk = nix::sys::statvfs::statvfs(folder).ok()?;
        #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
        Some(u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()))
    }
    #[cfg(not(unix))]
    None
}

/// Where files that nobody is to see lie: in a folder of ours, or, for one in a store, where the system wants them.
pub(crate) fn scratch_folder(folder: &Path) -> PathBuf {
    if is_url(folder) { std::env::temp_dir() } else { folder.to_path_buf() }
}

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
        .map_err(|error| at(folder, error));
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

/// Fills `bytes` from a place in a file, without moving its position.
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file.file(), bytes, offset);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            match std::os::windows::fs::FileExt::seek_read(
                file.file(),
                &mut bytes[done..],
                offset + done as u64,
            )? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }
}

/// Writes `bytes` to a place in a file, without moving its position.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file.file(), bytes, offset);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            done +=
                std::os::windows::fs::FileExt::seek_write(file.file(), &bytes[done..], offset + done as u64)?;
        }
        Ok(())
    }
}
