//! ModernBERT: most blocks attend to near tokens only, positions are rotary, and the feed-forward
//! networks are gated.

use super::layers::{activation, heads, layer_norm};
use super::parts::TextParts;
use super::rotary::Rotary;
use crate::transformer::attention::attend::Attend;
use crate::transformer::attention::shape::Attention;
use crate::transformer::attention::span::AttentionSpan;
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input};
use crate::transformer::failure::Result;
use crate::transformer::linear::Linear;
use crate::transformer::pooling::Mode;
use crate::transformer::weights::{Scope, Weights};

/// Loads the text model for texts of up to `longest` tokens.
pub(super) fn load(config: &Config, weights: &Weights, longest: usize) -> Result<TextParts> {
    let root = weights.below(&["", "model."], "embeddings.tok_embeddings.weight")?;
    let width = config.count("hidden_size")?;
    let eps = config.number_or("norm_eps", 1e-5)?;
    let input = Input {
        words: root.matrix("embeddings.tok_embeddings.weight", &[config.count("vocab_size")?, width])?,
        scale: None,
        positions: None,
        segment: None,
        norm: Some(layer_norm(&root.at("embeddings.norm"), width, eps)?),
        project: None,
    };
    let kinds = Kinds::read(config, width, longest)?;
    let mut blocks = Vec::new();
    for number in 0..config.count("num_hidden_layers")? {
        let attention = kinds.of(config, number)?;
        let mut block = block(config, &root.at(&format!("layers.{number}")), attention, eps)?;
        if number > 0 {
            let scope = root.at(&format!("layers.{number}.attn_norm"));
            block.attend_norms = Norms::before(layer_norm(&scope, width, eps)?);
        }
        blocks.push(block);
    }
    let encoder = Encoder {
        input,
        blocks,
        norm: Some(layer_norm(&root.at("final_norm"), width, eps)?),
        project: None,
        width,
        positions: config.count_or("max_position_embeddings", 8_192)?,
        computed: weights.computed(),
        device: weights.device().clone(),
    };
    Ok(TextParts::plain(encoder, Mode::Mean))
}

/// Loads a block without a norm before attention. The first block has none, because it reads
/// embeddings that are normalized already.
fn block(config: &Config, scope: &Scope, attention: Attention, eps: f64) -> Result<Block> {
    let (width, inner) = (config.count("hidden_size")?, config.count("intermediate_size")?);
    Ok(Block {
        attend: Attend {
            attention,
            joint: Linear::load(&scope.at("attn.Wqkv"), width, 3 * width)?,
            out: Linear::load(&scope.at("attn.Wo"), width, width)?,
        },
        attend_norms: Norms::default(),
        mlp: Mlp::Gated(
            Linear::load(&scope.at("mlp.Wi"), width, 2 * inner)?,
            activation(config, "hidden_activation", "gelu")?,
            Linear::load(&scope.at("mlp.Wo"), inner, width)?,
        ),
        mlp_norms: Norms::before(layer_norm(&scope.at("mlp_norm"), width, eps)?),
    })
}

/// The attention of the two kinds of blocks.
struct Kinds {
    /// Attends to all tokens.
    full: Attention,
    /// Attends to near tokens.
    sliding: Attention,
}

impl Kinds {
    fn read(config: &Config, width: usize, longest: usize) -> Result<Self> {
        let positions = longest.min(config.count_or("max_position_embeddings", 8_192)?);
        let plain = Attention::plain(width, heads(config, "num_attention_heads", None, width)?);
        let rotary = |kind, base_field, base| {
            let kind = Some(kind);
            Rotary { width: plain.width, positions, kind, base_field, base, scaled: true }.read(config)
        };
        let far = rotary("full_attention", "global_rope_theta", 160_000.0)?;
        let near = rotary("sliding_attention", "local_rope_theta", 10_000.0)?;
        let window = config.count_or("local_attention", 128)?;
        Ok(Self {
            full: Attention { rotation: Some(far), ..plain.clone() },
            sliding: Attention { rotation: Some(near), span: AttentionSpan::Around(window / 2), ..plain },
        })
    }

    /// Returns the attention of a block.
    fn of(&self, config: &Config, block: usize) -> Result<Attention> {
        let slides = match config.texts("layer_types")? {
            Some(kinds) => kinds.get(block).is_some_and(|kind| kind == "sliding_attention"),
            None => !block.is_multiple_of(config.count_or("global_attn_every_n_layers", 3)?),
        };
        Ok(if slides { self.sliding.clone() } else { self.full.clone() })
    }
}
