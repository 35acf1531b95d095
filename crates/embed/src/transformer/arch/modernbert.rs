//! ModernBERT: most blocks look at near tokens only, positions turn queries and keys, networks are gated.

use super::rotary::Rotary;
use super::{Result, TextParts, activation, heads};
use crate::transformer::attention::{Attend, Attention, Reach};
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input};
use crate::transformer::linear::Linear;
use crate::transformer::ops::{Norm, NormKind};
use crate::transformer::pooling::Mode;
use crate::transformer::weights::{Scope, Weights};

pub(super) fn load(config: &Config, weights: &Weights, longest: usize) -> Result<TextParts> {
    let root = weights.below(&["", "model."], "embeddings.tok_embeddings.weight")?;
    let width = config.count("hidden_size")?;
    let eps = config.number_or("norm_eps", 1e-5)?;
    let norm = |scope: &Scope| Norm::load(scope, width, (NormKind::Layer, eps));
    let input = Input {
        words: root.matrix("embeddings.tok_embeddings.weight", &[config.count("vocab_size")?, width])?,
        scale: None,
        positions: None,
        segment: None,
        norm: Some(norm(&root.at("embeddings.norm"))?),
        project: None,
    };
    let kinds = Kinds::read(config, (width, longest))?;
    let mut blocks = Vec::new();
    for number in 0..config.count("num_hidden_layers")? {
        let scope = root.at(&format!("layers.{number}"));
        let inner = config.count("intermediate_size")?;
        blocks.push(Block {
            attend: Attend {
                attention: kinds.of(config, number)?,
                joint: Linear::load(&scope.at("attn.Wqkv"), (width, 3 * width))?,
                out: Linear::load(&scope.at("attn.Wo"), (width, width))?,
            },
            // The first block reads what the input's norm gives.
            attend_norms: if number == 0 {
                Norms::default()
            } else {
                Norms::before(norm(&scope.at("attn_norm"))?)
            },
            mlp: Mlp::Gated(
                Linear::load(&scope.at("mlp.Wi"), (width, 2 * inner))?,
                activation(config, "hidden_activation", "gelu")?,
                Linear::load(&scope.at("mlp.Wo"), (inner, width))?,
            ),
            mlp_norms: Norms::before(norm(&scope.at("mlp_norm"))?),
        });
    }
    let encoder = Encoder {
        input,
        blocks,
        norm: Some(norm(&root.at("final_norm"))?),
        project: None,
        width,
        positions: config.count_or("max_position_embeddings", 8_192)?,
        computed: weights.computed(),
        device: weights.device().clone(),
    };
    Ok(TextParts::plain(encoder, Mode::Mean))
}

/// The attention of both kinds of blocks.
struct Kinds {
    everywhere: Attention,
    nearby: Attention,
}

impl Kinds {
    fn read(config: &Config, (width, longest): (usize, usize)) -> Result<Self> {
        let positions = longest.min(config.count_or("max_position_embeddings", 8_192)?);
        let plain = Attention::plain(width, heads(config, ("num_attention_heads", None), width)?);
        let rotary =
            |kind, base| Rotary { width: plain.width, positions, kind: Some(kind), base, scaled: true };
        let far = rotary("full_attention", ("global_rope_theta", 160_000.0)).read(config)?;
        let near = rotary("sliding_attention", ("local_rope_theta", 10_000.0)).read(config)?;
        let window = config.count_or("local_attention", 128)?;
        Ok(Self {
            everywhere: Attention { rotation: Some(far), ..plain.clone() },
            nearby: Attention { rotation: Some(near), reach: Reach::Around(window / 2), ..plain },
        })
    }

    fn of(&self, config: &Config, block: usize) -> Result<Attention> {
        let nearby = match config.texts("layer_types")? {
            Some(kinds) => kinds.get(block).is_some_and(|kind| kind == "sliding_attention"),
            None => !block.is_multiple_of(config.count_or("global_attn_every_n_layers", 3)?),
        };
        Ok(if nearby { self.nearby.clone() } else { self.everywhere.clone() })
    }
}
