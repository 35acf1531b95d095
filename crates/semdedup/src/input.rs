//! What a run reads: the files that the user named, with the columns that count.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::formats::{Columns, InputFile, ReadLimits, resolve_columns, survey};
use crate::options::InputOptions;
use crate::{Error, Result};

/// The rows of a part: small enough that little is done twice after a kill, large enough that files are few.
const PART_ROWS: u64 = 1 << 17;

fn default_part_rows() -> u64 {
    PART_ROWS
}

/// The input of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) files: Vec<InputFile>,
    /// For each file.
    pub(crate) columns: Vec<Columns>,
    pub(crate) limits: ReadLimits,
    #[serde(skip)]
    pub(crate) strict: bool,
    /// The rows of a part of the embedding stage; no result depends on it.
    #[serde(skip, default = "default_part_rows")]
    pub(crate) part_rows: u64,
    /// Files of other formats that were passed over in folders.
    #[serde(skip)]
    pub(crate) unknown_files: u64,
}

impl Input {
    /// Finds the files, none in the folders that the run writes, and the columns in them.
    pub(crate) fn find(options: &InputOptions, written: &[PathBuf]) -> Result<Self> {
        let found = survey(&options.inputs, written)?;
        let columns = resolve_columns(&found.files, &options.columns)?;
        Ok(Self {
            files: found.files,
            columns,
            limits: options.limits,
            strict: options.strict,
            part_rows: PART_ROWS,
            unknown_files: found.skipped.unknown as u64,
        })
    }

    /// The size of all files on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether rows are named by a column of ids.
    pub(crate) fn has_ids(&self) -> bool {
        self.columns.iter().any(|columns| columns.id.is_some())
    }

    /// Writes down in the embedding stage's folder what was read, for looking at texts later, from any folder.
    pub(crate) fn record(&self, folder: &Path) -> Result<()> {
        let mut files = self.files.clone();
        for file in &mut files {
            file.path = std::path::absolute(&file.path).map_err(Error::io)?;
        }
        let recorded = Self { files, columns: self.columns.clone(), ..*self };
        let json = serde_json::to_vec(&recorded).map_err(|error| Error::work(folder, error))?;
        write_atomically(&folder.join("input.json"), &json)
    }

    /// What an embedding stage read.
    pub(crate) fn recorded(folder: &Path) -> Result<Self> {
        let path = folder.join("input.json");
        let bytes = fs_err::read(&path).map_err(Error::io)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::work(&path, error))
    }
}
