//! What a model's own files say of the way from tokens to a text: sentence-transformers' `modules.json`, and what it names.

use std::path::{Path, PathBuf};

use candle_core::Device;
use serde_json::Value;

use super::config::Config;
use super::kernels::Activation;
use super::linear::Linear;
use super::pooling::{Dense, Head, Mode, Step};
use super::weights::Weights;
use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// What `modules.json` says, if there is one.
#[derive(Debug)]
pub(crate) struct Modules {
    /// The folder of the transformer itself.
    pub(crate) transformer: PathBuf,
    pub(crate) head: Head,
    /// The files that were read, for the fingerprint.
    pub(crate) files: Vec<PathBuf>,
}

/// The folder of the transformer itself below a model's folder, as far as can be read.
pub(crate) fn transformer(folder: &Path) -> PathBuf {
    let mut all = modules(folder).into_iter();
    all.find(|(kind, _)| kind == "Transformer").map_or_else(PathBuf::new, |(_, path)| path.into())
}

/// The files that `modules.json` asks for after the transformer, as far as it can be read.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let names = |(kind, path): (String, String)| match kind.as_str() {
        "Pooling" => vec![format!("{path}/config.json")],
        "Dense" => vec![format!("{path}/config.json"), format!("{path}/model.safetensors")],
        _ => Vec::new(),
    };
    modules(folder).into_iter().flat_map(names).collect()
}

/// The kinds and folders of a model's modules, as far as they can be read.
fn modules(folder: &Path) -> Vec<(String, String)> {
    let Ok(list) = Config::read(&folder.join("modules.json")) else { return Vec::new() };
    let text =
        |module: &Value, name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let entries = list.value().as_array().map(Vec::as_slice).unwrap_or_default();
    let entry =
        |module: &Value| (kind(&text(module, "type")).unwrap_or_default().to_owned(), text(module, "path"));
    entries.iter().map(entry).collect()
}

/// The last part of a module's type: versions have moved the modules within sentence-transformers. A module of another library or of the
/// model's own code is something else, whatever it is called.
fn kind(full: &str) -> Option<&str> {
    full.strip_prefix("sentence_transformers.")?.rsplit('.').next()
}

const KINDS: &str = "Transformer, Pooling, Dense, Dropout and Normalize are";

