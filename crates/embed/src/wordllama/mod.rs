//! The text model inside this crate: WordLlama `l2_supercat_256`, the mean of int8 token vectors, with features of their
//! letters for words that its vocabulary lacks.
//!
//! `embed` is read, then average: `words` reads a text word by word, each brought into its `normal` form and cut into `runs`; `bpe`
//! finds the tokens of words that the vocabulary knows, `letters` makes features of the others, `cache` remembers what came of
//! frequent ones, a `reading` holds what was read of a text, `table` averages. The files are made by `scripts/make_wordllama.py`.
mod bpe;
mod cache;
mod letters;
mod normal;
mod parts;
mod reading;
mod runs;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use crate::{EmbedStats, ModelError, TextModel};
use table::Table;
use words::{Reader, Workspace};

const NAME: &str = "wordllama-l2-supercat-256";
/// Counts changes of this code that change the embeddings of the same weights.
///
/// 2: texts are compared in normal form, and words that the vocabulary lacks by their letters.
const REVISION: u32 = 2;
const TABLE: &[u8] = include_bytes!("../../models/wordllama-l2-supercat-256/table.bin");
const TOKENIZER: &[u8] = include_bytes!("../../models/wordllama-l2-supercat-256/tokenizer.bin");

/// A model that looks the vector of each token up, draws one for each word without a token, and averages them.
pub struct StaticModel {
    reader: Reader,
    table: Table,
    max_tokens: usize,
    /// One workspace per call that ever ran at the same time, so that its word cache outlives the call and no thread
    /// waits for another's lookup.
    idle: Mutex<Vec<Workspace>>,
}

impl StaticModel {
    /// WordLlama `l2_supercat_256`, reading at most the first `max_tokens` tokens of a text.
    ///
    /// # Errors
    /// If `max_tokens` is 0.
    pub fn wordllama(max_tokens: usize) -> Result<Self, ModelError> {
        if max_tokens == 0 {
            return Err(ModelError::new(
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
        assert_eq!(out.len(), texts.len() * self.dim(), "`out` needs {} values per text", self.dim());
        let mut workspace = self.borrow_workspace();
        let mut stats = EmbedStats::default();
        for (text, embedding) in texts.iter().zip(out.chunks_exact_mut(self.dim())) {
            let reading = self.reader.read(text, self.max_tokens, &mut workspace);
            self.table.mean(reading, embedding);
            stats.truncated += usize::from(reading.truncated);
            stats.unknown += usize::from(reading.is_mostly_unknown());
            stats.tokens += reading.counts.units as u64;
        }
        self.return_workspace(workspace);
        Ok(stats)
    }
}

fn damaged(problem: String) -> ModelError {
    ModelError::new(format!("{NAME}: {problem}"), "the program's file is damaged; install it again")
}
