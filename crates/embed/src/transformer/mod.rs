//! Pretrained transformers from a folder in the Hugging Face layout, computed by candle.
//!
//! [`load`] reads `config.json`, finds the architecture (`arch`), and puts a model together from four things: the
//! tokenizer with its limit (`tokens`), the blocks (`encoder`, `block`, `attention`, `linear`, `ops`), the way from tokens to a text
//! (`pooling`, as `modules` and `sentence` say it), and the tensors (`weights`). `docs/models.md` says what is read from where.
mod arch;
mod attention;
mod block;
mod config;
mod encoder;
mod hub;
mod image;
mod kernels;
mod linear;
mod modules;
mod ops;
mod options;
mod pixels;
mod pooling;
mod product;
mod sentence;
mod text;
mod tokens;
mod vision;
mod weights;

use std::io::Read;
use std::path::{Path, PathBuf};

use candle_core::Device;
use xxhash_rust::xxh3::Xxh3;

use crate::{DEFAULT_MAX_TOKENS, ImageModel, ModelError, TextModel, decode};
use arch::TextParts;
use config::{Config, unreadable};
use hub::{Hub, Name};
use image::ImageTransformer;
use modules::Modules;
pub use options::{LoadOptions, Place, Precision, Towers};
use pixels::Pixels;
use pooling::{Dense, Head, Step};
use sentence::Sentence;
use text::Transformer;
use tokens::{Preparation, Tokens};
use weights::Weights;

type Result<T> = std::result::Result<T, ModelError>;

/// Counts changes of this code that change the embeddings of the same weights.
const REVISION: u32 = 3;

/// Multiplications between saves: two minutes or so on two cores.
const WORK_PER_SAVE: usize = 1 << 45;

/// How many rows of so many tokens these blocks compute between saves.
fn rows_per_save(blocks: &[block::Block], tokens: usize) -> usize {
    let weights: usize = blocks.iter().map(block::Block::weights).sum();
    (WORK_PER_SAVE / (weights * tokens).max(1)).clamp(1 << 6, 1 << 15)
}

/// The models of a folder: one of texts, one of images, or both (CLIP).
pub struct Loaded {
    /// What turns texts into embeddings.
    pub text: Option<Box<dyn TextModel>>,
    /// What turns images into embeddings.
    pub image: Option<Box<dyn ImageModel>>,
}

/// Loads a pretrained model: a folder in the Hugging Face layout, or `org/name` or `org/name@revision` on the hub.
///
/// What is in the hub's cache is taken from there without asking the hub; the rest is fetched into it. The environment
/// says where the cache is and what the hub is given (`HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`).
///
/// # Errors
/// If files are missing, damaged or do not fit together, if the architecture is not known (the hint lists the known
/// ones), or if the options ask for what the model or this machine cannot give.
pub fn load(source: &str, options: &LoadOptions) -> Result<Loaded> {
    let folder = match Name::parse(source) {
        _ if Path::new(source).is_dir() => PathBuf::from(source),
        Some(name) => Hub::from_env(|variable| std::env::var(variable).ok())?.folder(&name)?,
        None => {
            return Err(ModelError::new(
                format!("{source}: no such folder"),
                "name a folder with config.json, tokenizer.json and model.safetensors, or a model of the hub as org/name",
            ));
        }
    };
    let device = options.place.device()?;
    let modules = Modules::read(&folder, &device)?;
    let root = modules.as_ref().map_or(folder.clone(), |modules| modules.transformer.clone());
    for place in [&folder, &root] {
        check_adapter(place)?;
    }
    let config = root.join("config.json");
    if !config.is_file() {
        return Err(ModelError::new(
            format!("{}: no config.json", root.display()),
            "name a folder in the Hugging Face layout, as transformers' save_pretrained writes it",
        ));
    }
    let config = Config::read(&config)?;
    let weights = Weights::open(&root, options.precision.dtype(), &device)?;
    let mut loaded = Loaded { text: None, image: None };
    if options.towers != Towers::Images {
        let sentence = Sentence::read(&root)?;
        let limit = Limit::read(&root, sentence.limit, options.max_tokens)?;
        if let Some(parts) = arch::text(&config, &weights, limit.wanted())? {
            let limit = limit.within(parts.encoder.positions)?;
            let place = Folders { name: source, whole: &folder, root: &root };
            loaded.text = Some(Box::new(text_model(&place, (modules, sentence), (parts, limit), options)?));
        }
    }
    if options.towers != Towers::Texts && arch::has_images(&config)? {
        loaded.image = Some(Box::new(image_model(source, &root, (&config, &weights), options)?));
    }
    Ok(loaded)
}