impl Modules {
    /// Reads `modules.json` and what it names, or `1_Pooling` alone, where these are.
    pub(crate) fn read(folder: &Path, device: &Device) -> Result<Option<Self>> {
        let (path, alone) = (folder.join("modules.json"), folder.join("1_Pooling/config.json"));
        let mut modules =
            Self { transformer: folder.to_owned(), head: Head::plain(Mode::Mean), files: Vec::new() };
        modules.head.modes.clear();
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
            ModelError::new(format!("{}: not a list of modules", path.display()), "fetch the model again")
        })?;
        for module in entries {
            let text = |name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default();
            let (full, at) = (text("type"), folder.join(text("path")));
            let pooled = !modules.head.modes.is_empty();
            match (kind(full), pooled) {
                (Some("Transformer"), false) => modules.transformer = at,
                (Some("Pooling"), false) => modules.read_pooling(&at.join("config.json"))?,
                (Some("Dense"), true) => modules.read_dense(&at, device)?,
                (Some("Normalize"), true) => modules.read_normalize(&at)?,
                (Some("Dropout"), _) => {}
                (Some("Transformer" | "Pooling" | "Dense" | "Normalize"), _) => {
                    let problem = format!("{}: `{full}` stands in a place that is not known", path.display());
                    return Err(ModelError::new(
                        problem,
                        "known is Transformer, Pooling, then Dense and Normalize in any order",
                    ));
                }
                _ => {
                    let problem = format!("{}: a module of the kind `{full}` is not known", path.display());
                    return Err(ModelError::new(
                        problem,
                        format!("{KINDS} known, of sentence_transformers itself"),
                    ));
                }
            }
        }
        if modules.head.modes.is_empty() {
            let problem = format!("{}: names no module of the kind `Pooling`", path.display());
            return Err(ModelError::new(problem, "the file is damaged or of a kind that is not known"));
        }
        Ok(Some(modules))
    }

    fn read_pooling(&mut self, path: &Path) -> Result<()> {
        let config = self.named(path)?;
        let mut modes = Vec::new();
        match config.value().get("pooling_mode") {
            // As sentence-transformers writes it from version 5.
            Some(Value::String(mode)) => modes.push(mode_of(mode).ok_or_else(|| unknown_mode(path, mode))?),
            Some(Value::Array(all)) => {
                for mode in all {
                    let mode = mode.as_str().unwrap_or_default();
                    modes.push(mode_of(mode).ok_or_else(|| unknown_mode(path, mode))?);
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
            // As sentence-transformers takes it.
            modes.push(Mode::Mean);
        }
        self.head.with_prefix = config.flag_or("include_prompt", true)?;
        self.head.modes = modes;
        Ok(())
    }

    fn read_dense(&mut self, at: &Path, device: &Device) -> Result<()> {
        let config = self.named(&at.join("config.json"))?;
        let sizes = (config.count("in_features")?, config.count("out_features")?);
        let name = config.text_or("activation_function", "torch.nn.modules.activation.Tanh")?;
        let activation = match name.rsplit('.').next() {
            Some("Tanh") => Activation::Tanh,
            Some("Identity") => Activation::None,
            Some("ReLU") => Activation::Relu,
            Some("GELU") => Activation::Gelu,
            Some("SiLU") => Activation::Silu,
            _ => {
                return Err(
                    config.wrong("activation_function", "Tanh, Identity, ReLU, GELU or SiLU of torch.nn")
                );
            }
        };
        if config.flag_or("use_residual", false)? {
            return Err(config.wrong("use_residual", "false"));
        }
        check_names(&config)?;
        let weights = Weights::open(at, candle_core::DType::F32, device)?;
        let linear = Linear::load(&weights.below(&["linear.", ""], "weight")?, sizes)?;
        self.files.extend(super::weights::files(at)?);
        self.head.steps.push(Step::Dense(Dense { linear, activation }));
        Ok(())
    }

    /// Older models have nothing in its folder, or no folder.
    fn read_normalize(&mut self, at: &Path) -> Result<()> {
        let path = at.join("config.json");
        if at != self.transformer && path.is_file() {
            check_names(&self.named(&path)?)?;
        }
        self.head.steps.push(Step::Normalize);
        Ok(())
    }

    /// A file that `modules.json` names; a folder without it is half of a model, of which nothing is guessed.
    fn named(&mut self, path: &Path) -> Result<Config> {
        if !path.is_file() {
            let problem = format!("{}: named by modules.json, but not there", path.display());
            return Err(ModelError::new(problem, "the model was not fetched whole; fetch it again"));
        }
        self.files.push(path.to_owned());
        Config::read(path)
    }
}

/// What steps after pooling read and write.
const VECTOR: &str = "sentence_embedding";

fn check_names(config: &Config) -> Result<()> {
    for name in ["module_input_name", "module_output_name"] {
        if config.text_or(name, VECTOR)? != VECTOR {
            return Err(config.wrong(name, VECTOR));
        }
    }
    Ok(())
}

/// In the order in which sentence-transformers puts them side by side.
const FLAGS: [(&str, Mode); 6] = [
    ("pooling_mode_cls_token", Mode::First),
    ("pooling_mode_max_tokens", Mode::Max),
    ("pooling_mode_mean_tokens", Mode::Mean),
    ("pooling_mode_mean_sqrt_len_tokens", Mode::MeanOfRoot),
    ("pooling_mode_weightedmean_tokens", Mode::Weighted),
    ("pooling_mode_lasttoken", Mode::Last),
];

fn mode_of(name: &str) -> Option<Mode> {
    Some(match name {
        "cls" => Mode::First,
        "max" => Mode::Max,
        "mean" => Mode::Mean,
        "mean_sqrt_len_tokens" => Mode::MeanOfRoot,
        "weightedmean" => Mode::Weighted,
        "lasttoken" => Mode::Last,
        _ => return None,
    })
}

fn unknown_mode(path: &Path, mode: &str) -> ModelError {
    ModelError::new(
        format!("{}: the way of pooling is `{mode}`", path.display()),
        "cls, max, mean, mean_sqrt_len_tokens, weightedmean and lasttoken are known",
    )
}
