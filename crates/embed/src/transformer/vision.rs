//! An image model without the preparation of images: from patches to a vector for each image.

use candle_core::{D, DType, Device, Result, Tensor};

use super::block::{Block, Mlp};
use super::linear::Linear;
use super::ops::Norm;

/// An image model.
#[derive(Debug, Clone)]
pub(crate) struct ImageEncoder {
    /// The length of a patch's edges.
    pub(crate) patch: usize,
    /// The layer from a patch's values to a token.
    pub(crate) patches: Linear,
    /// `[patches, width]`.
    pub(crate) positions: Tensor,
    /// The tokens before the patches, with their positions: `[tokens, width]`.
    pub(crate) first: Option<Tensor>,
    /// The norm before the first block.
    pub(crate) norm_before: Option<Norm>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Norm,
    pub(crate) pool: ImagePool,
    pub(crate) project: Option<Linear>,
    pub(crate) width: usize,
    pub(crate) computed: DType,
    pub(crate) device: Device,
}

/// The way from tokens to a vector for the image.
#[derive(Debug, Clone)]
pub(crate) enum ImagePool {
    /// The vector of the first token.
    First,
    /// The result of a learned query to all tokens (SigLIP).
    Query(Box<Query>),
}

/// Attention with one learned query, and a feed-forward network after it.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) heads: usize,
    /// `[1, width]`, after its projection.
    pub(crate) query: Tensor,
    /// The projection to keys and values side by side.
    pub(crate) joint: Linear,
    pub(crate) out: Linear,
    pub(crate) norm: Norm,
    pub(crate) mlp: Mlp,
}

impl ImageEncoder {
    /// Returns the number of tokens of an image.
    pub(crate) fn tokens(&self) -> usize {
        self.positions.dims()[0] + self.first.as_ref().map_or(0, |first| first.dims()[0])
    }

    /// Returns the number of values of an embedding.
    pub(crate) fn dim(&self) -> usize {
        self.project.as_ref().map_or(self.width, Linear::outputs)
    }

    /// Computes `[images · patches, values]` → `[images, dim]`.
    pub(crate) fn forward(&self, patches: &Tensor, images: usize) -> Result<Tensor> {
        let (count, width) = self.positions.dims2()?;
        let x = self.patches.forward(&patches.to_dtype(self.computed)?)?.reshape((images, count, width))?;
        let mut x = x.broadcast_add(&self.positions)?;
        if let Some(first) = &self.first {
            let first = first.unsqueeze(0)?.expand((images, first.dim(0)?, width))?;
            x = Tensor::cat(&[first, x], 1)?;
        }
        let mut x = x.reshape((images * self.tokens(), width))?;
        if let Some(norm) = &self.norm_before {
            x = norm.forward(&x)?;
        }
        let lengths = vec![self.tokens(); images];
        for block in &self.blocks {
            x = block.forward(&x, &lengths)?;
        }
        let x = match &self.pool {
            ImagePool::First => {
                let first = x.reshape((images, self.tokens(), width))?.narrow(1, 0, 1)?.squeeze(1)?;
                self.norm.forward(&first.contiguous()?)?
            }
            ImagePool::Query(query) => query.forward(&self.norm.forward(&x)?, images)?,
        };
        match &self.project {
            Some(project) => project.forward(&x),
            None => Ok(x),
        }
    }
}

impl Query {
    /// Computes `[images · tokens, width]` → `[images, width]`.
    fn forward(&self, x: &Tensor, images: usize) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let (count, head) = (tokens / images, width / self.heads);
        let joint = self.joint.forward(x)?.reshape((images, count, 2, self.heads, head))?;
        // [images, heads, count, head]
        let part = |number: usize| joint.narrow(2, number, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let query = self.query.reshape((1, self.heads, 1, head))?.expand((images, self.heads, 1, head))?;
        let scores =
            (query.contiguous()?.matmul(&part(0)?.transpose(2, 3)?.contiguous()?)? / (head as f64).sqrt())?;
        let weights = candle_nn::ops::softmax(&scores, D::Minus1)?;
        let found = self.out.forward(&weights.matmul(&part(1)?)?.reshape((images, width))?)?;
        let network = self.mlp.forward(&self.norm.forward(&found)?)?;
        found + network
    }
}
