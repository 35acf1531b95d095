//! Reads and copies whole files and objects.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fs_err as fs;
use futures_util::{StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::storage::blob::Blob;
use crate::storage::client::wait;
use crate::storage::heads::MAX_REQUESTS;
use crate::storage::location::{Location, is_url};

/// Reads many small objects at the same time and returns their bytes, in the given order.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Bytes>> {
    let locations = paths.iter().map(|path| Location::of(path)).collect::<Result<Vec<_>>>()?;
    let found = wait(async move {
        let reads = locations.into_iter().map(|at| async move { at.read().await });
        futures_util::stream::iter(reads).buffered(MAX_REQUESTS).try_collect::<Vec<_>>().await
    })?;
    Ok(found?)
}

/// Reads a small file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !is_url(path) {
        return fs::read(path);
    }
    let location = Location::of(path).map_err(io::Error::other)?;
    let found = wait(async move { location.read().await }).map_err(io::Error::other)?;
    Ok(found?.to_vec())
}

/// Copies a file or an object to a file on the disk.
pub(crate) fn fetch(from: &Path, to: &Path) -> Result<()> {
    if !is_url(from) {
        return fs::copy(from, to).map(|_| ()).map_err(Error::io);
    }
    let mut file = fs::File::create(to).map_err(Error::io)?;
    let blob = Blob::open(from)?;
    io::copy(&mut blob.reader(0), &mut file).map(|_| ()).map_err(Error::io)
}
