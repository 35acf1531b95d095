//! What lies where, for folders and for the beginnings of keys alike.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fs_err as fs;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use walkdir::WalkDir;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::blob::{Blob, forget};
use crate::storage::client::{Kind, wait};
use crate::storage::errors::{CUTS, StoreError, all_of};
use crate::storage::heads::{AT_ONCE, ask};
use crate::storage::location::{Location, is_url};
use crate::storage::lock::check_held;

/// Objects that are removed before it is asked again whether they are this process's to remove.
const REMOVED_TOGETHER: usize = 1000;

/// A failure after so long is that of a request that was made again and again.
const LATE: Duration = Duration::from_secs(15);

impl Location {
    /// All objects below, in the order of their keys.
    pub(crate) fn objects(&self) -> Result<Vec<ObjectMeta>> {
        if self.kind == Kind::Http {
            return Err(Error::input(&self.text, "no such file, and a web server has no list of its files")
                .hint("name each file"));
        }
        let at = self.clone();
        let found = wait(async move { at.list(usize::MAX).await })?;
        let mut found = found.map_err(|error| StoreError::of(ErrorKind::Input, &self.text, &error))?;
        // Beside an object there may be an empty one whose key ends with a slash, which is cut off here.
        found.sort_by(|a, b| a.location.cmp(&b.location).then(b.size.cmp(&a.size)));
        found.dedup_by(|b, a| a.location == b.location);
        Ok(found)
    }

    /// The objects below, or the first `most` of them; anew where a connection is cut. (Not on from the last one: some stores
    /// do not list in the order of the keys, and an object must not be passed over.)
    async fn list(&self, most: usize) -> object_store::Result<Vec<ObjectMeta>> {
        let prefix = (!self.key.as_ref().is_empty()).then_some(&self.key);
        let mut cuts = 0;
        loop {
            let (mut found, mut last) = (Vec::new(), Instant::now());
            let mut objects = self.store.list(prefix).take(most);
            let failure = loop {
                match objects.next().await {
                    Some(Ok(object)) => found.push(object),
                    Some(Err(error)) => break error,
                    None => return Ok(found),
                }
                last = Instant::now();
            };
            // What fails late has been tried again by the store's client itself.
            let is_cut = matches!(failure, object_store::Error::Generic { .. })
                && last.elapsed() < LATE
                && !is_answer(&failure);
            cuts += 1;
            if cuts > CUTS || !is_cut {
                return Err(failure);
            }
            tokio::time::sleep(Duration::from_millis(100 << cuts.min(6))).await;
        }
    }

    /// What the store says of some objects that are in its list, which may leave out what tells versions apart. An empty one
    /// that is not there is the mark of a folder (Hadoop's): its key ends with a slash, which the list here does not have.
    pub(crate) fn heads(&self, listed: Vec<ObjectMeta>) -> Result<Vec<ObjectMeta>> {
        let locations = listed.iter().map(|object| self.at(object.location.clone())).collect();
        let found = listed.iter().zip(ask(locations)?);
        let there = found
            .filter(|(listed, head)| listed.size > 0 || !head.as_ref().is_err_and(|fault| fault.not_found));
        Ok(there.map(|(_, head)| head).collect::<std::result::Result<_, _>>()?)
    }
}

/// Whether a failure is what a store said, which asking again does not change.
fn is_answer(failure: &object_store::Error) -> bool {
    let text = all_of(failure);
    ["NoSuchBucket", "ContainerNotFound", "bucket does not exist", "illegal character"]
        .iter()
        .any(|said| text.contains(said))
}

/// All bytes of small objects, many at once.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Bytes>> {
    let locations = paths.iter().map(|path| Location::of(path)).collect::<Result<Vec<_>>>()?;
    let found = wait(async move {
        let reads = locations.into_iter().map(|at| async move { at.read().await });
        futures_util::stream::iter(reads).buffered(AT_ONCE).try_collect::<Vec<_>>().await
    })?;
    Ok(found?)
}

/// All bytes of a small file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !is_url(path) {
        return fs::read(path);
    }
    let location = Location::of(path).map_err(io::Error::other)?;
    let found = wait(async move { location.read().await }).map_err(io::Error::other)?;
    Ok(found?.to_vec())
}

/// What lies at a path of this machine. A disk that does not answer, or a folder that may not be looked into, is an error: what is
/// in it is not known to be missing.
fn look(path: &Path) -> Result<Option<std::fs::Metadata>> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if [NotFound, NotADirectory, InvalidFilename].contains(&error.kind()) => Ok(None),
        Err(error) => Err(Error::io(error)),
    }
}

/// Whether there is a file of this name.
pub(crate) fn is_file(path: &Path) -> Result<bool> {
    if !is_url(path) {
        return Ok(look(path)?.is_some_and(|found| found.is_file()));
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

/// Whether there is a folder of this name: in a store, something below it.
pub(crate) fn is_dir(path: &Path) -> Result<bool> {
    if !is_url(path) {
        return Ok(look(path)?.is_some_and(|found| found.is_dir()));
    }
    let location = Location::of(path)?;
    if location.kind == Kind::Http {
        return Ok(false);
    }
    let at = location.clone();
    let first = wait(async move { at.list(1).await })?;
    Ok(!first.map_err(|error| StoreError::of(ErrorKind::Input, &location.text, &error))?.is_empty())
}

/// Whether there is anything of this name.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    if !is_url(path) {
        return Ok(look(path)?.is_some());
    }
    Ok(is_file(path)? || is_dir(path)?)
}

