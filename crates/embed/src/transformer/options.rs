//! How a pretrained model is loaded.

use candle_core::DType;

/// How a pretrained model is loaded.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Read at most this many tokens of a text, those that the tokenizer adds included; what the model says otherwise.
    pub max_tokens: Option<usize>,
    /// What is put before every text (`query: ` for E5); what the model says otherwise, which is mostly nothing.
    pub prefix: Option<String>,
    /// The precision of the weights.
    pub precision: Precision,
    /// Where the model is computed.
    pub place: Place,
    /// Which half of a model of texts and images is loaded.
    pub towers: Towers,
}

/// Which models of a folder are loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Towers {
    /// All that there are.
    #[default]
    All,
    /// The text model alone.
    Texts,
    /// The image model alone.
    Images,
}

/// The precision of a model's weights. On a CPU they are only kept so, to take less memory, and everything is computed in f32.
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

impl Precision {
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

/// Where a model is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// On the processor.
    #[default]
    Cpu,
    /// On the CUDA device of this number; needs the feature `cuda`.
    Cuda(usize),
    /// On the Metal device of this number; needs the feature `metal`.
    Metal(usize),
}
