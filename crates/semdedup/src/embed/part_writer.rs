//! Writes the embedded rows in parts.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::ScopedJoinHandle;

use arrow_array::{Array, ArrayRef};

use crate::arrays::npy_writer::NpyWriter;
use crate::embed::embed_batch::DoneTask;
use crate::embed::embed_task::TaskEmbeddings;
use crate::error::{Error, Result};
use crate::formats::IdSource;
use crate::workdir::contents::{Content, write_contents};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{
    IdRun, PartRecord, Parts, SkippedRow, Span, contents_path, embeddings_path, ids_path, parts_path,
    record_path,
};
use crate::workdir::script::{self, ScriptRun};
use crate::workdir::sealed::write_sealed;
use crate::workdir::sums;
use crate::workdir::table_file::write_column;

/// Writes one part. Its embeddings go to the disk at once; the rest is written with its record.
pub(super) struct PartWriter<'a> {
    folder: &'a Path,
    made: &'a Made,
    /// The number of the part.
    pub(super) number: usize,
    /// The rows of all parts before this one.
    rows_before: u64,
    /// The rows of this part so far.
    pub(super) rows: u64,
    record: PartRecord,
    embeddings: NpyWriter,
    contents: Vec<Content>,
    ids: Vec<IdArrays>,
}

/// How the embeddings of a stage are made.
pub(super) struct Made {
    /// The fingerprint of the stage.
    pub(super) stage: Fingerprint,
    /// The fingerprint of the model, if a model makes them.
    pub(super) model: Option<String>,
    pub(super) dim: usize,
}

/// Consecutive ids that are stored in the same way and have the same type.
struct IdArrays {
    run: IdRun,
    arrays: Vec<ArrayRef>,
}

impl<'a> PartWriter<'a> {
    /// Begins the part after the stored ones.
    pub(super) fn after(done: &[PartRecord], folder: &'a Path, made: &'a Made) -> Result<Self> {
        let first = Self::begin(folder, made, done.len())?;
        Ok(Self { rows_before: done.iter().map(PartRecord::rows).sum(), ..first })
    }

    fn begin(folder: &'a Path, made: &'a Made, number: usize) -> Result<Self> {
        let embeddings = NpyWriter::matrix(&embeddings_path(folder, number), made.dim)?;
        let record = PartRecord::new(made.stage.clone(), made.model.clone());
        let (contents, ids) = (Vec::new(), Vec::new());
        Ok(Self { folder, made, number, rows_before: 0, rows: 0, record, embeddings, contents, ids })
    }

    /// Appends tasks in order while more are being embedded, and commits each part that is
    /// complete; `stored` is sent the number of rows that are stored then. Returns the last part,
    /// which is not committed.
    ///
    /// Storing a part waits for the disk, so the next one is filled meanwhile. Parts are stored one
    /// after the other. A part that cannot be stored is noticed with the next task: what is embedded
    /// after it is lost, and may have cost money.
    pub(super) fn append_all(mut self, done: &Receiver<DoneTask>, stored: &Sender<u64>) -> Result<Self> {
        std::thread::scope(|scope| {
            let mut storing: Option<ScopedJoinHandle<Result<u64>>> = None;
            let finish = |storing: Option<ScopedJoinHandle<_>>| -> Result<()> {
                let Some(storing) = storing else { return Ok(()) };
                let rows = storing.join().map_err(|_| Error::usage("the storing thread failed"))??;
                // Nobody receives it where equal rows are not looked up.
                let _ = stored.send(rows);
                Ok(())
            };
            for done in done {
                let closes_part = done.task.closes_part;
                self.append(done)?;
                if closes_part || storing.as_ref().is_some_and(ScopedJoinHandle::is_finished) {
                    finish(storing.take())?;
                }
                if closes_part {
                    let next = self.next()?;
                    let complete = std::mem::replace(&mut self, next);
                    storing = Some(scope.spawn(move || complete.store()));
                }
            }
            finish(storing)?;
            Ok(self)
        })
    }

    fn append(&mut self, DoneTask { task, embedded }: DoneTask) -> Result<()> {
        let TaskEmbeddings { rows, values, zero, stats, scripts, contents, reused, repeated, .. } = embedded;
        let count = rows.texts.len() as u64;
        let first = self.rows_before + self.rows;
        self.record.zero.iter_mut().for_each(|all| zero.iter().for_each(|&row| all.add(first + row as u64)));
        self.rows += count;
        self.embeddings.write(&values)?;
        let embedded = contents.iter().filter(|&&content| content != Content::NOTHING).count();
        self.record.embedded = self.record.embedded.map(|all| all + (embedded - reused - repeated) as u64);
        self.contents.extend(contents);
        self.record.reused += reused as u64;
        self.record.repeated += repeated as u64;
        self.extend_spans(Span { file: task.file, rows: count, unknown: stats.unknown as u64 });
        for ScriptRun(script, rows) in scripts {
            script::extend(&mut self.record.scripts, script, rows);
        }
        self.record.empty += rows.empty as u64;
        self.record.truncated += stats.truncated as u64;
        let skipped =
            rows.bad.into_iter().map(|bad| SkippedRow { file: task.file, row: bad.row, reason: bad.reason });
        self.record.skipped.extend(skipped);
        if let Some(ids) = rows.ids {
            let run = if task.chunk.id_source() == IdSource::Json { IdRun::Json } else { IdRun::Typed };
            self.append_ids(run, ids);
        }
        Ok(())
    }

    /// Adds a span of rows to the last one, if both are of the same file.
    fn extend_spans(&mut self, added: Span) {
        match self.record.spans.last_mut().filter(|span| span.file == added.file) {
            Some(span) => {
                span.rows += added.rows;
                span.unknown += added.unknown;
            }
            None => self.record.spans.push(added),
        }
    }

    fn append_ids(&mut self, run: IdRun, ids: ArrayRef) {
        match self.ids.last_mut() {
            Some(last) if last.run == run && last.arrays[0].data_type() == ids.data_type() => {
                last.arrays.push(ids);
            }
            _ => self.ids.push(IdArrays { run, arrays: vec![ids] }),
        }
    }

    /// Begins the part after this one.
    fn next(&self) -> Result<Self> {
        let next = Self::begin(self.folder, self.made, self.number + 1)?;
        Ok(Self { rows_before: self.rows_before + self.rows, ..next })
    }

    /// Commits the part and begins the next one.
    pub(super) fn commit(self) -> Result<Self> {
        let next = self.next()?;
        self.store().map(|_| next)
    }

    /// Commits the part. Returns the number of rows that are stored. The record is written last, so
    /// that a part that a kill cuts short does not exist.
    fn store(mut self) -> Result<u64> {
        self.record.sum = Some(sums::shown(&self.embeddings.finish_hashed()?));
        if self.made.model.is_some() {
            let sum = write_contents(&contents_path(self.folder, self.number), &self.contents)?;
            self.record.contents_sum = Some(sum);
        }
        for (number, IdArrays { run, arrays }) in self.ids.iter().enumerate() {
            write_column(&ids_path(self.folder, self.number, number), "id", arrays)?;
            self.record.ids.push(*run);
        }
        write_sealed(&record_path(self.folder, self.number), &self.record)?;
        Ok(self.rows_before + self.rows)
    }

    /// Records that the parts before this one are all parts.
    pub(super) fn close(self) -> Result<()> {
        let parts = Parts { stage: self.made.stage.clone(), parts: self.number, rows: self.rows_before };
        write_sealed(&parts_path(self.folder), &parts)
    }
}
