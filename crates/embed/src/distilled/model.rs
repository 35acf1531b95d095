//! The text model.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;
use xxhash_rust::xxh3::Xxh3;

use super::reading::Reading;
use super::table::Table;
use super::vocabulary::Vocabulary;
use super::words::{Reader, Workspace};
use crate::error::ModelError;
use crate::model::{EmbedStats, EmbeddedTexts, TextModel};

/// The version of the reading of texts. Raise it when the same table gives other embeddings.
const REVISION: u32 = 1;

/// A static model: a text's embedding is the sum of the vectors of its words. Words without pieces in
/// the vocabulary have vectors drawn from a hash of their letters; numbers have exact ones.
pub struct StaticModel {
    reader: Reader,
    table: Table,
    name: String,
    /// A hash of the table and the vocabulary.
    hash: u64,
    max_tokens: usize,
    /// Workspaces that no call uses now. Each keeps its word cache for the next call, and no thread
    /// waits for the lookup of another.
    idle: Mutex<Vec<Workspace>>,
}

impl StaticModel {
    /// Makes a model that reads whole texts, of the file of a table and of the pieces of its rows, a
    /// line each.
    pub(super) fn new(name: &str, table: Cow<'static, [u8]>, vocabulary: &str) -> Result<Self, String> {
        let mut hash = Xxh3::new();
        hash.update(&table);
        hash.update(vocabulary.as_bytes());
        let table = Table::parse(table)?;
        let reader = Reader::new(Vocabulary::new(vocabulary.lines()), table.unit());
        let rows = vocabulary.lines().count();
        if rows != table.rows() {
            return Err(format!("the vocabulary has {rows} pieces, the table {} rows", table.rows()));
        }
        Ok(Self {
            reader,
            table,
            name: name.to_owned(),
            hash: hash.digest(),
            max_tokens: usize::MAX,
            idle: Mutex::default(),
        })
    }

    /// Lets the model read at most the first `max_tokens` tokens of a text.
    pub(super) fn with_limit(self, max_tokens: Option<usize>) -> Result<Self, ModelError> {
        match max_tokens {
            Some(0) => Err(ModelError::with_hint(
                "the limit on tokens is 0, at least 1 is needed",
                "without a limit texts are read whole",
            )),
            Some(max_tokens) => Ok(Self { max_tokens, ..self }),
            None => Ok(self),
        }
    }

    fn borrow_workspace(&self) -> Workspace {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn return_workspace(&self, mut workspace: Workspace) {
        workspace.trim();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }
}

impl TextModel for StaticModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.table.dim()
    }

    fn fingerprint(&self) -> String {
        // Not the name: a model that is moved gives the same embeddings.
        let limit =
            if self.max_tokens == usize::MAX { "whole".to_owned() } else { self.max_tokens.to_string() };
        format!("static/r{REVISION}/{:016x}/{limit}", self.hash)
    }

    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError> {
        self.embed_each(texts, out).map(|embedded| embedded.stats)
    }

    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbeddedTexts, ModelError> {
        assert_eq!(out.len(), texts.len() * self.dim(), "`out` needs {} values per text", self.dim());
        let mut workspace = self.borrow_workspace();
        let (mut read, mut first) = (Vec::with_capacity(texts.len()), HashMap::with_capacity(texts.len()));
        for (index, text) in texts.iter().enumerate() {
            let (before, from_here) = out.split_at_mut(index * self.dim());
            let embedding = &mut from_here[..self.dim()];
            // Copies of a text often lie near it. A third of the rows of some documentation are copies.
            let earlier = *first.entry(*text).or_insert(index);
            if earlier < index {
                embedding.copy_from_slice(&before[earlier * self.dim()..][..self.dim()]);
                read.push(read[earlier]);
            } else {
                read.push(self.embed_one(text, embedding, &mut workspace));
            }
        }
        self.return_workspace(workspace);
        Ok(embedded(&read))
    }
}

/// What is told of a text.
#[derive(Debug, Clone, Copy)]
struct Read {
    tokens: u64,
    is_truncated: bool,
    is_unknown: bool,
}

impl StaticModel {
    fn embed_one(&self, text: &str, embedding: &mut [f32], workspace: &mut Workspace) -> Read {
        embedding.fill(0.0);
        let part = |reading: &Reading| self.table.add_words(reading, embedding);
        let reading = self.reader.read(text, self.max_tokens, workspace, part);
        self.table.finish(reading, embedding);
        Read {
            tokens: reading.counts.units as u64,
            is_truncated: reading.truncated,
            is_unknown: reading.is_mostly_unknown(),
        }
    }
}

fn embedded(read: &[Read]) -> EmbeddedTexts {
    let truncated: Vec<usize> = (0..read.len()).filter(|&index| read[index].is_truncated).collect();
    let stats = EmbedStats {
        truncated: truncated.len(),
        unknown: read.iter().filter(|read| read.is_unknown).count(),
        tokens: read.iter().map(|read| read.tokens).sum(),
    };
    EmbeddedTexts { stats, truncated, refused: Vec::new() }
}
