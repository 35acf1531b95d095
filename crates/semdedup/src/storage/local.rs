//! Reads and writes local files at an offset, and measures the free space of a disk.

use std::io;
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::storage::location::is_url;

/// Returns the bytes that this user can still write to the disk of a folder, or none if the system
/// does not tell.
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

/// Returns the folder for temporary files of `folder`: itself, or the system's temporary folder if
/// `folder` is in a store.
pub(crate) fn scratch_folder(folder: &Path) -> PathBuf {
    if is_url(folder) { std::env::temp_dir() } else { folder.to_path_buf() }
}

/// Fills `bytes` from an offset in a file, without moving its position.
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

/// Writes `bytes` at an offset in a file, without moving its position.
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
