//! Records which files a run is putting into place, so that the next run knows them after a kill.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::storage::atomic::write_atomically;
use crate::storage::marks::{RECORD, UNFINISHED};
use crate::storage::{is_file, read};
use crate::summary::SUMMARY;
use crate::write::publish::Sent;

/// The record of a result that is being put into place. It is there only from before the first file
/// moves until the summary is written.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct CommitRecord {
    /// The files of the old result and of the new one, relative to the output folder.
    pub(super) files: BTreeSet<PathBuf>,
    /// The hashes of the files of a result for a store, once the old result is gone.
    #[serde(default)]
    pub(super) sent: Sent,
}

impl CommitRecord {
    /// Reads the record of a run that was killed while it put its result into place; an empty
    /// record if there was none.
    pub(super) fn read(out: &Path) -> Result<Self> {
        // Once the summary is there, it is the record, and the remains of the unfinished folder do
        // not count.
        if is_file(&out.join(SUMMARY))? {
            return Ok(Self::default());
        }
        let record = read(&out.join(UNFINISHED).join(RECORD)).unwrap_or_default();
        Ok(serde_json::from_slice(&record).unwrap_or_default())
    }

    /// Writes the record.
    pub(super) fn write(&self, out: &Path) -> Result<()> {
        let json = serde_json::to_vec(self).map_err(|error| Error::output(out, error))?;
        write_atomically(&out.join(UNFINISHED).join(RECORD), &json)
    }
}
