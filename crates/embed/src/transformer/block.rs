//! A transformer block: attention, then a feed-forward network, each with a residual connection.

use candle_core::{Result, Tensor};

use super::attention::attend::Attend;
use super::kernels::Activation;
use super::linear::Linear;
use super::ops::{Norm, activate, add, gate};

/// The norms of a branch, and the factor of its output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Norms {
    /// Normalizes the input of the branch.
    pub(crate) before: Option<Norm>,
    /// Normalizes the output of the branch, before it is added.
    pub(crate) inside: Option<Norm>,
    /// The factors `[width]` of the output.
    pub(crate) scale: Option<Tensor>,
    /// Normalizes the sum.
    pub(crate) after: Option<Norm>,
}

impl Norms {
    /// Makes a norm before the branch alone.
    pub(crate) fn before(norm: Norm) -> Self {
        Self { before: Some(norm), ..Self::default() }
    }

    /// Makes a norm after the sum alone.
    pub(crate) fn after(norm: Norm) -> Self {
        Self { after: Some(norm), ..Self::default() }
    }

    /// Computes a branch with its norms and its residual connection.
    fn around(&self, x: &Tensor, branch: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let mut output = match &self.before {
            Some(norm) => branch(&norm.forward(x)?)?,
            None => branch(x)?,
        };
        if let Some(norm) = &self.inside {
            output = norm.forward(&output)?;
        }
        if let Some(scale) = &self.scale {
            output = output.broadcast_mul(scale)?;
        }
        let sum = add(x, output)?;
        match &self.after {
            Some(norm) => norm.forward(&sum),
            None => Ok(sum),
        }
    }
}

/// A feed-forward network of two layers.
#[derive(Debug, Clone)]
pub(crate) enum Mlp {
    Plain(Linear, Activation, Linear),
    /// A gated network: the first layer has twice as many outputs, and the activation of one half
    /// is multiplied by the other.
    Gated(Linear, Activation, Linear),
}

impl Mlp {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(up, activation, down) => down.forward(&activate(up.forward(x)?, *activation)?),
            Self::Gated(up, activation, down) => down.forward(&gate(&up.forward(x)?, *activation)?),
        }
    }
}

/// A transformer block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) attend: Attend,
    pub(crate) attend_norms: Norms,
    pub(crate) mlp: Mlp,
    pub(crate) mlp_norms: Norms,
}

impl Block {
    /// Returns the number of multiplications for each token, those of attention aside.
    pub(crate) fn weights(&self) -> usize {
        let (Mlp::Plain(up, _, down) | Mlp::Gated(up, _, down)) = &self.mlp;
        [&self.attend.joint, &self.attend.out, up, down]
            .map(|layer| layer.inputs() * layer.outputs())
            .iter()
            .sum()
    }

    /// Computes `[tokens, width]` → `[tokens, width]` for texts of these lengths, which follow each
    /// other.
    pub(crate) fn forward(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let x = self.attend_norms.around(x, |x| self.attend.forward(x, lengths))?;
        self.mlp_norms.around(&x, |x| self.mlp.forward(x))
    }
}
