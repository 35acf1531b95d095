//! The text model.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use super::table::Table;
use super::vocabulary::Vocabulary;
use super::words::{Reader, Workspace};
use crate::error::ModelError;
use crate::model::{EmbedStats, EmbeddedTexts, TextModel};

/// The version of the reading of texts. Raise it when the same table gives other embeddings.
const REVISION: u32 = 1;
/// A model that averages the vectors of a text's tokens. Words without tokens have vectors drawn
/// from a hash of their letters.
pub struct DistilledModel {
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

impl DistilledModel {
    /// Makes a model of the file of a table and of the pieces of its rows, a line each.
    pub(super) fn new(
        name: &str,
        table: Cow<'static, [u8]>,
        vocabulary: &str,
        max_tokens: usize,
    ) -> Result<Self, String> {
        if max_tokens == 0 {
            return Err("the limit on tokens is 0, at least 1 is needed".to_owned());
        }
        let mut hash = Xxh3::new();
        hash.update(&table);
        hash.update(vocabulary.as_bytes());
        let table = Table::parse(table)?;
        let reader = Reader::new(Vocabulary::new(vocabulary.lines()), table.unit());
        let rows = vocabulary.lines().count();
        if rows != table.rows() {
            return Err(format!("{name}: the vocabulary has {rows} pieces, the table {} rows", table.rows()));
        }
        Ok(Self {
            reader,
            table,
            name: name.to_owned(),
            hash: hash.digest(),
            max_tokens,
            idle: Mutex::default(),
        })
    }

    fn borrow_workspace(&self) -> Workspace {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn return_workspace(&self, mut workspace: Workspace) {
        workspace.trim();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }
}

impl TextModel for DistilledModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.table.dim()
    }

    fn fingerprint(&self) -> String {
        // Not the name: a model that is moved gives the same embeddings.
        format!("distilled/r{REVISION}/{:016x}/{}", self.hash, self.max_tokens)
    }

    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError> {
        self.embed_each(texts, out).map(|embedded| embedded.stats)
    }

    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbeddedTexts, ModelError> {
        assert_eq!(out.len(), texts.len() * self.dim(), "`out` needs {} values per text", self.dim());
        let mut workspace = self.borrow_workspace();
        let (mut stats, mut truncated) = (EmbedStats::default(), Vec::new());
        for (index, (text, embedding)) in texts.iter().zip(out.chunks_exact_mut(self.dim())).enumerate() {
            let reading = self.reader.read(text, self.max_tokens, &mut workspace);
            self.table.mean(reading, embedding);
            truncated.extend(reading.truncated.then_some(index));
            stats.unknown += usize::from(reading.is_mostly_unknown());
            stats.tokens += reading.counts.units as u64;
        }
        self.return_workspace(workspace);
        stats.truncated = truncated.len();
        Ok(EmbeddedTexts { stats, truncated, refused: Vec::new() })
    }
}
