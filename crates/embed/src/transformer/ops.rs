//! Norms, sums and activations: on a CPU with the loops of `kernels`, on another device with
//! candle's.
//!
//! Tensors are rows of tokens `[tokens, width]`. Texts follow each other without padding, so no
//! text is computed with the length of another.
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, InplaceOp1, InplaceOp2, Layout, Result, Shape, Tensor,
};

use super::failure::failed;
use super::kernels::{self, Activation, Affine};
use super::weights::Scope;
use crate::error::ModelError;

/// Returns the numbers of a contiguous tensor of f32.
pub(crate) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("rows are not contiguous"))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// A layer norm or a root-mean-square norm.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    weight: Tensor,
    bias: Option<Tensor>,
    eps: f64,
    kind: NormKind,
}

/// The kinds of norms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NormKind {
    /// A layer norm: it subtracts the mean and divides by the standard deviation.
    Layer,
    /// A root-mean-square norm: it divides by the root of the mean square.
    RootMeanSquare,
    /// A root-mean-square norm whose weight in the file is relative to 1 (Gemma).
    RootMeanSquareFromOne,
}

impl Norm {
    pub(crate) fn load(
        scope: &Scope,
        width: usize,
        kind: NormKind,
        eps: f64,
    ) -> std::result::Result<Self, ModelError> {
        let weight = scope.vector("weight", &[width])?;
        let weight = match kind {
            NormKind::RootMeanSquareFromOne => (weight + 1.0).map_err(failed)?,
            _ => weight,
        };
        let bias = if scope.has("bias") { Some(scope.vector("bias", &[width])?) } else { None };
        Ok(Self { weight, bias, eps, kind })
    }

    /// Normalizes each row of `[rows, width]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match (&self.bias, x.device().is_cpu()) {
            (None, true) => x.apply_op2_no_bwd(&self.weight, self),
            (Some(bias), true) => x.apply_op3_no_bwd(&self.weight, bias, self),
            (_, false) => self.on_device(x),
        }
    }

    fn on_device(&self, x: &Tensor) -> Result<Tensor> {
        let (wide, dtype) = (x.to_dtype(candle_core::DType::F32)?, x.dtype());
        let centred = match self.kind {
            NormKind::Layer => wide.broadcast_sub(&wide.mean_keepdim(1)?)?,
            _ => wide,
        };
        let scale = (centred.sqr()?.mean_keepdim(1)? + self.eps)?.sqrt()?;
        let x = centred.broadcast_div(&scale)?.to_dtype(dtype)?.broadcast_mul(&self.weight)?;
        match &self.bias {
            Some(bias) => x.broadcast_add(bias),
            None => Ok(x),
        }
    }

    fn on_cpu(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> CpuStorage {
        let mut out = vec![0.0; x.len()];
        let eps = self.eps as f32;
        match self.kind {
            NormKind::Layer => kernels::layer_norm(x, &Affine { weight, bias }, eps, &mut out),
            _ => kernels::rms_norm(x, weight, eps, &mut out),
        }
        CpuStorage::F32(out)
    }
}

impl CustomOp2 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((self.on_cpu(floats(x, xl)?, floats(w, wl)?, None), xl.shape().clone()))
    }
}

impl CustomOp3 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
        b: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((self.on_cpu(floats(x, xl)?, floats(w, wl)?, Some(floats(b, bl)?)), xl.shape().clone()))
    }
}

/// Returns the sum of two tensors. On a CPU it is computed in place, because candle's own sum uses
/// threads.
pub(crate) fn add(x: &Tensor, y: Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        y.inplace_op2(x, &Add)?;
        return Ok(y);
    }
    x + y
}

struct Add;

impl InplaceOp2 for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, sum: &mut CpuStorage, sl: &Layout, x: &CpuStorage, xl: &Layout) -> Result<()> {
        match (sum, sl.contiguous_offsets()) {
            (CpuStorage::F32(sum), Some((start, end))) => {
                kernels::add(&mut sum[start..end], floats(x, xl)?);
                Ok(())
            }
            _ => Err(candle_core::Error::msg("sums need contiguous rows of f32")),
        }
    }
}

/// Applies a function to each element.
pub(crate) fn activate(x: Tensor, activation: Activation) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.inplace_op1(&activation)?;
        return Ok(x);
    }
    match activation {
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::QuickGelu => &x * candle_nn::ops::sigmoid(&(&x * 1.702)?)?,
        Activation::Relu => x.relu(),
        Activation::Silu => x.silu(),
        Activation::Tanh => x.tanh(),
        Activation::None => Ok(x),
    }
}

impl InplaceOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        match (storage, layout.contiguous_offsets()) {
            (CpuStorage::F32(values), Some((start, end))) => {
                kernels::activate(&mut values[start..end], *self);
                Ok(())
            }
            _ => Err(candle_core::Error::msg("activations need contiguous rows of f32")),
        }
    }
}

/// Computes `[rows, 2·width]` → `[rows, width]`: the activation of the first half times the second
/// half.
pub(crate) fn gate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    if x.device().is_cpu() {
        return x.apply_op1_no_bwd(&Gate(activation));
    }
    let halves = x.chunk(2, 1)?;
    activate(halves[0].contiguous()?, activation)?.mul(&halves[1])
}

struct Gate(Activation);

impl CustomOp1 for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, both) = layout.shape().dims2()?;
        let mut out = vec![0.0; rows * both / 2];
        kernels::gate(floats(x, layout)?, self.0, &mut out, both / 2);
        Ok((CpuStorage::F32(out), (rows, both / 2).into()))
    }
}
