//! The first stage: read the rows of all files, turn their texts into embeddings, and write both down in parts.
//!
//! Rows that cannot be read have an embedding of NaN, so that a row's number in the input is its number in every file. What
//! parts are is said in `parts.rs`.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef};
use rayon::prelude::*;
use semdedup_embed::EmbedStats;

use crate::arrays::npy_writer::NpyWriter;
use crate::embed::embedder::{Embedder, embed_fingerprint};
use crate::embed::images;
use crate::embed::source::Source;
use crate::error::{Error, Result};
use crate::formats::{BadRow, Chunk, IdSource, Reader, Rows, check_unchanged};
use crate::input::find::Input;
use crate::input::provided::ProvidedEmbeddings;
use crate::progress::{Progress, Stage};
use crate::storage::atomic::write_atomically;
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{
    IdRun, PartRecord, Parts, SkippedRow, Span, discard_parts, embeddings_path, finish_discarding, ids_path,
    parts_path, read_records, record_path, remove_behind,
};
use crate::workdir::script::{self, Code, ScriptRun, script_of};
use crate::workdir::table_file::write_column;

/// Embeds all rows of the input that are not in a part yet.
pub(crate) fn embed_parts(
    input: &Input,
    embedder: Embedder,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    let stage = embed_fingerprint(input, embedder)?;
    let embedded = embed_rest(input, embedder, (folder, &stage), progress);
    if embedded.is_err() && input.check_unchanged().is_err() {
        // Parts may hold rows of a file that is about to be put back as it was.
        discard_parts(folder, &stage)?;
    }
    embedded
}

fn embed_rest(
    input: &Input,
    embedder: Embedder,
    (folder, stage): (&Path, &Fingerprint),
    progress: &dyn Progress,
) -> Result<()> {
    let source = Source::open(input, embedder)?;
    input.check_unchanged()?;
    finish_discarding(folder, stage)?;
    let done = read_records(folder, stage)?;
    remove_behind(folder, done.len(), stage)?;
    input.record(folder)?;
    progress.begin(Stage::Embed, "bytes", input.bytes());
    let read = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let threads = rayon::current_num_threads();
        let (sender, tasks) = sync_channel(2 * threads);
        let place = Place::after(&done);
        let read = &read;
        let source = &source;
        let reader = scope.spawn(move || read_rows((input, source), place, &sender, read));
        let mut part = PartWriter::new((folder, stage), done.len(), embedder.dim(input))?;
        part.rows_before = done.iter().map(PartRecord::rows).sum();
        let (out, embedded) = sync_channel(2 * threads);
        let writer = scope.spawn(move || write_rows(part, &embedded));
        let (mut shown, mut failure) = (0, None);
        while let Some(batch) = next_batch(&tasks, (4 * threads, source.rows_at_once())) {
            let (embedded, failed) = embed_batch(batch, input, source);
            if embedded.into_iter().any(|done| out.send(done).is_err()) {
                break; // the writer has failed, and says why below
            }
            failure = failed;
            if failure.is_some() {
                break;
            }
            let now = read.load(Ordering::Relaxed);
            progress.advance(now.saturating_sub(shown));
            shown = now.max(shown);
        }
        drop((tasks, out));
        let mut part = writer.join().map_err(|_| Error::usage("the writing thread failed"))??;
        reader.join().map_err(|_| Error::usage("the reading thread failed"))??;
        if let Some(failure) = failure {
            // What was embedded before may have cost much.
            if part.rows > 0 {
                part.commit()?;
            }
            return Err(failure);
        }
        progress.advance(input.bytes().saturating_sub(shown));
        // Numbers are read all the while, so they are looked at once more before the last part is closed.
        input.given.iter().try_for_each(ProvidedEmbeddings::check_unchanged)?;
        if part.rows > 0 || part.number == 0 {
            part = part.commit()?;
        }
        part.close()
    })
}

/// Writes what was embedded, in order, while more is being embedded. The last part is not closed.
fn write_rows<'a>(mut part: PartWriter<'a>, embedded: &Receiver<(Task, Embedded)>) -> Result<PartWriter<'a>> {
    for (task, embedded) in embedded {
        part.append(&task, embedded)?;
        if task.closes_part {
            part = part.commit()?;
        }
    }
    Ok(part)
}

/// Where reading goes on.
struct Place {
    file: usize,
    row: u64,
    /// The number of the part that comes next.
    part: usize,
}

impl Place {
    fn after(done: &[PartRecord]) -> Self {
        let spans = || done.iter().flat_map(|record| &record.spans);
        let file = spans().last().map_or(0, |span| span.file);
        Self {
            file,
            part: done.len(),
            row: spans().filter(|span| span.file == file).map(|span| span.rows).sum(),
        }
    }
}

