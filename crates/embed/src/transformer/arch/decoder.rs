//! Decoders of the Llama kind: Llama, Mistral, Qwen 2 and 3, Gemma 1 to 3; the embedding is the last token's vector.

use std::sync::Arc;

use super::rotary::Rotary;
use super::{Result, TextParts, activation, joint, product};
use crate::ModelError;
use crate::transformer::attention::{Attend, Attention, HeadNorms, Reach, Rotation};
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input};
use crate::transformer::failed;
use crate::transformer::kernels::Activation;
use crate::transformer::linear::Linear;
use crate::transformer::ops::{Norm, NormKind};
use crate::transformer::pooling::Mode;
use crate::transformer::weights::{Scope, Weights};

/// What differs between the kinds.
struct Kind<'a> {
    name: &'a str,
    norm: (NormKind, f64),
    width: usize,
    inner: usize,
    activation: Activation,
    attention: Attention,
    /// Of blocks that look at all tokens, and of those that look at near ones.
    rotations: [Arc<Rotation>; 2],
}

pub(super) fn load(config: &Config, weights: &Weights, longest: usize) -> Result<TextParts> {
    let root = weights.below(&["model.", "", "language_model.model."], "embed_tokens.weight")?;
    let kind = Kind::read(config, longest)?;
    let width = kind.width;
    let input = Input {
        words: root.matrix("embed_tokens.weight", &[config.count("vocab_size")?, width])?,
        scale: kind.is_gemma().then(|| (width as f64).sqrt()),
        positions: None,
        segment: None,
        norm: None,
        project: None,
    };
    let mut blocks = Vec::new();
    for number in 0..config.count("num_hidden_layers")? {
        blocks.push(kind.block(config, &root.at(&format!("layers.{number}")), number)?);
    }
    let encoder = Encoder {
        input,
        blocks,
        norm: Some(Norm::load(&root.at("norm"), width, kind.norm)?),
        project: None,
        width,
        positions: config.count("max_position_embeddings")?,
        computed: weights.computed(),
        device: weights.device().clone(),
    };
    Ok(TextParts::plain(encoder, Mode::Last))
}

impl<'a> Kind<'a> {
    fn read(config: &'a Config, longest: usize) -> Result<Self> {
        let name = config.text_or("model_type", "")?;
        let gemma = name.starts_with("gemma");
        let width = config.count("hidden_size")?;
        let heads = config.count("num_attention_heads")?;
        let kv_heads = config.count_or("num_key_value_heads", heads)?;
        if !heads.is_multiple_of(kv_heads) {
            return Err(config.wrong("num_key_value_heads", &format!("a divisor of {heads}")));
        }
        let head = config.count_or("head_dim", width / heads)?;
        let queries = product(config, "head_dim", &[heads, head])?;
        let scaled_by = match name {
            "gemma2" | "gemma3_text" => config.number_or("query_pre_attn_scalar", 256.0)?,
            _ => head as f64,
        };
        let attention = Attention {
            heads,
            kv_heads,
            width: head,
            scale: 1.0 / scaled_by.sqrt(),
            cap: cap(config, name)?,
            ..Attention::plain(queries, heads)
        };
        let positions = longest.min(config.count("max_position_embeddings")?);
        let norm = if gemma { NormKind::RootMeanSquareFromOne } else { NormKind::RootMeanSquare };
        Ok(Self {
            name,
            norm: (norm, config.number_or("rms_norm_eps", 1e-6)?),
            width,
            inner: config.count("intermediate_size")?,
            activation: function(config, name)?,
            attention,
            rotations: rotations(config, name, (head, positions))?,
        })
    }

    fn is_gemma(&self) -> bool {
        self.name.starts_with("gemma")
    }

    fn block(&self, config: &Config, scope: &Scope, number: usize) -> Result<Block> {
        let (width, inner, own) = (self.width, self.inner, scope.at("self_attn"));
        let mut attention = self.attention.clone();
        let (queries, keys) = (attention.heads * attention.width, attention.kv_heads * attention.width);
        let sliding = self.slides(config, number)?;
        attention.reach = self.reach(config, sliding)?;
        attention.rotation = Some(Arc::clone(&self.rotations[usize::from(sliding)]));
        if own.has("q_norm.weight") {
            attention.head_norms = Some(Arc::new(self.head_norms(&own, attention.width)?));
        }
        let sizes = [(width, queries), (width, keys), (width, keys)];
        let attend = Attend {
            attention,
            joint: joint(&own, ["q_proj", "k_proj", "v_proj"], sizes)?,
            out: Linear::load(&own.at("o_proj"), (queries, width))?,
        };
        let mlp = Mlp::Gated(
            joint(&scope.at("mlp"), ["gate_proj", "up_proj"], [(width, inner); 2])?,
            self.activation,
            Linear::load(&scope.at("mlp.down_proj"), (inner, width))?,
        );
        let norm = |name: &str| Norm::load(&scope.at(name), width, self.norm);
        let (attend_norms, mlp_norms) = match self.name {
            "gemma2" | "gemma3_text" => (
                Norms {
                    inside: Some(norm("post_attention_layernorm")?),
                    ..Norms::before(norm("input_layernorm")?)
                },
                Norms {
                    inside: Some(norm("post_feedforward_layernorm")?),
                    ..Norms::before(norm("pre_feedforward_layernorm")?)
                },
            ),
            _ => (Norms::before(norm("input_layernorm")?), Norms::before(norm("post_attention_layernorm")?)),
        };
        Ok(Block { attend, attend_norms, mlp, mlp_norms })
    }

