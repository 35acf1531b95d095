//! Models by their name on the Hugging Face hub, through its cache: `org/name`, or `org/name@revision`.
//!
//! What is in the cache is taken from there, without asking. A snapshot of another program may be half: whether a model
//! has a `modules.json` decides how it is pooled, so that must be known, not guessed. Python's `huggingface_hub` notes under
//! `.no_exist` what a model does not have, and so do we.
use std::path::{Path, PathBuf};

use hf_hub::api::RepoInfo;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use super::{modules, sentence, weights};
use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// Files that a model may lack, besides those of [`sentence::NAMES`].
const OPTIONAL: [&str; 6] = [
    MODULES,
    sentence::PROMPTS,
    "tokenizer_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "adapter_config.json",
];
/// Files that the transformer's folder may lack, where that is another one.
const BELOW: [&str; 4] = ["config.json", "tokenizer.json", "tokenizer_config.json", "adapter_config.json"];
const MODULES: &str = "modules.json";
/// Every repository of the hub has this file, and only those who fetch all of it fetch it.
const WHOLE: &str = ".gitattributes";

/// A name on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    repo: String,
    revision: String,
}

impl Name {
    /// `org/name` or `org/name@revision`; none where it cannot be one.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let (repo, revision) = typed.split_once('@').unwrap_or((typed, "main"));
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let (org, name) = repo.split_once('/')?;
        let known = plain(org) && plain(name) && revision.split('/').all(plain);
        known.then(|| Self { repo: repo.to_owned(), revision: revision.to_owned() })
    }

    fn repo(&self, revision: &str) -> Repo {
        Repo::with_revision(self.repo.clone(), RepoType::Model, revision.to_owned())
    }
}

/// The hub and its cache, as the environment names them.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    cache: PathBuf,
    endpoint: String,
    token: Option<String>,
    offline: bool,
}

impl Hub {
    /// From `HF_HUB_CACHE`, `HF_HOME`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE`, as Python's `huggingface_hub` does.
    pub(crate) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = match (set("HF_HOME"), set("XDG_CACHE_HOME"), set("HOME").or_else(|| set("USERPROFILE"))) {
            (Some(home), ..) => Some(PathBuf::from(home)),
            (None, Some(caches), _) => Some(Path::new(&caches).join("huggingface")),
            (None, None, home) => home.map(|home| Path::new(&home).join(".cache/huggingface")),
        };
        let cache = set("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join("hub")));
        let cache = cache.ok_or_else(|| {
            ModelError::new("there is no folder for the models of the hub", "set HF_HOME to a folder")
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

    /// The folder of a model, from the cache or fetched into it.
    pub(crate) fn folder(&self, name: &Name) -> Result<PathBuf> {
        let missing = match self.snapshot(name) {
            Some(folder) => match self.missing(name, &folder) {
                None => return Ok(folder),
                Some(missing) => format!("{missing} is not in the cache {}", folder.display()),
            },
            None => format!("not in the cache {}", self.cache.display()),
        };
        if self.offline {
            let problem = format!("{}: {missing}, and HF_HUB_OFFLINE is set", name.repo);
            return Err(ModelError::new(problem, self.hint(name)));
        }
        self.fetch(name, &missing)
    }

    fn cached(&self, name: &Name) -> PathBuf {
        self.cache.join(name.repo(&name.revision).folder_name())
    }

    /// The folder of the revision, if the cache knows it.
    fn snapshot(&self, name: &Name) -> Option<PathBuf> {
        let place = self.cached(name);
        let commit = match std::fs::read_to_string(place.join("refs").join(&name.revision)) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => name.revision.clone(),
        };
        let folder = place.join("snapshots").join(commit);
        folder.is_dir().then_some(folder)
    }

    /// The first file that the model needs or might have, and of which the cache does not know.
    fn missing(&self, name: &Name, folder: &Path) -> Option<String> {
        if !folder.join("config.json").is_file() {
            return Some("config.json".to_owned());
        }
        let commit = folder.file_name()?;
        let without = self.cached(name).join(".no_exist").join(commit);
        let known = |file: &str| {
            folder.join(file).is_file() || without.join(file).is_file() || folder.join(WHOLE).is_file()
        };
        let root = root(folder);
        let mut wanted = vec![MODULES.to_owned()];
        if folder.join(MODULES).is_file() {
            // As sentence-transformers asks for them, up to the first that is there.
            let names = sentence::NAMES.iter().map(|name| below(folder, name));
            let there = sentence::NAMES.iter().position(|name| root.join(name).is_file());
            wanted.extend(names.take(there.unwrap_or(sentence::NAMES.len())));
            wanted.push(sentence::PROMPTS.to_owned());
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

    /// Fetches the files that are read, of one commit, and notes last that they are there.
    fn fetch(&self, name: &Name, missing: &str) -> Result<PathBuf> {
        let builder = ApiBuilder::from_cache(Cache::new(self.cache.clone()));
        let builder = builder.with_endpoint(self.endpoint.clone()).with_token(self.token.clone());
        let failed = |error: ApiError| self.failed(name, missing, &error);
        let api = builder.with_progress(false).with_retries(RETRIES).build().map_err(failed)?;
        let info: RepoInfo = api.repo(name.repo(&name.revision)).info().map_err(failed)?;
        if info.sha.len() != 40 || !info.sha.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(self.strange(name, &format!("the commit {:?}", info.sha)));
        }
        let has = |file: &str| info.siblings.iter().any(|sibling| sibling.rfilename == file);
        let repo = api.repo(name.repo(&info.sha));
        let folder = self.cached(name).join("snapshots").join(&info.sha);
        // Names come from files that anybody can publish, and become paths.
        let get = |file: &str| match is_inside(file) {
            true => get(&repo, &folder, file).map_err(failed),
            false => Err(self.strange(name, &format!("a file named {file:?}"))),
        };
        get("config.json")?;
        let get_or_note = |file: &str| match has(file) || !is_inside(file) {
            true => get(file).map(drop),
            false => self.note_absent(name, (&info.sha, file)),
        };
        OPTIONAL.iter().try_for_each(|file| get_or_note(file))?;
        for file in modules::files(&folder).iter().filter(|file| has(file)) {
            get(file)?;
        }
        let inside = |file: &str| below(&folder, file);
        BELOW.iter().chain(&sentence::NAMES).try_for_each(|file| get_or_note(&inside(file)))?;
        let index = inside("model.safetensors.index.json");
        if has(&inside("model.safetensors")) {
            get(&inside("model.safetensors"))?;
        } else if has(&index) {
            get(&index)?;
            for shard in weights::shards(&folder.join(&index))? {
                get(&inside(&shard))?;
            }
        }
        let noted = Cache::new(self.cache.clone()).repo(name.repo(&name.revision)).create_ref(&info.sha);
        noted.map_err(|error| self.unwritable(&error))?;
        Ok(folder)
    }

    fn strange(&self, name: &Name, what: &str) -> ModelError {
        ModelError::new(
            format!("{}: {} gives {what}", name.repo, self.shown_endpoint()),
            "this is no honest model; take another one, or tell the hub",
        )
    }

    /// The endpoint without a user and a password.
    fn shown_endpoint(&self) -> String {
        match self.endpoint.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                format!("{scheme}://{host}{}{path}", if path.is_empty() { "" } else { "/" })
            }
            None => self.endpoint.clone(),
        }
    }

    fn note_absent(&self, name: &Name, (commit, file): (&str, &str)) -> Result<()> {
        let path = self.cached(name).join(".no_exist").join(commit).join(file);
        let folder = path.parent().unwrap_or(&self.cache);
        let noted = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, ""));
        noted.map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> ModelError {
        ModelError::new(
            format!("{}: {error}", self.cache.display()),
            "set HF_HOME to a folder that can be written",
        )
    }

