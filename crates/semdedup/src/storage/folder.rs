//! Asks what exists, and lists folders: on a disk, or in a store, where a folder is the beginning
//! of keys.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use object_store::{ObjectMeta, ObjectStore};
use walkdir::WalkDir;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::kind::Kind;
use crate::storage::location::{Location, is_url};
use crate::storage::pattern::climbs;

/// Returns the metadata of a path on the disk, or none if nothing is there. A disk that does not
/// answer and a folder that may not be read are errors: their contents are not known to be missing.
fn stat(path: &Path) -> Result<Option<std::fs::Metadata>> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if [NotFound, NotADirectory, InvalidFilename].contains(&error.kind()) => Ok(None),
        Err(error) => Err(Error::io(error)),
    }
}

/// Whether a file or an object of this name exists.
pub(crate) fn is_file(path: &Path) -> Result<bool> {
    if !is_url(path) {
        return Ok(stat(path)?.is_some_and(|found| found.is_file()));
    }
    let location = Location::of(path)?;
    if location.key.as_ref().is_empty() {
        return Ok(false);
    }
    match location.head() {
        Ok(_) => Ok(true),
        Err(fault) if fault.not_found => Ok(false),
        Err(fault) => Err(fault.into()),
    }
}

/// Whether a folder of this name exists. In a store, a folder exists if an object lies below it.
pub(crate) fn is_dir(path: &Path) -> Result<bool> {
    if !is_url(path) {
        return Ok(stat(path)?.is_some_and(|found| found.is_dir()));
    }
    let location = Location::of(path)?;
    if location.kind == Kind::Http {
        return Ok(false);
    }
    let at = location.clone();
    let first = wait(async move { at.list(1).await })?;
    let first = first.map_err(|error| StoreError::of(ErrorKind::Input, &location.text, &error))?;
    Ok(!first.objects.is_empty() || !first.odd.is_empty())
}

/// Whether a file or a folder of this name exists.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    if !is_url(path) {
        return Ok(stat(path)?.is_some());
    }
    Ok(is_file(path)? || is_dir(path)?)
}

/// Returns all files at or below some names in a folder: their paths relative to the folder, and
/// their sizes in bytes.
pub(crate) fn files_below<'a>(
    folder: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<PathBuf, u64>> {
    let mut files = BTreeMap::new();
    for name in names {
        if is_url(folder) {
            add_objects(folder, name, &mut files)?;
        } else {
            add_local_files(folder, name, &mut files)?;
        }
    }
    Ok(files)
}

/// Adds the objects at or below a name in a folder of a store.
fn add_objects(folder: &Path, name: &str, files: &mut BTreeMap<PathBuf, u64>) -> Result<()> {
    let (top, at) = (Location::of(folder)?, Location::of(&folder.join(name))?);
    let mut found = at.objects()?;
    match at.head() {
        Ok(meta) => found.push(meta),
        Err(fault) if fault.not_found => {}
        Err(fault) => return Err(fault.into()),
    }
    let relative = |object: &ObjectMeta| Some((top.relative(&object.location)?.into(), object.size));
    files.extend(found.iter().filter_map(relative));
    Ok(())
}

/// Adds the files at or below a name in a folder on the disk.
fn add_local_files(folder: &Path, name: &str, files: &mut BTreeMap<PathBuf, u64>) -> Result<()> {
    let top = folder.join(name);
    // A broken link counts as a file.
    if fs::symlink_metadata(&top).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(());
    }
    let failed = |error: walkdir::Error| Error::io(error.into());
    for entry in WalkDir::new(top) {
        let entry = entry.map_err(failed)?;
        if let (false, Ok(path)) = (entry.file_type().is_dir(), entry.path().strip_prefix(folder)) {
            files.insert(path.to_path_buf(), entry.metadata().map_err(failed)?.len());
        }
    }
    Ok(())
}

/// Returns the sorted names of the files and folders directly in a folder, or none if the folder
/// does not exist.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = if is_url(folder) { object_names(folder)? } else { local_names(folder)? };
    names.sort();
    Ok(names)
}

fn object_names(folder: &Path) -> Result<Vec<String>> {
    let location = Location::of(folder)?;
    let at = location.clone();
    let prefix = (!at.key.as_ref().is_empty()).then(|| at.key.clone());
    let found = wait(async move { at.store.list_with_delimiter(prefix.as_ref()).await })?;
    let found = found.map_err(|error| StoreError::of(ErrorKind::Input, &location.text, &error))?;
    let keys = found.objects.iter().map(|object| &object.location).chain(&found.common_prefixes);
    Ok(keys.filter_map(|key| location.relative(key).map(str::to_owned)).collect())
}

fn local_names(folder: &Path) -> Result<Vec<String>> {
    match fs::read_dir(folder) {
        Ok(entries) => {
            let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
            let all = entries.map(|entry| entry.map(name)).collect::<io::Result<Vec<_>>>();
            all.map_err(Error::io)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(error)),
    }
}

/// Returns the paths of the files and folders directly in a folder, sorted.
pub(crate) fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    if is_url(folder) {
        return Ok(names(folder)?.iter().map(|name| folder.join(name)).collect());
    }
    let entries =
        fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(Error::io)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

/// Returns the paths that a pattern matches, sorted.
pub(crate) fn glob(pattern: &Path) -> Result<Vec<PathBuf>> {
    if is_url(pattern) {
        let found = Location::of(pattern)?.glob()?;
        return Ok(found.objects.iter().map(|object| found.folder.path_of(&object.location)).collect());
    }
    let text = pattern.to_string_lossy();
    let found = glob::glob(&text).map_err(|error| Error::usage(format!("{text}: {error}")))?;
    let found = found.filter(|path| !path.as_ref().is_ok_and(|path| climbs(&text, path)));
    let all = found.collect::<std::result::Result<Vec<PathBuf>, _>>();
    all.map_err(|error| Error::io(error.into()))
}

/// Fails for a URL to which nothing can be written.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    if is_url(path) { Location::of(path)?.check_writable() } else { Ok(()) }
}

/// Makes a folder and those above it. In a store it only checks that the URL can be written to.
pub(crate) fn create_dir_all(folder: &Path) -> Result<()> {
    if is_url(folder) {
        return check_writable(folder);
    }
    fs::create_dir_all(folder).map_err(Error::io)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_taken_for_missing() {
        let folder = tempfile::tempdir().unwrap();
        let round = folder.path().join("round");
        std::os::unix::fs::symlink(&round, &round).unwrap();
        for path in [round.clone(), round.join("part-00001.json")] {
            assert!(is_file(&path).is_err() && is_dir(&path).is_err() && exists(&path).is_err());
        }
        assert!(files_below(folder.path(), ["round/inside"]).is_err());
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(is_file(&file).unwrap() && !is_file(&file.join("below")).unwrap());
        assert!(!exists(&folder.path().join("none")).unwrap());
        assert!(files_below(folder.path(), ["none"]).unwrap().is_empty());
    }
}
