//! Finds the input of a run: the files that the user names, and the columns to read.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::arrays::place::file_of;
use crate::comparison::Comparison;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{
    self, Asked, Columns, CompareBy, Format, InputFile, LeftOut, ReadLimits, Skipped, check_all_unchanged,
    find_matrices, linked_files, resolve_by, survey,
};
use crate::input::embedding_files::find_embeddings;
use crate::input::provided::ProvidedEmbeddings;
use crate::options::InputOptions;
use crate::storage::atomic::write_atomically;
use crate::storage::{is_url, read};
use crate::warning::Warning;
use crate::workdir::manifest::EmbeddedRows;

/// The rows of a part: few enough that a kill loses little work, and enough that there are few
/// files.
const PART_ROWS: u64 = 1 << 17;

fn default_part_rows() -> u64 {
    PART_ROWS
}

/// The input of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) files: Vec<InputFile>,
    /// The columns of each file.
    pub(crate) columns: Vec<Columns>,
    pub(crate) limits: ReadLimits,
    /// Which content of a row is compared.
    #[serde(default)]
    pub(crate) by: CompareBy,
    /// The embeddings that come with the rows.
    #[serde(default)]
    pub(crate) given: Option<ProvidedEmbeddings>,
    /// The state of the files that rows name as their images, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) linked: Option<String>,
    #[serde(skip)]
    pub(crate) strict: bool,
    /// The rows of a part of the embedding stage. The result does not depend on it.
    #[serde(skip, default = "default_part_rows")]
    pub(crate) part_rows: u64,
    /// The files in the folders that are not read.
    #[serde(skip)]
    pub(crate) left_out: Skipped,
}

/// Returns which content of the rows is compared: the choice in [`formats::ColumnChoice::by`], or
/// the content of the first file. `written` are the folders that a run will write; no input is
/// looked for in them.
///
/// # Errors
/// Fails if the input cannot be found or read.
pub fn rows_by(options: &InputOptions, written: &[PathBuf]) -> Result<CompareBy> {
    match options.columns.by {
        Some(by) => Ok(by),
        None => formats::rows_by(&survey(&options.inputs, written, &asked(options))?.files, &options.columns),
    }
}

/// Returns what the options ask for in the files.
fn asked(options: &InputOptions) -> Asked {
    let embeddings = !options.embeddings.is_empty();
    let columns = options.columns.clone();
    Asked {
        text_files: options.text_files,
        columns,
        csv: options.csv,
        encoding: options.encoding,
        embeddings,
    }
}

impl Input {
    /// Describes the rows whose embeddings a run makes. `model` is the fingerprint of its models.
    pub(crate) fn embedded_rows(&self, compared: &Comparison, model: Option<String>) -> EmbeddedRows {
        EmbeddedRows {
            files: self.files.len(),
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            first: self.files.first().map(|file| file.path.display().to_string()).unwrap_or_default(),
            compared: compared.to_string(),
            given: compared.by == "embeddings",
            model,
        }
    }

    /// Finds the files and their columns. `written` are the folders that the run writes; no file in
    /// them is read.
    pub(crate) fn find(options: &InputOptions, written: &[PathBuf]) -> Result<Self> {
        if options.inputs.is_empty() && !options.embeddings.is_empty() {
            return Self::embeddings_alone(options);
        }
        let found = survey(&options.inputs, written, &asked(options))?;
        check_encoding(options, &found.files)?;
        let by = formats::rows_by(&found.files, &options.columns)?;
        let columns = resolve_by(&found.files, &options.columns, by)?;
        let given = match (&options.columns.embedding, options.embeddings.as_slice()) {
            (None, []) => None,
            (Some(name), []) => Some(ProvidedEmbeddings::column(name, &found.files, &columns, options)?),
            (None, given) => Some(ProvidedEmbeddings::files(given, &options.inputs, &found.files)?),
            (Some(_), _) => {
                return Err(Error::usage("embeddings are named twice: a column and files")
                    .hint("name one of the two"));
            }
        };
        let linked = match by.image() && given.is_none() {
            true => linked_files(&found.files, &columns, &options.limits)?,
            false => None,
        };
        Ok(Self {
            by,
            given,
            linked,
            files: found.files,
            columns,
            limits: options.limits,
            strict: options.strict,
            part_rows: PART_ROWS,
            left_out: found.skipped,
        })
    }

