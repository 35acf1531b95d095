//! Reports the progress and the warnings of a run. The library never prints: callers pass a
//! [`Progress`].

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

use crate::warning::Warning;

/// The stages of a run, in order. Each reads the files of the stages before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Reads the rows and embeds them.
    Embed,
    /// Trains the centroids on a sample.
    Train,
    /// Finds the cluster of each row.
    Assign,
    /// Reads the column on which compared rows agree, if there is one.
    Within,
    /// Reads the columns that say which row of a set of duplicates stays, if there are any.
    Rank,
    /// Compares the rows of each cluster.
    Score,
    /// Compares a sample with all rows.
    Recall,
    /// Finds all pairs of similar rows, if they are asked for.
    Pairs,
    /// Decides which rows go.
    Select,
    /// Writes the kept rows.
    Write,
}

impl Stage {
    /// All stages, in order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Embed,
        Self::Train,
        Self::Assign,
        Self::Within,
        Self::Rank,
        Self::Score,
        Self::Recall,
        Self::Select,
        Self::Write,
    ];

    /// Returns the name in messages, in the manifest and in `summary.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Train => "train",
            Self::Assign => "assign",
            Self::Within => "within",
            Self::Rank => "rank",
            Self::Score => "score",
            Self::Recall => "recall",
            Self::Pairs => "pairs",
            Self::Select => "select",
            Self::Write => "write",
        }
    }
}

/// Receives the progress and the warnings of a run, and can stop it. Its methods are called from one
/// thread at a time, except [`should_stop`](Self::should_stop).
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use semdedup::{ErrorKind, Progress, Run, Stage, Warning};
///
/// /// Stops a run when the training begins.
/// struct UntilTraining(AtomicBool);
///
/// impl Progress for UntilTraining {
///     fn begin(&self, stage: Stage, _: &'static str, _: u64) {
///         self.0.fetch_or(stage == Stage::Train, Ordering::Relaxed);
///     }
///     fn advance(&self, _: u64) {}
///     fn end(&self, _: Stage, _: bool) {}
///     fn warn(&self, _: &Warning) {}
///     fn should_stop(&self) -> bool {
///         self.0.load(Ordering::Relaxed)
///     }
/// }
///
/// # fn main() -> semdedup::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (input, out) = (folder.path().join("rows.txt"), folder.path().join("out"));
/// std::fs::write(&input, "A cat sat.\na  cat sat.\nPrices rose.\n").unwrap();
/// let run = Run::builder([input.display().to_string()], &out).build()?;
/// let stopped = run.run(&UntilTraining(false.into())).unwrap_err();
/// assert_eq!(stopped.kind(), ErrorKind::Stopped);
///
/// // The same run continues where it was stopped.
/// let summary = run.run(&semdedup::Silent)?;
/// assert_eq!(summary.reused_stages, ["embed"]);
/// # Ok(())
/// # }
/// ```
pub trait Progress: Sync {
    /// Is called when a stage begins. Its work is `total` of `unit` ("bytes", "rows").
    fn begin(&self, stage: Stage, unit: &'static str, total: u64);
    /// Is called when `units` more of the stage's work are done.
    fn advance(&self, units: u64);
    /// Is called when the stage is done; `reused` says whether an earlier run had done it.
    fn end(&self, stage: Stage, reused: bool);
    /// Is called with something that the user should know. The run continues.
    fn warn(&self, warning: &Warning);
    /// Returns whether to stop. The run then ends with an error of the kind
    /// [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) within a fifth of a second, or when the model,
    /// the disk or the store has returned from the call that the run waits for. What was done is kept,
    /// and the same run continues there. This is asked from any thread, and often, so it must return
    /// at once.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Asks a [`Progress`] whether to stop, and remembers that it said so.
pub(crate) struct StopSignal<'a> {
    progress: &'a dyn Progress,
    is_set: AtomicBool,
}

impl<'a> StopSignal<'a> {
    pub(crate) fn new(progress: &'a dyn Progress) -> Self {
        Self { progress, is_set: AtomicBool::new(false) }
    }

    /// Returns whether the run is to stop.
    pub(crate) fn is_set(&self) -> bool {
        if !self.is_set.load(Ordering::Relaxed) && self.progress.should_stop() {
            self.is_set.store(true, Ordering::Relaxed);
        }
        self.is_set.load(Ordering::Relaxed)
    }

    /// Fails if the run is to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_set() { Err(stopped()) } else { Ok(()) }
    }
}

/// The error of a run that was told to stop.
pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "stopped")
        .hint("run the same again: what was finished and stored is not done twice")
}

/// Reports nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Stage, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self, _: Stage, _: bool) {}
    fn warn(&self, _: &Warning) {}
}
