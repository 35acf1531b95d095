//! CLIP and SigLIP: a model of texts and a model of images with embeddings in one space.

use candle_core::Tensor;

use super::layers::{Grid, activation, heads, joint, layer_norm, outputs, patches};
use super::parts::TextParts;
use crate::transformer::attention::attend::Attend;
use crate::transformer::attention::shape::Attention;
use crate::transformer::attention::span::AttentionSpan;
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input, Positions};
use crate::transformer::failure::{Result, failed};
use crate::transformer::linear::Linear;
use crate::transformer::pixels::Size;
use crate::transformer::pooling::Mode;
use crate::transformer::vision::{ImageEncoder, ImagePool, Query};
use crate::transformer::weights::{Scope, Weights};

/// The two families differ in their defaults, which are those of the base models and which their
/// files leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Clip,
    Siglip,
}

/// The defaults of a family.
struct Defaults {
    text_width: usize,
    text_heads: usize,
    text_positions: usize,
    text_span: AttentionSpan,
    patch: usize,
    eps: f64,
    activation: &'static str,
}

const CLIP: Defaults = Defaults {
    text_width: 512,
    text_heads: 8,
    text_positions: 77,
    text_span: AttentionSpan::Causal(usize::MAX),
    patch: 32,
    eps: 1e-5,
    activation: "quick_gelu",
};

const SIGLIP: Defaults = Defaults {
    text_width: 768,
    text_heads: 12,
    text_positions: 64,
    text_span: AttentionSpan::All,
    patch: 16,
    eps: 1e-6,
    activation: "gelu_pytorch_tanh",
};

/// The widths of both image models, and the number of their heads, unless the file gives others.
const IMAGE_WIDTH: usize = 768;
const IMAGE_HEADS: usize = 12;

impl Family {
    fn of(config: &Config) -> Result<Self> {
        let siglip = config.text_or("model_type", "")?.starts_with("siglip");
        Ok(if siglip { Self::Siglip } else { Self::Clip })
    }

    fn defaults(self) -> &'static Defaults {
        match self {
            Self::Clip => &CLIP,
            Self::Siglip => &SIGLIP,
        }
    }
}

/// Loads the text model. Its embedding is CLIP's projection of the vector at the end of the text,
/// or SigLIP's projection of the last vector of a padded text.
pub(super) fn text(whole: &Config, weights: &Weights) -> Result<TextParts> {
    let family = Family::of(whole)?;
    let defaults = family.defaults();
    let config = section(whole, "text_config");
    let width = config.count_or("hidden_size", defaults.text_width)?;
    let root = weights.below(&["text_model."], "embeddings.token_embedding.weight")?;
    let positions = config.count_or("max_position_embeddings", defaults.text_positions)?;
    let embeddings = root.at("embeddings");
    let vocabulary = outputs(&embeddings, "token_embedding.weight")?;
    let table = embeddings.matrix("position_embedding.weight", &[positions, width])?;
    let input = Input {
        words: embeddings.matrix("token_embedding.weight", &[vocabulary, width])?,
        scale: None,
        positions: Some((table, Positions::From(0))),
        segment: None,
        norm: None,
        project: None,
    };
    let tower = Tower { family, config, width, heads: defaults.text_heads, span: defaults.text_span };
    let encoder = Encoder {
        input,
        blocks: tower.blocks(&root.at("encoder"))?,
        norm: Some(layer_norm(&root.at("final_layer_norm"), width, tower.eps()?)?),
        project: None,
        width,
        positions,
        computed: weights.computed(),
        device: weights.device().clone(),
    };
    let (pooling, scope) = match family {
        Family::Siglip => (Mode::Last, root.at("head")),
        Family::Clip => {
            let end = tower.config.whole_or("eos_token_id", 49_407)?;
            // Files from before this field was right have a 2 here, and mean the greatest token.
            let pooling = if end == 2 { Mode::Greatest } else { Mode::FirstOf(end as u32) };
            (pooling, weights.below(&[""], "text_projection.weight")?.at("text_projection"))
        }
    };
    let project = Some(Linear::load(&scope, width, outputs(&scope, "weight")?)?);
    Ok(TextParts { encoder, pooling, project, padded: family == Family::Siglip })
}

/// Loads the image model. Its embedding is CLIP's projection of the class token's vector, or the
/// result of SigLIP's query.
pub(super) fn image(whole: &Config, weights: &Weights, size: Size) -> Result<ImageEncoder> {
    let family = Family::of(whole)?;
    let config = section(whole, "vision_config");
    let width = config.count_or("hidden_size", IMAGE_WIDTH)?;
    let root = weights.below(&["vision_model."], "embeddings.patch_embedding.weight")?;
    let embeddings = root.at("embeddings");
    let patch = config.count_or("patch_size", family.defaults().patch)?;
    let tower = Tower { family, config, width, heads: IMAGE_HEADS, span: AttentionSpan::All };
    let table = tower.image_positions(&embeddings.at("position_embedding"), size, patch)?;
    let eps = tower.eps()?;
    let (mut first, mut project, mut norm_before) = (None, None, None);
    if family == Family::Clip {
        first = Some(class(&table, embeddings.vector("class_embedding", &[width])?)?);
        let scope = weights.below(&[""], "visual_projection.weight")?.at("visual_projection");
        project = Some(Linear::load(&scope, width, outputs(&scope, "weight")?)?);
        // Misspelt in all published files.
        norm_before = Some(layer_norm(&root.at("pre_layrnorm"), width, eps)?);
    }
    Ok(ImageEncoder {
        patch,
        patches: patches(&embeddings.at("patch_embedding"), patch, width)?,
        positions: tower.of_patches(&table)?,
        first,
        norm_before,
        blocks: tower.blocks(&root.at("encoder"))?,
        norm: layer_norm(&root.at("post_layernorm"), width, eps)?,
        pool: match family {
            Family::Siglip => tower.query(&root.at("head"))?,
            Family::Clip => ImagePool::First,
        },
        project,
        width,
        computed: weights.computed(),
        device: weights.device().clone(),
    })
}

