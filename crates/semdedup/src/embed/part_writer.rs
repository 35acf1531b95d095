//! Writes the embedded rows in parts.

use std::path::Path;
use std::sync::mpsc::Receiver;

use arrow_array::{Array, ArrayRef};

use crate::arrays::npy_writer::NpyWriter;
use crate::embed::embed_batch::{DoneTask, TaskEmbeddings};
use crate::error::{Error, Result};
use crate::formats::IdSource;
use crate::storage::atomic::write_atomically;
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{
    IdRun, PartRecord, Parts, SkippedRow, Span, embeddings_path, ids_path, parts_path, record_path,
};
use crate::workdir::script::{self, ScriptRun};
use crate::workdir::table_file::write_column;

/// Writes one part. Its embeddings go to the disk at once; the rest is written with its record.
pub(super) struct PartWriter<'a> {
    folder: &'a Path,
    stage: &'a Fingerprint,
    /// The number of the part.
    pub(super) number: usize,
    dim: usize,
    /// The rows of all parts before this one.
    rows_before: u64,
    /// The rows of this part so far.
    pub(super) rows: u64,
    record: PartRecord,
    embeddings: NpyWriter,
    ids: Vec<IdArrays>,
}

/// Consecutive ids that are stored in the same way and have the same type.
struct IdArrays {
    run: IdRun,
    arrays: Vec<ArrayRef>,
}

impl<'a> PartWriter<'a> {
    /// Begins the part after the stored ones.
    pub(super) fn after(
        done: &[PartRecord],
        folder: &'a Path,
        stage: &'a Fingerprint,
        dim: usize,
    ) -> Result<Self> {
        let first = Self::begin(folder, stage, done.len(), dim)?;
        Ok(Self { rows_before: done.iter().map(PartRecord::rows).sum(), ..first })
    }

    fn begin(folder: &'a Path, stage: &'a Fingerprint, number: usize, dim: usize) -> Result<Self> {
        let embeddings = NpyWriter::matrix(&embeddings_path(folder, number), dim)?;
        let (record, ids) = (PartRecord::new(stage.clone()), Vec::new());
        Ok(Self { folder, stage, number, dim, rows_before: 0, rows: 0, record, embeddings, ids })
    }

    /// Appends tasks in order while more are being embedded, and commits each part that is
    /// complete. Returns the last part, which is not committed.
    pub(super) fn append_all(mut self, done: &Receiver<DoneTask>) -> Result<Self> {
        for done in done {
            let closes_part = done.task.closes_part;
            self.append(done)?;
            if closes_part {
                self = self.commit()?;
            }
        }
        Ok(self)
    }

    fn append(&mut self, DoneTask { task, embedded }: DoneTask) -> Result<()> {
        let TaskEmbeddings { rows, values, zero, stats, scripts, .. } = embedded;
        let count = rows.texts.len() as u64;
        let first = self.rows_before + self.rows;
        self.record.zero.iter_mut().for_each(|all| zero.iter().for_each(|&row| all.add(first + row as u64)));
        self.rows += count;
        self.embeddings.write(&values)?;
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

    /// Commits the part and begins the next one. The record is written last, so that a part that a
    /// kill cuts short does not exist.
    pub(super) fn commit(mut self) -> Result<Self> {
        self.embeddings.finish()?;
        for (number, IdArrays { run, arrays }) in self.ids.iter().enumerate() {
            write_column(&ids_path(self.folder, self.number, number), "id", arrays)?;
            self.record.ids.push(*run);
        }
        let record = serde_json::to_vec(&self.record).map_err(|error| Error::work(self.folder, error))?;
        write_atomically(&record_path(self.folder, self.number), &record)?;
        let next = Self::begin(self.folder, self.stage, self.number + 1, self.dim)?;
        Ok(Self { rows_before: self.rows_before + self.rows, ..next })
    }

    /// Records that the parts before this one are all parts.
    pub(super) fn close(self) -> Result<()> {
        let parts = Parts { stage: self.stage.clone(), parts: self.number, rows: self.rows_before };
        let json = serde_json::to_vec(&parts).map_err(|error| Error::work(self.folder, error))?;
        write_atomically(&parts_path(self.folder), &json)
    }
}
