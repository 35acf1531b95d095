//! CLIP and SigLIP: a model of texts and one of images with embeddings in one space.

use candle_core::Tensor;

use super::{Result, TextParts, activation, heads, joint, layer_norm, outputs};
use crate::transformer::attention::{Attend, Attention, Reach};
use crate::transformer::block::{Block, Mlp, Norms};
use crate::transformer::config::Config;
use crate::transformer::encoder::{Encoder, Input, Positions};
use crate::transformer::failed;
use crate::transformer::linear::Linear;
use crate::transformer::pooling::Mode;
use crate::transformer::vision::{ImageEncoder, ImagePool, Query};
use crate::transformer::weights::{Scope, Weights};

/// The text model: CLIP's projection of the vector at the end of the text, or SigLIP's of the last one of a padded text.
pub(super) fn text(whole: &Config, weights: &Weights) -> Result<TextParts> {
    let siglip = whole.text_or("model_type", "")?.starts_with("siglip");
    let config = section(whole, "text_config");
    let width = config.count_or("hidden_size", if siglip { 768 } else { 512 })?;
    let root = weights.below(&["text_model."], "embeddings.token_embedding.weight")?;
    let positions = config.count_or("max_position_embeddings", if siglip { 64 } else { 77 })?;
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
    let reach = if siglip { Reach::All } else { Reach::Before(usize::MAX) };
    let encoder = Encoder {
        input,
        blocks: blocks((&config, if siglip { 12 } else { 8 }), &root.at("encoder"), (width, siglip), reach)?,
        norm: Some(layer_norm(&root.at("final_layer_norm"), width, eps(&config, siglip)?)?),
        project: None,
        width,
        positions,
        computed: weights.computed(),
        device: weights.device().clone(),
    };
    let (pooling, scope) = if siglip {
        (Mode::Last, root.at("head"))
    } else {
        let end = config.whole_or("eos_token_id", 49_407)?;
        // Files from before this field was right have a 2 here, and mean the greatest token.
        let pooling = if end == 2 { Mode::Greatest } else { Mode::FirstOf(end as u32) };
        (pooling, weights.below(&[""], "text_projection.weight")?.at("text_projection"))
    };
    let project = Some(Linear::load(&scope, (width, outputs(&scope, "weight")?))?);
    Ok(TextParts { encoder, pooling, project, padded: siglip })
}

/// The image model: CLIP's projection of the class token's vector, or what SigLIP's query finds.
pub(super) fn image(whole: &Config, weights: &Weights, size: (usize, usize)) -> Result<ImageEncoder> {
    let siglip = whole.text_or("model_type", "")?.starts_with("siglip");
    let config = section(whole, "vision_config");
    let width = config.count_or("hidden_size", 768)?;
    let root = weights.below(&["vision_model."], "embeddings.patch_embedding.weight")?;
    let embeddings = root.at("embeddings");
    let patch = config.count_or("patch_size", if siglip { 16 } else { 32 })?;
    let (rows, columns) = super::grid(&config, size, patch)?;
    let before = usize::from(!siglip);
    let table = embeddings.at("position_embedding");
    let count = table.shape("weight")?.first().copied().unwrap_or(0);
    if rows * columns + before != count {
        let wanted = format!("{} by {}, as images are prepared", size.0, size.1);
        return Err(config.wrong("image_size", &wanted));
    }
    let table = table.vector("weight", &[count, width])?;
    let first =
        if siglip { None } else { Some(class(&table, embeddings.vector("class_embedding", &[width])?)?) };
    let eps = eps(&config, siglip)?;
    let project = if siglip {
        None
    } else {
        let scope = weights.below(&[""], "visual_projection.weight")?.at("visual_projection");
        Some(Linear::load(&scope, (width, outputs(&scope, "weight")?))?)
    };
    Ok(ImageEncoder {
        patch,
        patches: super::patches(&embeddings.at("patch_embedding"), (patch, width))?,
        positions: table
            .narrow(0, before, rows * columns)
            .and_then(|table| table.contiguous())
            .map_err(failed)?,
        first,
        // Misspelt in all published files.
        norm_before: if siglip { None } else { Some(layer_norm(&root.at("pre_layrnorm"), width, eps)?) },
        blocks: blocks((&config, 12), &root.at("encoder"), (width, siglip), Reach::All)?,
        norm: layer_norm(&root.at("post_layernorm"), width, eps)?,
        pool: if siglip { query(&config, &root.at("head"), width)? } else { ImagePool::First },
        project,
        width,
        computed: weights.computed(),
        device: weights.device().clone(),
    })
}

