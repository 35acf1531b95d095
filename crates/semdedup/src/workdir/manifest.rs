//! The manifest of a work directory: it says which stages are done, under which fingerprints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::progress::Stage;
use crate::storage::marks::MANIFEST;
use crate::storage::{is_file, read};
use crate::workdir::fingerprint::{FORMAT_VERSION, Fingerprint};

/// The contents of `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format_version: u32,
    pub(super) stages: BTreeMap<Stage, Entry>,
    /// The embeddings of other rows, which earlier runs made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Entry>,
}

/// The state of a stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) fingerprint: Fingerprint,
    /// The seconds that the stage took, or none while it is not done.
    pub(super) seconds: Option<f64>,
    /// Of what the embeddings are, for people; none for other stages and in old work directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) embedded: Option<EmbeddedRows>,
    /// The name of the folder, if it is not the name of the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<String>,
}

impl Entry {
    /// Returns the name of the folder in which a stage has its files.
    pub(super) fn folder(&self, stage: Stage) -> &str {
        self.folder.as_deref().unwrap_or(stage.name())
    }

    /// Whether these embeddings came with their rows, so that nothing is lost with them.
    pub(super) fn is_given(&self) -> bool {
        self.embedded.as_ref().is_some_and(|rows| rows.given)
    }

    /// Whether the model of a run has made these embeddings, so that they can be its own.
    pub(super) fn is_like(&self, run: &EmbeddedRows) -> bool {
        let model = self.embedded.as_ref().and_then(|rows| rows.model.as_ref());
        model.is_some() && model == run.model.as_ref()
    }
}

/// Describes embeddings: a refusal to replace them says in what they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EmbeddedRows {
    /// The number of files.
    pub(crate) files: usize,
    /// Their size in bytes.
    pub(crate) bytes: u64,
    /// The path of the first file.
    pub(crate) first: String,
    /// The columns and the model, as the run prints them.
    pub(crate) compared: String,
    /// Whether they came with the rows, so that nothing is lost with them.
    #[serde(default)]
    pub(crate) given: bool,
    /// The fingerprint of the model; none for given embeddings and in old work directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
}

impl EmbeddedRows {
    /// Says in what these embeddings, which are there, differ from those of a run.
    pub(super) fn differences(&self, run: &Self) -> String {
        // Other files are no reason: their embeddings find room beside these.
        match self.compared == run.compared {
            true => format!(
                "of the same columns and model with other options, such as --max-tokens ({})",
                self.first
            ),
            false => format!("those of {}; this run: {}", self.compared, run.compared),
        }
    }
}

impl Manifest {
    /// Makes a manifest without stages.
    pub(super) fn new() -> Self {
        Self { format_version: FORMAT_VERSION, stages: BTreeMap::new(), others: Vec::new() }
    }

    /// Returns the embeddings of this run and of others.
    pub(super) fn embeddings(&self) -> impl Iterator<Item = &Entry> {
        self.stages.get(&Stage::Embed).into_iter().chain(&self.others)
    }

    /// Reads the manifest of a work directory, or none if the folder has none.
    ///
    /// # Errors
    /// Fails if the manifest is damaged or of another version.
    pub(super) fn read(work: &Path) -> Result<Option<Self>> {
        let path = manifest_path(work);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(error)),
        };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Error::work(&path, format!("not the manifest of a work directory: {error}"))
                .hint("name another --work; if this is a damaged work directory of semdedup, delete it")
        })?;
        if manifest.format_version != FORMAT_VERSION {
            let found = manifest.format_version;
            let problem = format!("format version {found}, this semdedup reads {FORMAT_VERSION}");
            return Err(Error::work(&path, problem)
                .hint("delete the work directory, or use the semdedup that wrote it"));
        }
        Ok(Some(manifest))
    }
}

/// Returns the path of the manifest of a work directory.
pub(super) fn manifest_path(work: &Path) -> PathBuf {
    work.join(MANIFEST)
}

/// A stage that is done.
#[derive(Debug)]
pub(crate) struct FinishedStage {
    pub(crate) folder: PathBuf,
    pub(crate) fingerprint: Fingerprint,
}

/// Finds a finished stage in a work directory without locking it: it is for reading only.
pub(crate) fn finished_stage(work: &Path, stage: Stage) -> Result<Option<FinishedStage>> {
    let entry = Manifest::read(work)?.and_then(|manifest| manifest.stages.get(&stage).cloned());
    let done = entry.filter(|entry| entry.seconds.is_some());
    Ok(done.map(|entry| FinishedStage {
        folder: work.join(entry.folder(stage)),
        fingerprint: entry.fingerprint,
    }))
}

/// Finds the stage that embedded the rows of a fingerprint; its folder says which they are. Later runs
/// may have embedded other rows in the same work directory, and may have taken over the embeddings.
pub(crate) fn embedded_stage(work: &Path, fingerprint: &str) -> Result<Option<FinishedStage>> {
    let Some(manifest) = Manifest::read(work)? else { return Ok(None) };
    let found = manifest.embeddings().find(|entry| entry.fingerprint.as_str() == fingerprint);
    Ok(found.map(|entry| FinishedStage {
        folder: work.join(entry.folder(Stage::Embed)),
        fingerprint: entry.fingerprint.clone(),
    }))
}

/// Whether a folder is a work directory, of any version. Other programs have a `manifest.json` too.
pub(crate) fn is_work_dir(path: &Path) -> Result<bool> {
    let path = manifest_path(path);
    if !is_file(&path)? {
        return Ok(false);
    }
    let bytes = read(&path).map_err(Error::io)?;
    let manifest = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
    Ok(["format_version", "stages"].into_iter().all(|field| manifest.get(field).is_some()))
}
