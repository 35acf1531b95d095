//! What a run reads: the files that the user named, with the columns that count.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formats::{
    self, Asked, Columns, CompareBy, Format, InputFile, LeftOut, ReadLimits, Skipped, check_all_unchanged,
    find_matrices, resolve_by, survey,
};
use crate::input::embedding_files::find_embeddings;
use crate::input::provided::ProvidedEmbeddings;
use crate::options::InputOptions;
use crate::progress::Warning;
use crate::storage::atomic::write_atomically;
use crate::storage::{is_url, read};

/// The rows of a part: small enough that little is done twice after a kill, large enough that files are few.
const PART_ROWS: u64 = 1 << 17;

fn default_part_rows() -> u64 {
    PART_ROWS
}

/// The input of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) files: Vec<InputFile>,
    /// For each file.
    pub(crate) columns: Vec<Columns>,
    pub(crate) limits: ReadLimits,
    /// What of a row is compared.
    #[serde(default)]
    pub(crate) by: CompareBy,
    /// The embeddings that come with the rows.
    #[serde(default)]
    pub(crate) given: Option<ProvidedEmbeddings>,
    #[serde(skip)]
    pub(crate) strict: bool,
    /// The rows of a part of the embedding stage; no result depends on it.
    #[serde(skip, default = "default_part_rows")]
    pub(crate) part_rows: u64,
    /// What the folders hold that is not read.
    #[serde(skip)]
    pub(crate) left_out: Skipped,
}

/// What of the rows of an input is compared: what [`formats::ColumnChoice::by`] says, or what the first file has. `written` are
/// folders that a run will write, in which no input lies.
///
/// # Errors
/// Input that cannot be found or read.
pub fn rows_by(options: &InputOptions, written: &[PathBuf]) -> Result<CompareBy> {
    match options.columns.by {
        Some(by) => Ok(by),
        None => formats::rows_by(&survey(&options.inputs, written, &asked(options))?.files, &options.columns),
    }
}

/// What the options say of which files are read.
fn asked(options: &InputOptions) -> Asked {
    let embeddings = !options.embeddings.is_empty();
    Asked { text_files: options.text_files, columns: options.columns.clone(), embeddings }
}

impl Input {
    /// Finds the files, none in the folders that the run writes, and the columns in them.
    pub(crate) fn find(options: &InputOptions, written: &[PathBuf]) -> Result<Self> {
        if options.inputs.is_empty() && !options.embeddings.is_empty() {
            return Self::embeddings_alone(options);
        }
        let found = survey(&options.inputs, written, &asked(options))?;
        let by = formats::rows_by(&found.files, &options.columns)?;
        let columns = resolve_by(&found.files, &options.columns, by)?;
        let given = match (&options.columns.embedding, options.embeddings.as_slice()) {
            (None, []) => None,
            (Some(name), []) => {
                Some(ProvidedEmbeddings::column(name, (&found.files, &columns), &options.limits)?)
            }
            (None, given) => Some(ProvidedEmbeddings::files(given, (&options.inputs, &found.files))?),
            (Some(_), _) => {
                return Err(Error::usage("embeddings are named twice: a column and files")
                    .hint("name one of the two"));
            }
        };
        Ok(Self {
            by,
            given,
            files: found.files,
            columns,
            limits: options.limits,
            strict: options.strict,
            part_rows: PART_ROWS,
            left_out: found.skipped,
        })
    }

    /// Embeddings without rows beside them: their rows are the rows.
    fn embeddings_alone(options: &InputOptions) -> Result<Self> {
        let columns = &options.columns;
        for (name, option) in [
            (&columns.text, "--text-column"),
            (&columns.id, "--id-column"),
            (&columns.embedding, "--embedding-column"),
        ] {
            if let Some(name) = name {
                return Err(Error::usage(format!(
                    "{option} {name}: embeddings without rows have no columns"
                ))
                .hint(
                    "name the files of the rows too; without them, rows are called by file and row number",
                ));
            }
        }
        let files = find_matrices(find_embeddings(&options.embeddings)?)?;
        let none = Columns::default();
        Ok(Self {
            by: CompareBy::Text,
            given: Some(ProvidedEmbeddings::alone(&files)?),
            columns: vec![none; files.len()],
            files,
            limits: options.limits,
            strict: options.strict,
            part_rows: PART_ROWS,
            left_out: Skipped::default(),
        })
    }

    /// What the user should know of the files that are not read.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.left_out.told().map(|(cause, LeftOut { count, first })| Warning::LeftOut {
            cause,
            count: *count,
            first: first.clone(),
        })
    }

    /// Whether there are embeddings and nothing else.
    pub(crate) fn is_embeddings_alone(&self) -> bool {
        self.files.iter().all(|file| file.format == Format::Matrix)
    }

    /// The size of all files on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether rows are named by a column of ids.
    pub(crate) fn has_ids(&self) -> bool {
        self.columns.iter().any(|columns| columns.id.is_some())
    }

    /// What of the columns of a file the embedding stage reads: no texts where embeddings are given or images compared.
    pub(crate) fn columns_to_embed(&self, file: usize) -> Columns {
        let columns = self.columns[file].clone();
        let reads_text = self.given.is_none() && self.by.text();
        if reads_text {
            return columns;
        }
        let Columns { id, embedding, image, .. } = columns;
        Columns { id, embedding, image, ..Columns::default() }
    }

    /// All files that are read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().map(|file| &file.path).chain(self.given.iter().flat_map(ProvidedEmbeddings::paths))
    }

    /// Fails where a file is not the one that was found.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        check_all_unchanged(&self.files)?;
        self.given.iter().try_for_each(ProvidedEmbeddings::check_unchanged)
    }

    /// Writes down in the embedding stage's folder what was read, for looking at texts later, from any folder.
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
        let (columns, given) = (self.columns.clone(), self.given.clone());
        let recorded = Self { files, columns, given, left_out: Skipped::default(), ..*self };
        let json = serde_json::to_vec(&recorded).map_err(|error| Error::work(folder, error))?;
        write_atomically(&folder.join("input.json"), &json)
    }

    /// What an embedding stage read.
    pub(crate) fn recorded(folder: &Path) -> Result<Self> {
        let path = folder.join("input.json");
        let bytes = read(&path).map_err(Error::io)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::work(&path, error))
    }
}
