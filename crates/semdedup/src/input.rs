//! What a run reads: the files that the user named, with the columns that count.

use std::path::PathBuf;

use serde::Serialize;

use crate::formats::{Columns, InputFile, ReadLimits, resolve_columns, survey};
use crate::options::InputOptions;
use crate::Result;

/// The input of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Input {
    pub(crate) files: Vec<InputFile>,
    /// For each file.
    pub(crate) columns: Vec<Columns>,
    pub(crate) limits: ReadLimits,
    #[serde(skip)]
    pub(crate) strict: bool,
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
}
