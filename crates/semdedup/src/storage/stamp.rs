//! Tells whether a file or an object has changed since it was found.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use object_store::ObjectMeta;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::storage::heads::heads;
use crate::storage::location::{Location, is_url};

/// The size, time and identity of a file, by which a change is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    pub(crate) modified_ns: u128,
    pub(crate) identity: [u64; 2],
}

impl Stamp {
    pub(crate) fn new(bytes: u64, modified_ns: u128, identity: [u64; 2]) -> Self {
        Self { bytes, modified_ns, identity }
    }

    /// Reads the stamp of a file or an object as it is now.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        if is_url(path) {
            return Ok(Self::of_object(&Location::of(path)?.head()?));
        }
        let metadata = std::fs::metadata(path)
            .map_err(|error| Error::input(path, error).hint("put the file back where it was read"))?;
        Self::from_metadata(path, &metadata)
    }

    /// Makes the stamp of a file on the disk from its metadata.
    pub(crate) fn from_metadata(path: &Path, metadata: &std::fs::Metadata) -> Result<Self> {
        let modified_ns = modified_ns(metadata).map_err(|error| Error::input(path, error))?;
        Ok(Self { bytes: metadata.len(), modified_ns, identity: identity(metadata) })
    }

    /// Fails if the file has changed.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        self.compare(path, &Self::of(path)?)
    }

    /// Fails if any of the files has changed. All objects in stores are checked at the same time.
    pub(crate) fn check_all(files: &[(PathBuf, Self)]) -> Result<()> {
        let (remote, local): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| is_url(path));
        local.into_iter().try_for_each(|(path, stamp)| stamp.check(path))?;
        let locations = remote.iter().map(|(path, _)| Location::of(path)).collect::<Result<Vec<_>>>()?;
        let now = heads(locations)?;
        remote
            .into_iter()
            .zip(&now)
            .try_for_each(|((path, stamp), now)| stamp.compare(path, &Self::of_object(now)))
    }

    /// Fails if `now` is not the stamp of the same file.
    pub(crate) fn compare(&self, path: &Path, now: &Self) -> Result<()> {
        let changed = |how: &str| {
            let problem = format!("changed since it was read{how}");
            Err(Error::input(path, problem).hint("start again, or put the file back as it was"))
        };
        if now.bytes != self.bytes {
            changed(&format!(": {} bytes then, {} now", self.bytes, now.bytes))
        } else if now.modified_ns != self.modified_ns {
            changed(&format!(": modified at {} ns then, at {} ns now", self.modified_ns, now.modified_ns))
        } else if now.identity != self.identity {
            changed(", or was replaced")
        } else {
            Ok(())
        }
    }

    /// Makes the stamp of an object. Stores round the time to seconds in some of their answers; its
    /// tag tells versions apart.
    pub(crate) fn of_object(meta: &ObjectMeta) -> Self {
        let seconds = u128::try_from(meta.last_modified.timestamp()).unwrap_or(0);
        Self::new(meta.size, seconds * 1_000_000_000, [tag(meta).map_or(0, |tag| xxh3_64(tag.as_bytes())), 0])
    }
}

/// Returns the modification time in nanoseconds since 1970, or 0 for an earlier time.
fn modified_ns(metadata: &Metadata) -> std::io::Result<u128> {
    Ok(metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()))
}

/// Returns when a file on the disk was last changed, in milliseconds since 1970. On Unix this is the
/// time of the last change of anything about it: a copy that keeps the time of the modification
/// changes it too.
pub(crate) fn changed_ms(metadata: &Metadata) -> std::io::Result<u64> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let changed = metadata.ctime().saturating_mul(1000).saturating_add(metadata.ctime_nsec() / 1_000_000);
        Ok(u64::try_from(changed).unwrap_or(0))
    }
    #[cfg(not(unix))]
    Ok(u64::try_from(modified_ns(metadata)? / 1_000_000).unwrap_or(u64::MAX))
}

/// Returns what tells a file from another one of the same size and modification time: on Unix its
/// inode and the time of its last change, elsewhere zeros.
fn identity(metadata: &Metadata) -> [u64; 2] {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let changed = metadata.ctime().wrapping_mul(1_000_000_000).wrapping_add(metadata.ctime_nsec());
        [metadata.ino(), changed.cast_unsigned()]
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        [0, 0]
    }
}

/// Returns the tag of an object without the quotes and the mark `W/` that some answers add.
pub(super) fn tag(meta: &ObjectMeta) -> Option<&str> {
    let tag = meta.e_tag.as_deref()?;
    Some(tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"'))
}
