//! The settings of sentence-transformers beside its modules: the limit on tokens, lower case, and
//! the prompt.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::failure::Result;

/// The names that the file of settings has had. The first that is there counts.
pub(crate) const NAMES: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// The file of prompts, beside `modules.json`.
pub(crate) const PROMPTS: &str = "config_sentence_transformers.json";

/// The names that sections of arguments for `transformers` have had.
const ARGUMENTS: [&str; 7] = [
    "tokenizer_args",
    "processor_kwargs",
    "processing_kwargs",
    "model_args",
    "model_kwargs",
    "config_args",
    "config_kwargs",
];

/// Arguments that change embeddings by no more than rounding.
const HARMLESS: [&str; 16] = [
    "add_pooling_layer",
    "revision",
    "code_revision",
    "cache_dir",
    "token",
    "local_files_only",
    "trust_remote_code",
    "attn_implementation",
    "torch_dtype",
    "dtype",
    "device_map",
    "low_cpu_mem_usage",
    "use_safetensors",
    "use_cache",
    "use_fast",
    "padding_side",
];

/// The settings of the transformer in a folder.
#[derive(Debug, Default)]
pub(crate) struct Sentence {
    pub(crate) limit: Option<usize>,
    pub(crate) lowercase: bool,
    /// Whether the embeddings are those that the model itself has for texts (CLIP), so that no
    /// pooling follows.
    pub(crate) pooled: bool,
}

impl Sentence {
    /// Reads the settings. Without a file they are the defaults.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        for path in NAMES.map(|name| folder.join(name)).iter().filter(|path| path.is_file()) {
            let config = Config::read(path)?;
            if config.value().as_object().is_some_and(serde_json::Map::is_empty) {
                // An empty object counts as a missing file.
                continue;
            }
            let pooled = check(&config)?;
            let limit = config.has("max_seq_length").then(|| config.count("max_seq_length")).transpose()?;
            return Ok(Self { limit, lowercase: config.flag_or("do_lower_case", false)?, pooled });
        }
        Ok(Self::default())
    }
}

/// Fails for settings that would change the tokens or the model. Returns whether the model pools by
/// itself.
fn check(config: &Config) -> Result<bool> {
    if config.text_or("transformer_task", TASK)? != TASK {
        return Err(config.wrong("transformer_task", TASK));
    }
    for name in ARGUMENTS {
        let Some(section) = config.section(name) else { continue };
        let fields = section.value().as_object().ok_or_else(|| config.wrong(name, "an object"))?;
        let empty = |value: &serde_json::Value| {
            value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
        };
        let mut others =
            fields.iter().filter(|(name, value)| !HARMLESS.contains(&name.as_str()) && !empty(value));
        if let Some((name, _)) = others.next() {
            return Err(section.wrong(name, "missing: arguments are not passed on"));
        }
    }
    let Some(text) = config.section("modality_config").and_then(|kinds| kinds.section("text")) else {
        return Ok(false);
    };
    let (method, result) = match text.text_or("method", FORWARD)? {
        FEATURES => (FEATURES, "pooler_output"),
        _ => (FORWARD, "last_hidden_state"),
    };
    for (name, wanted) in [("method", method), ("method_output_name", result)] {
        if text.text_or(name, wanted)? != wanted {
            return Err(text.wrong(name, wanted));
        }
    }
    Ok(method == FEATURES)
}

/// The method of models that have vectors for tokens.
const FORWARD: &str = "forward";
/// The method of models that have embeddings of texts by themselves.
const FEATURES: &str = "get_text_features";

const TASK: &str = "feature-extraction";

/// Returns the model's own prompt, which is put before every text, or an empty string. The file is
/// in the model's folder, wherever the transformer is.
pub(crate) fn default_prompt(folder: &Path) -> Result<String> {
    let Some(path) = prompts(folder) else { return Ok(String::new()) };
    let config = Config::read(&path)?;
    let name = config.text_or("default_prompt_name", "")?;
    if name.is_empty() {
        return Ok(String::new());
    }
    match config.section("prompts") {
        Some(prompts) if prompts.value().get(name).is_some() => Ok(prompts.text_or(name, "")?.to_owned()),
        _ => Err(config.wrong("default_prompt_name", "the name of one of `prompts`")),
    }
}

/// Returns the number of values to which the model's embeddings are truncated, if its file of
/// prompts says so. More than an embedding has changes nothing.
pub(crate) fn truncate_dim(folder: &Path) -> Result<Option<usize>> {
    let Some(path) = prompts(folder) else { return Ok(None) };
    let config = Config::read(&path)?;
    config.has("truncate_dim").then(|| config.count("truncate_dim")).transpose()
}

/// Returns the file of prompts, if there is one.
pub(crate) fn prompts(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(PROMPTS)).filter(|path| path.is_file())
}
