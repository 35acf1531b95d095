//! Decoders of the Llama family: Llama, Mistral, Qwen 2 and 3, Gemma 1 to 3. The embedding is the
//! last token's vector.

use std::sync::Arc;

use super::layers::{activation, joint, product};
use super::parts::TextParts;
use super::rotary::Rotary;
use crate::transformer::attention::attend::Attend;
use crate::transformer::attention::head_norms::HeadNorms;
use crate::transformer::attention::rotation::Rotation;
use crate::transformer::attention::shape::Attention;
use crate::transformer::attention::span::AttentionSpan;
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input};
use crate::transformer::failure::{Result, failed};
use crate::transformer::kernels::Activation;
use crate::transformer::linear::Linear;
use crate::transformer::ops::{Norm, NormKind};
use crate::transformer::pooling::Mode;
use crate::transformer::weights::{Scope, Weights};

/// The settings in which the models of the family differ.
struct Kind<'a> {
    name: &'a str,
    norm: NormKind,
    eps: f64,
    width: usize,
    inner: usize,
    activation: Activation,
    attention: Attention,
    /// The rotations of blocks that attend to all tokens, and of those that attend to near ones.
    rotations: [Arc<Rotation>; 2],
}

/// Loads the text model for texts of up to `longest` tokens.
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
        norm: Some(Norm::load(&root.at("norm"), width, kind.norm, kind.eps)?),
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
            norm,
            eps: config.number_or("rms_norm_eps", 1e-6)?,
            width,
            inner: config.count("intermediate_size")?,
            activation: function(config, name)?,
            attention,
            rotations: rotations(config, name, head, positions)?,
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
        attention.span = self.span(config, sliding)?;
        attention.rotation = Some(Arc::clone(&self.rotations[usize::from(sliding)]));
        if own.has("q_norm.weight") {
            attention.head_norms = Some(Arc::new(self.head_norms(&own, attention.width)?));
        }
        let attend = Attend {
            attention,
            joint: joint(&own, ["q_proj", "k_proj", "v_proj"], width, [queries, keys, keys])?,
            out: Linear::load(&own.at("o_proj"), queries, width)?,
        };
        let mlp = Mlp::Gated(
            joint(&scope.at("mlp"), ["gate_proj", "up_proj"], width, [inner; 2])?,
            self.activation,
            Linear::load(&scope.at("mlp.down_proj"), inner, width)?,
        );
        let norm = |name: &str| Norm::load(&scope.at(name), width, self.norm, self.eps);
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

    /// Whether a block attends to near tokens only.
    fn slides(&self, config: &Config, number: usize) -> Result<bool> {
        let said = config.texts("layer_types")?;
        let said = said.map(|kinds| kinds.get(number).is_some_and(|kind| kind == "sliding_attention"));
        match (self.name, said) {
            // These models have no such blocks, whatever the file says.
            ("llama" | "gemma", _) => return Ok(false),
            // Either all blocks slide or none; `transformers` follows one field or the other.
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

    /// Returns the tokens that a block attends to. `transformers` reads `is_causal` for every
    /// model, and `use_bidirectional_attention` for Gemma 3 alone. Without the causal mask a window
    /// extends that far to each side, with bidirectional attention half as far.
    fn span(&self, config: &Config, sliding: bool) -> Result<AttentionSpan> {
        let field = "use_bidirectional_attention";
        let both_ways = match self.name {
            "gemma3_text" => config.flag_or(field, false)?,
            // The result of `transformers` depends on whether a text happens to be padded.
            "gemma" if config.flag_or(field, false)? => {
                return Err(config.wrong(field, "false; for Gemma 1 it is `is_causal` that counts"));
            }
            _ => false,
        };
        let causal = config.flag_or("is_causal", true)?;
        let window = config.count_or("sliding_window", 4_096)?;
        Ok(match (sliding, both_ways, causal) {
            (false, false, true) => AttentionSpan::Causal(usize::MAX),
            (false, ..) => AttentionSpan::All,
            (true, false, true) => AttentionSpan::Causal(window),
            (true, false, false) => AttentionSpan::Around(window),
            (true, true, true) => AttentionSpan::Around(window / 2),
            (true, true, false) => AttentionSpan::Around(window / 2 + 1),
        })
    }

    fn head_norms(&self, scope: &Scope, width: usize) -> Result<HeadNorms> {
        let weight = |name: &str| -> Result<Vec<f32>> {
            let weight = scope.vector(name, &[width])?.to_dtype(candle_core::DType::F32).map_err(failed)?;
            let weight = weight.to_vec1::<f32>().map_err(failed)?;
            let from = if self.norm == NormKind::RootMeanSquareFromOne { 1.0 } else { 0.0 };
            Ok(weight.into_iter().map(|weight| weight + from).collect())
        };
        Ok(HeadNorms { queries: weight("q_norm.weight")?, keys: weight("k_norm.weight")?, eps: self.eps })
    }
}

/// Returns the bound of scores. Gemma 2 alone has one: 50 by default, and null means none.
fn cap(config: &Config, name: &str) -> Result<Option<f64>> {
    let field = "attn_logit_softcapping";
    let null = config.value().get(field).is_some_and(serde_json::Value::is_null);
    if name != "gemma2" || null {
        return Ok(None);
    }
    let cap = config.number_or(field, 50.0)?;
    if cap > 0.0 { Ok(Some(cap)) } else { Err(config.wrong(field, "above 0, or null")) }
}

/// Returns the activation of the feed-forward network.
fn function(config: &Config, name: &str) -> Result<Activation> {
    match name {
        // The first files of Gemma name gelu, and mean its approximation.
        "gemma" if config.text_or("hidden_act", "gelu")? == "gelu" => Ok(Activation::GeluTanh),
        "gemma2" | "gemma3_text" => activation(config, "hidden_activation", "gelu_pytorch_tanh"),
        _ => activation(config, "hidden_act", "silu"),
    }
}

/// Reads the rotations of blocks that attend to all tokens and of those that attend to near ones.
/// Each table is made once.
fn rotations(config: &Config, name: &str, width: usize, positions: usize) -> Result<[Arc<Rotation>; 2]> {
    let rotary = |kind, base_field, base, scaled| {
        Rotary { width, positions, kind, base_field, base, scaled }.read(config)
    };
    if name == "gemma3_text" {
        let far = rotary(Some("full_attention"), "rope_theta", 1_000_000.0, true)?;
        let near = rotary(Some("sliding_attention"), "rope_local_base_freq", 10_000.0, false)?;
        return Ok([far, near]);
    }
    let one = rotary(None, "rope_theta", 10_000.0, true)?;
    Ok([Arc::clone(&one), one])
}
