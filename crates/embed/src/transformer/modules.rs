//! The steps after the transformer: sentence-transformers' `modules.json` and the files that it
//! names.

use std::path::{Path, PathBuf};

use candle_core::Device;
use serde_json::Value;

use super::config::Config;
use super::failure::Result;
use super::kernels::Activation;
use super::linear::Linear;
use super::pooling::{Dense, Head, Mode, Step};
use super::sentence::{self, Sentence};
use super::weights::Weights;
use crate::error::ModelError;

/// The first module, which makes vectors of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// A transformer, which has a vector for each token.
    Tokens,
    /// A model that has embeddings by itself (CLIP).
    Texts,
    /// A table, whose vectors for the tokens of a text are averaged.
    Table,
}

/// The contents of `modules.json`.
#[derive(Debug)]
pub(crate) struct Modules {
    pub(crate) first: First,
    /// The folder of the first module.
    pub(crate) root: PathBuf,
    pub(crate) head: Head,
    /// The files that were read, which the fingerprint covers.
    pub(crate) files: Vec<PathBuf>,
}

/// Returns the folder of the first module, relative to the model's. It is empty if `modules.json` is
/// missing or damaged.
pub(crate) fn root(folder: &Path) -> PathBuf {
    let mut all = modules(folder).into_iter();
    let first =
        all.find(|(kind, _)| ["Transformer", "CLIPModel", "StaticEmbedding"].contains(&kind.as_str()));
    first.map_or_else(PathBuf::new, |(_, path)| path.into())
}

/// Returns the files of the modules after the transformer. There are none if `modules.json` is
/// missing or damaged.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let names = |(kind, path): (String, String)| match kind.as_str() {
        "Pooling" => vec![format!("{path}/config.json")],
        "Dense" => vec![format!("{path}/config.json"), format!("{path}/model.safetensors")],
        _ => Vec::new(),
    };
    modules(folder).into_iter().flat_map(names).collect()
}

/// Returns the kinds and folders of a model's modules. There are none if `modules.json` is missing
/// or damaged.
fn modules(folder: &Path) -> Vec<(String, String)> {
    let Ok(list) = Config::read(&folder.join("modules.json")) else { return Vec::new() };
    let text =
        |module: &Value, name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let entries = list.value().as_array().map(Vec::as_slice).unwrap_or_default();
    let entry = |module: &Value| {
        let path = text(module, "path");
        let path = if path == "." { String::new() } else { path };
        (kind(&text(module, "type")).unwrap_or_default().to_owned(), path)
    };
    entries.iter().map(entry).collect()
}

/// Returns the last part of a module's type, because versions of sentence-transformers have moved
/// their modules. A module of another library or of the model's own code has none, whatever its
/// name is.
fn kind(full: &str) -> Option<&str> {
    full.strip_prefix("sentence_transformers.")?.rsplit('.').next()
}

/// The end of hints about unknown modules.
const KINDS: &str = "Transformer, CLIPModel, StaticEmbedding, Pooling, Dense, Dropout and Normalize are";

impl Modules {
    /// Reads `modules.json` and the files that it names, or else `1_Pooling` alone. Returns `None`
    /// if neither is there.
    pub(crate) fn read(folder: &Path, device: &Device) -> Result<Option<Self>> {
        let (path, alone) = (folder.join("modules.json"), folder.join("1_Pooling/config.json"));
        let head = Head { modes: Vec::new(), ..Head::plain(Mode::Mean) };
        let mut modules = Self { first: First::Tokens, root: folder.to_owned(), head, files: Vec::new() };
        if !path.is_file() && alone.is_file() {
            modules.read_pooling(&alone)?;
            return Ok(Some(modules));
        }
        if !path.is_file() {
            return Ok(None);
        }
        modules.files.push(path.clone());
        let list = Config::read(&path)?;
        let entries = list.value().as_array().ok_or_else(|| {
            ModelError::with_hint(
                format!("{}: not a list of modules", path.display()),
                "fetch the model again",
            )
        })?;
        for module in entries {
            let text = |name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default();
            modules.read_module(&path, text("type"), &folder.join(text("path")), device)?;
        }
        if !modules.is_pooled() {
            let problem = format!("{}: names no module of the kind `Pooling`", path.display());
            return Err(ModelError::with_hint(problem, "the file is damaged or of a kind that is not known"));
        }
        modules.head.truncate = sentence::truncate_dim(folder)?;
        Ok(Some(modules))
    }

    /// Whether there is a vector for each text.
    fn is_pooled(&self) -> bool {
        self.first != First::Tokens || !self.head.modes.is_empty()
    }

    /// Reads the first module.
    fn read_first(&mut self, first: First, at: &Path) {
        (self.first, self.root) = (first, at.to_owned());
        if first == First::Table {
            self.head.modes.push(Mode::Mean);
        }
    }

    /// Reads a module of the type `full`, whose folder is `at`.
    fn read_module(&mut self, list: &Path, full: &str, at: &Path, device: &Device) -> Result<()> {
        let images = self.first == First::Texts;
        match (kind(full), self.is_pooled()) {
            (Some("Transformer"), false) if Sentence::read(at)?.pooled => self.read_first(First::Texts, at),
            (Some("Transformer"), false) => self.read_first(First::Tokens, at),
            (Some("CLIPModel"), false) => self.read_first(First::Texts, at),
            (Some("StaticEmbedding"), false) => self.read_first(First::Table, at),
            (Some("Pooling"), false) => self.read_pooling(&at.join("config.json"))?,
            // Images would go through it too.
            (Some("Dense"), true) if !images => self.read_dense(at, device)?,
            (Some("Normalize"), true) => self.read_normalize(at)?,
            (Some("Dropout"), _) => {}
            (
                Some("Transformer" | "CLIPModel" | "StaticEmbedding" | "Pooling" | "Dense" | "Normalize"),
                _,
            ) => {
                return Err(ModelError::with_hint(
                    format!("{}: `{full}` stands in a place that is not known", list.display()),
                    "known is Transformer and Pooling, or StaticEmbedding, then Dense and Normalize in any order; \
                     or CLIPModel, then Normalize",
                ));
            }
            _ => {
                return Err(ModelError::with_hint(
                    format!("{}: a module of the kind `{full}` is not known", list.display()),
                    format!("{KINDS} known, of sentence_transformers itself"),
                ));
            }
        }
        Ok(())
    }

