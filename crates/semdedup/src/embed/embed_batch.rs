//! Embeds tasks in parallel.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::Array;
use rayon::prelude::*;
use semdedup_embed::EmbedStats;

use crate::embed::linked::ParsedRows;
use crate::embed::outcome::EmbedOutcome;
use crate::embed::source::Source;
use crate::embed::tasks::Task;
use crate::error::{Error, Result};
use crate::formats::{BadRow, Rows, folder_of};
use crate::input::find::Input;
use crate::progress::StopSignal;
use crate::workdir::contents::Content;
use crate::workdir::script::{self, Code, ScriptRun, script_of};

/// The rows of a task with their embeddings.
pub(super) struct TaskEmbeddings {
    pub(super) rows: Rows,
    /// The embeddings, row-major. Those of bad rows are NaN.
    pub(super) values: Vec<f32>,
    /// The rows, counted within the task, whose embedding is zeros although their text is not
    /// empty.
    pub(super) zero: Vec<usize>,
    pub(super) stats: EmbedStats,
    /// The numbers of the rows whose text the model refused.
    pub(super) refused: Vec<u64>,
    /// The hashes of what models read, row by row; none if there are no models.
    pub(super) contents: Vec<Content>,
    /// The number of rows whose embeddings an earlier run made.
    pub(super) reused: usize,
    /// The scripts of the texts, in order.
    pub(super) scripts: Vec<ScriptRun>,
}

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

/// Embeds tasks in parallel. After a failure, and when the run is to stop, no other task begins.
pub(super) fn embed_batch(
    batch: Vec<Task>,
    input: &Input,
    source: &Source,
    stop: &StopSignal,
) -> BatchOutcome {
    let failed = AtomicBool::new(false);
    let embed = |task: &Task| {
        (!failed.load(Ordering::Relaxed)).then(|| {
            let embedded = stop.check().and_then(|()| task.embed(input, source));
            failed.fetch_or(embedded.is_err(), Ordering::Relaxed);
            embedded
        })
    };
    let embedded: Vec<Option<Result<TaskEmbeddings>>> = batch.par_iter().map(embed).collect();
    let (mut done, mut gap) = (Vec::with_capacity(batch.len()), false);
    for (task, embedded) in batch.into_iter().zip(embedded) {
        match embedded {
            Some(Ok(embedded)) if !gap => done.push(DoneTask { task, embedded }),
            Some(Err(error)) => return BatchOutcome { done, failure: Some(error) },
            _ => gap = true,
        }
    }
    BatchOutcome { done, failure: None }
}

impl Task {
    /// Returns the rows of the whole chunk, which its first task parses.
    fn parsed(&self, input: &Input, source: &Source) -> Result<&ParsedRows> {
        if let Some(rows) = self.parsed.get() {
            return Ok(rows);
        }
        let mut parsed = ParsedRows::parse(&self.chunk, &input.columns_to_embed(self.file))?;
        source.check_lengths(&mut parsed.rows);
        // If two tasks parse the chunk at the same time, both get the same rows.
        Ok(self.parsed.get_or_init(|| parsed))
    }

    fn embed(&self, input: &Input, source: &Source) -> Result<TaskEmbeddings> {
        let parsed = self.parsed(input, source)?;
        let file = &input.files[self.file];
        let limit = input.limits.max_row_bytes as u64;
        let linked = parsed.with_images(self.rows.clone(), &folder_of(file), limit)?;
        let (whole, range) = match &linked {
            Some(linked) => (linked, 0..self.rows.len()),
            None => (&parsed.rows, self.rows.clone()),
        };
        self.check_strict(input, &whole.bad)?;
        let mut rows = slice(whole, range.clone());
        let dim = source.dim();
        let mut values = vec![0.0; self.rows.len() * dim];
        let mut contents = source.contents(whole, range.clone());
        let EmbedOutcome { stats, bad, refused, truncated, reused } =
            source.embed(self.file, whole, range, &contents, &mut values)?;
        self.check_strict(input, &bad)?;
        if !contents.is_empty() {
            truncated.iter().for_each(|&row| contents[row] = contents[row].truncated());
        }
        rows.bad.extend(bad);
        rows.bad.sort_by_key(|bad| bad.row);
        // A row may lack both its text and its image.
        rows.bad.dedup_by_key(|bad| bad.row);
        let empty = empty_rows(&rows, input);
        rows.empty = empty.iter().filter(|&&empty| empty).count();
        let scripts = scripts(&rows, input);
        for bad in &rows.bad {
            let row = (bad.row - rows.first_row) as usize;
            values[row * dim..(row + 1) * dim].fill(f32::NAN);
            if let Some(content) = contents.get_mut(row) {
                *content = Content::NOTHING;
            }
        }
        let is_zero = |row: &usize| values[row * dim..(row + 1) * dim].iter().all(|&value| value == 0.0);
        let zero = (0..self.rows.len()).filter(|&row| !empty[row]).filter(is_zero).collect();
        Ok(TaskEmbeddings { rows, values, zero, stats, refused, contents, reused, scripts })
    }

    /// Fails if there is a bad row and the user asked to stop at one.
    fn check_strict(&self, input: &Input, bad: &[BadRow]) -> Result<()> {
        let Some(bad) = bad.first().filter(|_| input.strict) else { return Ok(()) };
        Err(Error::input(&input.files[self.file].path, format!("row {}: {}", bad.row, bad.reason))
            .hint("fix the row, or leave out --strict to skip and list such rows"))
    }
}

/// Returns a range of rows, without their vectors, images and number of empty texts.
fn slice(whole: &Rows, range: Range<usize>) -> Rows {
    let (start, count) = (range.start, range.len());
    let numbers = whole.first_row + range.start as u64..whole.first_row + range.end as u64;
    Rows {
        first_row: numbers.start,
        ids: whole.ids.as_ref().map(|ids| ids.slice(start, count)),
        vectors: None,
        images: None,
        bad: whole.bad.iter().filter(|bad| numbers.contains(&bad.row)).cloned().collect(),
        empty: 0,
        texts: whole.texts.slice(start, count),
    }
}

/// Says for each row whether its text is blank. A bad row is not empty, and no row is empty if
/// texts are not read.
fn empty_rows(rows: &Rows, input: &Input) -> Vec<bool> {
    if !input.reads_texts() {
        return vec![false; rows.texts.len()];
    }
    let is_bad = |row: u64| rows.bad.binary_search_by_key(&row, |bad| bad.row).is_ok();
    let texts = (rows.first_row..).zip(rows.texts.iter());
    texts.map(|(row, text)| text.is_some_and(is_blank) && !is_bad(row)).collect()
}

/// Whether a text has nothing to compare: no character but white space and control characters.
fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control())
}

/// Returns the scripts of the rows. If texts are not read, the rows have none.
fn scripts(rows: &Rows, input: &Input) -> Vec<ScriptRun> {
    let reads_texts = input.reads_texts();
    let mut scripts = Vec::new();
    for text in rows.texts.iter() {
        script::extend(&mut scripts, text.filter(|_| reads_texts).map_or(Code::NONE, script_of), 1);
    }
    scripts
}
