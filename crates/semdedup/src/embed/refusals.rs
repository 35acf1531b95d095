//! Tells a model that refuses every text from a model that refuses a few.

use arrow_array::Array;

use crate::embed::embed_batch::DoneTask;
use crate::error::{Error, ErrorKind, Result};
use crate::input::find::Input;
use crate::workdir::parts::PartRecord;

/// The number of texts after which a model that has refused all of them is at fault itself.
const MOST_AT_FIRST: usize = 32;

/// What a model has made of the rows so far, in the order of the rows.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Whether it has embedded a row.
    embedded: bool,
    /// Whether there is a row that is not skipped.
    kept: bool,
    refused: usize,
    /// The first refused row: its place and the reason.
    first: String,
}

impl Refusals {
    /// Begins after the stored parts.
    pub(super) fn after(done: &[PartRecord]) -> Self {
        let rows: u64 = done.iter().map(PartRecord::rows).sum();
        let reused: u64 = done.iter().map(|record| record.reused).sum();
        let skipped: u64 = done.iter().map(|record| record.skipped.len() as u64).sum();
        let empty: u64 = done.iter().map(|record| record.empty).sum();
        Self { embedded: rows > skipped + empty + reused, kept: rows > skipped, ..Self::default() }
    }

    /// Whether the model has not embedded a row yet. Until then few rows are embedded at a time,
    /// because a refused text takes several requests.
    pub(super) fn is_unproven(&self) -> bool {
        !self.embedded
    }

    /// Counts the rows of the next task.
    ///
    /// # Errors
    /// If the model has refused all of the first texts.
    pub(super) fn add(&mut self, done: &DoneTask, input: &Input) -> Result<()> {
        let rows = &done.embedded.rows;
        let (count, bad) = (rows.texts.len(), rows.bad.len());
        self.kept |= count > bad;
        self.embedded |= count > bad + rows.empty + done.embedded.reused;
        let refused = &done.embedded.refused;
        if self.refused == 0
            && let Some(row) = refused.first()
        {
            let bad = rows.bad.iter().find(|bad| bad.row == *row);
            let reason = bad.map_or("", |bad| bad.reason.as_str());
            self.first = format!("{} row {row}: {reason}", input.files[done.task.file].name);
        }
        self.refused += refused.len();
        if !self.embedded && self.refused >= MOST_AT_FIRST { self.fail() } else { Ok(()) }
    }

    /// Fails if the model has refused all texts, and nothing else is left.
    pub(super) fn check_all(&self) -> Result<()> {
        if self.refused > 0 && !self.kept { self.fail() } else { Ok(()) }
    }

    fn fail(&self) -> Result<()> {
        let problem =
            format!("the model could not embed any of the first {} texts; {}", self.refused, self.first);
        Err(Error::new(ErrorKind::Model, problem).hint(HINT))
    }
}

const HINT: &str = "see that the model and its settings suit the texts, then run the same command line again; nothing was \
                    skipped for it yet";
