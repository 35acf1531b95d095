//! OPT. As in the SemDeDup paper, the embedding of a text is the last block's vector of the last
//! token.

use super::layers::{activation, heads, joint, layer_norm};
use super::parts::TextParts;
use crate::transformer::attention::attend::Attend;
use crate::transformer::attention::shape::Attention;
use crate::transformer::attention::span::AttentionSpan;
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input, Positions};
use crate::transformer::failure::Result;
use crate::transformer::linear::Linear;
use crate::transformer::pooling::Mode;
use crate::transformer::weights::{Scope, Weights};

/// The number of the first position.
const FIRST_POSITION: usize = 2;
const EPS: f64 = 1e-5;

/// Loads the text model.
pub(super) fn load(config: &Config, weights: &Weights) -> Result<TextParts> {
    let root = weights.below(&["model.decoder.", "decoder.", ""], "embed_tokens.weight")?;
    let width = config.count("hidden_size")?;
    let outside = config.count_or("word_embed_proj_dim", width)?;
    let positions = config.count("max_position_embeddings")?;
    let table = root.matrix("embed_positions.weight", &[positions + FIRST_POSITION, width])?;
    let project = |name: &str, inputs, outputs| {
        if outside == width { Ok(None) } else { Linear::load(&root.at(name), inputs, outputs).map(Some) }
    };
    let input = Input {
        words: root.matrix("embed_tokens.weight", &[config.count("vocab_size")?, outside])?,
        scale: None,
        positions: Some((table, Positions::From(FIRST_POSITION))),
        segment: None,
        norm: None,
        project: project("project_in", outside, width)?,
    };
    // OPT-350m normalizes after each branch, all others before it.
    let before = config.flag_or("do_layer_norm_before", true)?;
    let mut blocks = Vec::new();
    for number in 0..config.count("num_hidden_layers")? {
        blocks.push(block(config, &root.at(&format!("layers.{number}")), width, before)?);
    }
    let normed = before && !config.flag_or("_remove_final_layer_norm", false)?;
    let encoder = Encoder {
        input,
        blocks,
        norm: if normed { Some(layer_norm(&root.at("final_layer_norm"), width, EPS)?) } else { None },
        project: project("project_out", width, outside)?,
        width: outside,
        positions,
        computed: weights.computed(),
        device: weights.device().clone(),
    };
    Ok(TextParts::plain(encoder, Mode::Last))
}

fn block(config: &Config, scope: &Scope, width: usize, before: bool) -> Result<Block> {
    let inner = config.count("ffn_dim")?;
    let causal = config.flag_or("is_causal", true)?;
    let attention = Attention {
        span: if causal { AttentionSpan::Causal(usize::MAX) } else { AttentionSpan::All },
        ..Attention::plain(width, heads(config, "num_attention_heads", None, width)?)
    };
    let norms = if before { Norms::before } else { Norms::after };
    Ok(Block {
        attend: Attend {
            attention,
            joint: joint(&scope.at("self_attn"), ["q_proj", "k_proj", "v_proj"], width, [width; 3])?,
            out: Linear::load(&scope.at("self_attn.out_proj"), width, width)?,
        },
        attend_norms: norms(layer_norm(&scope.at("self_attn_layer_norm"), width, EPS)?),
        mlp: Mlp::Plain(
            Linear::load(&scope.at("fc1"), width, inner)?,
            activation(config, "activation_function", "relu")?,
            Linear::load(&scope.at("fc2"), inner, width)?,
        ),
        mlp_norms: norms(layer_norm(&scope.at("final_layer_norm"), width, EPS)?),
    })
}
