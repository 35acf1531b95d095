//! The embedding stage reads the rows of all files, embeds them, and writes both in parts.
//!
//! A row that cannot be read has an embedding of NaN, so that a row has the same number in the
//! input and in the files of the stage. `parts.rs` describes the parts.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use crate::comparison::Comparison;
use crate::embed::dataset::Dataset;
use crate::embed::embed_batch::{DoneTask, Embedding};
use crate::embed::embedder::{Embedder, embed_fingerprint};
use crate::embed::id_check::check_ids;
use crate::embed::part_writer::{Made, PartWriter};
use crate::embed::refusals::Refusals;
use crate::embed::seen::Seen;
use crate::embed::source::Source;
use crate::embed::stored::{StoredEmbeddings, contained_in};
use crate::embed::tasks::{ResumePoint, Task, TaskReader, next_batch};
use crate::error::{Error, Result};
use crate::input::find::Input;
use crate::input::provided::ProvidedEmbeddings;
use crate::progress::{Progress, Stage, StopSignal};
use crate::workdir::embeddings::Replaces;
use crate::workdir::parts::{PartRecord, read_records, remove_behind};
use crate::workdir::work_dir::WorkDir;

/// Runs the embedding stage in a work directory, unless it is done, and opens its rows. Embeddings
/// that the same model has made there for other rows are not made again. They stay, unless these
/// rows contain them or `overwrite` says that they may go.
pub(crate) fn embed_stage(
    work: &mut WorkDir,
    input: &Input,
    embedder: Embedder,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<Dataset> {
    let stage = embed_fingerprint(input, embedder)?;
    let described = input.embedded_rows(&Comparison::of(input, embedder), embedder.model());
    work.announce_embeddings(described, Replaces { fingerprint: &stage, overwrite })?;
    let (folder, others) = (work.folder(Stage::Embed), work.other_embeddings());
    let earlier_parts = Cell::new(usize::MAX);
    let embedded = work.stage(Stage::Embed, &stage, progress, |folder| {
        let run = EmbedRun::prepare(input, embedder, &Folders { folder, others: &others })?;
        earlier_parts.set(run.done.len());
        run.embed(progress)
    });
    let is_new = match embedded {
        Ok(is_new) => is_new,
        Err(failure) => {
            // Parts may hold rows of a file that changed in the meantime. If the file is put back as
            // it was, nothing would notice them.
            if input.check_unchanged().is_err() {
                work.disown_embeddings()?;
            }
            return Err(failure);
        }
    };
    let mut dataset = Dataset::open(input, &folder, &stage)?;
    dataset.earlier_parts = earlier_parts.get();
    if overwrite {
        work.retire_embeddings(&others)?;
    } else if is_new {
        work.retire_embeddings(&contained_in(&folder, &others)?)?;
    }
    Ok(dataset)
}

/// The most tasks of a batch for each thread. As many wait to be embedded, so that the next batch is as
/// large; the threads wait for each other at its end.
const TASKS_PER_THREAD: usize = 4;

/// The folder of an embedding stage, and those of others in the same work directory.
struct Folders<'a> {
    folder: &'a Path,
    others: &'a [PathBuf],
}

/// Embeds all rows of the input that are not in a part yet, in a folder alone.
#[cfg(test)]
fn embed_parts(input: &Input, embedder: Embedder, folder: &Path, progress: &dyn Progress) -> Result<()> {
    EmbedRun::prepare(input, embedder, &Folders { folder, others: &[] })?.embed(progress)
}

/// A run of the embedding stage.
struct EmbedRun<'a> {
    input: &'a Input,
    source: Source<'a>,
    folder: &'a Path,
    made: Made,
    /// The records of the parts that an earlier run stored.
    done: Vec<PartRecord>,
}

impl<'a> EmbedRun<'a> {
    /// Opens the source, and leaves in the folder only the stored parts of this stage.
    fn prepare(input: &'a Input, embedder: Embedder<'a>, folders: &Folders<'a>) -> Result<Self> {
        let &Folders { folder, others } = folders;
        let stage = embed_fingerprint(input, embedder)?;
        let (model, dim) = (embedder.model(), embedder.dim(input));
        let mut source = Source::open(input, embedder)?;
        input.check_unchanged()?;
        let done = read_records(folder, &stage)?;
        remove_behind(folder, done.len(), &stage)?;
        if done.is_empty() && source.rows_per_checkpoint().is_some() {
            check_ids(input)?;
        }
        source.reuse(|| StoredEmbeddings::find(others, model.as_deref().unwrap_or_default()))?;
        input.record(folder)?;
        Ok(Self { input, source, folder, made: Made { stage, model, dim }, done })
    }