/// The files under some names of a folder, relative to it, with their sizes.
pub(crate) fn files_below<'a>(
    folder: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<PathBuf, u64>> {
    let mut files = BTreeMap::new();
    for name in names {
        if is_url(folder) {
            let (top, at) = (Location::of(folder)?, Location::of(&folder.join(name))?);
            let mut found = at.objects()?;
            match at.head() {
                Ok(meta) => found.push(meta),
                Err(fault) if fault.not_found => {}
                Err(fault) => return Err(fault.into()),
            }
            let relative = |object: &ObjectMeta| Some((top.relative(&object.location)?.into(), object.size));
            files.extend(found.iter().filter_map(relative));
        } else {
            local_files(folder, name, &mut files)?;
        }
    }
    Ok(files)
}

/// The files under a name of a folder of this machine.
fn local_files(folder: &Path, name: &str, files: &mut BTreeMap<PathBuf, u64>) -> Result<()> {
    let top = folder.join(name);
    // A link that leads nowhere is there too.
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

/// The names of what lies in a folder itself, files and folders; none where there is no folder.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    if is_url(folder) {
        let location = Location::of(folder)?;
        let at = location.clone();
        let prefix = (!at.key.as_ref().is_empty()).then(|| at.key.clone());
        let found = wait(async move { at.store.list_with_delimiter(prefix.as_ref()).await })?;
        let found = found.map_err(|error| StoreError::of(ErrorKind::Input, &location.text, &error))?;
        let keys = found.objects.iter().map(|object| &object.location).chain(&found.common_prefixes);
        names.extend(keys.filter_map(|key| location.relative(key).map(str::to_owned)));
    } else {
        match fs::read_dir(folder) {
            Ok(entries) => {
                let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
                let all = entries.map(|entry| entry.map(name)).collect::<io::Result<Vec<_>>>();
                names = all.map_err(Error::io)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(error)),
        }
    }
    names.sort();
    Ok(names)
}

/// Copies a file to a disk.
pub(crate) fn fetch(from: &Path, to: &Path) -> Result<()> {
    if !is_url(from) {
        return fs::copy(from, to).map(|_| ()).map_err(Error::io);
    }
    let mut file = fs::File::create(to).map_err(Error::io)?;
    let blob = Blob::open(from)?;
    io::copy(&mut blob.reader(0), &mut file).map(|_| ()).map_err(Error::io)
}

/// What lies in a folder itself, by name.
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

/// What a pattern picks, by name.
pub(crate) fn glob(pattern: &Path) -> Result<Vec<PathBuf>> {
    if is_url(pattern) {
        let (folder, objects) = Location::of(pattern)?.glob()?;
        return Ok(objects.iter().map(|object| folder.path_of(&object.location)).collect());
    }
    let text = pattern.to_string_lossy();
    let found = glob::glob(&text).map_err(|error| Error::usage(format!("{text}: {error}")))?;
    let all = found.collect::<std::result::Result<Vec<PathBuf>, _>>();
    all.map_err(|error| Error::io(error.into()))
}

/// Fails for a URL that can only be read.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    if is_url(path) { Location::of(path)?.check_writable() } else { Ok(()) }
}

/// Makes a folder; in a store there is nothing to make.
pub(crate) fn create_dir_all(folder: &Path) -> Result<()> {
    if is_url(folder) {
        return check_writable(folder);
    }
    fs::create_dir_all(folder).map_err(Error::io)
}

/// Takes a file away, if it is there.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    if is_url(path) {
        let location = Location::of(path)?;
        return remove_objects(&location, vec![location.key.clone()]);
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(error)),
        _ => Ok(()),
    }
}

/// Takes a file or a folder with all that is in it away, if it is there.
pub(crate) fn remove_all(path: &Path) -> Result<()> {
    if is_url(path) {
        let location = Location::of(path)?;
        let mut keys: Vec<_> = location.objects()?.into_iter().map(|object| object.location).collect();
        if is_file(path)? {
            keys.push(location.key.clone());
        }
        return remove_objects(&location, keys);
    }
    let removed = if is_dir(path)? { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(error)),
        _ => Ok(()),
    }
}

fn remove_objects(location: &Location, keys: Vec<object_store::path::Path>) -> Result<()> {
    location.check_writable()?;
    keys.chunks(REMOVED_TOGETHER).try_for_each(|keys| {
        check_held(&location.text)?;
        remove_keys(location, keys.to_vec())
    })
}

fn remove_keys(location: &Location, keys: Vec<object_store::path::Path>) -> Result<()> {
    let at = location.clone();
    let removed = wait(async move {
        let each = keys.into_iter().map(|key| {
            let (store, text) = (at.store.clone(), at.path_of(&key).to_string_lossy().into_owned());
            async move {
                forget(&text);
                match store.delete(&key).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                    Err(error) => Err(StoreError::of(ErrorKind::Output, &text, &error)),
                }
            }
        });
        futures_util::stream::iter(each).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await
    })?;
    removed?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use object_store::PutPayload;
    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn the_mark_of_a_folder_is_passed_over_and_an_object_that_has_gone_is_not() {
        let (text, root) = ("s3://b/in".to_owned(), "s3://b".to_owned());
        let location =
            Location { store: Arc::new(InMemory::new()), key: "in".into(), text, root, kind: Kind::Amazon };
        let at = location.clone();
        wait(async move { at.store.put(&"in/a.jsonl".into(), PutPayload::from(vec![1; 3])).await })
            .unwrap()
            .unwrap();
        let there = location.objects().unwrap();
        let listed = |name: &str, size| ObjectMeta { location: name.into(), size, ..there[0].clone() };
        let found = location.heads(vec![there[0].clone(), listed("in/mark.jsonl", 0)]).unwrap();
        assert_eq!(found, there);
        let error = location.heads(vec![listed("in/gone.jsonl", 7)]).unwrap_err();
        assert!(error.to_string().contains("s3://b/in/gone.jsonl: no such object"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_missing() {
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