    /// Whether a block looks at near tokens only.
    fn slides(&self, config: &Config, number: usize) -> Result<bool> {
        let said = config.texts("layer_types")?;
        let said = said.map(|kinds| kinds.get(number).is_some_and(|kind| kind == "sliding_attention"));
        match (self.name, said) {
            // These have no such blocks, whatever the file says.
            ("llama" | "gemma", _) => return Ok(false),
            // Here it is all blocks or none; `transformers` follows one field or the other.
            ("mistral", Some(said)) if said != config.has("sliding_window") => {
                return Err(config.wrong("layer_types", "missing, or what `sliding_window` says"));
            }
            (_, Some(said)) => return Ok(said),
            _ => {}
        }
        Ok(match self.name {
            "mistral" => config.has("sliding_window"),
            "qwen2" | "qwen3" => {
                config.flag_or("use_sliding_window", false)?
                    && number >= config.whole_or("max_window_layers", 28)?
            }
            "gemma2" => number.is_multiple_of(2),
            "gemma3_text" => !(number + 1).is_multiple_of(config.count_or("sliding_window_pattern", 6)?),
            _ => false,
        })
    }

    /// Which tokens are looked at. `transformers` reads `is_causal` for every model, and `use_bidirectional_attention` for
    /// Gemma 3 alone; a window reaches so far to each side for the former, and half as far for the latter.
    fn reach(&self, config: &Config, sliding: bool) -> Result<Reach> {
        let field = "use_bidirectional_attention";
        let both_ways = match self.name {
            "gemma3_text" => config.flag_or(field, false)?,
            // There it depends on whether a text happens to be padded.
            "gemma" if config.flag_or(field, false)? => {
                return Err(config.wrong(field, "false; for Gemma 1 it is `is_causal` that counts"));
            }
            _ => false,
        };
        let causal = config.flag_or("is_causal", true)?;
        let window = config.count_or("sliding_window", 4_096)?;
        Ok(match (sliding, both_ways, causal) {
            (false, false, true) => Reach::Before(usize::MAX),
            (false, ..) => Reach::All,
            (true, false, true) => Reach::Before(window),
            (true, false, false) => Reach::Around(window),
            (true, true, true) => Reach::Around(window / 2),
            (true, true, false) => Reach::Around(window / 2 + 1),
        })
    }

    fn head_norms(&self, scope: &Scope, width: usize) -> Result<HeadNorms> {
        let weight = |name: &str| -> std::result::Result<Vec<f32>, ModelError> {
            let weight = scope.vector(name, &[width])?.to_dtype(candle_core::DType::F32).map_err(failed)?;
            let weight = weight.to_vec1::<f32>().map_err(failed)?;
            let from = if self.norm.0 == NormKind::RootMeanSquareFromOne { 1.0 } else { 0.0 };
            Ok(weight.into_iter().map(|weight| weight + from).collect())
        };
        Ok(HeadNorms { queries: weight("q_norm.weight")?, keys: weight("k_norm.weight")?, eps: self.norm.1 })
    }
}

/// Within what scores are kept: Gemma 2 alone does so, within 50 where nothing is said; null says not to.
fn cap(config: &Config, name: &str) -> Result<Option<f64>> {
    let field = "attn_logit_softcapping";
    let null = config.value().get(field).is_some_and(serde_json::Value::is_null);
    if name != "gemma2" || null {
        return Ok(None);
    }
    let cap = config.number_or(field, 50.0)?;
    if cap > 0.0 { Ok(Some(cap)) } else { Err(config.wrong(field, "above 0, or null")) }
}

fn function(config: &Config, name: &str) -> Result<Activation> {
    match name {
        // Gemma's first files say gelu, and mean its approximation.
        "gemma" if config.text_or("hidden_act", "gelu")? == "gelu" => Ok(Activation::GeluTanh),
        "gemma2" | "gemma3_text" => activation(config, "hidden_activation", "gelu_pytorch_tanh"),
        _ => activation(config, "hidden_act", "silu"),
    }
}

/// The rotations of blocks that look at all tokens and of those that look at near ones: each table is made once.
fn rotations(config: &Config, name: &str, (width, positions): (usize, usize)) -> Result<[Arc<Rotation>; 2]> {
    let rotary = |kind, base, scaled| Rotary { width, positions, kind, base, scaled }.read(config);
    if name == "gemma3_text" {
        let far = rotary(Some("full_attention"), ("rope_theta", 1_000_000.0), true)?;
        let near = rotary(Some("sliding_attention"), ("rope_local_base_freq", 10_000.0), false)?;
        return Ok([far, near]);
    }
    let one = rotary(None, ("rope_theta", 10_000.0), true)?;
    Ok([Arc::clone(&one), one])
}
