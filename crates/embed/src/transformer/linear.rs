//! Linear layers: x·W + b.
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};

use super::failure::failed;
use super::ops::floats;
use super::product::{Matrix, Panels};
use super::weights::Scope;
use crate::error::ModelError;

/// A linear layer, x·W + b.
#[derive(Debug, Clone)]
pub(crate) enum Linear {
    /// The layer on a CPU, with the bias.
    Cpu(Arc<Panels>),
    /// The layer on another device.
    Device {
        /// `[in, out]`.
        weight: Tensor,
        bias: Option<Tensor>,
    },
}

impl Linear {
    /// Loads `weight` `[out, in]` and, if there is one, `bias` `[out]`.
    pub(crate) fn load(
        scope: &Scope,
        inputs: usize,
        outputs: usize,
    ) -> std::result::Result<Self, ModelError> {
        Self::side_by_side(std::slice::from_ref(scope), inputs, &[outputs])
    }

    /// Loads several layers with the same input as one, with their outputs side by side.
    pub(crate) fn side_by_side(
        scopes: &[Scope],
        inputs: usize,
        outputs: &[usize],
    ) -> std::result::Result<Self, ModelError> {
        let biased = scopes.iter().any(|scope| scope.has("bias"));
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for (scope, &outputs) in scopes.iter().zip(outputs) {
            weights.push(scope.matrix("weight", &[outputs, inputs])?);
            if scope.has("bias") {
                biases.push(scope.vector("bias", &[outputs])?);
            } else if biased {
                // Some models leave out the bias of the keys alone.
                biases.push(scope.zeros(outputs)?);
            }
        }
        let weight = Tensor::cat(&weights, 0).map_err(failed)?;
        let bias = if biased { Some(Tensor::cat(&biases, 0).map_err(failed)?) } else { None };
        Self::new(&weight, bias)
    }

    /// Makes a layer of a matrix `[out, in]`.
    pub(crate) fn new(weight: &Tensor, bias: Option<Tensor>) -> std::result::Result<Self, ModelError> {
        if weight.dims().contains(&0) {
            return Err(ModelError::with_hint(
                format!("a layer has the shape {:?}", weight.dims()),
                "the weights are damaged, or the model has no values there",
            ));
        }
        let make = || {
            if !weight.device().is_cpu() {
                return Ok(Self::Device { weight: weight.t()?.contiguous()?, bias });
            }
            let (outputs, inputs) = weight.dims2()?;
            let numbers = weight.flatten_all()?;
            let matrix = match weight.dtype() {
                DType::F16 => Matrix::F16(numbers.to_vec1()?),
                DType::BF16 => Matrix::Bf16(numbers.to_vec1()?),
                _ => Matrix::F32(numbers.to_dtype(DType::F32)?.to_vec1()?),
            };
            let bias = bias.map(|bias| bias.to_vec1::<f32>()).transpose()?;
            Ok(Self::Cpu(Arc::new(Panels::new(&matrix, bias.as_deref(), inputs, outputs))))
        };
        make().map_err(failed)
    }

    pub(crate) fn inputs(&self) -> usize {
        match self {
            Self::Cpu(panels) => panels.inner(),
            Self::Device { weight, .. } => weight.dims()[0],
        }
    }

    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Cpu(panels) => panels.columns(),
            Self::Device { weight, .. } => weight.dims()[1],
        }
    }

    /// Computes `[rows, in]` → `[rows, out]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Cpu(panels) => x.apply_op1_no_bwd(&Product(panels)),
            Self::Device { weight, bias: None } => x.matmul(&weight.to_dtype(x.dtype())?),
            Self::Device { weight, bias: Some(bias) } => {
                x.matmul(&weight.to_dtype(x.dtype())?)?.broadcast_add(bias)
            }
        }
    }
}

struct Product<'a>(&'a Panels);

impl CustomOp1 for Product<'_> {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        if inputs != self.0.inner() {
            let message = format!("a layer of {} inputs is given {inputs}", self.0.inner());
            return Err(candle_core::Error::msg(message));
        }
        let mut out = vec![0.0; rows * self.0.columns()];
        self.0.multiply(floats(x, layout)?, &mut out);
        Ok((CpuStorage::F32(out), (rows, self.0.columns()).into()))
    }
}
