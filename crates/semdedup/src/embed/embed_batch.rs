//! Embeds tasks in parallel. Where a row costs much, equal rows are embedded once.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::embed::embed_task::{ReadTask, TaskEmbeddings};
use crate::embed::outcome::EmbedOutcome;
use crate::embed::seen::{Origin, Seen};
use crate::embed::source::Source;
use crate::embed::tasks::Task;
use crate::error::{Error, Result};
use crate::formats::BadRow;
use crate::input::find::Input;
use crate::progress::StopSignal;
use crate::workdir::contents::Content;

/// The bytes of images from elsewhere (see `linked.rs`) after which no more tasks are read before
/// those that were read are embedded. Tasks of small images wait for each other less often this way
/// than with one task for each thread, and those of large ones take no more memory.
const LINKED_BYTES_PER_THREAD: usize = 4 << 20;

/// A task that was embedded.
pub(super) struct DoneTask {
    pub(super) task: Task,
    pub(super) embedded: TaskEmbeddings,
}

/// The outcome of embedding a batch of tasks.
pub(super) struct BatchOutcome {
    /// The tasks before the first failure, in order.
    pub(super) done: Vec<DoneTask>,
    pub(super) failure: Option<Error>,
}

/// What the tasks of a run are embedded with.
pub(super) struct Embedding<'a> {
    pub(super) input: &'a Input,
    pub(super) source: &'a Source<'a>,
    pub(super) stop: &'a StopSignal<'a>,
}

impl Embedding<'_> {
    /// Embeds tasks in parallel. After a failure, and when the run is to stop, no other task begins.
    pub(super) fn embed_batch(&self, batch: Vec<Task>, seen: Option<&mut Seen>) -> BatchOutcome {
        let (embedded, failure) = match seen {
            Some(seen) => self.embed_in_waves(&batch, seen),
            None => self.in_parallel(batch.par_iter(), |task| {
                let mut read = task.read(self.input, self.source)?;
                task.embed(&mut read, self.input, self.source, None)?;
                task.finish(read, self.input, self.source)
            }),
        };
        let done = batch.into_iter().zip(embedded).map(|(task, embedded)| DoneTask { task, embedded });
        BatchOutcome { done: done.collect(), failure }
    }

    /// Returns the results of a step for the tasks before the first failure, and the failure.
    fn in_parallel<I: Send, T: Send>(
        &self,
        tasks: impl IndexedParallelIterator<Item = I>,
        step: impl Fn(I) -> Result<T> + Sync,
    ) -> (Vec<T>, Option<Error>) {
        let failed = AtomicBool::new(false);
        let step = |task: I| {
            (!failed.load(Ordering::Relaxed)).then(|| {
                let done = self.stop.check().and_then(|()| step(task));
                failed.fetch_or(done.is_err(), Ordering::Relaxed);
                done
            })
        };
        let results: Vec<Option<Result<T>>> = tasks.map(step).collect();
        before_failure(results)
    }

    /// Embeds tasks so that each content is embedded once, as many at a time as their images allow.
    fn embed_in_waves(&self, batch: &[Task], seen: &mut Seen) -> (Vec<TaskEmbeddings>, Option<Error>) {
        let (mut embedded, mut rest) = (Vec::with_capacity(batch.len()), batch);
        while !rest.is_empty() {
            let (reads, unread) = self.read_wave(rest);
            let (wave, behind) = rest.split_at(reads.len());
            let (wave, failed) = self.embed_once(wave, reads, seen);
            embedded.extend(wave);
            if let Some(failure) = failed.or(unread) {
                return (embedded, Some(failure));
            }
            rest = behind;
        }
        (embedded, None)
    }

    /// Reads the first tasks, one for each thread at a time, until the images that they read from
    /// elsewhere take much memory.
    fn read_wave(&self, tasks: &[Task]) -> (Vec<ReadTask>, Option<Error>) {
        let threads = rayon::current_num_threads();
        let (mut reads, mut bytes) = (Vec::new(), 0);
        for tasks in tasks.chunks(threads) {
            let (read, failure) =
                self.in_parallel(tasks.par_iter(), |task| task.read(self.input, self.source));
            bytes += read.iter().map(ReadTask::linked_bytes).sum::<usize>();
            reads.extend(read);
            if failure.is_some() || bytes >= LINKED_BYTES_PER_THREAD * threads {
                return (reads, failure);
            }
        }
        (reads, None)
    }

    /// Embeds tasks so that each content is embedded once: the first row that has it is embedded, the
    /// others get its embedding.
    fn embed_once(
        &self,
        batch: &[Task],
        mut reads: Vec<ReadTask>,
        seen: &mut Seen,
    ) -> (Vec<TaskEmbeddings>, Option<Error>) {
        let mut starts = vec![seen.end()];
        for read in &mut reads {
            let start = starts[starts.len() - 1];
            read.origins = seen.origins(start, &read.contents, |content| self.source.is_stored(content));
            starts.push(start + read.origins.len() as u64);
        }
        let known = &*seen;
        let (mut reads, failed) = self.in_parallel(batch.par_iter().zip(reads), |(task, mut read)| {
            task.embed(&mut read, self.input, self.source, Some(known)).map(|()| read)
        });
        let unrepeated = self.repeat(batch, &mut reads, &starts);
        reads.iter().for_each(|read| self.remember(read, seen));
        // Whoever says stop now gets what was embedded.
        let finish = |(task, read): (&Task, ReadTask)| task.finish(read, self.input, self.source);
        let (embedded, unfinished) =
            before_failure(batch.par_iter().zip(reads).map(finish).map(Some).collect());
        embedded.iter().for_each(|embedded| seen.extend(&embedded.values));
        (embedded, unfinished.or(unrepeated).or(failed))
    }

    /// Gives the embeddings of this batch to the equal rows after them in this batch. `starts` are
    /// the numbers of the first row of each task. After a failure, the tasks before it are left.
    fn repeat(&self, batch: &[Task], reads: &mut Vec<ReadTask>, starts: &[u64]) -> Option<Error> {
        for (number, task) in batch.iter().enumerate().take(reads.len()) {
            if let Err(error) = self.repeat_in(task, number, reads, starts) {
                reads.truncate(number);
                return Some(error);
            }
        }
        None
    }

    /// Gives embeddings of this batch to the equal rows of one task. The models are not asked.
    fn repeat_in(&self, task: &Task, number: usize, reads: &mut [ReadTask], starts: &[u64]) -> Result<()> {
        for place in 0..reads[number].origins.len() {
            let Origin::Row { row, .. } = reads[number].origins[place] else { continue };
            if row < starts[0] {
                continue;
            }
            let from = starts.partition_point(|&start| start <= row) - 1;
            let mut first = Repeated::of(&reads[from], (row - starts[from]) as usize, self.source.dim());
            if first.bad.is_some() {
                // What is said of a broken image names its row, so it is decoded once more.
                let fault = task.image_fault(&reads[number], place, self.input, self.source)?;
                first.bad = fault.or(first.bad);
            }
            first.put(&mut reads[number], place);
        }
        Ok(())
    }

    /// Tells `seen` what the model made of the contents that it did not know.
    fn remember(&self, read: &ReadTask, seen: &mut Seen) {
        let content = |place: usize| match read.origins[place] {
            Origin::Model => read.contents[place],
            _ => Content::NOTHING,
        };
        read.outcome.truncated.iter().for_each(|&place| seen.mark_truncated(content(place)));
        for BadRow { row, reason } in &read.outcome.bad {
            let content = content((row - read.first_number) as usize);
            if content != Content::NOTHING && self.source.refuses_contents() {
                seen.refuse(content, reason.clone());
            } else {
                seen.forget(content);
            }
        }
    }
}

