//! Loading: from a folder's files to a model.

use std::path::{Path, PathBuf};

use candle_core::Device;

use super::arch::known;
use super::arch::parts::TextParts;
use super::config::Config;
use super::device::kind;
use super::encoder::Encoder;
use super::failure::Result;
use super::fingerprint::{REVISION, hash};
use super::hub::locate::Hub;
use super::hub::name::Name;
use super::image::ImageTransformer;
use super::kernels::Activation;
use super::limit::Limit;
use super::modules::{First, Modules};
use super::pixels::Pixels;
use super::pooling::{Dense, Head, Mode, Step};
use super::sentence::{self, Sentence};
use super::table::{self, Table, TableModel, Words};
use super::text::Transformer;
use super::tokens::{Preparation, Tokens};
use super::weights::Weights;
use crate::decode::formats;
use crate::error::ModelError;
use crate::load_options::{LoadOptions, Loaded, Towers};
use crate::model::TextModel;

/// Loads a pretrained model: a folder in the Hugging Face layout, or `org/name` or
/// `org/name@revision` on the hub.
///
/// A model that is completely in the hub's cache is loaded from there without asking the hub.
/// Missing files are downloaded into the cache, which needs the feature `server`. Environment
/// variables set the place of the cache and the access to the hub: `HF_HOME`, `HF_HUB_CACHE`,
/// `HF_TOKEN`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`.
///
/// # Errors
/// If files are missing, damaged or do not fit together, if the architecture is not known (the hint
/// lists the known ones), or if the model or this machine cannot do what the options ask for.
pub fn load(source: &str, options: &LoadOptions) -> Result<Loaded> {
    let folder = folder_of(source)?;
    let device = options.place.device()?;
    let modules = Modules::read(&folder, &device)?;
    let root = modules.as_ref().map_or(folder.clone(), |modules| modules.root.clone());
    for place in [&folder, &root] {
        check_adapter(place)?;
    }
    let source = Source { name: source, whole: &folder, root: &root, options };
    let config = Config::read_optional(&root.join("config.json"))?;
    let is_table = match &modules {
        Some(modules) => modules.first == First::Table,
        None => config.as_ref().is_some_and(table::is_model2vec),
    };
    let weights = || Weights::open(&root, options.precision.dtype(), &device);
    match config {
        config if is_table => source.table_model(config.as_ref(), &weights()?, modules, device),
        Some(config) => source.models(&config, &weights()?, modules),
        None => Err(ModelError::with_hint(
            format!("{}: no config.json", root.display()),
            "name a folder in the Hugging Face layout, as transformers' save_pretrained writes it",
        )),
    }
}

/// Returns the folder of a model, which may be on the hub.
fn folder_of(source: &str) -> Result<PathBuf> {
    match Name::parse(source) {
        _ if Path::new(source).is_dir() => Ok(PathBuf::from(source)),
        Some(name) => Hub::from_env(|variable| std::env::var(variable).ok())?.folder(&name),
        None => Err(ModelError::with_hint(
            format!("{source}: no such folder"),
            "name a folder with config.json, tokenizer.json and model.safetensors, or a model of the hub as org/name",
        )),
    }
}

/// Returns the pieces of the tokenizer of a pretrained model, in the order of their numbers; `None` if
/// it does not split words into pieces (WordPiece), but texts in another way.
///
/// # Errors
/// As [`load`], as far as the tokenizer is concerned.
pub fn word_pieces(source: &str) -> Result<Option<Vec<String>>> {
    let folder = folder_of(source)?;
    let modules = Modules::read(&folder, &Device::Cpu)?;
    let root = modules.map_or(folder, |modules| modules.root);
    let path = root.join("tokenizer.json");
    let text =
        std::fs::read(&path).map_err(|error| ModelError::new(format!("{}: {error}", path.display())))?;
    let whole: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| ModelError::new(format!("{}: {error}", path.display())))?;
    if whole["model"]["type"] != "WordPiece" {
        return Ok(None);
    }
    let numbered = whole["model"]["vocab"].as_object().into_iter().flatten();
    let mut pieces: Vec<(u64, String)> =
        numbered.map(|(piece, number)| (number.as_u64().unwrap_or(u64::MAX), piece.clone())).collect();
    pieces.sort_unstable();
    Ok(Some(pieces.into_iter().map(|(_, piece)| piece).collect()))
}

/// Fails for an adapter, which changes the weights. The weights beside it may be those of the model
/// without it.
fn check_adapter(folder: &Path) -> Result<()> {
    let path = folder.join("adapter_config.json");
    if !path.is_file() {
        return Ok(());
    }
    Err(ModelError::with_hint(
        format!("{}: the model is an adapter to another one", path.display()),
        "merge them with peft's merge_and_unload() and save the result in a folder of its own",
    ))
}

/// What is loaded, and from where.
struct Source<'a> {
    /// The name or the folder that the user gave.
    name: &'a str,
    /// The model's folder, with `modules.json`.
    whole: &'a Path,
    /// The transformer's folder: the same, or a subfolder.
    root: &'a Path,
    options: &'a LoadOptions,
}

