//! Notices that the files of a command change while it reads them in several passes.

use std::path::PathBuf;

use crate::arrays::place::file_of;
use crate::error::{Error, Result};
use crate::storage::{Stamp, is_url};

/// The files that a command reads, as they were before it opened them.
///
/// Only files on a disk are here: an object of a store is read in the version that was opened, by
/// its tag, or not at all.
pub(super) struct StampedFiles(Vec<(PathBuf, Stamp)>);

impl StampedFiles {
    /// Takes the stamps of the files of these places. Call it before the first of them is opened.
    ///
    /// # Errors
    /// Fails if a file is missing.
    pub(super) fn take<'a>(places: impl IntoIterator<Item = &'a PathBuf>) -> Result<Self> {
        let stamped = |path: PathBuf| {
            let metadata = fs_err::metadata(&path).map_err(Error::io)?;
            let stamp = Stamp::from_metadata(&path, &metadata)?;
            Ok((path, stamp))
        };
        let files = places.into_iter().map(|place| file_of(place)).filter(|path| !is_url(path));
        Ok(Self(files.map(stamped).collect::<Result<_>>()?))
    }

    /// Fails if one of the files has changed since.
    pub(super) fn check(&self) -> Result<()> {
        Stamp::check_all(&self.0)
    }
}

#[cfg(test)]
#[path = "stamped_case.rs"]
pub(super) mod case;
