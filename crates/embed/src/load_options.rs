//! How a pretrained model is loaded, and what loading it returns.

use crate::model::{ImageModel, TextModel};

/// How a pretrained model is loaded.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Read at most this many tokens of a text, special tokens included. The default is the model's
    /// own limit.
    pub max_tokens: Option<usize>,
    /// A string to put before every text (`query: ` for E5). The default is the model's own prompt,
    /// for most models none.
    pub prefix: Option<String>,
    /// The precision of the weights.
    pub precision: Precision,
    /// The device that computes the model.
    pub place: Place,
    /// Which half of a model of texts and images to load.
    pub towers: Towers,
}

/// Which models of a folder to load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Towers {
    /// All that the folder has.
    #[default]
    All,
    /// The text model alone.
    Texts,
    /// The image model alone.
    Images,
}

/// The precision of a model's weights. On a CPU it saves memory only: everything is computed in
/// f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, IEEE.
    F16,
    /// 16 bits with the exponent of f32.
    Bf16,
}

/// The device that computes a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// The CPU.
    #[default]
    Cpu,
    /// The CUDA device with this number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device with this number; needs the feature `metal`.
    Metal(usize),
}

/// The models of a folder: a text model, an image model, or both (CLIP).
pub struct Loaded {
    /// The text model.
    pub text: Option<Box<dyn TextModel>>,
    /// The image model.
    pub image: Option<Box<dyn ImageModel>>,
}