/// Returns the results before the first failure, and the failure. A step that was not begun has none.
fn before_failure<T>(results: Vec<Option<Result<T>>>) -> (Vec<T>, Option<Error>) {
    let (mut done, mut gap) = (Vec::with_capacity(results.len()), false);
    for result in results {
        match result {
            Some(Ok(result)) if !gap => done.push(result),
            Some(Err(error)) => return (done, Some(error)),
            _ => gap = true,
        }
    }
    (done, None)
}

/// What the model made of the first row of some equal rows.
struct Repeated {
    values: Vec<f32>,
    is_truncated: bool,
    /// What is wrong with the row.
    bad: Option<String>,
    /// Whether the model refused its text.
    is_refused: bool,
}

impl Repeated {
    fn of(read: &ReadTask, place: usize, dim: usize) -> Self {
        Self {
            values: read.values[place * dim..][..dim].to_vec(),
            is_truncated: read.outcome.truncated.contains(&place),
            bad: read.bad(place).map(|bad| bad.reason.clone()),
            is_refused: read.outcome.refused.contains(&(read.first_number + place as u64)),
        }
    }

    /// Gives it to another row.
    fn put(self, read: &mut ReadTask, place: usize) {
        let Self { values, is_truncated, bad, is_refused } = self;
        let (dim, row) = (values.len(), read.first_number + place as u64);
        read.values[place * dim..][..dim].copy_from_slice(&values);
        let mut outcome = EmbedOutcome::default();
        if is_truncated {
            (outcome.stats.truncated, outcome.truncated) = (1, vec![place]);
        }
        outcome.bad.extend(bad.map(|reason| BadRow { row, reason }));
        outcome.refused.extend(is_refused.then_some(row));
        read.outcome.extend(outcome);
    }
}
