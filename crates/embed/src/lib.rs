//! Pretrained models that turn texts into embeddings.
//!
//! [`TextModel`] is what the pipeline needs of a model. [`StaticModel`] is the one that lies inside this crate: it needs
//! no download, no GPU and no server. [`RemoteModel`] asks a server.
//!
//! ```
//! use semdedup_embed::{DEFAULT_MAX_TOKENS, StaticModel, TextModel};
//! # fn main() -> Result<(), semdedup_embed::ModelError> {
//! let model = StaticModel::wordllama(DEFAULT_MAX_TOKENS)?;
//! let mut rows = vec![0.0; 2 * model.dim()];
//! let stats = model.embed(&["a text", "another one"], &mut rows)?;
//! assert_eq!(stats.truncated, 0);
//! # Ok(())
//! # }
//! ```
mod decode;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod mobilenet;
mod remote;
mod transformer;
mod wordllama;

pub use decode::{ImageError, ImageLimits, decode_image, looks_like_image};
pub use error::ModelError;
pub use image::RgbImage;
pub use mobilenet::MobileNet;
pub use remote::{Pause, RemoteModel, RemoteOptions, ServerAddress, ServerKey};
pub use transformer::{LoadOptions, Loaded, Place, Precision, Towers, load};
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

    /// After how many rows a run should write down what it has, where a row costs much time or money; `None` where rows
    /// cost next to nothing. What is tried out to estimate the time is less than that.
    fn rows_per_save(&self) -> Option<usize> {
        None
    }

    /// How many texts to give it at a time, where a call takes long or one that fails loses what had been paid for.
    fn rows_per_call(&self) -> Option<usize> {
        None
    }

    /// Writes one embedding per text to `out`, row after row, and says what was cut off.
    ///
    /// Callers call it from several threads at once. An embedding depends on its text and the
    /// model alone: not on the other texts, the thread, or what was embedded before. An empty text gets the zero vector.
    ///
    /// # Errors
    /// If the model fails, such as one behind a server.
    ///
    /// # Panics
    /// If `out` does not have `texts.len() * dim()` values.
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError>;
}

/// A pretrained model that turns images into embeddings, which need not have unit length.
pub trait ImageModel: Send + Sync {
    /// The model's name, as reports and the work directory show it.
    fn name(&self) -> &str;

    /// How many values an embedding has.
    fn dim(&self) -> usize;

    /// Changes whenever the embeddings could change: the name, a hash of the weights, how images are prepared.
    fn fingerprint(&self) -> String;

    /// After how many rows a run should write down what it has; see [`TextModel::rows_per_save`].
    fn rows_per_save(&self) -> Option<usize> {
        None
    }

    /// Writes one embedding per image to `out`, row after row. The model resizes and normalises by itself.
    ///
    /// Callers call it from several threads at once. An embedding depends on its image and the model alone: not on the
    /// other images, the thread, or what was embedded before.
    ///
    /// # Errors
    /// If the model fails.
    ///
    /// # Panics
    /// If `out` does not have `images.len() * dim()` values.
    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> Result<(), ModelError>;
}

/// What was read of the texts of a call to [`TextModel::embed`].
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedStats {
    /// Texts that had more tokens than the limit, so that their ends were not read.
    pub truncated: usize,
    /// Texts of which most words are not in the model's vocabulary, so that they are compared by their letters; only models that
    /// can tell count them.
    pub unknown: usize,
    /// Tokens that were read.
    pub tokens: u64,
}
