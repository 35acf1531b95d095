//! The sums of the arrays of a stage, in a file beside them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::{is_url, read};
use crate::workdir::sealed::{check_seal, write_sealed};
use crate::workdir::sums::{damaged, shown, sum_of_embeddings};

/// The name of the file.
const NAME: &str = "sums.json";

/// The sums of the arrays of a stage, by the names of their files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct StageSums {
    sums: BTreeMap<String, String>,
}

impl StageSums {
    /// Adds the sum of a file, as the writer of the array returns it.
    pub(crate) fn with(mut self, name: &str, sum: &Xxh3) -> Self {
        self.sums.insert(name.to_owned(), shown(sum));
        self
    }

    /// Writes the sums into the folder of the stage.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        write_sealed(&folder.join(NAME), self)
    }

    /// Reads the sums in the folder of a stage; those of an earlier version are empty.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let json = match read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io(error)),
        };
        check_seal(&path, &json).map_err(|error| error.hint(again(folder)))?;
        serde_json::from_slice(&json).map_err(|error| Error::work(&path, error).hint(again(folder)))
    }

    /// Fails if a file in the folder is missing, or is no more as it was written. An object of a store
    /// is not read for it: the store checks its bytes itself.
    pub(crate) fn check(&self, folder: &Path, name: &str) -> Result<()> {
        let path = folder.join(name);
        let Some(recorded) = self.sums.get(name).filter(|_| !is_url(&path)) else { return Ok(()) };
        match sum_of_embeddings(&path) {
            Ok(sum) if sum == *recorded => Ok(()),
            Ok(_) => Err(damaged(&path).hint(again(folder))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(Error::work(&path, "is missing").hint(again(folder)))
            }
            Err(error) => Err(Error::io(error)),
        }
    }
}

/// Says what to do if the results of a stage are damaged. Each stage makes the same result again.
pub(crate) fn again(folder: &Path) -> String {
    format!("delete {}: what is in it is then computed again from the embeddings", folder.display())
}