/// What describes one of the two models. Old files of CLIP have it twice, and mean the second one where they differ.
fn section(whole: &Config, name: &str) -> Config {
    let second = whole
        .section(&format!("{name}_dict"))
        .filter(|_| whole.text_or("model_type", "").is_ok_and(|kind| kind == "clip"));
    second.unwrap_or_else(|| whole.section_or_self(name))
}

/// The class token with its position.
fn class(table: &Tensor, class: Tensor) -> Result<Tensor> {
    table.narrow(0, 0, 1).and_then(|first| first.broadcast_add(&class)).map_err(failed)
}

/// SigLIP's learned query; its three projections lie in one matrix.
fn query(config: &Config, scope: &Scope, width: usize) -> Result<ImagePool> {
    let own = scope.at("attention");
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
        heads: heads(config, ("num_attention_heads", Some(12)), width)?,
        query: part(0, width)?.forward(&probe).map_err(failed)?,
        joint: part(width, 2 * width)?,
        out: Linear::load(&own.at("out_proj"), (width, width))?,
        norm: layer_norm(&scope.at("layernorm"), width, eps(config, true)?)?,
        mlp: Mlp::Plain(
            Linear::load(&scope.at("mlp.fc1"), (width, inner))?,
            activation(config, "hidden_act", "gelu_pytorch_tanh")?,
            Linear::load(&scope.at("mlp.fc2"), (inner, width))?,
        ),
    })))
}

fn eps(config: &Config, siglip: bool) -> Result<f64> {
    config.number_or("layer_norm_eps", if siglip { 1e-6 } else { 1e-5 })
}

/// The blocks of either model; the fields' defaults are those of the base models, which files leave out.
fn blocks(
    (config, usual_heads): (&Config, usize),
    scope: &Scope,
    (width, siglip): (usize, bool),
    reach: Reach,
) -> Result<Vec<Block>> {
    let eps = eps(config, siglip)?;
    let inner = outputs(&scope.at("layers.0"), "mlp.fc1.weight")?;
    let heads = heads(config, ("num_attention_heads", Some(usual_heads)), width)?;
    let function = activation(config, "hidden_act", if siglip { "gelu_pytorch_tanh" } else { "quick_gelu" })?;
    let mut blocks = Vec::new();
    for number in 0..config.count_or("num_hidden_layers", 12)? {
        let scope = scope.at(&format!("layers.{number}"));
        blocks.push(Block {
            attend: Attend {
                attention: Attention { reach, ..Attention::plain(width, heads) },
                joint: joint(&scope.at("self_attn"), ["q_proj", "k_proj", "v_proj"], [(width, width); 3])?,
                out: Linear::load(&scope.at("self_attn.out_proj"), (width, width))?,
            },
            attend_norms: Norms::before(layer_norm(&scope.at("layer_norm1"), width, eps)?),
            mlp: Mlp::Plain(
                Linear::load(&scope.at("mlp.fc1"), (width, inner))?,
                function,
                Linear::load(&scope.at("mlp.fc2"), (inner, width))?,
            ),
            mlp_norms: Norms::before(layer_norm(&scope.at("layer_norm2"), width, eps)?),
        });
    }
    Ok(blocks)
}
