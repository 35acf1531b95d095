//! A static model in a folder: `config.json`, `vocab.txt` and `table.bin`.
use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::model::StaticModel;
use super::table::table_file;
use crate::error::ModelError;

/// The `model_type` of `config.json`.
const KIND: &str = "semdedup-static";
/// The version of the files and of the way in which texts are read.
const VERSION: u64 = 1;

/// A vocabulary with a vector for each of its pieces.
pub struct WordVectors {
    /// The pieces; one that goes on with a word begins with `##`.
    pub vocabulary: Vec<String>,
    /// The vectors, `[pieces, dim]`, row-major.
    pub vectors: Vec<f32>,
    /// The number of values of a vector, a multiple of 32.
    pub dim: usize,
    /// The length of the vector of a rare word.
    pub unit: f32,
}

impl WordVectors {
    /// Returns the files of a model, by their names, with what they hold. Vectors are stored as int8
    /// with a scale for each.
    pub fn files(&self, card: &Value) -> [(&'static str, Vec<u8>); 3] {
        let config = json!({"model_type": KIND, "version": VERSION, "dim": self.dim, "made_by": card});
        let config = format!("{config:#}\n").into_bytes();
        let vocabulary = self.vocabulary.iter().flat_map(|piece| [piece.as_str(), "\n"]).collect::<String>();
        let table = table_file(&self.vectors, self.dim, self.unit);
        [("config.json", config), ("vocab.txt", vocabulary.into_bytes()), ("table.bin", table)]
    }
}

impl StaticModel {
    /// Whether a folder holds a static model as [`WordVectors::files`] makes it.
    pub fn is_in(folder: &Path) -> bool {
        let config = fs::read(folder.join("config.json")).ok();
        let config = config.and_then(|config| serde_json::from_slice::<Value>(&config).ok());
        config.is_some_and(|config| config["model_type"] == KIND)
    }

    /// Opens the static model of a folder, to read whole texts, or at most the
    /// first `max_tokens` tokens.
    ///
    /// # Errors
    /// Files that are missing, damaged or of a later version; `max_tokens` of 0.
    pub fn open(folder: &Path, max_tokens: Option<usize>) -> Result<Self, ModelError> {
        let read = |name: &str| {
            let path = folder.join(name);
            let unreadable = |error| {
                ModelError::with_hint(
                    format!("{}: {error}", path.display()),
                    "a model is config.json, vocab.txt and table.bin; copy the whole folder, or make it again",
                )
            };
            fs::read(&path).map_err(unreadable)
        };
        let damaged = |problem: String| {
            ModelError::with_hint(
                format!("{}: {problem}", folder.display()),
                "the folder was changed or not written whole; make the model again",
            )
        };
        let config: Value = serde_json::from_slice(&read("config.json")?)
            .map_err(|error| damaged(format!("config.json: {error}")))?;
        if config["version"] != VERSION {
            return Err(ModelError::with_hint(
                format!(
                    "{}: version {} of a static model, {VERSION} is known",
                    folder.display(),
                    config["version"]
                ),
                "use the version of semdedup that made it, or make the model again",
            ));
        }
        let vocabulary =
            String::from_utf8(read("vocab.txt")?).map_err(|error| damaged(format!("vocab.txt: {error}")))?;
        let name = folder
            .file_name()
            .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into());
        Self::new(&name, Cow::Owned(read("table.bin")?), &vocabulary).map_err(damaged)?.with_limit(max_tokens)
    }
}
