//! Finding a model in the cache, and deciding whether all of it is there.
//!
//! A model whose files are all in the cache is used without asking the hub. Another program may
//! have left a part of a snapshot. Whether a model has a `modules.json` decides how it is pooled,
//! so the absence of a file must be known, not guessed: Python's `huggingface_hub` notes absent
//! files under `.no_exist`, and so does this program.
use std::path::{Path, PathBuf};

use super::cache::ModelCache;
use super::name::Name;
use crate::error::ModelError;
use crate::transformer::{modules, sentence, weights};

pub(super) const MODULES: &str = "modules.json";
/// Every repository of the hub has this file, and only a download of the whole repository includes
/// it.
const WHOLE: &str = ".gitattributes";

/// The hub and its cache, as the environment names them.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    pub(super) cache: PathBuf,
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only downloads need it"))]
    pub(super) endpoint: String,
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "only downloads need it"))]
    pub(super) token: Option<String>,
    pub(super) offline: bool,
}

impl Hub {
    /// Reads `HF_HUB_CACHE`, `HF_HOME`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE`, as Python's
    /// `huggingface_hub` does.
    pub(crate) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ModelError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = match (set("HF_HOME"), set("XDG_CACHE_HOME"), set("HOME").or_else(|| set("USERPROFILE"))) {
            (Some(home), ..) => Some(PathBuf::from(home)),
            (None, Some(caches), _) => Some(Path::new(&caches).join("huggingface")),
            (None, None, home) => home.map(|home| Path::new(&home).join(".cache/huggingface")),
        };
        let cache = set("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join("hub")));
        let cache = cache.ok_or_else(|| {
            ModelError::with_hint("there is no folder for the models of the hub", "set HF_HOME to a folder")
        })?;
        let token_file = set("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(home?.join("token")));
        let stored = || Some(std::fs::read_to_string(token_file?).ok()?.trim().to_owned());
        Ok(Self {
            cache,
            endpoint: set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()),
            token: set("HF_TOKEN").or_else(stored).filter(|token| !token.is_empty()),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
                .into_iter()
                .filter_map(set)
                .any(|value| ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str())),
        })
    }

    /// Returns the folder of a model. Files that the cache lacks are downloaded into it.
    pub(crate) fn folder(&self, name: &Name) -> Result<PathBuf, ModelError> {
        let missing = match ModelCache::new(&self.cache, name).snapshot_of(&name.revision) {
            Some(folder) => match self.missing(name, &folder) {
                None => return Ok(folder),
                Some(missing) => format!("{missing} is not in the cache {}", folder.display()),
            },
            None => format!("not in the cache {}", self.cache.display()),
        };
        if self.offline {
            let problem = format!("{}: {missing}, and HF_HUB_OFFLINE is set", name.repo);
            return Err(ModelError::with_hint(problem, self.hint(name)));
        }
        self.fetch(name, &missing)
    }

    /// Returns the error that this program cannot ask the hub: it was built without the feature
    /// `server`.
    #[cfg(not(feature = "server"))]
    fn fetch(&self, name: &Name, missing: &str) -> Result<PathBuf, ModelError> {
        let problem = format!(
            "{}: {missing}, and this program cannot ask the hub: it was built without the feature `server`",
            name.repo
        );
        Err(ModelError::with_hint(
            problem,
            format!("build it with `--features transformers,server`; or {}", self.hint(name)),
        ))
    }

    /// Returns the first file that the model needs or may have, and that is neither in the cache
    /// nor known to be absent.
    fn missing(&self, name: &Name, folder: &Path) -> Option<String> {
        let root = folder.join(modules::root(folder));
        let is_below = root != folder;
        if !is_below && !folder.join("config.json").is_file() {
            return Some("config.json".to_owned());
        }
        let absent = ModelCache::new(&self.cache, name).absent(Path::new(folder.file_name()?));
        let known = |file: &str| {
            folder.join(file).is_file() || absent.join(file).is_file() || folder.join(WHOLE).is_file()
        };
        let mut wanted = vec![MODULES.to_owned()];
        if folder.join(MODULES).is_file() {
            // As sentence-transformers asks for them, up to the first that is there.
            let names = sentence::NAMES.iter().map(|name| below(folder, name));
            let there = sentence::NAMES.iter().position(|name| root.join(name).is_file());
            wanted.extend(names.take(there.unwrap_or(sentence::NAMES.len())));
            wanted.push(sentence::PROMPTS.to_owned());
        }
        if is_below {
            wanted.push(below(folder, "config.json"));
        }
        if folder.join("tokenizer_config.json").is_file() {
            wanted.push("tokenizer.json".to_owned());
        }
        if let Some(unknown) = wanted.into_iter().find(|file| !known(file)) {
            return Some(unknown);
        }
        let modules = modules::files(folder).into_iter().find(|file| !folder.join(file).is_file());
        modules.or_else(|| weights::files(&root).is_err().then(|| "model.safetensors".to_owned()))
    }

    /// Returns the endpoint without a user and a password.
    #[cfg(feature = "server")]
    pub(super) fn shown_endpoint(&self) -> String {
        match self.endpoint.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                format!("{scheme}://{host}{}{path}", if path.is_empty() { "" } else { "/" })
            }
            None => self.endpoint.clone(),
        }
    }

    pub(super) fn hint(&self, name: &Name) -> String {
        format!(
            "name a folder with the model's files (there is none called `{0}`); or fetch it where there is a network, with `hf download {0}`",
            name.repo
        )
    }
}

/// Returns the path of a file of the first module's folder, relative to the model's. Some models have
/// it in a subfolder.
pub(super) fn below(folder: &Path, file: &str) -> String {
    modules::root(folder).join(file).to_string_lossy().replace('\\', "/")
}