    fn failed(&self, name: &Name, missing: &str, error: &ApiError) -> ModelError {
        let (name_there, endpoint) = (&name.repo, self.shown_endpoint());
        match status(error) {
            Some(401 | 403) => ModelError::new(
                format!("{name_there}: {endpoint} does not give it to you, or has no such model"),
                "set HF_TOKEN if it is gated or private; see that the name is right",
            ),
            Some(404) => ModelError::new(
                format!("{name_there}: {endpoint} has no such model, or no revision {}", name.revision),
                "a model of your own is named by its folder",
            ),
            _ => ModelError::new(
                format!("{name_there}: {missing}, and {endpoint} cannot be asked: {error}"),
                self.hint(name),
            ),
        }
    }

    fn hint(&self, name: &Name) -> String {
        format!(
            "name a folder with the model's files; or fetch it where there is a network, with `hf download {}`",
            name.repo
        )
    }
}

/// Whether a name leads to a file below the folder that it is relative to, and is all path in a URL.
fn is_inside(file: &str) -> bool {
    !file.contains(['\\', ':', '?', '#', '%']) && file.split('/').all(|part| !["", ".", ".."].contains(&part))
}

/// The status of an answer that is an error, which is only in its text.
fn status(error: &ApiError) -> Option<u16> {
    let text = error.to_string();
    text.split_once("http status: ")?.1.get(..3)?.parse().ok()
}

/// How often a file is asked for again.
const RETRIES: usize = 3;

/// The folder of the transformer itself: older models have it below.
fn root(folder: &Path) -> PathBuf {
    folder.join(modules::transformer(folder))
}

/// The name of a file of the transformer's folder, from the model's.
fn below(folder: &Path, file: &str) -> String {
    modules::transformer(folder).join(file).to_string_lossy().replace('\\', "/")
}

fn get(repo: &ApiRepo, folder: &Path, file: &str) -> std::result::Result<PathBuf, ApiError> {
    let path = folder.join(file);
    if path.is_file() { Ok(path) } else { repo.download(file) }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
