//! Which files of a model are downloaded, and in which order.

use std::path::PathBuf;

use super::answer::Failure;
use super::cache::ModelCache;
use super::download::{Connection, Info};
use super::locate::{Hub, MODULES, below};
use super::name::Name;
use crate::error::ModelError;
use crate::transformer::{modules, sentence, weights};

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
/// Files that the first module's folder may lack, where that is a subfolder.
const BELOW: [&str; 5] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "adapter_config.json",
];

impl Hub {
    /// Downloads the files that are read, all of one commit. The commit of the revision is noted
    /// last, when all files are there. `missing` says what the cache lacks, for errors.
    pub(super) fn fetch(&self, name: &Name, missing: &str) -> Result<PathBuf> {
        let failed = |failure| self.failed(name, missing, failure);
        let connection = Connection::new(&self.endpoint, self.token.as_deref()).map_err(failed)?;
        let info = connection.info(name).map_err(failed)?;
        let cache = ModelCache::new(&self.cache, name);
        let folder = cache.snapshot(&info.commit);
        let fetch = Fetch { hub: self, name, missing, connection, info, cache, folder };
        fetch.all()?;
        let noted = fetch.cache.note_commit(&name.revision, &fetch.info.commit);
        noted.map_err(|error| self.unwritable(&error))?;
        Ok(fetch.folder)
    }

    fn failed(&self, name: &Name, missing: &str, failure: Failure) -> ModelError {
        let (repo, endpoint) = (&name.repo, self.shown_endpoint());
        let unanswered = |problem: &str| {
            let message = format!("{repo}: {missing}, and {endpoint} cannot be asked: {problem}");
            ModelError::with_hint(message, self.hint(name))
        };
        match failure {
            Failure::Status(401 | 403) => ModelError::with_hint(
                format!("{repo}: {endpoint} does not give it to you, or has no such model"),
                "set HF_TOKEN if it is gated or private; see that the name is right",
            ),
            Failure::Status(404) => ModelError::with_hint(
                format!("{repo}: {endpoint} has no such model, or no revision {}", name.revision),
                "a model of your own is named by its folder",
            ),
            Failure::Status(status) => unanswered(&format!("it answers with the status {status}")),
            Failure::Unanswered(problem) => unanswered(&problem),
            Failure::Odd(what) => self.strange(name, &what),
            Failure::Altered(what) => ModelError::with_hint(
                format!("{repo}: {endpoint} gives {what}"),
                format!(
                    "run it again; if it fails again, a proxy or a mirror alters the file: {}",
                    self.hint(name)
                ),
            ),
            Failure::Unwritable(error) => self.unwritable(&error),
        }
    }

    fn strange(&self, name: &Name, what: &str) -> ModelError {
        ModelError::with_hint(
            format!("{}: {} gives {what}", name.repo, self.shown_endpoint()),
            "this is no honest model; take another one, or tell the hub",
        )
    }

    fn unwritable(&self, error: &std::io::Error) -> ModelError {
        ModelError::with_hint(
            format!("{}: {error}", self.cache.display()),
            "set HF_HOME to a folder that can be written",
        )
    }
}

/// The download of one commit.
struct Fetch<'a> {
    hub: &'a Hub,
    name: &'a Name,
    missing: &'a str,
    connection: Connection,
    info: Info,
    cache: ModelCache,
    /// The snapshot of the commit.
    folder: PathBuf,
}

impl Fetch<'_> {
    fn all(&self) -> Result<()> {
        self.get_or_note("config.json")?;
        OPTIONAL.iter().try_for_each(|file| self.get_or_note(file))?;
        if modules::root(&self.folder).as_os_str().is_empty() {
            self.get("config.json")?;
        }
        for file in modules::files(&self.folder).iter().filter(|file| self.has(file)) {
            self.get(file)?;
        }
        let inside = |file: &str| below(&self.folder, file);
        BELOW.iter().chain(&sentence::NAMES).try_for_each(|file| self.get_or_note(&inside(file)))?;
        let index = inside("model.safetensors.index.json");
        if self.has(&inside("model.safetensors")) {
            self.get(&inside("model.safetensors"))?;
        } else if self.has(&index) {
            self.get(&index)?;
            for shard in weights::shards(&self.folder.join(&index))? {
                self.get(&inside(&shard))?;
            }
        }
        Ok(())
    }

    fn has(&self, file: &str) -> bool {
        self.info.files.iter().any(|known| known == file)
    }

    /// Downloads a file that the cache does not have yet.
    fn get(&self, file: &str) -> Result<()> {
        // Names come from files that anybody can publish, and become paths.
        if !is_inside(file) {
            return Err(self.hub.strange(self.name, &format!("a file named {file:?}")));
        }
        if self.folder.join(file).is_file() {
            return Ok(());
        }
        let done = self.connection.download(self.name, &self.cache, &self.info.commit, file);
        done.map_err(|failure| self.hub.failed(self.name, self.missing, failure))
    }

    /// Downloads a file, or notes that the commit lacks it.
    fn get_or_note(&self, file: &str) -> Result<()> {
        if self.has(file) || !is_inside(file) {
            return self.get(file);
        }
        let noted = self.cache.note_absent(&self.info.commit, file);
        noted.map_err(|error| self.hub.unwritable(&error))
    }
}

/// Whether a name leads to a file below the folder that it is relative to, and is a plain path in a
/// URL.
fn is_inside(file: &str) -> bool {
    !file.contains(['\\', ':', '?', '#', '%']) && file.split('/').all(|part| !["", ".", ".."].contains(&part))
}