/// Returns the description of one of the two models. Old files of CLIP have it twice, and mean the
/// second one where they differ.
fn section(whole: &Config, name: &str) -> Config {
    let second = whole
        .section(&format!("{name}_dict"))
        .filter(|_| whole.text_or("model_type", "").is_ok_and(|kind| kind == "clip"));
    second.unwrap_or_else(|| whole.section_or_self(name))
}

/// Returns the class token with its position.
fn class(table: &Tensor, class: Tensor) -> Result<Tensor> {
    table.narrow(0, 0, 1).and_then(|first| first.broadcast_add(&class)).map_err(failed)
}

/// One of the two models of a file.
struct Tower {
    family: Family,
    config: Config,
    width: usize,
    /// The number of heads, unless the file gives another.
    heads: usize,
    span: AttentionSpan,
}

impl Tower {
    /// Returns the number of tokens before the patches: CLIP has a class token.
    fn before(&self) -> usize {
        usize::from(self.family == Family::Clip)
    }

    /// Loads the positions of the tokens of images of this size.
    fn image_positions(&self, scope: &Scope, size: Size, patch: usize) -> Result<Tensor> {
        let patches = Grid::of(&self.config, size, patch)?.count();
        let count = scope.shape("weight")?.first().copied().unwrap_or(0);
        if patches + self.before() != count {
            let wanted = format!("{} by {}, as images are prepared", size.height, size.width);
            return Err(self.config.wrong("image_size", &wanted));
        }
        scope.vector("weight", &[count, self.width])
    }

    /// Returns the positions of the patches.
    fn of_patches(&self, positions: &Tensor) -> Result<Tensor> {
        let count = positions.dims()[0] - self.before();
        positions.narrow(0, self.before(), count).and_then(|table| table.contiguous()).map_err(failed)
    }

    fn eps(&self) -> Result<f64> {
        self.config.number_or("layer_norm_eps", self.family.defaults().eps)
    }

    fn blocks(&self, scope: &Scope) -> Result<Vec<Block>> {
        let (config, width, eps) = (&self.config, self.width, self.eps()?);
        let inner = outputs(&scope.at("layers.0"), "mlp.fc1.weight")?;
        let heads = heads(config, "num_attention_heads", Some(self.heads), width)?;
        let function = activation(config, "hidden_act", self.family.defaults().activation)?;
        let mut blocks = Vec::new();
        for number in 0..config.count_or("num_hidden_layers", 12)? {
            let scope = scope.at(&format!("layers.{number}"));
            let projections = ["q_proj", "k_proj", "v_proj"];
            blocks.push(Block {
                attend: Attend {
                    attention: Attention { span: self.span, ..Attention::plain(width, heads) },
                    joint: joint(&scope.at("self_attn"), projections, width, [width; 3])?,
                    out: Linear::load(&scope.at("self_attn.out_proj"), width, width)?,
                },
                attend_norms: Norms::before(layer_norm(&scope.at("layer_norm1"), width, eps)?),
                mlp: Mlp::Plain(
                    Linear::load(&scope.at("mlp.fc1"), width, inner)?,
                    function,
                    Linear::load(&scope.at("mlp.fc2"), inner, width)?,
                ),
                mlp_norms: Norms::before(layer_norm(&scope.at("layer_norm2"), width, eps)?),
            });
        }
        Ok(blocks)
    }

    /// Loads SigLIP's learned query. Its three projections lie in one matrix.
    fn query(&self, scope: &Scope) -> Result<ImagePool> {
        let (own, width) = (scope.at("attention"), self.width);
        let weight = own.matrix("in_proj_weight", &[3 * width, width])?;
        let bias = own.vector("in_proj_bias", &[3 * width])?;
        let part = |from: usize, count: usize| {
            let weight = weight.narrow(0, from, count).map_err(failed)?;
            let bias = bias.narrow(0, from, count).and_then(|bias| bias.contiguous()).map_err(failed)?;
            Linear::new(&weight, Some(bias))
        };
        let probe = scope.vector("probe", &[1, 1, width])?.squeeze(0).map_err(failed)?;
        let inner = outputs(scope, "mlp.fc1.weight")?;
        Ok(ImagePool::Query(Box::new(Query {
            heads: heads(&self.config, "num_attention_heads", Some(self.heads), width)?,
            query: part(0, width)?.forward(&probe).map_err(failed)?,
            joint: part(width, 2 * width)?,
            out: Linear::load(&own.at("out_proj"), width, width)?,
            norm: layer_norm(&scope.at("layernorm"), width, self.eps()?)?,
            mlp: Mlp::Plain(
                Linear::load(&scope.at("mlp.fc1"), width, inner)?,
                activation(&self.config, "hidden_act", SIGLIP.activation)?,
                Linear::load(&scope.at("mlp.fc2"), inner, width)?,
            ),
        })))
    }
}