impl Source<'_> {
    /// Loads what the options ask for of a model with a `config.json`.
    fn models(&self, config: &Config, weights: &Weights, modules: Option<Modules>) -> Result<Loaded> {
        let truncate = modules.as_ref().and_then(|modules| modules.head.truncate);
        let mut loaded = Loaded { text: None, image: None };
        if self.options.towers != Towers::Images
            && let Some(model) = self.text_model(config, weights, modules)?
        {
            loaded.text = Some(Box::new(model));
        }
        if self.options.towers != Towers::Texts && known::has_images(config)? {
            loaded.image = Some(Box::new(self.image_model(config, weights, truncate)?));
        }
        Ok(loaded)
    }

    /// Loads a static model, which reads texts alone.
    fn table_model(
        &self,
        config: Option<&Config>,
        weights: &Weights,
        modules: Option<Modules>,
        device: Device,
    ) -> Result<Loaded> {
        if let Some(config) = config.filter(|config| config.has("vocabulary_quantization")) {
            return Err(config.wrong("vocabulary_quantization", "missing: each token needs its own vector"));
        }
        let mut extra = modules.as_ref().map(|modules| modules.files.clone()).unwrap_or_default();
        extra.extend(sentence::prompts(self.whole));
        let head = modules.map_or(Head::plain(Mode::Mean), |modules| modules.head);
        let table = Table::read(weights)?;
        head.check(table.dim)?;
        let words = Words::open(self.root, &table, self.options.max_tokens, self.prefix()?)?;
        let (hash, kind) = (hash(self.root, &extra)?, kind(&device));
        let (precision, settings) = (self.options.precision.name(), words.settings());
        let fingerprint = format!(
            "table/r{REVISION}/{hash:016x}/{settings}/{precision}/{kind}{}",
            truncated(head.truncate)
        );
        let model = TableModel { name: self.name.to_owned(), fingerprint, table, words, head, device };
        let text = (self.options.towers != Towers::Images).then(|| Box::new(model) as Box<dyn TextModel>);
        Ok(Loaded { text, image: None })
    }

    fn image_model(
        &self,
        config: &Config,
        weights: &Weights,
        truncate: Option<usize>,
    ) -> Result<ImageTransformer> {
        let path = self.root.join("preprocessor_config.json");
        if !path.is_file() {
            return Err(ModelError::with_hint(
                format!("{}: not there", path.display()),
                "it says how images are resized; transformers' AutoImageProcessor.from_pretrained(…).save_pretrained(…) writes it",
            ));
        }
        let pixels = Pixels::read(&Config::read(&path)?, config.text_or("model_type", "")?)?;
        let encoder = known::image(config, weights, pixels.size())?;
        let (hash, kind) = (hash(self.root, &[])?, kind(&encoder.device));
        let fingerprint = format!(
            "image-transformer/r{REVISION}/pixels{}/{hash:016x}/{}/{kind}{}",
            formats::REVISION,
            self.options.precision.name(),
            truncated(truncate)
        );
        Ok(ImageTransformer { name: self.name.to_owned(), fingerprint, pixels, encoder, truncate })
    }

    /// Loads the text model, or returns `None` if the folder has a model of images alone.
    fn text_model(
        &self,
        config: &Config,
        weights: &Weights,
        modules: Option<Modules>,
    ) -> Result<Option<Transformer>> {
        let sentence = Sentence::read(self.root)?;
        let limit = Limit::read(self.root, sentence.limit, self.options.max_tokens)?;
        let Some(parts) = known::text(config, weights, limit.wanted())? else { return Ok(None) };
        let limit = limit.within(parts.encoder.positions)?;
        let tokens = self.tokens(&sentence, limit, parts.padded)?;
        let mut extra = modules.as_ref().map(|modules| modules.files.clone()).unwrap_or_default();
        extra.extend(sentence::prompts(self.whole));
        let (encoder, head) = encoder_and_head(parts, modules);
        head.check(encoder.width)?;
        let skip = if head.with_prefix || tokens.prefix().is_empty() { 0 } else { tokens.prefix_tokens()? };
        let (hash, kind) = (hash(self.root, &extra)?, kind(&encoder.device));
        let fingerprint = format!(
            "transformer/r{REVISION}/{hash:016x}/{limit}/{}/{kind}/{:?}{}",
            self.options.precision.name(),
            tokens.prefix(),
            truncated(head.truncate)
        );
        Ok(Some(Transformer { name: self.name.to_owned(), fingerprint, tokens, encoder, head, skip }))
    }

    /// Returns the string that is put before every text.
    fn prefix(&self) -> Result<String> {
        match &self.options.prefix {
            Some(prefix) => Ok(prefix.clone()),
            None => sentence::default_prompt(self.whole),
        }
    }

    fn tokens(&self, sentence: &Sentence, limit: usize, padded: bool) -> Result<Tokens> {
        let prefix = self.prefix()?;
        let padding = if padded { Some(padding_token(self.root)?) } else { None };
        Tokens::open(self.root, limit, Preparation { prefix, lowercase: sentence.lowercase, padding })
    }
}

/// Returns the part of a fingerprint that says how many values are left of an embedding, if it is
/// truncated.
fn truncated(most: Option<usize>) -> String {
    most.map_or_else(String::new, |most| format!("/first{most}"))
}

/// Chooses the steps after the encoder: those of `modules.json` or those of the architecture, or the
/// former after the latter.
fn encoder_and_head(parts: TextParts, modules: Option<Modules>) -> (Encoder, Head) {
    let modules = match modules {
        Some(modules) if modules.first != First::Texts => return (parts.encoder, modules.head),
        modules => modules,
    };
    let mut head = Head::plain(parts.pooling);
    if let Some(linear) = parts.project {
        head.steps.push(Step::Dense(Dense { linear, activation: Activation::None }));
    }
    if let Some(modules) = modules {
        head.steps.extend(modules.head.steps);
        head.truncate = modules.head.truncate;
    }
    (parts.encoder, head)
}

/// Returns the number of the padding token, for a model that sees padding.
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