    /// Embeds the rows after the stored parts. One thread reads, all embed, and one writes.
    fn embed(&self, progress: &dyn Progress) -> Result<()> {
        progress.begin(Stage::Embed, "bytes", self.input.bytes());
        let bytes_read = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let threads = rayon::current_num_threads();
            let (sender, tasks) = sync_channel(TASKS_PER_THREAD * threads);
            let reader = TaskReader::new(self.input, &self.source, sender, &bytes_read);
            let start = ResumePoint::after(&self.done);
            let reader = scope.spawn(move || reader.read_from(&start));
            let part = PartWriter::after(&self.done, self.folder, &self.made)?;
            let (out, done_tasks) = sync_channel(2 * threads);
            let (stored, stored_rows) = channel();
            let writer = scope.spawn(move || part.append_all(&done_tasks, &stored));
            let mut shown = ShownProgress { progress, bytes_read: &bytes_read, shown: 0 };
            let mut refusals = Refusals::after(&self.done);
            let seen = self.source.seen(&self.done, self.folder)?;
            let mut known = Known { refusals: &mut refusals, seen, stored_rows };
            let failure = self.embed_tasks(&tasks, &out, &mut shown, &mut known);
            drop(known);
            drop((tasks, out));
            let part = writer.join().map_err(|_| Error::usage("the writing thread failed"))??;
            reader.join().map_err(|_| Error::usage("the reading thread failed"))??;
            if let Some(failure) = failure {
                // The rows that were embedded before the failure may have been expensive. If there
                // are none, nothing is stored: the refused rows may have been refused wrongly.
                if part.rows > 0 && !refusals.is_unproven() {
                    part.commit()?;
                }
                return Err(failure);
            }
            progress.advance(self.input.bytes().saturating_sub(shown.shown));
            self.close(part)
        })
    }

    /// Embeds tasks, in batches, until there are no more or one fails. Returns the failure.
    fn embed_tasks(
        &self,
        tasks: &Receiver<Task>,
        out: &SyncSender<DoneTask>,
        shown: &mut ShownProgress,
        known: &mut Known,
    ) -> Option<Error> {
        let most = TASKS_PER_THREAD * rayon::current_num_threads();
        let stop = StopSignal::new(shown.progress);
        loop {
            let one_by_one = known.refusals.is_unproven() && self.source.rows_per_checkpoint().is_some();
            let most = if one_by_one { 1 } else { most };
            let Some(batch) = next_batch(tasks, most, self.source.rows_at_once()) else {
                return known.refusals.check_all().err();
            };
            let embedding = Embedding { input: self.input, source: &self.source, stop: &stop };
            let embedded = embedding.embed_batch(batch, known.seen());
            for done in embedded.done {
                if let Err(failure) = known.refusals.add(&done, self.input) {
                    return Some(failure);
                }
                if out.send(done).is_err() {
                    // The writer has failed. Joining it returns its error.
                    return None;
                }
            }
            if embedded.failure.is_some() {
                return embedded.failure;
            }
            shown.update();
        }
    }

    /// Commits the last part, and records that the parts are complete.
    fn close(&self, mut part: PartWriter) -> Result<()> {
        // Provided embeddings are read until the end. They are checked once more before the last
        // part is committed.
        self.input.given.iter().try_for_each(ProvidedEmbeddings::check_unchanged)?;
        if part.rows > 0 || part.number == 0 {
            part = part.commit()?;
        }
        part.close()
    }
}

/// What is known of the rows so far.
struct Known<'a> {
    refusals: &'a mut Refusals,
    /// The contents that are embedded; none if equal rows are not looked up.
    seen: Option<Seen>,
    /// The numbers of rows that are stored, each time that a part ends.
    stored_rows: Receiver<u64>,
}

impl Known<'_> {
    /// Returns the contents that are embedded, after it has let go of the rows that are stored.
    fn seen(&mut self) -> Option<&mut Seen> {
        let seen = self.seen.as_mut()?;
        self.stored_rows.try_iter().for_each(|rows| seen.store_until(rows));
        Some(seen)
    }
}

/// The progress that the user has seen.
struct ShownProgress<'a> {
    progress: &'a dyn Progress,
    bytes_read: &'a AtomicU64,
    /// The bytes that were shown.
    shown: u64,
}

impl ShownProgress<'_> {
    /// Shows the bytes that were read since the last time.
    fn update(&mut self) {
        let now = self.bytes_read.load(Ordering::Relaxed);
        self.progress.advance(now.saturating_sub(self.shown));
        self.shown = now.max(self.shown);
    }
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod image_tests;
#[cfg(test)]
#[path = "refusal_tests.rs"]
mod refusal_tests;
#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
