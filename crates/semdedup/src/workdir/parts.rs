//! The parts of the embedding stage: which are there, and whether they are all.
//!
//! A part is a run of rows, all parts of one length but the last, and those that a failure cut short: `embeddings-00000.npy`,
//! `ids-00000-0.parquet` where an id column was asked for, and `part-00000.json`, written last: a part is there if its record is.
//! `parts.json`, written when all are there, says how many there must be.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formats::IdSource;
use crate::storage;
use crate::storage::atomic::write_atomically;
use crate::workdir::counted::Counted;
use crate::workdir::script::ScriptRun;
use crate::workdir::work_dir::Fingerprint;

/// What `part-00000.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    /// The stage that it is of: what a run of another input or model writes into this folder, late, is no part of it.
    stage: Fingerprint,
    /// How many rows of which input file, in order.
    pub(crate) spans: Vec<Span>,
    /// How the ids are written down, in runs of one type: a file each.
    pub(crate) ids: Vec<IdRun>,
    /// The rows that could not be read.
    pub(crate) skipped: Vec<SkippedRow>,
    /// Texts without a character.
    pub(crate) empty: u64,
    /// The rows whose embedding is zeros although their text is not empty. Earlier versions did not count them.
    #[serde(default)]
    pub(crate) zero: Option<Counted>,
    /// Texts of which only the first tokens were used.
    pub(crate) truncated: u64,
    /// The scripts of the rows, in order, where texts were read.
    #[serde(default, rename = "script_runs")]
    pub(crate) scripts: Vec<ScriptRun>,
}

impl PartRecord {
    pub(crate) fn new(stage: Fingerprint) -> Self {
        let (spans, ids, skipped, scripts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { stage, spans, ids, skipped, empty: 0, zero: Some(Counted::default()), truncated: 0, scripts }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.spans.iter().map(|span| span.rows).sum()
    }
}

/// What `parts.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) stage: Fingerprint,
    pub(crate) parts: usize,
    pub(crate) rows: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) file: usize,
    pub(crate) rows: u64,
    /// Rows of which most words are not in the model's vocabulary.
    #[serde(default)]
    pub(crate) unknown: u64,
}

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

/// A row that could not be read: its file, its number there, and why.
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

pub(crate) fn record_path(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("part-{part:05}.json"))
}

pub(crate) fn parts_path(folder: &Path) -> PathBuf {
    folder.join("parts.json")
}

/// Is there while parts are being discarded.
fn discard_path(folder: &Path) -> PathBuf {
    folder.join("discard.json")
}

/// A record, if there is one.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match storage::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::work(path, error).hint("delete the work directory to begin anew")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(error)),
    }
}

/// The parts of a stage that are there, in order, up to the first that is not.
pub(crate) fn read_records(folder: &Path, stage: &Fingerprint) -> Result<Vec<PartRecord>> {
    let mut records: Vec<PartRecord> = Vec::new();
    while let Some(record) = read_json::<PartRecord>(&record_path(folder, records.len()))?
        && record.stage == *stage
    {
        records.push(record);
    }
    Ok(records)
}

/// The parts of a stage that is done.
///
/// # Errors
/// One is missing: its rows would be neither kept nor removed.
pub(crate) fn whole_records(folder: &Path, stage: &Fingerprint) -> Result<Vec<PartRecord>> {
    const HINT: &str = "put the file back as it was, or delete the work directory to begin anew";
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

/// Fails where a matrix is not the one that its record is of.
pub(crate) fn check_rows(matrix: &Path, rows: u64, recorded: u64) -> Result<()> {
    if rows == recorded {
        return Ok(());
    }
    Err(Error::work(matrix, format!("{rows} embeddings, its record says {recorded}"))
        .hint("put the file back as it was, or delete the work directory to begin anew"))
}

/// From behind, so that a kill leaves no gap.
pub(crate) fn discard_parts(folder: &Path, stage: &Fingerprint) -> Result<()> {
    write_atomically(&discard_path(folder), b"{}")?;
    storage::remove_file(&parts_path(folder))?;
    for part in (0..read_records(folder, stage)?.len()).rev() {
        storage::remove_file(&record_path(folder, part))?;
    }
    storage::remove_file(&discard_path(folder))
}

/// Goes on with a discarding that a kill has cut off: some of the parts that it was to take are still there.
pub(crate) fn finish_discarding(folder: &Path, stage: &Fingerprint) -> Result<()> {
    if storage::is_file(&discard_path(folder))? { discard_parts(folder, stage) } else { Ok(()) }
}

/// Takes away what is numbered behind the parts that are there: files of an earlier attempt whose parts were cut elsewhere, and
/// what another stage left. Whoever reads the folder's matrices would find rows twice.
///
/// # Errors
/// Parts of this stage lie behind one that is missing: they may have cost much.
pub(crate) fn remove_behind(folder: &Path, parts: usize, stage: &Fingerprint) -> Result<()> {
    let mut behind = storage::children(folder)?;
    behind.retain(|path| part_of(path).is_some_and(|(_, part)| part >= parts));
    for path in behind.iter().filter(|path| part_of(path).is_some_and(|(kind, _)| kind == "part")) {
        if read_json::<PartRecord>(path)?.is_none_or(|record| record.stage != *stage) {
            continue;
        }
        let problem = format!("is missing, but {} is there", path.display());
        return Err(Error::work(record_path(folder, parts), problem)
            .hint("put the file back as it was, or delete those behind it to embed their rows again"));
    }
    behind.iter().try_for_each(|path| storage::remove_file(path))
}

/// What of a part a file is, and the part's number, by its name.
fn part_of(path: &Path) -> Option<(&str, usize)> {
    let (kind, rest) = path.file_stem()?.to_str()?.split_once('-')?;
    let number = rest.split('-').next()?.parse().ok()?;
    ["embeddings", "ids", "part"].contains(&kind).then_some((kind, number))
}