/// Some rows of one file that belong to one part.
struct Task {
    file: usize,
    chunk: Arc<Chunk>,
    /// What the chunk has been parsed into, shared by all of its tasks.
    parsed: Arc<OnceLock<Rows>>,
    rows: Range<usize>,
    closes_part: bool,
}

/// Reads the files in order and cuts them into tasks; ends early if nobody takes them any more.
fn read_rows(
    (input, given): (&Input, &Source),
    mut from: Place,
    tasks: &SyncSender<Task>,
    read: &AtomicU64,
) -> Result<()> {
    let mut room = given.rows_per_part(input.part_rows, from.part);
    read.store(input.files[..from.file].iter().map(|file| file.bytes).sum(), Ordering::Relaxed);
    for (file, source) in input.files.iter().enumerate().skip(from.file) {
        let first_row = if file == from.file { from.row } else { 0 };
        let before = read.load(Ordering::Relaxed);
        let mut reader = Reader::open(source, &input.columns_to_embed(file), &input.limits, first_row)?;
        let mut end = first_row;
        while let Some(chunk) = reader.next_chunk()? {
            end = chunk.first_row() + chunk.rows() as u64;
            given.check_up_to(file, source, end)?;
            let (chunk, parsed) = (Arc::new(chunk), Arc::default());
            let mut start = 0;
            while start < chunk.rows() {
                let most = given.rows_together().min(room as usize);
                let rows = start..chunk.rows().min(start + most);
                room -= rows.len() as u64;
                start = rows.end;
                let closes_part = room == 0;
                if closes_part {
                    from.part += 1;
                    room = given.rows_per_part(input.part_rows, from.part);
                }
                if tasks
                    .send(Task { file, chunk: chunk.clone(), parsed: Arc::clone(&parsed), rows, closes_part })
                    .is_err()
                {
                    return Ok(());
                }
            }
            read.store(before + reader.bytes_read().min(source.bytes), Ordering::Relaxed);
        }
        given.check_rows(file, source, end)?;
        check_unchanged(source)?;
        read.store(before + source.bytes, Ordering::Relaxed);
    }
    Ok(())
}

/// Waits for a task and takes what else is ready, up to so many tasks or rows.
fn next_batch(tasks: &Receiver<Task>, (most, most_rows): (usize, usize)) -> Option<Vec<Task>> {
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

/// Embeds tasks at the same time, and begins no other after a failure: what comes before it, and the failure.
fn embed_batch(batch: Vec<Task>, input: &Input, source: &Source) -> (Vec<(Task, Embedded)>, Option<Error>) {
    let failed = AtomicBool::new(false);
    let embed = |task: &Task| {
        (!failed.load(Ordering::Relaxed)).then(|| {
            let embedded = task.embed(input, source);
            failed.fetch_or(embedded.is_err(), Ordering::Relaxed);
            embedded
        })
    };
    let embedded: Vec<Option<Result<Embedded>>> = batch.par_iter().map(embed).collect();
    let (mut done, mut gap) = (Vec::with_capacity(batch.len()), false);
    for (task, embedded) in batch.into_iter().zip(embedded) {
        match embedded {
            Some(Ok(embedded)) if !gap => done.push((task, embedded)),
            Some(Err(error)) => return (done, Some(error)),
            _ => gap = true,
        }
    }
    (done, None)
}

struct Embedded {
    rows: Rows,
    values: Vec<f32>,
    /// The rows whose embedding is zeros although their text is not empty.
    zero: Vec<usize>,
    stats: EmbedStats,
    /// The scripts of the texts, in order.
    scripts: Vec<ScriptRun>,
}

impl Task {
    /// The rows of the whole chunk, parsed for the first of its tasks.
    fn parsed(&self, input: &Input, source: &Source) -> Result<&Rows> {
        if let Some(rows) = self.parsed.get() {
            return Ok(rows);
        }
        let mut rows = self.chunk.parse(&input.columns_to_embed(self.file))?;
        source.check_lengths(&mut rows);
        // Where two tasks come to it at once, both have parsed the same.
        Ok(self.parsed.get_or_init(|| rows))
    }

    fn embed(&self, input: &Input, source: &Source) -> Result<Embedded> {
        let whole = self.parsed(input, source)?;
        self.check_strict(input, &whole.bad)?;
        let (start, count) = (self.rows.start, self.rows.len());
        let first_row = whole.first_row + start as u64;
        let texts = whole.texts.slice(start, count);
        let mut rows = Rows {
            first_row,
            ids: whole.ids.as_ref().map(|ids| ids.slice(start, count)),
            vectors: None,
            images: None,
            bad: whole.bad.iter().filter(|bad| self.numbers(whole).contains(&bad.row)).cloned().collect(),
            empty: 0,
            texts,
        };
        let dim = source.dim();
        let mut values = vec![0.0; count * dim];
        let images::Embedded { stats, bad } =
            source.embed((self.file, whole), self.rows.clone(), &mut values)?;
        self.check_strict(input, &bad)?;
        rows.bad.extend(bad);
        rows.bad.sort_by_key(|bad| bad.row);
        // A row may have neither a text nor an image.
        rows.bad.dedup_by_key(|bad| bad.row);
        // Where embeddings are given or images compared, texts are not read.
        let reads_texts = input.given.is_none() && input.by.text();
        let is_empty = |row: usize, text: Option<&str>| {
            let is_bad = |row: u64| rows.bad.binary_search_by_key(&row, |bad| bad.row).is_ok();
            reads_texts && text.is_some_and(is_blank) && !is_bad(first_row + row as u64)
        };
        let empty =
            rows.texts.iter().enumerate().map(|(row, text)| is_empty(row, text)).collect::<Vec<bool>>();
        rows.empty = empty.iter().filter(|&&empty| empty).count();
        let mut scripts = Vec::new();
        for text in rows.texts.iter() {
            script::extend(&mut scripts, text.filter(|_| reads_texts).map_or(Code::NONE, script_of), 1);
        }
        for bad in &rows.bad {
            let row = (bad.row - first_row) as usize;
            values[row * dim..(row + 1) * dim].fill(f32::NAN);
        }
        let is_zero = |row: &usize| values[row * dim..(row + 1) * dim].iter().all(|&value| value == 0.0);
        let zero = (0..count).filter(|&row| !empty[row]).filter(is_zero).collect();
        Ok(Embedded { rows, values, zero, stats, scripts })
    }

    fn check_strict(&self, input: &Input, bad: &[BadRow]) -> Result<()> {
        let Some(bad) = bad.first().filter(|_| input.strict) else { return Ok(()) };
        Err(Error::input(&input.files[self.file].path, format!("row {}: {}", bad.row, bad.reason))
            .hint("mend the row, or leave out --strict to skip and list such rows"))
    }

    /// The numbers of its rows in the file.
    fn numbers(&self, whole: &Rows) -> Range<u64> {
        whole.first_row + self.rows.start as u64..whole.first_row + self.rows.end as u64
    }
}

/// Whether a text has nothing to compare: no character but white space and control characters.
fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control())
}

