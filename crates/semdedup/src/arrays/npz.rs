//! Opens the embeddings in an `.npz` file: a zip archive of `.npy` files.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fs_err::File;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::arrays::array::Array;
use crate::arrays::array_name::embeddings_name;
use crate::arrays::npy;
use crate::error::{Error, Result};
use crate::foreign::not_embeddings;
use crate::storage::errors::with_path;
use crate::storage::{Blob, fault_of};

/// A member of an archive whose checksum was found to be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct CheckedMember {
    path: PathBuf,
    bytes: u64,
    checksum: u32,
}

/// The members that this process has checked, so that it reads each of them through only once.
static CHECKED: Mutex<BTreeSet<CheckedMember>> = Mutex::new(BTreeSet::new());

/// Opens the embeddings of an `.npz` file: in place if they are stored uncompressed, otherwise
/// unpacked to an unnamed temporary file.
///
/// # Errors
/// Fails for a damaged archive, and if it is unclear which array holds the embeddings.
pub(super) fn open_npz(path: &Path, array: Option<&str>) -> Result<Array> {
    let file = Blob::open(path)?;
    let mut archive =
        ZipArchive::new(BufReader::new(file.reader(0))).map_err(|error| damaged(path, error))?;
    let names: Vec<String> =
        archive.file_names().filter_map(|name| name.ok()?.strip_suffix(".npy").map(str::to_owned)).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    let name = format!("{}.npy", embeddings_name(path, &names, array)?);
    let mut entry = archive.by_name(&name).map_err(|error| damaged(path, error))?;
    if let (CompressionMethod::Stored, Some(start)) = (entry.compression(), entry.data_start()) {
        let end = start + entry.compressed_size();
        let member = CheckedMember { path: path.to_path_buf(), bytes: entry.size(), checksum: entry.crc32() };
        if !CHECKED.lock().unwrap_or_else(PoisonError::into_inner).contains(&member) {
            // The reader compares the checksum at the end.
            std::io::copy(&mut entry, &mut std::io::sink()).map_err(|error| damaged(path, error.into()))?;
            CHECKED.lock().unwrap_or_else(PoisonError::into_inner).insert(member);
        }
        drop(entry);
        drop(archive);
        return npy::open_within(path, file, start..end);
    }
    let mut unpacked = tempfile::tempfile().map_err(|error| with_path(path, error))?;
    let length = std::io::copy(&mut entry, &mut unpacked).map_err(|error| with_path(path, error))?;
    npy::open_within(path, Blob::of_file(File::from_parts(unpacked, path))?, 0..length)
}

fn damaged(path: &Path, problem: ZipError) -> Error {
    match problem {
        ZipError::Io(error) if fault_of(&error).is_some() => Error::io(error),
        problem => not_embeddings(path, "npz").unwrap_or_else(|| {
            Error::input(path, format!("not a whole .npz file: {problem}"))
                .hint("write it again; it may have been cut short")
        }),
    }
}
