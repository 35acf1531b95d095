//! The parts of the embedding stage: which parts are stored, and whether they are all.
//!
//! A part holds consecutive rows. All parts have the same length, except the last one and those
//! that a failure cut short. A part has the files `embeddings-00000.npy`, `contents-00000.bin` if a
//! model made the embeddings, `ids-00000-0.parquet` if there is an id column, and its record
//! `part-00000.json`. The record is written last: a part exists if its record does. When all parts
//! exist, `parts.json` is written and says how many there must be.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formats::IdSource;
use crate::storage;
use crate::workdir::counted_rows::CountedRows;
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::script::ScriptRun;
use crate::workdir::sealed::check_seal;

/// The contents of `part-00000.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    /// The fingerprint of the stage. A late write of a run with another input or model is thus not
    /// taken for a part.
    stage: Fingerprint,
    /// The fingerprint of the model, if a model made the embeddings. Later runs of the same model
    /// find them by the content of the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// The sum of the file of embeddings; none in old work directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sum: Option<String>,
    /// The sum of the file of what was embedded; none in old work directories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contents_sum: Option<String>,
    /// The number of rows whose embeddings an earlier run made.
    #[serde(default)]
    pub(crate) reused: u64,
    /// The number of rows that have the embedding of an equal row before them in the same run.
    #[serde(default)]
    pub(crate) repeated: u64,
    /// The number of rows that a model embedded. Earlier versions did not count them.
    #[serde(default)]
    pub(crate) embedded: Option<u64>,
    /// The number of rows of each input file, in order.
    pub(crate) spans: Vec<Span>,
    /// How the ids are stored, in runs of one type. Each run is a file.
    pub(crate) ids: Vec<IdRun>,
    /// The rows that could not be read.
    pub(crate) skipped: Vec<SkippedRow>,
    /// The number of texts without a visible character.
    pub(crate) empty: u64,
    /// The rows whose embedding is zeros although their text is not empty. Earlier versions did not
    /// count them.
    #[serde(default)]
    pub(crate) zero: Option<CountedRows>,
    /// The number of texts of which only the first tokens were used.
    pub(crate) truncated: u64,
    /// The scripts of the rows, in order, if texts were read.
    #[serde(default, rename = "script_runs")]
    pub(crate) scripts: Vec<ScriptRun>,
}

impl PartRecord {
    /// Makes the record of a part without rows.
    pub(crate) fn new(stage: Fingerprint, model: Option<String>) -> Self {
        let (spans, ids, skipped, scripts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            stage,
            model,
            sum: None,
            contents_sum: None,
            reused: 0,
            repeated: 0,
            embedded: Some(0),
            spans,
            ids,
            skipped,
            empty: 0,
            zero: Some(CountedRows::default()),
            truncated: 0,
            scripts,
        }
    }

    /// The number of rows of the part.
    pub(crate) fn rows(&self) -> u64 {
        self.spans.iter().map(|span| span.rows).sum()
    }
}

/// The contents of `parts.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) stage: Fingerprint,
    pub(crate) parts: usize,
    pub(crate) rows: u64,
}

/// Consecutive rows of one input file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) file: usize,
    pub(crate) rows: u64,
    /// The number of rows of which most words are not in the model's vocabulary.
    #[serde(default)]
    pub(crate) unknown: u64,
}

/// How a run of ids is stored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum IdRun {
    Json,
    Typed,
}

impl From<IdRun> for IdSource {
    fn from(run: IdRun) -> Self {
        match run {
            IdRun::Json => Self::Json,
            IdRun::Typed => Self::Typed,
        }
    }
}

/// A row that could not be read: its file, its row number there, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkippedRow {
    pub(crate) file: usize,
    pub(crate) row: u64,
    pub(crate) reason: String,
}

pub(crate) fn embeddings_path(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("embeddings-{part:05}.npy"))
}

pub(crate) fn ids_path(folder: &Path, part: usize, run: usize) -> PathBuf {
    folder.join(format!("ids-{part:05}-{run}.parquet"))
}

/// What helps where a file of the work directory is damaged.
const HINT: &str = "put the file back as it was, or delete the work directory to begin anew";

/// The path of the hashes of what was embedded, row by row.
pub(crate) fn contents_path(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("contents-{part:05}.bin"))
}

pub(crate) fn record_path(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("part-{part:05}.json"))
}

/// Whether a file of this name is the record of a part, so that the part is stored.
pub(super) fn is_record(name: &str) -> bool {
    name.starts_with("part-") && name.ends_with(".json")
}

pub(crate) fn parts_path(folder: &Path) -> PathBuf {
    folder.join("parts.json")
}

/// Reads a JSON file, if it exists.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match storage::read(path) {
        Ok(bytes) => {
            check_seal(path, &bytes)?;
            let parsed = serde_json::from_slice(&bytes).map(Some);
            parsed.map_err(|error| Error::work(path, error).hint("delete the work directory to begin anew"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(error)),
    }
}

/// Reads the records of the stored parts of a stage, in order, up to the first that is missing.
pub(crate) fn read_records(folder: &Path, stage: &Fingerprint) -> Result<Vec<PartRecord>> {
    let mut records: Vec<PartRecord> = Vec::new();
    while let Some(record) = read_json::<PartRecord>(&record_path(folder, records.len()))?
        && record.stage == *stage
    {
        records.push(record);
    }
    Ok(records)
}

