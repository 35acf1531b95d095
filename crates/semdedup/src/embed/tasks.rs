//! Reads the rows of all files and cuts them into tasks.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, OnceLock};

use crate::embed::linked::ParsedRows;
use crate::embed::source::Source;
use crate::error::Result;
use crate::formats::{Chunk, Reader, check_unchanged};
use crate::input::find::Input;
use crate::workdir::parts::PartRecord;

/// Some rows of one file that belong to one part.
pub(super) struct Task {
    pub(super) file: usize,
    pub(super) chunk: Arc<Chunk>,
    /// The parsed rows of the chunk, shared by all of its tasks.
    pub(super) parsed: Arc<OnceLock<ParsedRows>>,
    /// The rows of the task, counted within the chunk.
    pub(super) rows: Range<usize>,
    /// Whether these are the last rows of the part.
    pub(super) closes_part: bool,
}

/// The row at which reading resumes.
pub(super) struct ResumePoint {
    file: usize,
    row: u64,
    /// The number of the next part.
    part: usize,
}

impl ResumePoint {
    /// Returns the point after the stored parts.
    pub(super) fn after(done: &[PartRecord]) -> Self {
        let spans = || done.iter().flat_map(|record| &record.spans);
        let file = spans().last().map_or(0, |span| span.file);
        let row = spans().filter(|span| span.file == file).map(|span| span.rows).sum();
        Self { file, row, part: done.len() }
    }
}

/// Reads the files of an input in order and sends their rows in tasks.
pub(super) struct TaskReader<'a> {
    input: &'a Input,
    source: &'a Source<'a>,
    tasks: SyncSender<Task>,
    /// The bytes read so far, for the progress.
    bytes_read: &'a AtomicU64,
    /// The number of the part that is being filled.
    part: usize,
    /// The rows that this part still takes.
    room: u64,
}

/// Whether anyone still takes the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

impl<'a> TaskReader<'a> {
    pub(super) fn new(
        input: &'a Input,
        source: &'a Source<'a>,
        tasks: SyncSender<Task>,
        bytes_read: &'a AtomicU64,
    ) -> Self {
        Self { input, source, tasks, bytes_read, part: 0, room: 0 }
    }

    /// Sends all rows from a point on. Ends early if nobody takes them any more.
    pub(super) fn read_from(mut self, from: &ResumePoint) -> Result<()> {
        self.begin_part(from.part);
        let bytes_before = self.input.files[..from.file].iter().map(|file| file.bytes).sum();
        self.bytes_read.store(bytes_before, Ordering::Relaxed);
        for file in from.file..self.input.files.len() {
            let first_row = if file == from.file { from.row } else { 0 };
            if self.read_file(file, first_row)? == Taken::No {
                break;
            }
        }
        Ok(())
    }

    fn begin_part(&mut self, part: usize) {
        self.part = part;
        self.room = self.source.rows_per_part(self.input.part_rows, part);
    }

    /// Sends the rows of a file from `first_row` on.
    fn read_file(&mut self, file: usize, first_row: u64) -> Result<Taken> {
        let found = &self.input.files[file];
        let bytes_before = self.bytes_read.load(Ordering::Relaxed);
        let columns = self.input.columns_to_embed(file);
        let mut reader = Reader::open(found, &columns, &self.input.limits, first_row)?;
        let mut end = first_row;
        while let Some(chunk) = reader.next_chunk()? {
            end = chunk.first_row() + chunk.rows() as u64;
            self.source.check_up_to(file, found, end)?;
            if self.send(file, chunk) == Taken::No {
                return Ok(Taken::No);
            }
            let bytes = bytes_before + reader.bytes_read().min(found.bytes);
            self.bytes_read.store(bytes, Ordering::Relaxed);
        }
        self.source.check_rows(file, found, end)?;
        check_unchanged(found)?;
        self.bytes_read.store(bytes_before + found.bytes, Ordering::Relaxed);
        Ok(Taken::Yes)
    }

    /// Cuts a chunk into tasks, none of which reaches into the next part, and sends them.
    fn send(&mut self, file: usize, chunk: Chunk) -> Taken {
        let (chunk, parsed) = (Arc::new(chunk), Arc::default());
        let mut start = 0;
        while start < chunk.rows() {
            let most = self.source.rows_per_task().min(self.room as usize);
            let rows = start..chunk.rows().min(start + most);
            self.room -= rows.len() as u64;
            start = rows.end;
            let closes_part = self.room == 0;
            if closes_part {
                self.begin_part(self.part + 1);
            }
            let (chunk, parsed) = (Arc::clone(&chunk), Arc::clone(&parsed));
            if self.tasks.send(Task { file, chunk, parsed, rows, closes_part }).is_err() {
                return Taken::No;
            }
        }
        Taken::Yes
    }
}

/// Waits for a task, then takes those that are ready too, up to `most` tasks or `most_rows` rows.
/// Returns none when there are no more tasks.
pub(super) fn next_batch(tasks: &Receiver<Task>, most: usize, most_rows: usize) -> Option<Vec<Task>> {
    let first = tasks.recv().ok()?;
    let (mut rows, mut batch) = (first.rows.len(), vec![first]);
    while batch.len() < most
        && rows < most_rows
        && let Ok(task) = tasks.try_recv()
    {
        rows += task.rows.len();
        batch.push(task);
    }
    Some(batch)
}
