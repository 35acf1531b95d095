//! The texts and images that a run has embedded, found by content, so that each is embedded once.
//!
//! A row with a content of its own takes 21 bytes in a table that is from 44 % to 88 % full: up to 48
//! bytes, and half as many again while the table grows. The embeddings themselves are in memory only
//! until their part is stored; after that they are read from the part.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::arrays::matrix::Matrix;
use crate::error::Result;
use crate::workdir::contents::{Content, read_contents};
use crate::workdir::parts::{PartRecord, contents_path, embeddings_path, in_work_dir};
use crate::workdir::sums::check_embeddings;

/// The origin of the embedding of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The model makes it, unless an earlier run has stored it.
    Model,
    /// An equal row before it in this run has it. Its content says whether the model read the end.
    Row { row: u64, content: Content },
    /// The model has refused an equal text.
    Refused,
}

/// The contents that a run has embedded so far. Rows are counted through the whole input.
#[derive(Debug)]
pub(crate) struct Seen {
    folder: PathBuf,
    dim: usize,
    /// The first row of each content, whose mark says whether the model read the end. Rows from
    /// 2³² on are not looked up.
    rows: HashMap<[u8; 16], u32>,
    /// Why the model refused a text.
    refused: HashMap<[u8; 16], String>,
    /// The parts that are stored.
    parts: Vec<StoredPart>,
    /// The rows behind them: the first one of each task, and the embeddings.
    open: VecDeque<(u64, Arc<Vec<f32>>)>,
    /// The number of rows that are embedded.
    end: u64,
}

/// A part whose embeddings are on the disk.
#[derive(Debug)]
struct StoredPart {
    first: u64,
    /// The sum of the embeddings, if an earlier process wrote them.
    sum: Option<String>,
    matrix: OnceLock<Matrix>,
}

impl Seen {
    /// Begins after the stored parts in a folder.
    ///
    /// # Errors
    /// Fails if the hashes of what was embedded cannot be read.
    pub(crate) fn after(done: &[PartRecord], folder: &Path, dim: usize) -> Result<Self> {
        let (rows, refused, open) = (HashMap::new(), HashMap::new(), VecDeque::new());
        let folder = folder.to_path_buf();
        let mut seen = Self { folder, dim, rows, refused, parts: Vec::new(), open, end: 0 };
        for (part, record) in done.iter().enumerate() {
            let path = contents_path(&seen.folder, part);
            let contents = read_contents(&path, record.rows(), record.contents_sum.as_deref())?;
            for (row, content) in (seen.end..).zip(contents.unwrap_or_default()) {
                if content != Content::NOTHING && seen.find(content).is_none() {
                    seen.insert(content, row);
                }
            }
            let (first, sum) = (seen.end, record.sum.clone());
            seen.parts.push(StoredPart { first, sum, matrix: OnceLock::new() });
            seen.end += record.rows();
        }
        Ok(seen)
    }

    /// The number of rows that are embedded.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Says where the embeddings of the next rows come from, given their contents. `is_stored` says
    /// whether an earlier run has stored the embedding of a content.
    pub(crate) fn origins(
        &mut self,
        first: u64,
        contents: &[Content],
        is_stored: impl Fn(Content) -> bool,
    ) -> Vec<Origin> {
        let mut origin = |(row, content): (u64, Content)| {
            if content == Content::NOTHING || is_stored(content) {
                return Origin::Model;
            }
            if self.refused.contains_key(&content.to_bytes()) {
                return Origin::Refused;
            }
            match self.find(content) {
                Some((row, content)) => Origin::Row { row, content },
                None => {
                    self.insert(content, row);
                    Origin::Model
                }
            }
        };
        (first..).zip(contents.iter().copied()).map(&mut origin).collect()
    }

    /// Finds the row with this content, whether or not the model read its end.
    fn find(&self, content: Content) -> Option<(u64, Content)> {
        let marks = [content, content.truncated()].into_iter();
        marks.filter_map(|marked| Some((u64::from(*self.rows.get(&marked.to_bytes())?), marked))).next()
    }

    fn insert(&mut self, content: Content, row: u64) {
        if let Ok(row) = u32::try_from(row) {
            self.rows.insert(content.to_bytes(), row);
        }
    }

    /// Marks that the model did not read the end of this content.
    pub(crate) fn mark_truncated(&mut self, content: Content) {
        if let Some(row) = self.rows.remove(&content.to_bytes()) {
            self.rows.insert(content.truncated().to_bytes(), row);
        }
    }

    /// Forgets a content that has no embedding.
    pub(crate) fn forget(&mut self, content: Content) {
        self.rows.remove(&content.to_bytes());
    }

    /// Remembers why the model refused a text.
    pub(crate) fn refuse(&mut self, content: Content, reason: String) {
        self.forget(content);
        self.refused.insert(content.to_bytes(), reason);
    }

    /// Returns why the model refused a text.
    pub(crate) fn refusal(&self, content: Content) -> &str {
        self.refused.get(&content.to_bytes()).map_or("", String::as_str)
    }

    /// Adds the embeddings of the next rows.
    pub(crate) fn extend(&mut self, values: &Arc<Vec<f32>>) {
        self.open.push_back((self.end, Arc::clone(values)));
        self.end += (values.len() / self.dim) as u64;
    }

    /// Notes that the rows before this one are stored, where a part ends.
    pub(crate) fn store_until(&mut self, end: u64) {
        let first = self.open.front().map_or(end, |(first, _)| *first);
        self.parts.push(StoredPart { first, sum: None, matrix: OnceLock::new() });
        while self.open.front().is_some_and(|(first, _)| *first < end) {
            self.open.pop_front();
        }
    }

    /// Writes the embedding of a row to `values`.
    ///
    /// # Errors
    /// Fails if its part cannot be read, or is no more what an earlier process wrote.
    pub(crate) fn read(&self, row: u64, values: &mut [f32]) -> Result<()> {
        let task = self.open.partition_point(|(first, _)| *first <= row);
        if let Some((first, open)) = task.checked_sub(1).map(|task| &self.open[task]) {
            let start = (row - first) as usize * self.dim;
            values.copy_from_slice(&open[start..start + self.dim]);
            return Ok(());
        }
        let part = self.parts.partition_point(|part| part.first <= row) - 1;
        self.matrix(part)?.read(row - self.parts[part].first, values)
    }

    /// Opens the embeddings of a part when they are read first.
    fn matrix(&self, number: usize) -> Result<&Matrix> {
        let part = &self.parts[number];
        if let Some(matrix) = part.matrix.get() {
            return Ok(matrix);
        }
        let path = embeddings_path(&self.folder, number);
        let opened = check_embeddings(&path, part.sum.as_deref()).and_then(|()| Matrix::open(&path));
        // If two threads open it at the same time, both get the same rows.
        opened.map(|matrix| part.matrix.get_or_init(|| matrix)).map_err(|error| in_work_dir(&path, error))
    }
}