/// Reads the records of all parts of a finished stage.
///
/// # Errors
/// Fails if a part is missing: its rows would be neither kept nor removed.
pub(crate) fn whole_records(folder: &Path, stage: &Fingerprint) -> Result<Vec<PartRecord>> {
    let path = parts_path(folder);
    let parts = read_json::<Parts>(&path)?.filter(|parts| parts.stage == *stage);
    let parts =
        parts.ok_or_else(|| Error::work(&path, "does not say how many embeddings there are").hint(HINT))?;
    let records = read_records(folder, stage)?;
    let rows: u64 = records.iter().map(PartRecord::rows).sum();
    if (records.len(), rows) != (parts.parts, parts.rows) {
        let missing = record_path(folder, records.len().min(parts.parts.saturating_sub(1)));
        let problem =
            format!("{rows} of {} rows are there, in {} of {} parts", parts.rows, records.len(), parts.parts);
        return Err(Error::work(&missing, problem).hint(HINT));
    }
    Ok(records)
}

/// Says what helps where a file of the work directory is missing or is not whole: nobody but semdedup
/// wrote it. What else is wrong, such as permissions or a network, has a hint of its own.
pub(crate) fn in_work_dir(path: &Path, error: Error) -> Error {
    let is_missing = matches!(storage::exists(path), Ok(false));
    let is_readable = !storage::is_url(path) && fs_err::File::open(path).is_ok();
    if is_missing || is_readable { error.hint(HINT) } else { error }
}

/// Fails if a matrix does not have the number of rows in its record.
pub(crate) fn check_rows(matrix: &Path, rows: u64, recorded: u64) -> Result<()> {
    if rows == recorded {
        return Ok(());
    }
    Err(Error::work(matrix, format!("{rows} embeddings, its record says {recorded}")).hint(HINT))
}

/// Returns the stored parts in a folder, of whatever stage: their numbers and records.
pub(crate) fn all_records(folder: &Path) -> Result<Vec<(usize, PartRecord)>> {
    let parts = storage::children(folder)?;
    let parts = parts.iter().filter_map(|path| PartFile::parse(path)).filter(|file| file.kind == "part");
    let mut parts: Vec<usize> = parts.map(|file| file.part).collect();
    parts.sort_unstable();
    let read = |part| Ok(read_json(&record_path(folder, part))?.map(|record| (part, record)));
    parts.into_iter().filter_map(|part| read(part).transpose()).collect()
}

/// Removes all parts in a folder, if it is there, of whatever stage. The records go first, from the
/// last to the first, so that a kill leaves no gap.
pub(crate) fn remove_parts(folder: &Path) -> Result<()> {
    if !storage::exists(folder)? {
        return Ok(());
    }
    storage::remove_file(&parts_path(folder))?;
    let mut files = storage::children(folder)?;
    files.sort_by_key(|path| std::cmp::Reverse(PartFile::parse(path).map(|file| file.part)));
    let is_record = |path: &&PathBuf| PartFile::parse(path).is_some_and(|file| file.kind == "part");
    files.iter().filter(is_record).try_for_each(|path| storage::remove_file(path))?;
    let mut parts = files.iter().filter(|path| PartFile::parse(path).is_some());
    parts.try_for_each(|path| storage::remove_file(path))
}

/// Removes the files with a number of `parts` or above: files of an earlier run whose parts had
/// other lengths, and files of another stage. With them, a reader of all matrices in the folder
/// would find rows twice.
///
/// # Errors
/// Fails if parts of this stage come after a missing one, because they may have been expensive.
pub(crate) fn remove_behind(folder: &Path, parts: usize, stage: &Fingerprint) -> Result<()> {
    let mut behind = storage::children(folder)?;
    behind.retain(|path| PartFile::parse(path).is_some_and(|file| file.part >= parts));
    let is_record = |path: &&PathBuf| PartFile::parse(path).is_some_and(|file| file.kind == "part");
    for path in behind.iter().filter(is_record) {
        if read_json::<PartRecord>(path)?.is_none_or(|record| record.stage != *stage) {
            continue;
        }
        let problem = format!("is missing, but {} is there", path.display());
        return Err(Error::work(record_path(folder, parts), problem)
            .hint("put the file back as it was, or delete the later parts to embed their rows again"));
    }
    behind.iter().try_for_each(|path| storage::remove_file(path))
}

/// The name of a file of a part.
struct PartFile<'a> {
    /// `embeddings`, `contents`, `ids` or `part`.
    kind: &'a str,
    /// The number of the part.
    part: usize,
}

impl<'a> PartFile<'a> {
    /// Parses the name of a file, or returns none if it is no file of a part.
    fn parse(path: &'a Path) -> Option<Self> {
        let (kind, rest) = path.file_stem()?.to_str()?.split_once('-')?;
        let part = rest.split('-').next()?.parse().ok()?;
        ["embeddings", "contents", "ids", "part"].contains(&kind).then_some(Self { kind, part })
    }
}
