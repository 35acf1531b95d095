//! Looking at a run that was made: where its scores and its results lie.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;

use crate::output::read_summary;
use crate::progress::Stage;
use crate::table::{ScoresFile, read_column};
use crate::work::finished_stage;
use crate::{Error, Result};

/// A run that was made, found by its work directory or by its output folder.
pub(crate) struct PastRun {
    pub(crate) work: PathBuf,
    pub(crate) scores: ScoresFile,
    /// The output folder, where a result was written.
    pub(crate) out: Option<PathBuf>,
}

impl PastRun {
    pub(crate) fn find(path: &Path) -> Result<Self> {
        let summary = read_summary(path)?;
        let (work, out) = match summary {
            Some(summary) => (resolve_work(path, &summary.work), Some(path.to_path_buf())),
            None if path.join("work").join("manifest.json").exists() => (path.join("work"), None),
            None => (path.to_path_buf(), out_of(path)),
        };
        let Some(folder) = finished_stage(&work, Stage::Score)? else {
            return Err(Error::work(path, "no finished scores here")
                .hint("give it the work directory or the output folder of a `semdedup run`"));
        };
        Ok(Self { work, scores: ScoresFile::open(&folder.join("scores.parquet"))?, out })
    }

    /// The rows that the result removed, by number; none where no result was written.
    pub(crate) fn removed(&self) -> Result<Option<HashSet<u64>>> {
        let Some(out) = &self.out else { return Ok(None) };
        let path = out.join("removed.parquet");
        let (files, rows) = (read_column(&path, "file")?, read_column(&path, "row")?);
        let (Some(files), Some(rows)) = (files.as_string_opt::<i32>(), rows.as_primitive_opt::<UInt64Type>())
        else {
            return if rows.is_empty() {
                Ok(Some(HashSet::new()))
            } else {
                Err(Error::input(&path, "not a table of removed rows"))
            };
        };
        let places = &self.scores.places;
        let number = |name: &str| places.files.iter().position(|file| file.name == name);
        let located = files.iter().zip(rows.iter()).filter_map(|(file, row)| Some((number(file?)?, row?)));
        Ok(Some(located.map(|(file, row)| places.number(file, row)).collect()))
    }
}

/// The work directory as the summary names it, or beside the summary if everything was moved.
fn resolve_work(out: &Path, recorded: &str) -> PathBuf {
    let inside = out.join("work");
    if inside.join("manifest.json").exists() { inside } else { PathBuf::from(recorded) }
}

/// The output folder around a work directory.
fn out_of(work: &Path) -> Option<PathBuf> {
    let parent = fs_err::canonicalize(work).ok()?.parent()?.to_path_buf();
    parent.join("summary.json").exists().then_some(parent)
}
