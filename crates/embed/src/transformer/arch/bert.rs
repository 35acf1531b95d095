//! BERT and its relatives: RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT and MPNet, and so MiniLM,
//! E5, BGE and GTE.

use std::sync::Arc;

use candle_core::Tensor;

use super::layers::{activation, heads, joint, layer_norm};
use super::parts::TextParts;
use crate::transformer::attention::attend::Attend;
use crate::transformer::attention::distances::Distances;
use crate::transformer::attention::shape::Attention;
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input, Positions};
use crate::transformer::failure::{Result, failed};
use crate::transformer::kernels::Activation;
use crate::transformer::linear::Linear;
use crate::transformer::pooling::Mode;
use crate::transformer::weights::{Scope, Weights};

/// The names of the tensors.
struct Names {
    roots: [&'static str; 3],
    blocks: &'static str,
    joint: [&'static str; 3],
    out: &'static str,
    out_norm: &'static str,
    up: &'static str,
    down: &'static str,
    down_norm: &'static str,
}

const BERT: Names = Names {
    roots: ["", "bert.", "roberta."],
    blocks: "encoder.layer",
    joint: ["attention.self.query", "attention.self.key", "attention.self.value"],
    out: "attention.output.dense",
    out_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    down_norm: "output.LayerNorm",
};

const MPNET: Names = Names {
    roots: ["", "mpnet.", "model."],
    joint: ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    out: "attention.attn.o",
    out_norm: "attention.LayerNorm",
    ..BERT
};

const DISTILBERT: Names = Names {
    roots: ["", "distilbert.", "model."],
    blocks: "transformer.layer",
    joint: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    out: "attention.out_lin",
    out_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    down_norm: "output_layer_norm",
};

/// The settings of `config.json`.
struct Sizes {
    width: usize,
    inner: usize,
    heads: usize,
    blocks: usize,
    eps: f64,
    activation: Activation,
}

/// Loads the text model.
pub(super) fn load(config: &Config, weights: &Weights) -> Result<TextParts> {
    check(config)?;
    let kind = config.text_or("model_type", "")?;
    let (names, sizes) = match kind {
        "distilbert" => (DISTILBERT, sizes_of_distilbert(config)?),
        "mpnet" => (MPNET, sizes(config)?),
        _ => (BERT, sizes(config)?),
    };
    let root = weights.below(&names.roots, "embeddings.word_embeddings.weight")?;
    let (input, positions) = input(config, &root.at("embeddings"), &sizes)?;
    let mut attention = Attention::plain(sizes.width, sizes.heads);
    if kind == "mpnet" {
        attention.distances = Some(distances(config, &root.at("encoder"), sizes.heads, positions)?);
    }
    let mut blocks = Vec::new();
    for number in 0..sizes.blocks {
        let scope = root.at(&format!("{}.{number}", names.blocks));
        blocks.push(block(&scope, &names, &sizes, attention.clone())?);
    }
    let (computed, device) = (weights.computed(), weights.device().clone());
    let width = sizes.width;
    let encoder = Encoder { input, blocks, norm: None, project: None, width, positions, computed, device };
    Ok(TextParts::plain(encoder, Mode::Mean))
}

/// Fails for variants that are computed differently.
fn check(config: &Config) -> Result<()> {
    if config.text_or("position_embedding_type", "absolute")? != "absolute" {
        return Err(config.wrong("position_embedding_type", "absolute"));
    }
    if config.flag_or("is_decoder", false)? {
        return Err(config.wrong("is_decoder", "false"));
    }
    Ok(())
}

fn sizes(config: &Config) -> Result<Sizes> {
    let width = config.count("hidden_size")?;
    Ok(Sizes {
        width,
        inner: config.count("intermediate_size")?,
        heads: heads(config, "num_attention_heads", None, width)?,
        blocks: config.count("num_hidden_layers")?,
        eps: config.number_or("layer_norm_eps", 1e-12)?,
        activation: activation(config, "hidden_act", "gelu")?,
    })
}

fn sizes_of_distilbert(config: &Config) -> Result<Sizes> {
    let width = config.count("dim")?;
    Ok(Sizes {
        width,
        inner: config.count("hidden_dim")?,
        heads: heads(config, "n_heads", None, width)?,
        blocks: config.count("n_layers")?,
        eps: 1e-12,
        activation: activation(config, "activation", "gelu")?,
    })
}

/// Loads the embeddings, and returns them with the number of usable positions.
fn input(config: &Config, scope: &Scope, sizes: &Sizes) -> Result<(Input, usize)> {
    let width = sizes.width;
    let words = scope.matrix("word_embeddings.weight", &[config.count("vocab_size")?, width])?;
    let count = config.count("max_position_embeddings")?;
    let table = scope.matrix("position_embeddings.weight", &[count, width])?;
    let kind = config.text_or("model_type", "")?;
    let (positions, usable) = match kind {
        "bert" | "distilbert" => (Positions::From(0), count),
        _ => {
            // MPNet's code uses 1, whatever the padding token is.
            let padding = if kind == "mpnet" { 1 } else { config.whole_or("pad_token_id", 1)? };
            let usable = count.checked_sub(padding + 1).filter(|&usable| usable > 0);
            let wrong = || config.wrong("max_position_embeddings", "above `pad_token_id` + 1");
            (Positions::AfterPadding(padding as u32), usable.ok_or_else(wrong)?)
        }
    };
    let segment = match kind {
        "mpnet" | "distilbert" => None,
        _ => Some(segment(scope, config.count_or("type_vocab_size", 2)?, width)?),
    };
    let norm = Some(layer_norm(&scope.at("LayerNorm"), width, sizes.eps)?);
    let positions = Some((table, positions));
    Ok((Input { words, scale: None, positions, segment, norm, project: None }, usable))
}

/// Loads the vector of the first kind of segment. A single text has no other.
fn segment(scope: &Scope, kinds: usize, width: usize) -> Result<Tensor> {
    let table = scope.vector("token_type_embeddings.weight", &[kinds, width])?;
    table.narrow(0, 0, 1).and_then(|row| row.squeeze(0)).map_err(failed)
}

fn block(scope: &Scope, names: &Names, sizes: &Sizes, attention: Attention) -> Result<Block> {
    let (width, inner) = (sizes.width, sizes.inner);
    Ok(Block {
        attend: Attend {
            attention,
            joint: joint(scope, names.joint, width, [width; 3])?,
            out: Linear::load(&scope.at(names.out), width, width)?,
        },
        attend_norms: Norms::after(layer_norm(&scope.at(names.out_norm), width, sizes.eps)?),
        mlp: Mlp::Plain(
            Linear::load(&scope.at(names.up), width, inner)?,
            sizes.activation,
            Linear::load(&scope.at(names.down), inner, width)?,
        ),
        mlp_norms: Norms::after(layer_norm(&scope.at(names.down_norm), width, sizes.eps)?),
    })
}

/// Loads the relative position biases of MPNet, which all blocks share. Distances are grouped into
/// T5's buckets.
fn distances(config: &Config, scope: &Scope, heads: usize, positions: usize) -> Result<Arc<Distances>> {
    let count = config.count_or("relative_attention_num_buckets", 32)?;
    let table = scope.vector("relative_attention_bias.weight", &[count, heads])?;
    let table =
        table.to_dtype(candle_core::DType::F32).and_then(|table| table.to_vec2::<f32>()).map_err(failed)?;
    if count < MPNET_BUCKETS {
        return Err(config.wrong("relative_attention_num_buckets", "32 or more"));
    }
    Ok(Arc::new(Distances::new(heads, positions, |head, distance| table[bucket(distance)][head])))
}

/// The number of buckets in MPNet's code, whatever `config.json` says.
const MPNET_BUCKETS: usize = 32;

/// Returns the bucket of a distance. Distances up to 7 have a bucket each, and longer ones share
/// buckets that grow up to distance 128. Distances to later tokens have the second half of the
/// buckets.
fn bucket(distance: isize) -> usize {
    const HALF: usize = MPNET_BUCKETS / 2;
    const EXACT: usize = HALF / 2;
    let first = if distance > 0 { HALF } else { 0 };
    let far = distance.unsigned_abs();
    if far < EXACT {
        return first + far;
    }
    // In f32, as the reference computes it.
    let share = (far as f32 / EXACT as f32).ln() / (128.0 / EXACT as f64).ln() as f32;
    first + (EXACT + (share * (HALF - EXACT) as f32) as usize).min(HALF - 1)
}
