//! A text model without its tokenizer and pooling: from tokens to a vector for each token.

use candle_core::{DType, Device, Result, Tensor};

use super::block::Block;
use super::linear::Linear;
use super::ops::{Norm, add};

/// The tokens of several texts, which follow each other, ordered by length.
#[derive(Debug, Default, Clone)]
pub(crate) struct Batch {
    pub(crate) tokens: Vec<u32>,
    pub(crate) lengths: Vec<usize>,
}

/// How tokens are numbered for their position embeddings.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Positions {
    /// By their index in the text, from this number on.
    From(usize),
    /// By their index among the tokens of the text that are not padding, plus this number, which is
    /// that of the padding token. Padding tokens have this number themselves (RoBERTa, also where a
    /// text spells the padding token out).
    AfterPadding(u32),
}

/// The embeddings of tokens before the first block.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// `[vocabulary, width]`.
    pub(crate) words: Tensor,
    pub(crate) scale: Option<f64>,
    pub(crate) positions: Option<(Tensor, Positions)>,
    /// The vector of the first kind of segment. Texts have no other.
    pub(crate) segment: Option<Tensor>,
    pub(crate) norm: Option<Norm>,
    pub(crate) project: Option<Linear>,
}

impl Input {
    fn forward(&self, batch: &Batch, computed: DType, device: &Device) -> Result<Tensor> {
        let tokens = Tensor::from_slice(&batch.tokens, batch.tokens.len(), device)?;
        let mut x = self.words.index_select(&tokens, 0)?.to_dtype(computed)?;
        if let Some(scale) = self.scale {
            x = (x * scale)?;
        }
        if let Some(project) = &self.project {
            x = project.forward(&x)?;
        }
        if let Some((table, positions)) = &self.positions {
            let positions = Tensor::from_vec(positions.of(batch), batch.tokens.len(), device)?;
            x = add(&x, table.index_select(&positions, 0)?.to_dtype(computed)?)?;
        }
        if let Some(segment) = &self.segment {
            x = x.broadcast_add(segment)?;
        }
        match &self.norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }
}

impl Positions {
    /// Returns the positions of all tokens.
    fn of(self, batch: &Batch) -> Vec<u32> {
        let mut all = Vec::with_capacity(batch.tokens.len());
        let mut rest = batch.tokens.as_slice();
        for &length in &batch.lengths {
            let (text, after) = rest.split_at(length);
            rest = after;
            match self {
                Self::From(first) => all.extend((0..length).map(|place| (first + place) as u32)),
                Self::AfterPadding(padding) => {
                    let mut last = padding;
                    all.extend(text.iter().map(|&token| {
                        if token == padding {
                            return padding;
                        }
                        last += 1;
                        last
                    }));
                }
            }
        }
        all
    }
}

/// A text model without its tokenizer and pooling.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    pub(crate) input: Input,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Option<Norm>,
    pub(crate) project: Option<Linear>,
    /// The number of values of a token's vector.
    pub(crate) width: usize,
    /// The number of tokens that there are positions for.
    pub(crate) positions: usize,
    pub(crate) computed: DType,
    pub(crate) device: Device,
}

impl Encoder {
    /// Computes a vector for each token: `[tokens, width]`.
    pub(crate) fn forward(&self, batch: &Batch) -> Result<Tensor> {
        let mut x = self.input.forward(batch, self.computed, &self.device)?;
        for block in &self.blocks {
            x = block.forward(&x, &batch.lengths)?;
        }
        if let Some(norm) = &self.norm {
            x = norm.forward(&x)?;
        }
        match &self.project {
            Some(project) => project.forward(&x),
            None => Ok(x),
        }
    }

    /// Moves rows of `width` values to the encoder's device and precision.
    pub(crate) fn to_device(&self, values: Vec<f32>, width: usize) -> Result<Tensor> {
        let rows = values.len() / width;
        Tensor::from_vec(values, (rows, width), &self.device)?.to_dtype(self.computed)
    }
}
