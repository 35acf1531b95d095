//! What the pipeline needs of a model.

use crate::error::ModelError;
use crate::rgb_image::RgbImage;

/// The number of tokens that models read of a text, unless told otherwise.
pub const DEFAULT_MAX_TOKENS: usize = 512;

/// A model that turns texts into embeddings, which need not have unit length.
///
/// Anyone can write one. This one counts letters, and fails on a text that has none:
///
/// ```
/// use semdedup_embed::{EmbedStats, ModelError, TextModel};
///
/// struct Letters;
///
/// impl TextModel for Letters {
///     fn name(&self) -> &str {
///         "letters"
///     }
///
///     fn dim(&self) -> usize {
///         26
///     }
///
///     fn fingerprint(&self) -> String {
///         "letters/1".to_owned()
///     }
///
///     fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError> {
///         assert_eq!(out.len(), texts.len() * self.dim());
///         out.fill(0.0);
///         for (text, row) in texts.iter().zip(out.chunks_exact_mut(self.dim())) {
///             for letter in text.bytes().filter(u8::is_ascii_lowercase) {
///                 row[usize::from(letter - b'a')] += 1.0;
///             }
///             if !text.is_empty() && row.iter().all(|&count| count == 0.0) {
///                 return Err(ModelError::new(format!("`{text}` has no letter from a to z")));
///             }
///         }
///         Ok(EmbedStats { tokens: texts.iter().map(|text| text.len() as u64).sum(), ..EmbedStats::default() })
///     }
/// }
///
/// let mut row = vec![0.0; 26];
/// assert!(Letters.embed(&["a cab"], &mut row).is_ok());
/// assert_eq!(row[..3], [2.0, 1.0, 1.0]);
/// let error = Letters.embed(&["42"], &mut row).unwrap_err();
/// assert_eq!(error.to_string(), "`42` has no letter from a to z");
/// ```
pub trait TextModel: Send + Sync {
    /// Returns the model's name, as reports and the work directory show it.
    fn name(&self) -> &str;

    /// Returns the number of values of an embedding.
    fn dim(&self) -> usize;

    /// Returns a string that changes whenever the embeddings could change: it holds the name, a
    /// hash of the weights and the limit on tokens.
    fn fingerprint(&self) -> String;

    /// Returns after how many rows a run saves its embeddings, if a row costs much time or money,
    /// or `None` if rows cost next to nothing. The sample that estimates the run time has fewer
    /// rows.
    fn rows_per_save(&self) -> Option<usize> {
        None
    }

    /// Returns how many texts to pass in one call, if calls take long or a failed call loses what
    /// was paid for.
    fn rows_per_call(&self) -> Option<usize> {
        None
    }

    /// Returns who decides how much of a long text is read.
    fn text_limit(&self) -> TextLimit {
        TextLimit::MaxTokens
    }

    /// Writes the embeddings of `texts` to `out`, a matrix `[texts.len(), dim()]` in row-major
    /// order, and counts what was read.
    ///
    /// Several threads call it at once. An embedding depends on its text and the model alone: not
    /// on the other texts, the thread, or earlier calls. The embedding of an empty text is zero.
    ///
    /// # Errors
    /// If the model fails, for example because its server does not answer.
    ///
    /// # Panics
    /// If `out` does not have `texts.len() * dim()` values.
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError>;

    /// Does the same as [`TextModel::embed`], but also names the texts that were truncated, and
    /// names the texts that the model cannot embed instead of failing for them. Their rows of `out`
    /// are zeros.
    ///
    /// Only models that can tell implement it; for the others it is `embed`. A run skips such rows and lists them with the reason, so whether a text is
    /// refused, and why, must depend on the text and the model alone.
    ///
    /// # Errors
    /// If the model itself fails.
    ///
    /// # Panics
    /// If `out` does not have `texts.len() * dim()` values.
    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbeddedTexts, ModelError> {
        self.embed(texts, out).map(|stats| EmbeddedTexts { stats, ..EmbeddedTexts::default() })
    }
}

/// Who decides how much of a long text a model reads.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLimit {
    /// The caller, who gives the number of tokens, as far as the model reads.
    #[default]
    MaxTokens,
    /// A server, by its own settings.
    Server,
}

/// A model that turns images into embeddings, which need not have unit length.
///
/// Like a [`TextModel`], it may fail with a [`ModelError`].
pub trait ImageModel: Send + Sync {
    /// Returns the model's name, as reports and the work directory show it.
    fn name(&self) -> &str;

    /// Returns the number of values of an embedding.
    fn dim(&self) -> usize;

    /// Returns a string that changes whenever the embeddings could change: it holds the name, a
    /// hash of the weights and the version of the preprocessing.
    fn fingerprint(&self) -> String;

    /// Returns after how many rows a run saves its embeddings; see [`TextModel::rows_per_save`].
    fn rows_per_save(&self) -> Option<usize> {
        None
    }

    /// Writes the embeddings of `images` to `out`, a matrix `[images.len(), dim()]` in row-major
    /// order. The model resizes and normalizes the images itself.
    ///
    /// Several threads call it at once. An embedding depends on its image and the model alone: not
    /// on the other images, the thread, or earlier calls.
    ///
    /// # Errors
    /// If an image has no pixels, or if the model fails.
    ///
    /// # Panics
    /// If `out` does not have `images.len() * dim()` values.
    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> Result<(), ModelError>;
}

/// Fails if an image has no pixels, because it has no embedding.
/// [`decode_image`](crate::decode_image) never returns such an image.
#[cfg(feature = "images")]
pub(crate) fn check_pixels(images: &[RgbImage]) -> Result<(), ModelError> {
    match images.iter().position(|image| image.width() == 0 || image.height() == 0) {
        Some(i) => {
            let (width, height) = images[i].dimensions();
            Err(ModelError::new(format!("image {i} of {} has no pixels ({width}x{height})", images.len())))
        }
        None => Ok(()),
    }
}

/// The largest distance (1 − cosine) up to which [`MobileNet`](crate::MobileNet) separated labeled
/// images of the same object from other images.
pub(crate) const MOBILENET_EPSILON: f64 = 0.05;

/// The outcome of a call to [`TextModel::embed_each`].
#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedTexts {
    /// Counts of what was read.
    pub stats: EmbedStats,
    /// The indices of the texts that [`EmbedStats::truncated`] counts, in order; empty if the model
    /// cannot tell: then a run counts a text that several rows have once.
    pub truncated: Vec<usize>,
    /// The texts that the model cannot embed, in order.
    pub refused: Vec<RefusedText>,
}

/// A text that a model cannot embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedText {
    /// The index of the text in the call.
    pub index: usize,
    /// The reason, one line without a closing full stop.
    pub reason: String,
}

/// Counts of what a call to [`TextModel::embed`] read.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedStats {
    /// Texts with more tokens than the limit, whose ends were not read.
    pub truncated: usize,
    /// Texts of which most words are not in the model's vocabulary, so that they are compared by
    /// their letters. Only models that can tell count them.
    pub unknown: usize,
    /// Tokens that were read.
    pub tokens: u64,
}
