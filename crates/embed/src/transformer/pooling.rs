//! From a vector for each token to one for the text, as the model's own files say (sentence-transformers' `modules.json`).

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde_json::Value;

use super::config::Config;
use super::failed;
use super::kernels::Activation;
use super::linear::Linear;
use super::ops::activate;
use super::weights::Weights;
use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// Which tokens' vectors make the text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The first token.
    First,
    /// The greatest value of all tokens.
    Max,
    Mean,
    /// The sum over the root of the number of tokens.
    MeanOfRoot,
    /// The mean, with the n-th token weighted by n.
    Weighted,
    Last,
    /// The first token with this number (CLIP's end of text), or the last one.
    FirstOf(u32),
    /// The first token with the greatest number (CLIP's end of text in old models).
    Greatest,
}

/// A layer after pooling.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub(crate) linear: Linear,
    pub(crate) activation: Activation,
}

/// What is done with the vectors of a text's tokens.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Side by side.
    pub(crate) modes: Vec<Mode>,
    /// Whether tokens of the prefix count.
    pub(crate) with_prefix: bool,
    pub(crate) layers: Vec<Dense>,
    /// Whether the result is made of unit length.
    pub(crate) normalize: bool,
}

impl Head {
    /// What is done where no file says anything.
    pub(crate) fn plain(mode: Mode) -> Self {
        Self { modes: vec![mode], with_prefix: true, layers: Vec::new(), normalize: false }
    }

    /// How many values a text has, of tokens of this width.
    pub(crate) fn width(&self, hidden: usize) -> usize {
        self.layers.last().map_or(hidden * self.modes.len(), |layer| layer.linear.outputs())
    }

    /// Fails where the layers after pooling do not fit the tokens' width.
    pub(crate) fn check(&self, hidden: usize) -> Result<()> {
        let mut width = hidden * self.modes.len();
        for layer in &self.layers {
            if layer.linear.inputs() != width {
                return Err(ModelError::new(
                    format!("a layer after pooling reads {} values, it gets {width}", layer.linear.inputs()),
                    "the modules do not belong together",
                ));
            }
            width = layer.linear.outputs();
        }
        Ok(())
    }

    /// Pools the rows of a text's tokens, of which the first ones may not count.
    pub(crate) fn pool(&self, rows: &[f32], tokens: &[u32], skip: usize, out: &mut [f32]) {
        let width = rows.len() / tokens.len();
        if skip >= tokens.len() {
            return out.fill(0.0);
        }
        for (mode, out) in self.modes.iter().zip(out.chunks_exact_mut(width)) {
            mode.pool(&rows[skip * width..], &tokens[skip..], skip, out);
        }
    }

    /// The layers after pooling, and the last step.
    pub(crate) fn finish(&self, mut texts: Tensor) -> candle_core::Result<Vec<f32>> {
        for Dense { linear, activation } in &self.layers {
            texts = activate(linear.forward(&texts)?, *activation)?;
        }
        let width = texts.dim(1)?;
        let mut values = texts.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        if self.normalize {
            values.chunks_exact_mut(width).for_each(normalize);
        }
        Ok(values)
    }
}

fn normalize(row: &mut [f32]) {
    let length = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt().max(1e-12);
    row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
}

impl Mode {
    /// Rows of tokens, at least one, to a row; so many came before.
    fn pool(self, rows: &[f32], tokens: &[u32], before: usize, out: &mut [f32]) {
        let (width, count) = (out.len(), tokens.len());
        let weighted = |out: &mut [f32], weight: &dyn Fn(usize) -> f32, total: f32| {
            out.fill(0.0);
            for (i, row) in rows.chunks_exact(width).enumerate() {
                let weight = weight(i);
                out.iter_mut().zip(row).for_each(|(out, x)| *out += x * weight);
            }
            out.iter_mut().for_each(|out| *out /= total);
        };
        let one = match self {
            Self::Mean => return weighted(out, &|_| 1.0, count as f32),
            Self::MeanOfRoot => return weighted(out, &|_| 1.0, (count as f32).sqrt()),
            Self::Weighted => {
                let total = (before + 1..=before + count).map(|n| n as f32).sum();
                return weighted(out, &|i| (before + i + 1) as f32, total);
            }
            Self::Max => {
                out.fill(f32::NEG_INFINITY);
                let rows = rows.chunks_exact(width);
                return rows.for_each(|row| out.iter_mut().zip(row).for_each(|(out, x)| *out = out.max(*x)));
            }
            Self::First => 0,
            Self::Last => count - 1,
            Self::FirstOf(token) => tokens.iter().position(|&t| t == token).unwrap_or(count - 1),
            Self::Greatest => {
                let greatest = tokens.iter().max();
                tokens.iter().position(|t| Some(t) == greatest).unwrap_or(0)
            }
        };
        out.copy_from_slice(&rows[one * width..][..width]);
    }
}

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
    let entry = |module: &Value| {
        let kind = text(module, "type");
        (kind.rsplit('.').next().unwrap_or_default().to_owned(), text(module, "path"))
    };
    entries.iter().map(entry).collect()
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
            let (kind, at) = (text("type").rsplit('.').next().unwrap_or_default(), folder.join(text("path")));
            match kind {
                "Transformer" => modules.transformer = at,
                "Pooling" => modules.read_pooling(&at.join("config.json"))?,
                "Dense" => modules.read_dense(&at, device)?,
                "Normalize" => modules.head.normalize = true,
                "Dropout" => {}
                other => {
                    let problem = format!("{}: a module of the kind `{other}` is not known", path.display());
                    return Err(ModelError::new(problem, format!("{KINDS} known")));
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
        if config.text_or("module_input_name", INPUT)? != INPUT {
            return Err(config.wrong("module_input_name", INPUT));
        }
        let weights = Weights::open(at, candle_core::DType::F32, device)?;
        let linear = Linear::load(&weights.below(&["linear.", ""], "weight")?, sizes)?;
        self.files.extend(super::weights::files(at)?);
        self.head.layers.push(Dense { linear, activation });
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

/// What layers after pooling read.
const INPUT: &str = "sentence_embedding";

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

/// The device's tensor of pooled rows.
pub(crate) fn rows(
    values: Vec<f32>,
    width: usize,
    (dtype, device): (candle_core::DType, &Device),
) -> Result<Tensor> {
    let texts = values.len() / width;
    Tensor::from_vec(values, (texts, width), device).and_then(|rows| rows.to_dtype(dtype)).map_err(failed)
}