/// Adapters change the weights; those beside them may be of the model without.
fn check_adapter(folder: &Path) -> Result<()> {
    let path = folder.join("adapter_config.json");
    if !path.is_file() {
        return Ok(());
    }
    Err(ModelError::new(
        format!("{}: the model is an adapter to another one", path.display()),
        "merge them with peft's merge_and_unload() and save the result in a folder of its own",
    ))
}

/// Where the parts of a model lie.
struct Folders<'a> {
    /// As it was asked for.
    name: &'a str,
    /// With `modules.json`.
    whole: &'a Path,
    /// With the transformer: the same, or below.
    root: &'a Path,
}

fn image_model(
    name: &str,
    root: &Path,
    (config, weights): (&Config, &Weights),
    options: &LoadOptions,
) -> Result<ImageTransformer> {
    let path = root.join("preprocessor_config.json");
    if !path.is_file() {
        return Err(ModelError::new(
            format!("{}: not there", path.display()),
            "it says how images are resized; transformers' AutoImageProcessor.from_pretrained(…).save_pretrained(…) writes it",
        ));
    }
    let pixels = Pixels::read(&Config::read(&path)?, config.text_or("model_type", "")?)?;
    let (height, width) = pixels.size();
    let encoder = arch::image(config, weights, (height as usize, width as usize))?;
    let (hash, kind) = (hash(root, &[])?, if encoder.device.is_cpu() { "cpu" } else { "gpu" });
    let fingerprint = format!(
        "image-transformer/r{REVISION}/pixels{}/{hash:016x}/{}/{kind}",
        decode::REVISION,
        options.precision.name()
    );
    Ok(ImageTransformer { name: name.to_owned(), fingerprint, pixels, encoder })
}

fn text_model(
    &Folders { name, whole, root }: &Folders,
    (modules, sentence): (Option<Modules>, Sentence),
    (parts, limit): (TextParts, usize),
    options: &LoadOptions,
) -> Result<Transformer> {
    let prefix = match &options.prefix {
        Some(prefix) => prefix.clone(),
        None => sentence::default_prompt(whole)?,
    };
    let lowercase = sentence.lowercase;
    let padding = if parts.padded { Some(padding_token(root)?) } else { None };
    let tokens = Tokens::open(root, limit, Preparation { prefix, lowercase, padding })?;
    let mut head = match &modules {
        Some(modules) => modules.head.clone(),
        None => Head::plain(parts.pooling),
    };
    if let (None, Some(linear)) = (&modules, parts.project) {
        head.steps.push(Step::Dense(Dense { linear, activation: kernels::Activation::None }));
    }
    head.check(parts.encoder.width)?;
    let skip = if head.with_prefix || tokens.prefix().is_empty() { 0 } else { tokens.prefix_tokens()? };
    let mut extra = modules.map(|modules| modules.files).unwrap_or_default();
    extra.extend(sentence::prompts(whole));
    let hash = hash(root, &extra)?;
    let kind = if parts.encoder.device.is_cpu() { "cpu" } else { "gpu" };
    let fingerprint = format!(
        "transformer/r{REVISION}/{hash:016x}/{limit}/{}/{kind}/{:?}",
        options.precision.name(),
        tokens.prefix()
    );
    Ok(Transformer { name: name.to_owned(), fingerprint, tokens, encoder: parts.encoder, head, skip })
}

