//! DINOv2, with registers or without, and the plain ViT: the embedding is the class token's vector.

use candle_core::{DType, Tensor};

use super::positions::Bicubic;
use super::{Result, activation, heads, joint, layer_norm, outputs};
use crate::transformer::attention::{Attend, Attention};
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::failed;
use crate::transformer::kernels::Activation;
use crate::transformer::linear::Linear;
use crate::transformer::vision::{ImageEncoder, ImagePool};
use crate::transformer::weights::{Scope, Weights};

/// Loads the model for images of this height and width.
pub(super) fn load(config: &Config, weights: &Weights, size: (usize, usize)) -> Result<ImageEncoder> {
    let plain = config.text_or("model_type", "")? == "vit";
    let root = weights.below(&["", "dinov2.", "dinov2_with_registers.", "vit."], "embeddings.cls_token")?;
    let width = config.count_or("hidden_size", 768)?;
    let patch = config.count_or("patch_size", if plain { 16 } else { 14 })?;
    let eps = config.number_or("layer_norm_eps", if plain { 1e-12 } else { 1e-6 })?;
    let embeddings = root.at("embeddings");
    let class = embeddings.vector("cls_token", &[1, 1, width])?;
    let count = embeddings.shape("position_embeddings")?.get(1).copied().unwrap_or(0);
    let trained = count.saturating_sub(1).isqrt();
    if trained == 0 || trained * trained + 1 != count {
        return Err(config.wrong("image_size", "as large as its positions, which are no square"));
    }
    let table = embeddings.vector("position_embeddings", &[1, count, width])?;
    let grid = super::grid(config, size, patch)?;
    if plain && grid != (trained, trained) {
        return Err(config.wrong("image_size", &format!("{} by {}, as images are prepared", size.0, size.1)));
    }
    let registers = config.whole_or("num_register_tokens", 0)?;
    // The two models' code differs in this.
    let filter = match config.text_or("model_type", "")? {
        "dinov2_with_registers" => Bicubic::Antialiased,
        _ => Bicubic::Plain,
    };
    let (first, positions) = tokens(&table, class, (trained, grid), filter).map_err(failed)?;
    let first = if registers > 0 && embeddings.has("register_tokens") {
        let registers = embeddings.vector("register_tokens", &[1, registers, width])?;
        registers.squeeze(0).and_then(|registers| Tensor::cat(&[first, registers], 0)).map_err(failed)?
    } else {
        first
    };
    let mut blocks = Vec::new();
    for number in 0..config.count_or("num_hidden_layers", 12)? {
        let scope = root.at(&format!("encoder.layer.{number}"));
        blocks.push(block(config, &scope, (width, eps), plain)?);
    }
    Ok(ImageEncoder {
        patch,
        patches: super::patches(&embeddings.at("patch_embeddings.projection"), (patch, width))?,
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

/// The class token with its position, and the positions of the patches, for a grid of another size interpolated.
fn tokens(
    table: &Tensor,
    class: Tensor,
    (trained, grid): (usize, (usize, usize)),
    filter: Bicubic,
) -> candle_core::Result<(Tensor, Tensor)> {
    let table = table.squeeze(0)?;
    let first = (class.squeeze(0)? + table.narrow(0, 0, 1)?)?;
    let patches = table.narrow(0, 1, trained * trained)?;
    if grid == (trained, trained) {
        return Ok((first, patches.contiguous()?));
    }
    let width = patches.dim(1)?;
    let values = patches.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let values = super::positions::resize(&values, ((trained, trained), grid), width, filter);
    let resized = Tensor::from_vec(values, (grid.0 * grid.1, width), patches.device())?;
    Ok((first, resized.to_dtype(patches.dtype())?))
}

fn block(config: &Config, scope: &Scope, (width, eps): (usize, f64), plain: bool) -> Result<Block> {
    let heads = heads(config, ("num_attention_heads", None), width)?;
    let names = if plain { ["layernorm_before", "layernorm_after"] } else { ["norm1", "norm2"] };
    let norms = |name: &str, scale: &str| -> Result<Norms> {
        let scale = scope.at(scale);
        let scale = if plain { None } else { Some(scale.vector("lambda1", &[width])?) };
        Ok(Norms { scale, ..Norms::before(layer_norm(&scope.at(name), width, eps)?) })
    };
    Ok(Block {
        attend: Attend {
            attention: Attention::plain(width, heads),
            joint: joint(&scope.at("attention.attention"), ["query", "key", "value"], [(width, width); 3])?,
            out: Linear::load(&scope.at("attention.output.dense"), (width, width))?,
        },
        attend_norms: norms(names[0], "layer_scale1")?,
        mlp: mlp(config, scope, width, plain)?,
        mlp_norms: norms(names[1], "layer_scale2")?,
    })
}

fn mlp(config: &Config, scope: &Scope, width: usize, plain: bool) -> Result<Mlp> {
    if config.flag_or("use_swiglu_ffn", false)? {
        let (up, down) = (scope.at("mlp.weights_in"), scope.at("mlp.weights_out"));
        let both = outputs(&up, "weight")?;
        if !both.is_multiple_of(2) {
            return Err(up.wrong("weight", "with an even number of rows"));
        }
        let (up, down) = (Linear::load(&up, (width, both))?, Linear::load(&down, (both / 2, width))?);
        return Ok(Mlp::Gated(up, Activation::Silu, down));
    }
    let names = if plain { ["intermediate.dense", "output.dense"] } else { ["mlp.fc1", "mlp.fc2"] };
    let (up, down) = (scope.at(names[0]), scope.at(names[1]));
    let inner = outputs(&up, "weight")?;
    let function = activation(config, "hidden_act", "gelu")?;
    Ok(Mlp::Plain(Linear::load(&up, (width, inner))?, function, Linear::load(&down, (inner, width))?))
}
