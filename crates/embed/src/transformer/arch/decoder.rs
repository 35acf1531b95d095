//! Decoders of the Llama kind: Llama, Mistral, Qwen 2 and 3, Gemma 1 to 3; the embedding is the last token's vector.

use std::sync::Arc;

use super::rotary::Rotary;
use super::{Result, TextParts, activation, joint};
use crate::ModelError;
use crate::transformer::attention::{Attend, Attention, HeadNorms, Reach};
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
    longest: usize,
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
        let scaled_by = match name {
            "gemma2" | "gemma3_text" => config.number_or("query_pre_attn_scalar", 256.0)?,
            _ => head as f64,
        };
        let cap = config.number_or("attn_logit_softcapping", 0.0)?;
        let attention = Attention {
            heads,
            kv_heads,
            width: head,
            scale: 1.0 / scaled_by.sqrt(),
            cap: (cap > 0.0).then_some(cap),
            ..Attention::plain(heads * head, heads)
        };
        let norm = if gemma { NormKind::RootMeanSquareFromOne } else { NormKind::RootMeanSquare };
        Ok(Self {
            name,
            norm: (norm, config.number_or("rms_norm_eps", 1e-6)?),
            width,
            inner: config.count("intermediate_size")?,
            activation: match gemma {
                // Gemma's first files call it gelu, and mean this one.
                true => activation(config, "hidden_activation", "gelu_pytorch_tanh")?,
                false => activation(config, "hidden_act", "silu")?,
            },
            attention,
            longest,
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
        attention.rotation = Some(self.rotary(sliding).read(config)?);
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
        if let Some(kinds) = config.texts("layer_types")? {
            return Ok(kinds.get(number).is_some_and(|kind| kind == "sliding_attention"));
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

    fn reach(&self, config: &Config, sliding: bool) -> Result<Reach> {
        let both_ways = config.flag_or("use_bidirectional_attention", false)?;
        let window = config.count_or("sliding_window", 4_096)?;
        Ok(match (sliding, both_ways) {
            (false, false) => Reach::Before(usize::MAX),
            (false, true) => Reach::All,
            (true, false) => Reach::Before(window),
            (true, true) => Reach::Around(window / 2),
        })
    }

    fn rotary(&self, sliding: bool) -> Rotary<'static> {
        let (width, positions) = (self.attention.width, self.longest);
        match (self.name, sliding) {
            ("gemma3_text", true) => {
                let base = ("rope_local_base_freq", 10_000.0);
                Rotary { width, positions, kind: Some("sliding_attention"), base, scaled: false }
            }
            ("gemma3_text", false) => {
                let base = ("rope_theta", 1_000_000.0);
                Rotary { width, positions, kind: Some("full_attention"), base, scaled: true }
            }
            _ => Rotary { width, positions, kind: None, base: ("rope_theta", 10_000.0), scaled: true },
        }
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