/// How many tokens of a text are to be read.
enum Limit {
    Asked(usize),
    /// What the model's makers say, or our default.
    Usual(usize),
}

impl Limit {
    fn read(root: &Path, said: Option<usize>, asked: Option<usize>) -> Result<Self> {
        match (asked, said) {
            (Some(asked), _) => return Ok(Self::Asked(asked)),
            (None, Some(said)) => return Ok(Self::Usual(said)),
            (None, None) => {}
        }
        let tokenizer = optional(root, "tokenizer_config.json")?;
        // Where there is none, this is a huge number, perhaps not even a whole one.
        let made_for = tokenizer.and_then(|config| config.value().get("model_max_length")?.as_u64());
        let made_for = made_for.and_then(|limit| usize::try_from(limit).ok()).filter(|&limit| limit > 0);
        Ok(Self::Usual(DEFAULT_MAX_TOKENS.min(made_for.unwrap_or(usize::MAX))))
    }

    fn wanted(&self) -> usize {
        let (Self::Asked(limit) | Self::Usual(limit)) = self;
        *limit
    }

    /// The limit of a model that has so many positions.
    fn within(self, positions: usize) -> Result<usize> {
        match self {
            Self::Asked(asked) if asked > positions => Err(ModelError::new(
                format!("the limit on tokens is {asked}, the model reads at most {positions}"),
                "longer texts are cut off there; a smaller limit is faster",
            )),
            Self::Asked(limit) | Self::Usual(limit) => Ok(limit.min(positions)),
        }
    }
}

/// The number of the padding token of a model that sees it.
fn padding_token(root: &Path) -> Result<u32> {
    let path = root.join("tokenizer_config.json");
    let config = Config::read(&path)?;
    // A string, or an object with its text in `content`.
    let token = match config.section("pad_token") {
        Some(token) if token.value().is_object() => token.text_or("content", "")?.to_owned(),
        _ => config.text_or("pad_token", "")?.to_owned(),
    };
    Tokens::number(root, &token)?.ok_or_else(|| config.wrong("pad_token", "a token of tokenizer.json"))
}

fn optional(root: &Path, name: &str) -> Result<Option<Config>> {
    let path = root.join(name);
    if path.is_file() { Config::read(&path).map(Some) } else { Ok(None) }
}

/// Files beside the weights that change what comes out, besides those of [`sentence::NAMES`].
const READ: [&str; 4] =
    ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"];

/// A hash of all that was read.
fn hash(root: &Path, extra: &[PathBuf]) -> Result<u64> {
    let mut hash = Xxh3::new();
    let beside =
        READ.iter().chain(&sentence::NAMES).map(|name| root.join(name)).filter(|path| path.is_file());
    let mut buffer = vec![0; 1 << 20];
    for path in beside.chain(weights::files(root)?).chain(extra.iter().cloned()) {
        let unreadable = |error: std::io::Error| unreadable(&path, &error);
        let mut file = std::fs::File::open(&path).map_err(unreadable)?;
        hash.update(&file.metadata().map_err(unreadable)?.len().to_le_bytes());
        loop {
            match file.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    Ok(hash.digest())
}

/// The error of a computation.
fn failed(error: candle_core::Error) -> ModelError {
    ModelError::new(
        format!("the model failed: {error}"),
        "the weights and config.json may not belong together",
    )
}

impl Place {
    fn device(self) -> Result<Device> {
        let (device, name) = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(number) => (Device::new_cuda(number), "cuda"),
            Self::Metal(number) => (Device::new_metal(number), "metal"),
        };
        device.map_err(|error| {
            ModelError::new(
                format!("{name} cannot be used: {error}"),
                format!("the program must be built with the feature `{name}`, on a machine that has it"),
            )
        })
    }
}
