//! Sizes and layers that the architectures share.

use crate::transformer::config::{Config, MOST};
use crate::transformer::failure::{Result, failed};
use crate::transformer::kernels::Activation;
use crate::transformer::linear::Linear;
use crate::transformer::ops::{Norm, NormKind};
use crate::transformer::pixels::Size;
use crate::transformer::weights::Scope;

/// The names of activations in `config.json`.
const ACTIVATIONS: [(&str, Activation); 11] = [
    ("gelu", Activation::Gelu),
    ("gelu_python", Activation::Gelu),
    ("gelu_new", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("gelu_accurate", Activation::GeluTanh),
    ("quick_gelu", Activation::QuickGelu),
    ("relu", Activation::Relu),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("tanh", Activation::Tanh),
];

/// Returns the activation that a field names.
pub(super) fn activation(config: &Config, field: &str, default: &str) -> Result<Activation> {
    let name = config.text_or(field, default)?;
    let known = ACTIVATIONS.iter().find(|(known, _)| *known == name).map(|&(_, activation)| activation);
    let all = "gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, silu or tanh";
    known.ok_or_else(|| config.wrong(field, all))
}

/// Returns the number of heads, which must divide the width.
pub(super) fn heads(config: &Config, field: &str, default: Option<usize>, width: usize) -> Result<usize> {
    let heads = config.count_or(field, default)?;
    if width.is_multiple_of(heads) {
        return Ok(heads);
    }
    Err(config.wrong(field, &format!("a divisor of the width {width}")))
}

/// Returns the product of sizes, of which `field` gives one. It fails for more values than a tensor
/// can have, which could overflow.
pub(super) fn product(config: &Config, field: &str, sizes: &[usize]) -> Result<usize> {
    let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    product.filter(|&product| product <= MOST).ok_or_else(|| config.wrong(field, "smaller"))
}

/// Returns the first dimension of a tensor, where only the tensor tells the number of outputs.
pub(super) fn outputs(scope: &Scope, name: &str) -> Result<usize> {
    let shape = scope.shape(name)?;
    match shape.first() {
        Some(&outputs) if outputs > 0 => Ok(outputs),
        _ => Err(scope.wrong(name, "with rows")),
    }
}

/// Loads several layers with the same input as one, for example queries, keys and values. `outputs`
/// are their widths.
pub(super) fn joint<const N: usize>(
    scope: &Scope,
    names: [&str; N],
    inputs: usize,
    outputs: [usize; N],
) -> Result<Linear> {
    Linear::side_by_side(&names.map(|name| scope.at(name)), inputs, &outputs)
}

/// Loads the layer from a patch's values to a token: a convolution whose stride is its size.
pub(super) fn patches(scope: &Scope, patch: usize, width: usize) -> Result<Linear> {
    let weight = scope.matrix("weight", &[width, 3, patch, patch])?;
    let weight = weight.reshape((width, 3 * patch * patch)).map_err(failed)?;
    let bias = if scope.has("bias") { Some(scope.vector("bias", &[width])?) } else { None };
    Linear::new(&weight, bias)
}

/// The patches of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Grid {
    /// Divides images of a size into square patches.
    pub(super) fn of(config: &Config, size: Size, patch: usize) -> Result<Self> {
        if config.count_or("num_channels", 3)? != 3 {
            return Err(config.wrong("num_channels", "3"));
        }
        let (height, width) = (size.height as usize, size.width as usize);
        if height < patch || width < patch {
            return Err(
                config.wrong("patch_size", &format!("at most {height} by {width}, as images are prepared"))
            );
        }
        Ok(Self { rows: height / patch, columns: width / patch })
    }

    /// Returns the number of patches.
    pub(super) fn count(self) -> usize {
        self.rows * self.columns
    }
}

/// Loads a layer norm.
pub(super) fn layer_norm(scope: &Scope, width: usize, eps: f64) -> Result<Norm> {
    Norm::load(scope, width, NormKind::Layer, eps)
}