    fn read_pooling(&mut self, path: &Path) -> Result<()> {
        let config = self.named(path)?;
        let mut modes = Vec::new();
        match config.value().get("pooling_mode") {
            // Written by sentence-transformers from version 5.
            Some(Value::String(mode)) => modes.push(mode_of(path, mode)?),
            Some(Value::Array(all)) => {
                for mode in all {
                    modes.push(mode_of(path, mode.as_str().unwrap_or_default())?);
                }
            }
            _ => {
                for (name, mode) in FLAGS {
                    if config.flag_or(name, false)? {
                        modes.push(mode);
                    }
                }
            }
        }
        if modes.is_empty() {
            // The default of sentence-transformers.
            modes.push(Mode::Mean);
        }
        self.head.with_prefix = config.flag_or("include_prompt", true)?;
        self.head.modes = modes;
        Ok(())
    }

    fn read_dense(&mut self, at: &Path, device: &Device) -> Result<()> {
        let config = self.named(&at.join("config.json"))?;
        let (inputs, outputs) = (config.count("in_features")?, config.count("out_features")?);
        let name = config.text_or("activation_function", "torch.nn.modules.activation.Tanh")?;
        let last = name.rsplit('.').next().unwrap_or_default();
        let Some(&(_, activation)) = ACTIVATIONS.iter().find(|(known, _)| *known == last) else {
            let all = "Tanh, Identity, ReLU, GELU or SiLU of torch.nn";
            return Err(config.wrong("activation_function", all));
        };
        if config.flag_or("use_residual", false)? {
            return Err(config.wrong("use_residual", "false"));
        }
        check_names(&config)?;
        let weights = Weights::open(at, candle_core::DType::F32, device)?;
        let linear = Linear::load(&weights.below(&["linear.", ""], "weight")?, inputs, outputs)?;
        self.files.extend(super::weights::files(at)?);
        self.head.steps.push(Step::Dense(Dense { linear, activation }));
        Ok(())
    }

    /// Reads a `Normalize` module. Older models have no file, or no folder, for it.
    fn read_normalize(&mut self, at: &Path) -> Result<()> {
        let path = at.join("config.json");
        if at != self.root && path.is_file() {
            check_names(&self.named(&path)?)?;
        }
        self.head.steps.push(Step::Normalize);
        Ok(())
    }

    /// Reads a file that `modules.json` names. Without it the folder is incomplete, and nothing is
    /// guessed.
    fn named(&mut self, path: &Path) -> Result<Config> {
        if !path.is_file() {
            let problem = format!("{}: named by modules.json, but not there", path.display());
            return Err(ModelError::with_hint(problem, "the model was not fetched whole; fetch it again"));
        }
        self.files.push(path.to_owned());
        Config::read(path)
    }
}

/// The name of the value that steps after pooling read and write.
const VECTOR: &str = "sentence_embedding";

/// Fails for a step that reads or writes another value.
fn check_names(config: &Config) -> Result<()> {
    for name in ["module_input_name", "module_output_name"] {
        if config.text_or(name, VECTOR)? != VECTOR {
            return Err(config.wrong(name, VECTOR));
        }
    }
    Ok(())
}

/// The flags of older files, in the order in which sentence-transformers concatenates the results.
const FLAGS: [(&str, Mode); 6] = [
    ("pooling_mode_cls_token", Mode::First),
    ("pooling_mode_max_tokens", Mode::Max),
    ("pooling_mode_mean_tokens", Mode::Mean),
    ("pooling_mode_mean_sqrt_len_tokens", Mode::MeanOfRoot),
    ("pooling_mode_weightedmean_tokens", Mode::Weighted),
    ("pooling_mode_lasttoken", Mode::Last),
];

/// The names of newer files.
const MODES: [(&str, Mode); 6] = [
    ("cls", Mode::First),
    ("max", Mode::Max),
    ("mean", Mode::Mean),
    ("mean_sqrt_len_tokens", Mode::MeanOfRoot),
    ("weightedmean", Mode::Weighted),
    ("lasttoken", Mode::Last),
];

/// The activations of dense layers, by the last part of their names.
const ACTIVATIONS: [(&str, Activation); 5] = [
    ("Tanh", Activation::Tanh),
    ("Identity", Activation::None),
    ("ReLU", Activation::Relu),
    ("GELU", Activation::Gelu),
    ("SiLU", Activation::Silu),
];

fn mode_of(path: &Path, name: &str) -> Result<Mode> {
    let known = MODES.iter().find(|(known, _)| *known == name);
    known.map(|&(_, mode)| mode).ok_or_else(|| unknown_mode(path, name))
}

fn unknown_mode(path: &Path, mode: &str) -> ModelError {
    ModelError::with_hint(
        format!("{}: the way of pooling is `{mode}`", path.display()),
        "cls, max, mean, mean_sqrt_len_tokens, weightedmean and lasttoken are known",
    )
}
