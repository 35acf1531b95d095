//! What an architecture returns for texts.

use crate::transformer::encoder::Encoder;
use crate::transformer::linear::Linear;
use crate::transformer::pooling::Mode;

/// A text model, and the steps after its encoder where no file of sentence-transformers gives them.
pub(crate) struct TextParts {
    pub(crate) encoder: Encoder,
    pub(crate) pooling: Mode,
    /// A layer after pooling that belongs to the model itself.
    pub(crate) project: Option<Linear>,
    /// Whether texts are padded to the limit on tokens, so that the model sees the padding.
    pub(crate) padded: bool,
}

impl TextParts {
    /// Makes a model without a layer after pooling and without padding.
    pub(super) fn plain(encoder: Encoder, pooling: Mode) -> Self {
        Self { encoder, pooling, project: None, padded: false }
    }
}
