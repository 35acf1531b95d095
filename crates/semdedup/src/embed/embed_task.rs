//! Embeds the rows of a task in three steps: reads them, asks the models, and finds which rows are
//! bad, empty or zero.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::Array;
use semdedup_embed::EmbedStats;

use crate::embed::linked::ParsedRows;
use crate::embed::models::Wanted;
use crate::embed::outcome::EmbedOutcome;
use crate::embed::seen::{Origin, Seen};
use crate::embed::source::Source;
use crate::embed::tasks::Task;
use crate::error::{Error, Result};
use crate::formats::{BadRow, Rows, folder_of};
use crate::input::find::Input;
use crate::workdir::contents::Content;
use crate::workdir::script::{self, Code, ScriptRun, script_of};

/// The rows of a task with their embeddings.
pub(super) struct TaskEmbeddings {
    pub(super) rows: Rows,
    /// The embeddings, row-major. Those of bad rows are NaN.
    pub(super) values: Arc<Vec<f32>>,
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
    /// The number of rows that have the embedding of an equal row before them.
    pub(super) repeated: usize,
    /// The scripts of the texts, in order.
    pub(super) scripts: Vec<ScriptRun>,
}

/// A task between the steps.
pub(super) struct ReadTask {
    /// The rows with the images that strings stand for; none if the parsed rows are all there is.
    linked: Option<Rows>,
    /// The number of the first row in its file.
    pub(super) first_number: u64,
    /// The hashes of what models read, row by row; none if there are no models.
    pub(super) contents: Vec<Content>,
    /// The origin of each embedding; empty if equal rows are not looked up.
    pub(super) origins: Vec<Origin>,
    pub(super) values: Vec<f32>,
    pub(super) outcome: EmbedOutcome,
}

impl ReadTask {
    /// The bytes of the images that were read from elsewhere.
    pub(super) fn linked_bytes(&self) -> usize {
        let images = self.linked.as_ref().and_then(|rows| rows.images.as_ref());
        images.map_or(0, |images| images.value_data().len())
    }

    /// Returns what was wrong with a row while it was embedded.
    pub(super) fn bad(&self, place: usize) -> Option<&BadRow> {
        let number = self.first_number + place as u64;
        let found = self.outcome.bad.binary_search_by_key(&number, |bad| bad.row);
        found.ok().map(|found| &self.outcome.bad[found])
    }
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

    /// Returns the rows that hold those of the task, and which they are.
    fn rows_of<'a>(
        &'a self,
        read: &'a ReadTask,
        input: &Input,
        source: &Source,
    ) -> Result<(&'a Rows, Range<usize>)> {
        match &read.linked {
            Some(linked) => Ok((linked, 0..self.rows.len())),
            None => Ok((&self.parsed(input, source)?.rows, self.rows.clone())),
        }
    }

    /// Reads the rows, and hashes what the models read of them.
    pub(super) fn read(&self, input: &Input, source: &Source) -> Result<ReadTask> {
        let parsed = self.parsed(input, source)?;
        let limit = input.limits.max_row_bytes as u64;
        let linked = parsed.with_images(self.rows.clone(), &folder_of(&input.files[self.file]), limit)?;
        let values = vec![0.0; self.rows.len() * source.dim()];
        let (contents, origins, outcome) = (Vec::new(), Vec::new(), EmbedOutcome::default());
        let mut read = ReadTask { linked, first_number: 0, contents, origins, values, outcome };
        let (whole, range) = self.rows_of(&read, input, source)?;
        self.check_strict(input, &whole.bad)?;
        let first_number = whole.first_row + range.start as u64;
        let mut contents = source.contents(whole, range);
        for bad in &whole.bad {
            let place = bad.row.checked_sub(first_number).map(|place| place as usize);
            if let Some(content) = place.and_then(|place| contents.get_mut(place)) {
                *content = Content::NOTHING;
            }
        }
        (read.first_number, read.contents) = (first_number, contents);
        Ok(read)
    }

    /// Embeds the rows whose embeddings are not known, and finds those that are, except the rows
    /// that are equal to one that `seen` does not have yet.
    pub(super) fn embed(
        &self,
        read: &mut ReadTask,
        input: &Input,
        source: &Source,
        seen: Option<&Seen>,
    ) -> Result<()> {
        let mut values = std::mem::take(&mut read.values);
        let (rows, range) = self.rows_of(read, input, source)?;
        let wanted = Wanted { rows, range, contents: &read.contents, origins: &read.origins, seen };
        read.outcome = source.embed(self.file, &wanted, &mut values)?;
        read.values = values;
        self.check_strict(input, &read.outcome.bad)
    }

    /// Returns what is wrong with the image of a row, if images are compared.
    pub(super) fn image_fault(
        &self,
        read: &ReadTask,
        place: usize,
        input: &Input,
        source: &Source,
    ) -> Result<Option<String>> {
        let (rows, range) = self.rows_of(read, input, source)?;
        Ok(source.image_fault(rows, range.start + place))
    }

    /// Finds which rows are bad, empty or zero.
    pub(super) fn finish(&self, read: ReadTask, input: &Input, source: &Source) -> Result<TaskEmbeddings> {
        let (whole, range) = self.rows_of(&read, input, source)?;
        let (mut rows, dim) = (slice(whole, range), source.dim());
        let ReadTask { mut contents, origins, mut values, outcome, .. } = read;
        let EmbedOutcome { stats, bad, refused, truncated, reused } = outcome;
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
        let is_repeated = |(origin, content): &(&Origin, &Content)| {
            matches!(origin, Origin::Row { .. }) && **content != Content::NOTHING
        };
        let repeated = origins.iter().zip(&contents).filter(is_repeated).count();
        let values = Arc::new(values);
        Ok(TaskEmbeddings { rows, values, zero, stats, refused, contents, reused, repeated, scripts })
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