    /// Takes files of embeddings without files of rows. Each embedding is a row.
    fn embeddings_alone(options: &InputOptions) -> Result<Self> {
        check_no_columns(options)?;
        let files = find_matrices(find_embeddings(&options.embeddings)?)?;
        let none = Columns::default();
        Ok(Self {
            by: CompareBy::Text,
            given: Some(ProvidedEmbeddings::alone(&files)?),
            linked: None,
            columns: vec![none; files.len()],
            files,
            limits: options.limits,
            strict: options.strict,
            part_rows: PART_ROWS,
            left_out: Skipped::default(),
        })
    }

    /// Returns the warnings about files that are not read.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.left_out.told().map(|(cause, LeftOut { count, first })| Warning::LeftOut {
            cause,
            count: *count,
            first: first.clone(),
        })
    }

    /// Whether the input has embeddings and nothing else.
    pub(crate) fn is_embeddings_alone(&self) -> bool {
        self.files.iter().all(|file| file.format == Format::Matrix)
    }

    /// The size of all files in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether an id column names the rows.
    pub(crate) fn has_ids(&self) -> bool {
        self.columns.iter().any(|columns| columns.id.is_some())
    }

    /// Whether the embedding stage reads texts: not if the input has embeddings, and not if only
    /// images are compared.
    pub(crate) fn reads_texts(&self) -> bool {
        self.given.is_none() && self.by.text()
    }

    /// Returns the columns of a file that the embedding stage reads.
    pub(crate) fn columns_to_embed(&self, file: usize) -> Columns {
        let columns = self.columns[file].clone();
        if self.reads_texts() {
            return columns;
        }
        let images = columns.of_images();
        let Columns { id, embedding, embedding_form, .. } = columns;
        Columns { id, embedding, embedding_form, ..images }
    }

    /// Returns the paths of all files that are read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.files.iter().map(|file| file_of(&file.path));
        files.chain(self.given.iter().flat_map(ProvidedEmbeddings::paths))
    }

    /// Fails if a file has changed since it was found.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        check_all_unchanged(&self.files)?;
        if self.linked.is_some() && linked_files(&self.files, &self.columns, &self.limits)? != self.linked {
            let problem = "the images that the rows name have changed since they were found";
            return Err(Error::new(ErrorKind::Input, problem).hint("start again when they stay as they are"));
        }
        self.given.iter().try_for_each(ProvidedEmbeddings::check_unchanged)
    }

    /// Stores the input in the folder of the embedding stage, with absolute paths. Texts can then
    /// be read again later, from any current folder.
    pub(crate) fn record(&self, folder: &Path) -> Result<()> {
        let mut files = self.files.clone();
        for file in &mut files {
            if !is_url(&file.path) {
                file.path = std::path::absolute(&file.path).map_err(Error::io)?;
            }
            if file.format != Format::TextTree {
                file.members = Default::default(); // images are not shown
            }
        }
        let (columns, given, linked) = (self.columns.clone(), self.given.clone(), self.linked.clone());
        let recorded = Self { files, columns, given, linked, left_out: Skipped::default(), ..*self };
        let json = serde_json::to_vec(&recorded).map_err(|error| Error::work(folder, error))?;
        write_atomically(&folder.join("input.json"), &json)
    }

    /// Reads the input that an embedding stage stored.
    pub(crate) fn recorded(folder: &Path) -> Result<Self> {
        let path = folder.join("input.json");
        let bytes = read(&path).map_err(Error::io)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::work(&path, error))
    }
}

/// Fails if the options name an encoding, but no file is of text.
fn check_encoding(options: &InputOptions, files: &[InputFile]) -> Result<()> {
    match options.encoding {
        Some(encoding) if !files.iter().any(|file| file.format.rows().is_text()) => {
            let problem = format!("--encoding {}: no file is of JSON, CSV or text", encoding.name());
            Err(Error::usage(problem).hint("leave it out: other formats say what their encoding is"))
        }
        _ => files.iter().filter(|file| file.encoding.is_some()).try_for_each(formats::check_no_utf8),
    }
}

/// Fails if the options name a column of rows that have none.
fn check_no_columns(options: &InputOptions) -> Result<()> {
    let columns = &options.columns;
    for (name, option) in [
        (&columns.text, "--text-column"),
        (&columns.id, "--id-column"),
        (&columns.embedding, "--embedding-column"),
    ] {
        if let Some(name) = name {
            return Err(Error::usage(format!("{option} {name}: embeddings without rows have no columns"))
                .hint(
                    "name the files of the rows too; without them, rows are called by file and row number",
                ));
        }
    }
    Ok(())
}
