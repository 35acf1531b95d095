//! A transformer block: attention, then a network for each token by itself, each added to what came in.

use candle_core::{Result, Tensor};

use super::attention::Attend;
use super::kernels::Activation;
use super::linear::Linear;
use super::ops::{Norm, activate, add, gate};

/// Where a branch of a block is normed, and how it is added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Norms {
    /// Of what the branch reads.
    pub(crate) before: Option<Norm>,
    /// Of what it gives, before that is added.
    pub(crate) inside: Option<Norm>,
    /// What is given is multiplied with, value by value.
    pub(crate) scale: Option<Tensor>,
    /// Of the sum.
    pub(crate) after: Option<Norm>,
}

impl Norms {
    pub(crate) fn before(norm: Norm) -> Self {
        Self { before: Some(norm), ..Self::default() }
    }

    pub(crate) fn after(norm: Norm) -> Self {
        Self { after: Some(norm), ..Self::default() }
    }

    fn around(&self, x: &Tensor, branch: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let mut given = match &self.before {
            Some(norm) => branch(&norm.forward(x)?)?,
            None => branch(x)?,
        };
        if let Some(norm) = &self.inside {
            given = norm.forward(&given)?;
        }
        if let Some(scale) = &self.scale {
            given = given.broadcast_mul(scale)?;
        }
        let sum = add(x, given)?;
        match &self.after {
            Some(norm) => norm.forward(&sum),
            None => Ok(sum),
        }
    }
}

/// A network of two layers for each token.
#[derive(Debug, Clone)]
pub(crate) enum Mlp {
    Plain(Linear, Activation, Linear),
    /// The first layer's outputs are twice as many: a function of one half is multiplied with the other.
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
    /// How many weights each token is multiplied with.
    pub(crate) fn weights(&self) -> usize {
        let (Mlp::Plain(up, _, down) | Mlp::Gated(up, _, down)) = &self.mlp;
        [&self.attend.joint, &self.attend.out, up, down]
            .map(|layer| layer.inputs() * layer.outputs())
            .iter()
            .sum()
    }

    /// `[tokens, width]` → the same, for texts of these lengths, one behind the other.
    pub(crate) fn forward(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let x = self.attend_norms.around(x, |x| self.attend.forward(x, lengths))?;
        self.mlp_norms.around(&x, |x| self.mlp.forward(x))
    }
}
