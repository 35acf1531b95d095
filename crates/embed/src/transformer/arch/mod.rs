//! The architectures: a file each, which reads `config.json` and finds the tensors.

mod bert;
mod clip;
mod decoder;
mod dino;
mod modernbert;
mod opt;
mod positions;
mod rotary;

use super::config::{Config, MOST};
use super::encoder::Encoder;
use super::failed;
use super::kernels::Activation;
use super::linear::Linear;
use super::ops::{Norm, NormKind};
use super::pooling::Mode;
use super::vision::ImageEncoder;
use super::weights::{Scope, Weights};
use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// A text model, and what is done with its tokens' vectors where no file says it.
pub(crate) struct TextParts {
    pub(crate) encoder: Encoder,
    pub(crate) pooling: Mode,
    /// A layer after pooling that belongs to the model itself.
    pub(crate) project: Option<Linear>,
    /// Whether texts are padded to the limit, which the model sees.
    pub(crate) padded: bool,
}

impl TextParts {
    fn plain(encoder: Encoder, pooling: Mode) -> Self {
        Self { encoder, pooling, project: None, padded: false }
    }
}

/// The values of `model_type` that are known, as errors list them.
pub(crate) const KNOWN: &str = "bert, roberta, xlm-roberta, camembert, distilbert, mpnet, modernbert, opt, llama, mistral, \
                                qwen2, qwen3, gemma, gemma2, gemma3_text, clip, siglip, dinov2, dinov2_with_registers, vit";

/// Loads the text model that a `config.json` describes, for texts of up to so many tokens; none for a model of images alone.
pub(crate) fn text(config: &Config, weights: &Weights, longest: usize) -> Result<Option<TextParts>> {
    check_code(config)?;
    match config.text_or("model_type", "")? {
        "bert" | "roberta" | "xlm-roberta" | "camembert" | "distilbert" | "mpnet" => {
            bert::load(config, weights)
        }
        "modernbert" => modernbert::load(config, weights, longest),
        "opt" => opt::load(config, weights),
        "llama" | "mistral" | "qwen2" | "qwen3" | "gemma" | "gemma2" | "gemma3_text" => {
            decoder::load(config, weights, longest)
        }
        "clip" | "siglip" => clip::text(config, weights),
        "dinov2" | "dinov2_with_registers" | "vit" => return Ok(None),
        _ => Err(unknown(config)),
    }
    .map(Some)
}

/// Whether a `config.json` describes a model of images, alone or beside one of texts.
pub(crate) fn has_images(config: &Config) -> Result<bool> {
    let kind = config.text_or("model_type", "")?;
    Ok(["clip", "siglip", "dinov2", "dinov2_with_registers", "vit"].contains(&kind))
}

/// Loads the image model that a `config.json` describes, for images of this height and width.
pub(crate) fn image(config: &Config, weights: &Weights, size: (usize, usize)) -> Result<ImageEncoder> {
    check_code(config)?;
    match config.text_or("model_type", "")? {
        "clip" | "siglip" => clip::image(config, weights, size),
        _ => dino::load(config, weights, size),
    }
}

/// Refuses a model of a known architecture that brings its own code for it: published ones do so because they differ (Qwen 2 made to
/// look both ways, BERT with other positions). `auto_map` may name code for what is not computed here: the config's class, a
/// tokenizer beside `tokenizer.json`, heads for other tasks.
fn check_code(config: &Config) -> Result<()> {
    let Some(map) = config.section("auto_map").filter(|map| map.has("AutoModel")) else { return Ok(()) };
    let code = map.value().get("AutoModel").unwrap_or(&serde_json::Value::Null);
    Err(ModelError::new(
        format!("{}: `AutoModel` is {code}: the model brings its own code, which is not run", map.place()),
        "serve it with the program it was made for; if transformers gives the same without trust_remote_code, remove `auto_map` from a copy",
    ))
}

/// The error of a model that nothing here can compute.
fn unknown(config: &Config) -> ModelError {
    let found = config.value().get("model_type").and_then(serde_json::Value::as_str).unwrap_or("missing");
    ModelError::new(
        format!("{}: the architecture (`model_type`) is {found}, which is not known", config.place()),
        format!("known are {KNOWN}"),
    )
}

/// The activation that a field names.
fn activation(config: &Config, field: &str, default: &str) -> Result<Activation> {
    Ok(match config.text_or(field, default)? {
        "gelu" | "gelu_python" => Activation::Gelu,
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" | "gelu_accurate" => Activation::GeluTanh,
        "quick_gelu" => Activation::QuickGelu,
        "relu" => Activation::Relu,
        "silu" | "swish" => Activation::Silu,
        "tanh" => Activation::Tanh,
        _ => {
            return Err(
                config.wrong(field, "gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, silu or tanh")
            );
        }
    })
}

/// How many heads a width is divided into.
fn heads(config: &Config, (field, default): (&str, Option<usize>), width: usize) -> Result<usize> {
    let heads = config.count_or(field, default)?;
    if width.is_multiple_of(heads) {
        return Ok(heads);
    }
    Err(config.wrong(field, &format!("a divisor of the width {width}")))
}

/// The product of sizes, of which `field` gives one; no tensor has so many values that it could overflow.
fn product(config: &Config, field: &str, sizes: &[usize]) -> Result<usize> {
    let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    product.filter(|&product| product <= MOST).ok_or_else(|| config.wrong(field, "smaller"))
}

/// The first number of a tensor's shape, where only the tensor says how many values come out.
fn outputs(scope: &Scope, name: &str) -> Result<usize> {
    let shape = scope.shape(name)?;
    match shape.first() {
        Some(&outputs) if outputs > 0 => Ok(outputs),
        _ => Err(scope.wrong(name, "with rows")),
    }
}

/// Several layers with the same input as one: queries, keys and values, or a gate and what it is for.
fn joint<const N: usize>(scope: &Scope, names: [&str; N], sizes: [(usize, usize); N]) -> Result<Linear> {
    Linear::side_by_side(&names.map(|name| scope.at(name)), &sizes)
}

/// From a patch's values to a token: a convolution that steps by its own size.
fn patches(scope: &Scope, (patch, width): (usize, usize)) -> Result<Linear> {
    let weight = scope.matrix("weight", &[width, 3, patch, patch])?;
    let weight = weight.reshape((width, 3 * patch * patch)).map_err(failed)?;
    let bias = if scope.has("bias") { Some(scope.vector("bias", &[width])?) } else { None };
    Linear::new(&weight, bias)
}

/// How many patches images of a height and width have below and beside each other.
fn grid(config: &Config, (height, width): (usize, usize), patch: usize) -> Result<(usize, usize)> {
    if config.count_or("num_channels", 3)? != 3 {
        return Err(config.wrong("num_channels", "3"));
    }
    if height < patch || width < patch {
        return Err(
            config.wrong("patch_size", &format!("at most {height} by {width}, as images are prepared"))
        );
    }
    Ok((height / patch, width / patch))
}

fn layer_norm(scope: &Scope, width: usize, eps: f64) -> Result<Norm> {
    Norm::load(scope, width, (NormKind::Layer, eps))
}
