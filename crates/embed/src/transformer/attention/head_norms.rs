//! Norms of queries and keys.

use candle_core::{DType, Result, Tensor};

/// Root-mean-square norms of each head's queries and keys.
#[derive(Debug)]
pub(crate) struct HeadNorms {
    /// `[width]`.
    pub(crate) queries: Vec<f32>,
    /// `[width]`.
    pub(crate) keys: Vec<f32>,
    pub(crate) eps: f64,
}

impl HeadNorms {
    /// Normalizes one head of one token.
    pub(super) fn on_cpu(&self, head: &mut [f32], weight: &[f32]) {
        let square = head.iter().map(|x| x * x).sum::<f32>() / head.len() as f32;
        let scale = 1.0 / (square + self.eps as f32).sqrt();
        head.iter_mut().zip(weight).for_each(|(x, weight)| *x *= scale * weight);
    }

    /// Normalizes `[texts, heads, length, width]`.
    pub(super) fn on_device(&self, x: &Tensor, weight: &[f32]) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?;
        let scale = (wide.sqr()?.mean_keepdim(3)? + self.eps)?.sqrt()?;
        let weight = Tensor::from_slice(weight, weight.len(), x.device())?;
        wide.broadcast_div(&scale)?.broadcast_mul(&weight)?.to_dtype(x.dtype())
    }
}
