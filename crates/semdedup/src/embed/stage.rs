//! The embedding stage reads the rows of all files, embeds them, and writes both in parts.
//!
//! A row that cannot be read has an embedding of NaN, so that a row has the same number in the
//! input and in the files of the stage. `parts.rs` describes the parts.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::embed::embed_batch::{DoneTask, embed_batch};
use crate::embed::embedder::{Embedder, embed_fingerprint};
use crate::embed::part_writer::PartWriter;
use crate::embed::refusals::Refusals;
use crate::embed::source::Source;
use crate::embed::tasks::{ResumePoint, Task, TaskReader, next_batch};
use crate::error::{Error, Result};
use crate::input::find::Input;
use crate::input::provided::ProvidedEmbeddings;
use crate::progress::{Progress, Stage, StopSignal};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{PartRecord, discard_parts, finish_discarding, read_records, remove_behind};

/// Embeds all rows of the input that are not in a part yet.
pub(crate) fn embed_parts(
    input: &Input,
    embedder: Embedder,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    let stage = embed_fingerprint(input, embedder)?;
    let embedded = EmbedRun::prepare(input, embedder, folder, &stage).and_then(|run| run.embed(progress));
    if embedded.is_err() && input.check_unchanged().is_err() {
        // Parts may hold rows of a file that changed in the meantime. If the file is put back as it
        // was, nothing would notice them.
        discard_parts(folder, &stage)?;
    }
    embedded
}

/// A run of the embedding stage.
struct EmbedRun<'a> {
    input: &'a Input,
    source: Source<'a>,
    folder: &'a Path,
    stage: &'a Fingerprint,
    dim: usize,
    /// The records of the parts that an earlier run stored.
    done: Vec<PartRecord>,
}

impl<'a> EmbedRun<'a> {
    /// Opens the source, and leaves in the folder only the stored parts of this stage.
    fn prepare(
        input: &'a Input,
        embedder: Embedder<'a>,
        folder: &'a Path,
        stage: &'a Fingerprint,
    ) -> Result<Self> {
        let source = Source::open(input, embedder)?;
        input.check_unchanged()?;
        finish_discarding(folder, stage)?;
        let done = read_records(folder, stage)?;
        remove_behind(folder, done.len(), stage)?;
        input.record(folder)?;
        Ok(Self { input, source, folder, stage, dim: embedder.dim(input), done })
    }

    /// Embeds the rows after the stored parts. One thread reads, all embed, and one writes.
    fn embed(&self, progress: &dyn Progress) -> Result<()> {
        progress.begin(Stage::Embed, "bytes", self.input.bytes());
        let bytes_read = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let threads = rayon::current_num_threads();
            let (sender, tasks) = sync_channel(2 * threads);
            let reader = TaskReader::new(self.input, &self.source, sender, &bytes_read);
            let start = ResumePoint::after(&self.done);
            let reader = scope.spawn(move || reader.read_from(&start));
            let part = PartWriter::after(&self.done, self.folder, self.stage, self.dim)?;
            let (out, done_tasks) = sync_channel(2 * threads);
            let writer = scope.spawn(move || part.append_all(&done_tasks));
            let mut shown = ShownProgress { progress, bytes_read: &bytes_read, shown: 0 };
            let mut refusals = Refusals::after(&self.done);
            let failure = self.embed_tasks(&tasks, &out, &mut shown, &mut refusals);
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
        refusals: &mut Refusals,
    ) -> Option<Error> {
        let most = 4 * rayon::current_num_threads();
        let stop = StopSignal::new(shown.progress);
        loop {
            let one_by_one = refusals.is_unproven() && self.source.rows_per_checkpoint().is_some();
            let most = if one_by_one { 1 } else { most };
            let Some(batch) = next_batch(tasks, most, self.source.rows_at_once()) else {
                return refusals.check_all().err();
            };
            let embedded = embed_batch(batch, self.input, &self.source, &stop);
            for done in embedded.done {
                if let Err(failure) = refusals.add(&done, self.input) {
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
