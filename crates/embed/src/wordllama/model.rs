//! The text model.

use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use super::table::Table;
use super::words::{Reader, Workspace};
use crate::error::ModelError;
use crate::model::{EmbedStats, EmbeddedTexts, TextModel};

const NAME: &str = "wordllama-l2-supercat-256";
/// The version of the model. Raise it when the same weights give other embeddings.
///
/// Version 2 compares texts in normal form, and words that the vocabulary lacks by their letters.
const REVISION: u32 = 2;
pub(super) const TABLE: &[u8] = include_bytes!("../../models/wordllama-l2-supercat-256/table.bin");
pub(super) const TOKENIZER: &[u8] = include_bytes!("../../models/wordllama-l2-supercat-256/tokenizer.bin");

/// A model that averages the vectors of a text's tokens. Words without tokens have vectors drawn
/// from a hash of their letters.
pub struct StaticModel {
    reader: Reader,
    table: Table,
    max_tokens: usize,
    /// Workspaces that no call uses now. Each keeps its word cache for the next call, and no thread
    /// waits for the lookup of another.
    idle: Mutex<Vec<Workspace>>,
}

impl StaticModel {
    /// Loads WordLlama `l2_supercat_256`, to read at most the first `max_tokens` tokens of a text.
    ///
    /// # Errors
    /// If `max_tokens` is 0.
    pub fn wordllama(max_tokens: usize) -> Result<Self, ModelError> {
        if max_tokens == 0 {
            return Err(ModelError::with_hint(
                "the limit on tokens is 0, at least 1 is needed",
                "the model was made for texts of up to 512 tokens",
            ));
        }
        let table = Table::parse(TABLE).map_err(damaged)?;
        let reader = Reader::parse(TOKENIZER, table.rows()).map_err(damaged)?;
        Ok(Self { reader, table, max_tokens, idle: Mutex::default() })
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
        NAME
    }

    fn dim(&self) -> usize {
        self.table.dim()
    }

    fn fingerprint(&self) -> String {
        let mut hash = Xxh3::new();
        hash.update(TABLE);
        hash.update(TOKENIZER);
        format!("{NAME}/r{REVISION}/{:016x}/{}", hash.digest(), self.max_tokens)
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

fn damaged(problem: String) -> ModelError {
    ModelError::with_hint(format!("{NAME}: {problem}"), "the program's file is damaged; install it again")
}
