//! Looking at a run that was made: where its scores and its results lie.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;

use crate::error::{Error, ErrorKind, Result};
use crate::progress::Stage;
use crate::score::scores_file::ScoresFile;
use crate::storage::{exists, is_dir, is_file};
use crate::summary::{Summary, read_summary};
use crate::workdir::manifest::{FinishedStage, finished_stage};
use crate::workdir::table_file::read_column;

/// A run that was made, found by its output folder or by its work directory.
pub(crate) struct FinishedRun {
    work: PathBuf,
    pub(crate) scores: ScoresFile,
    /// The result, where the output folder was given. Other runs may have used its work directory since.
    result: Option<(PathBuf, Summary)>,
}

/// Scores alone know neither the texts nor what was removed.
const HINT: &str =
    "give it the --out or --work folder of a `semdedup run`; `semdedup sweep` also takes a scores.parquet";

impl FinishedRun {
    pub(crate) fn find(path: &Path) -> Result<Self> {
        if !is_dir(path)? {
            let problem = if exists(path)? { "a file, not the folder of a run" } else { "no such folder" };
            return Err(Error::new(ErrorKind::Input, format!("{}: {problem}", path.display())).hint(HINT));
        }
        if let Some(summary) = read_summary(path)? {
            let scores = ScoresFile::open(&path.join("scores.parquet"))?;
            return Ok(Self {
                work: work_of(path, &summary)?,
                scores,
                result: Some((path.to_path_buf(), summary)),
            });
        }
        let inside = path.join("work");
        let work = if is_file(&inside.join("manifest.json"))? { inside } else { path.to_path_buf() };
        let Some(FinishedStage { folder, .. }) = finished_stage(&work, Stage::Score)? else {
            return Err(Error::work(path, "no finished scores here").hint(HINT));
        };
        Ok(Self { work, scores: ScoresFile::open(&folder.join("scores.parquet"))?, result: None })
    }

    /// The folder of a stage, if what is there belongs to this result.
    pub(crate) fn stage(&self, stage: Stage) -> Result<Option<PathBuf>> {
        let belongs = |of: Stage, wanted: &dyn Fn(&Summary) -> &str| -> Result<bool> {
            let Some((_, summary)) = &self.result else { return Ok(true) };
            Ok(finished_stage(&self.work, of)?
                .is_some_and(|found| found.fingerprint.as_str() == wanted(summary)))
        };
        let belongs = match stage {
            Stage::Recall => belongs(Stage::Score, &|summary| &summary.scores_fingerprint)?,
            _ => belongs(Stage::Embed, &|summary| &summary.rows_fingerprint)?,
        };
        Ok(finished_stage(&self.work, stage)?.filter(|_| belongs).map(|found| found.folder))
    }

    /// The rows that the result removed, by number; none where no result was written.
    pub(crate) fn removed(&self) -> Result<Option<HashSet<u64>>> {
        let Some((out, _)) = &self.result else { return Ok(None) };
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
        let row_index = &self.scores.row_index;
        let number = |name: &str| row_index.files.iter().position(|file| file.name == name);
        let located = files.iter().zip(rows.iter()).filter_map(|(file, row)| Some((number(file?)?, row?)));
        Ok(Some(located.map(|(file, row)| row_index.number(file, row)).collect()))
    }
}

/// The work directory as the summary names it, or beside the summary if everything was moved.
fn work_of(out: &Path, summary: &Summary) -> Result<PathBuf> {
    let recorded = PathBuf::from(&summary.work);
    Ok(if is_file(&recorded.join("manifest.json"))? { recorded } else { out.join("work") })
}
