//! The table of architectures.

use serde_json::Value;

use super::parts::TextParts;
use super::{bert, clip, decoder, dino, modernbert, opt};
use crate::error::ModelError;
use crate::transformer::config::Config;
use crate::transformer::failure::Result;
use crate::transformer::pixels::Size;
use crate::transformer::vision::ImageEncoder;
use crate::transformer::weights::Weights;

/// Loads a text model for texts of up to this many tokens.
type LoadText = fn(&Config, &Weights, usize) -> Result<TextParts>;
/// Loads an image model for images of this size.
type LoadImages = fn(&Config, &Weights, Size) -> Result<ImageEncoder>;

/// An architecture, by its `model_type` in `config.json`.
struct Architecture {
    model_type: &'static str,
    text: Option<LoadText>,
    images: Option<LoadImages>,
}

/// The architectures that are known, in the order in which errors list them.
const ARCHITECTURES: [Architecture; 20] = [
    of_texts("bert", BERT),
    of_texts("roberta", BERT),
    of_texts("xlm-roberta", BERT),
    of_texts("camembert", BERT),
    of_texts("distilbert", BERT),
    of_texts("mpnet", BERT),
    of_texts("modernbert", modernbert::load),
    of_texts("opt", |config, weights, _| opt::load(config, weights)),
    of_texts("llama", decoder::load),
    of_texts("mistral", decoder::load),
    of_texts("qwen2", decoder::load),
    of_texts("qwen3", decoder::load),
    of_texts("gemma", decoder::load),
    of_texts("gemma2", decoder::load),
    of_texts("gemma3_text", decoder::load),
    of_both("clip"),
    of_both("siglip"),
    of_images("dinov2"),
    of_images("dinov2_with_registers"),
    of_images("vit"),
];

const BERT: LoadText = |config, weights, _| bert::load(config, weights);

const fn of_texts(model_type: &'static str, load: LoadText) -> Architecture {
    Architecture { model_type, text: Some(load), images: None }
}

const fn of_both(model_type: &'static str) -> Architecture {
    let text: LoadText = |config, weights, _| clip::text(config, weights);
    Architecture { model_type, text: Some(text), images: Some(clip::image) }
}

const fn of_images(model_type: &'static str) -> Architecture {
    Architecture { model_type, text: None, images: Some(dino::load) }
}

/// Finds the architecture of a model.
fn find(config: &Config) -> Result<Option<&'static Architecture>> {
    let model_type = config.text_or("model_type", "")?;
    Ok(ARCHITECTURES.iter().find(|known| known.model_type == model_type))
}

/// Loads the text model of a `config.json`, for texts of up to `longest` tokens. Returns `None` for
/// a model of images alone.
pub(crate) fn text(config: &Config, weights: &Weights, longest: usize) -> Result<Option<TextParts>> {
    check_code(config)?;
    let known = find(config)?.ok_or_else(|| unknown(config))?;
    known.text.map(|load| load(config, weights, longest)).transpose()
}

/// Whether a `config.json` describes a model of images, alone or together with one of texts.
pub(crate) fn has_images(config: &Config) -> Result<bool> {
    Ok(find(config)?.is_some_and(|known| known.images.is_some()))
}

/// Loads the image model of a `config.json`, for images of this size.
pub(crate) fn image(config: &Config, weights: &Weights, size: Size) -> Result<ImageEncoder> {
    check_code(config)?;
    let load = find(config)?.and_then(|known| known.images).ok_or_else(|| unknown(config))?;
    load(config, weights, size)
}

/// Fails for a model of a known architecture that brings its own code for it.
///
/// Published models do so because they differ, for example a Qwen 2 with bidirectional attention,
/// or a BERT with other positions. `auto_map` may also name code that is not needed here: the class
/// of the configuration, a tokenizer beside `tokenizer.json`, heads for other tasks.
fn check_code(config: &Config) -> Result<()> {
    let Some(map) = config.section("auto_map").filter(|map| map.has("AutoModel")) else { return Ok(()) };
    let code = map.value().get("AutoModel").unwrap_or(&Value::Null);
    Err(ModelError::with_hint(
        format!("{}: `AutoModel` is {code}: the model brings its own code, which is not run", map.place()),
        "serve it with the program it was made for; if transformers gives the same without trust_remote_code, remove `auto_map` from a copy",
    ))
}

fn unknown(config: &Config) -> ModelError {
    let found = config.value().get("model_type").and_then(Value::as_str).unwrap_or("missing");
    let known: Vec<&str> = ARCHITECTURES.iter().map(|known| known.model_type).collect();
    ModelError::with_hint(
        format!("{}: the architecture (`model_type`) is {found}, which is not known", config.place()),
        format!("known are {}", known.join(", ")),
    )
}
