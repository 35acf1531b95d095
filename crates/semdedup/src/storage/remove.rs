//! Removes files, objects and folders.

use std::io;
use std::path::Path;

use fs_err as fs;
use futures_util::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::cached_object::forget;
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::folder::{is_dir, is_file};
use crate::storage::heads::MAX_REQUESTS;
use crate::storage::location::{Location, is_url};
use crate::storage::lock::check_held;

/// Objects that are removed before the lock is checked again.
const OBJECTS_PER_LOCK_CHECK: usize = 1000;

/// Removes a file, if it exists.
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

/// Removes a file, or a folder with everything in it, if it exists.
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

fn remove_objects(location: &Location, keys: Vec<Key>) -> Result<()> {
    location.check_writable()?;
    keys.chunks(OBJECTS_PER_LOCK_CHECK).try_for_each(|keys| {
        check_held(&location.text)?;
        remove_keys(location, keys.to_vec())
    })
}

fn remove_keys(location: &Location, keys: Vec<Key>) -> Result<()> {
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
        futures_util::stream::iter(each).buffer_unordered(MAX_REQUESTS).try_collect::<Vec<()>>().await
    })?;
    removed?;
    Ok(())
}