struct PartWriter<'a> {
    folder: &'a Path,
    stage: &'a Fingerprint,
    number: usize,
    dim: usize,
    /// Of all parts before this one.
    rows_before: u64,
    rows: u64,
    record: PartRecord,
    embeddings: NpyWriter,
    ids: Vec<(IdRun, Vec<ArrayRef>)>,
}

impl<'a> PartWriter<'a> {
    fn new((folder, stage): (&'a Path, &'a Fingerprint), number: usize, dim: usize) -> Result<Self> {
        let embeddings = NpyWriter::matrix(&embeddings_path(folder, number), dim)?;
        let (record, ids) = (PartRecord::new(stage.clone()), Vec::new());
        Ok(Self { folder, stage, number, dim, rows_before: 0, rows: 0, record, embeddings, ids })
    }

    fn append(&mut self, task: &Task, embedded: Embedded) -> Result<()> {
        let Embedded { rows, values, zero, stats, scripts } = embedded;
        let (count, unknown) = (rows.texts.len() as u64, stats.unknown as u64);
        let first = self.rows_before + self.rows;
        self.record.zero.iter_mut().for_each(|all| zero.iter().for_each(|&row| all.add(first + row as u64)));
        self.rows += count;
        self.embeddings.write(&values)?;
        match self.record.spans.last_mut().filter(|span| span.file == task.file) {
            Some(span) => {
                span.rows += count;
                span.unknown += unknown;
            }
            None => self.record.spans.push(Span { file: task.file, rows: count, unknown }),
        }
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
            match self.ids.last_mut() {
                Some((last, arrays)) if *last == run && arrays[0].data_type() == ids.data_type() => {
                    arrays.push(ids)
                }
                _ => self.ids.push((run, vec![ids])),
            }
        }
        Ok(())
    }

    /// Makes the part last and begins the next one.
    fn commit(mut self) -> Result<Self> {
        self.embeddings.finish()?;
        for (run, (source, arrays)) in self.ids.iter().enumerate() {
            write_column(&ids_path(self.folder, self.number, run), "id", arrays)?;
            self.record.ids.push(*source);
        }
        let record = serde_json::to_vec(&self.record).map_err(|error| Error::work(self.folder, error))?;
        write_atomically(&record_path(self.folder, self.number), &record)?;
        let next = Self::new((self.folder, self.stage), self.number + 1, self.dim)?;
        Ok(Self { rows_before: self.rows_before + self.rows, ..next })
    }

    /// Says that the parts before this one are all.
    fn close(self) -> Result<()> {
        let parts = Parts { stage: self.stage.clone(), parts: self.number, rows: self.rows_before };
        let json = serde_json::to_vec(&parts).map_err(|error| Error::work(self.folder, error))?;
        write_atomically(&parts_path(self.folder), &json)
    }
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod image_tests;
#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
