//! Attention with the projections around it.

use candle_core::{Result, Tensor};

use super::cpu::OnCpu;
use super::shape::Attention;
use crate::transformer::linear::Linear;

impl Attention {
    /// Computes `[tokens, queries + keys + values]` → `[tokens, heads · width]` for texts of these
    /// lengths.
    pub(super) fn forward(&self, joint: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        if joint.device().is_cpu() {
            joint.apply_op1_no_bwd(&OnCpu { attention: self, lengths })
        } else {
            self.on_device(joint, lengths)
        }
    }
}

/// Attention with the projections around it.
#[derive(Debug, Clone)]
pub(crate) struct Attend {
    pub(crate) attention: Attention,
    /// The projection to queries, keys and values side by side.
    pub(crate) joint: Linear,
    pub(crate) out: Linear,
}

impl Attend {
    /// Computes `[tokens, width]` → `[tokens, width]` for texts of these lengths.
    pub(crate) fn forward(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        self.out.forward(&self.attention.forward(&self.joint.forward(x)?, lengths)?)
    }
}
