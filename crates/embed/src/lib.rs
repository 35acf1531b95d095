//! Pretrained models that turn texts into embeddings.
//!
//! [`TextModel`] is what the pipeline needs of a model. [`StaticModel`] is the one that lies inside this crate: it needs
//! no download, no GPU and no server.
//!
//! ```
//! use semdedup_embed::{DEFAULT_MAX_TOKENS, StaticModel, TextModel};
//! # fn main() -> Result<(), semdedup_embed::ModelError> {
//! let model = StaticModel::wordllama(DEFAULT_MAX_TOKENS)?;
//! let mut rows = vec![0.0; 2 * model.dim()];
//! let stats = model.embed(&["a text", "another one"], &mut rows);
//! assert_eq!(stats.truncated, 0);
//! # Ok(())
//! # }
//! ```
mod error;
mod wordllama;

pub use error::ModelError;
pub use wordllama::StaticModel;

/// How many tokens of a text the models read unless told otherwise.
pub const DEFAULT_MAX_TOKENS: usize = 512;

/// A pretrained model that turns texts into embeddings, which need not have unit length.
pub trait TextModel: Send + Sync {
    /// The model's name, as reports and the work directory show it.
    fn name(&self) -> &str;

    /// How many values an embedding has.
    fn dim(&self) -> usize;

    /// Changes whenever the embeddings could change: the name, a hash of the weights, the limit on tokens.
    fn fingerprint(&self) -> String;

    /// Writes one embedding per text to `out`, row after row, and says what was cut off.
    ///
    /// Runs on the calling thread; callers that want more call it from several. An embedding depends on its text and the
    /// model alone, bit for bit: not on the other texts, the thread, or what was embedded before. A text without tokens
    /// gets the zero vector.
    ///
    /// # Panics
    /// If `out` does not have `texts.len() * dim()` values.
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> EmbedStats;
}

/// What was read of the texts of a call to [`TextModel::embed`].
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedStats {
    /// Texts that had more tokens than the limit, so that their ends were not read.
    pub truncated: usize,
    /// Tokens that were read.
    pub tokens: u64,
}
