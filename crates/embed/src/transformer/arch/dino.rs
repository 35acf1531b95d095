//! DINOv2, with registers or without, and the plain ViT. The embedding is the class token's vector.

use candle_core::{DType, Tensor};

use super::layers::{Grid, activation, heads, joint, layer_norm, outputs, patches};
use super::positions::{Bicubic, Resize};
use crate::transformer::attention::attend::Attend;
use crate::transformer::attention::shape::Attention;
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::failure::{Result, failed};
use crate::transformer::kernels::Activation;
use crate::transformer::linear::Linear;
use crate::transformer::pixels::Size;
use crate::transformer::vision::{ImageEncoder, ImagePool};
use crate::transformer::weights::{Scope, Weights};

/// The defaults of a family, and the names of its tensors.
struct Family {
    patch: usize,
    eps: f64,
    norms: [&'static str; 2],
    /// The factors of the branches; ViT has none.
    scales: Option<[&'static str; 2]>,
    mlp: [&'static str; 2],
    /// Whether positions are interpolated for images of another size.
    interpolates: bool,
    filter: Bicubic,
}

const VIT: Family = Family {
    patch: 16,
    eps: 1e-12,
    norms: ["layernorm_before", "layernorm_after"],
    scales: None,
    mlp: ["intermediate.dense", "output.dense"],
    interpolates: false,
    filter: Bicubic::Plain,
};

const DINO: Family = Family {
    patch: 14,
    eps: 1e-6,
    norms: ["norm1", "norm2"],
    scales: Some(["layer_scale1", "layer_scale2"]),
    mlp: ["mlp.fc1", "mlp.fc2"],
    interpolates: true,
    filter: Bicubic::Plain,
};

const DINO_WITH_REGISTERS: Family = Family { filter: Bicubic::Antialiased, ..DINO };

/// Loads the model for images of this size.
pub(super) fn load(config: &Config, weights: &Weights, size: Size) -> Result<ImageEncoder> {
    let family = match config.text_or("model_type", "")? {
        "vit" => VIT,
        "dinov2_with_registers" => DINO_WITH_REGISTERS,
        _ => DINO,
    };
    let root = weights.below(&["", "dinov2.", "dinov2_with_registers.", "vit."], "embeddings.cls_token")?;
    let width = config.count_or("hidden_size", 768)?;
    let patch = config.count_or("patch_size", family.patch)?;
    let eps = config.number_or("layer_norm_eps", family.eps)?;
    let embeddings = root.at("embeddings");
    let from = trained_grid(config, &embeddings)?;
    let to = Grid::of(config, size, patch)?;
    if !family.interpolates && from != to {
        let wanted = format!("{} by {}, as images are prepared", size.height, size.width);
        return Err(config.wrong("image_size", &wanted));
    }
    let resize = Resize { from, to, filter: family.filter };
    let (first, positions) = tokens(config, &embeddings, width, &resize)?;
    let mut blocks = Vec::new();
    for number in 0..config.count_or("num_hidden_layers", 12)? {
        let scope = root.at(&format!("encoder.layer.{number}"));
        blocks.push(family.block(config, &scope, width, eps)?);
    }
    Ok(ImageEncoder {
        patch,
        patches: patches(&embeddings.at("patch_embeddings.projection"), patch, width)?,
        positions,
        first: Some(first),
        norm_before: None,
        blocks,
        norm: layer_norm(&root.at("layernorm"), width, eps)?,
        pool: ImagePool::First,
        project: None,
        width,
        computed: weights.computed(),
        device: weights.device().clone(),
    })
}

/// Returns the grid of the positions in the file, which is a square.
fn trained_grid(config: &Config, embeddings: &Scope) -> Result<Grid> {
    let count = embeddings.shape("position_embeddings")?.get(1).copied().unwrap_or(0);
    let side = count.saturating_sub(1).isqrt();
    if side == 0 || side * side + 1 != count {
        return Err(config.wrong("image_size", "as large as its positions, which are no square"));
    }
    Ok(Grid { rows: side, columns: side })
}

/// Returns the tokens before the patches with their positions (the class token and the registers),
/// and the positions of the patches.
fn tokens(config: &Config, embeddings: &Scope, width: usize, resize: &Resize) -> Result<(Tensor, Tensor)> {
    let class = embeddings.vector("cls_token", &[1, 1, width])?;
    let table = embeddings.vector("position_embeddings", &[1, resize.from.count() + 1, width])?;
    let (first, positions) = positions(&table, class, resize).map_err(failed)?;
    let registers = config.whole_or("num_register_tokens", 0)?;
    if registers == 0 || !embeddings.has("register_tokens") {
        return Ok((first, positions));
    }
    let registers = embeddings.vector("register_tokens", &[1, registers, width])?;
    let first = registers.squeeze(0).and_then(|registers| Tensor::cat(&[first, registers], 0));
    Ok((first.map_err(failed)?, positions))
}

/// Returns the class token with its position, and the positions of the patches, interpolated for a
/// grid of another size.
fn positions(table: &Tensor, class: Tensor, resize: &Resize) -> candle_core::Result<(Tensor, Tensor)> {
    let table = table.squeeze(0)?;
    let first = (class.squeeze(0)? + table.narrow(0, 0, 1)?)?;
    let patches = table.narrow(0, 1, resize.from.count())?;
    if resize.from == resize.to {
        return Ok((first, patches.contiguous()?));
    }
    let width = patches.dim(1)?;
    let values = patches.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let resized = Tensor::from_vec(resize.apply(&values), (resize.to.count(), width), patches.device())?;
    Ok((first, resized.to_dtype(patches.dtype())?))
}

impl Family {
    fn block(&self, config: &Config, scope: &Scope, width: usize, eps: f64) -> Result<Block> {
        let heads = heads(config, "num_attention_heads", None, width)?;
        let norms = |branch: usize| -> Result<Norms> {
            let scale = self.scales.map(|names| scope.at(names[branch]).vector("lambda1", &[width]));
            let norm = layer_norm(&scope.at(self.norms[branch]), width, eps)?;
            Ok(Norms { scale: scale.transpose()?, ..Norms::before(norm) })
        };
        let projections = ["query", "key", "value"];
        Ok(Block {
            attend: Attend {
                attention: Attention::plain(width, heads),
                joint: joint(&scope.at("attention.attention"), projections, width, [width; 3])?,
                out: Linear::load(&scope.at("attention.output.dense"), width, width)?,
            },
            attend_norms: norms(0)?,
            mlp: self.mlp(config, scope, width)?,
            mlp_norms: norms(1)?,
        })
    }

    fn mlp(&self, config: &Config, scope: &Scope, width: usize) -> Result<Mlp> {
        if config.flag_or("use_swiglu_ffn", false)? {
            let (up, down) = (scope.at("mlp.weights_in"), scope.at("mlp.weights_out"));
            let both = outputs(&up, "weight")?;
            if !both.is_multiple_of(2) {
                return Err(up.wrong("weight", "with an even number of rows"));
            }
            let (up, down) = (Linear::load(&up, width, both)?, Linear::load(&down, both / 2, width)?);
            return Ok(Mlp::Gated(up, Activation::Silu, down));
        }
        let [up, down] = self.mlp.map(|name| scope.at(name));
        let inner = outputs(&up, "weight")?;
        let function = activation(config, "hidden_act", "gelu")?;
        Ok(Mlp::Plain(Linear::load(&up, width, inner)?, function, Linear::load(&down, inner, width)?))
    }
}
