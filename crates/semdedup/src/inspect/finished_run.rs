//! Finds the scores and the results of a finished run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use crate::embed::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::input::find::Input;
use crate::progress::Stage;
use crate::score::scores_file::ScoresFile;
use crate::storage::{exists, is_dir, is_file};
use crate::summary::{Summary, read_summary};
use crate::workdir::manifest::{FinishedStage, embedded_stage, finished_stage};
use crate::workdir::table_file::{check_table, read_column};
use crate::write::lost_summary::{check_summary, check_summary_is_there};

/// A finished run, opened by its output folder or by its work directory: its summary, its scores, pairs
/// of duplicates, and the rows themselves.
pub struct FinishedRun {
    work: PathBuf,
    pub(crate) scores: ScoresFile,
    /// The result, if the output folder was given. Other runs may have used its work directory
    /// since.
    result: Option<WrittenResult>,
}

/// The result of a run.
struct WrittenResult {
    out: PathBuf,
    summary: Summary,
}

/// The hint if a path is not the folder of a run. A score table alone does not say what the texts
/// are and which rows were removed.
const HINT: &str =
    "give it the --out or --work folder of a `semdedup run`; `semdedup sweep` also takes a scores.parquet";

impl FinishedRun {
    /// Opens the output folder of a run, or its work directory.
    ///
    /// ```
    /// use semdedup::{FinishedRun, Run, Silent, Which};
    ///
    /// # fn main() -> semdedup::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (input, out) = (folder.path().join("rows.txt"), folder.path().join("out"));
    /// std::fs::write(&input, "A cat sat.\na  cat sat.\nPrices rose.\n").unwrap();
    /// Run::builder([input.display().to_string()], &out).build()?.run(&Silent)?;
    ///
    /// let finished = FinishedRun::open(&out)?;
    /// assert_eq!(finished.summary().unwrap().rows_removed, 1);
    /// let pairs = finished.pairs(&Which::Random { count: 10, seed: 0 })?;
    /// assert_eq!((pairs.len(), pairs[0].score), (1, 1.0));
    /// assert_eq!(finished.texts(&[2])?, [Some("Prices rose.".to_owned())]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there are no finished scores, or they cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !is_dir(path)? {
            let problem =
                if exists(path)? { "a file, not the folder of a run" } else { "no such file or folder" };
            return Err(Error::new(ErrorKind::Input, format!("{}: {problem}", path.display())).hint(HINT));
        }
        check_summary(path)?;
        check_summary_is_there(path)?;
        if let Some(summary) = read_summary(path)? {
            let scores = ScoresFile::open(&path.join("scores.parquet"))?;
            return Ok(Self {
                work: work_of(path, &summary)?,
                scores,
                result: Some(WrittenResult { out: path.to_path_buf(), summary }),
            });
        }
        let inside = path.join("work");
        let work = if is_file(&inside.join("manifest.json"))? { inside } else { path.to_path_buf() };
        let Some(FinishedStage { folder, .. }) = finished_stage(&work, Stage::Score)? else {
            return Err(Error::work(path, "no finished scores here").hint(HINT));
        };
        Ok(Self { work, scores: ScoresFile::open(&folder.join("scores.parquet"))?, result: None })
    }

    /// The summary; `None` if a work directory was opened, in which no result was written.
    pub fn summary(&self) -> Option<&Summary> {
        self.result.as_ref().map(|result| &result.summary)
    }

    /// Returns the stage that embedded the rows; its folder says which they are.
    ///
    /// # Errors
    /// A work directory that is gone, or that was used for other rows since.
    pub(crate) fn embedded(&self) -> Result<FinishedStage> {
        self.find_embedded()?.ok_or_else(|| {
            Error::new(
                ErrorKind::Work,
                "the work directory of this result is gone or was reused for other rows",
            )
            .hint("run the same command again to write it again; the ids are in removed.parquet")
        })
    }

    /// Returns where the rows that were embedded are recorded; none if that is gone.
    pub(crate) fn find_embedded(&self) -> Result<Option<FinishedStage>> {
        match &self.result {
            Some(result) => embedded_stage(&self.work, &result.summary.rows_fingerprint),
            None => finished_stage(&self.work, Stage::Embed),
        }
    }

    /// Opens what the run embedded: its rows and their embeddings.
    ///
    /// # Errors
    /// As [`FinishedRun::embedded`]; embeddings that other rows took over.
    pub(crate) fn dataset(&self) -> Result<Dataset> {
        let FinishedStage { folder, fingerprint } = self.embedded()?;
        Dataset::open(&Input::recorded(&folder)?, &folder, &fingerprint)
    }

    /// Returns the folder of the measured recall, if it belongs to this result.
    pub(crate) fn recall_folder(&self) -> Result<Option<PathBuf>> {
        if let Some(result) = &self.result {
            let scores = finished_stage(&self.work, Stage::Score)?;
            let wanted = result.summary.scores_fingerprint.as_str();
            if scores.is_none_or(|found| found.fingerprint.as_str() != wanted) {
                return Ok(None);
            }
        }
        Ok(finished_stage(&self.work, Stage::Recall)?.map(|found| found.folder))
    }

    /// Reads the numbers of the rows that the result removed; none if no result was written.
    pub(crate) fn removed(&self) -> Result<Option<HashSet<u64>>> {
        let Some(result) = &self.result else { return Ok(None) };
        let path = result.out.join("removed.parquet");
        check_table(&path)?;
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

/// Returns the work directory that the summary names, or the one beside the summary if everything
/// was moved.
fn work_of(out: &Path, summary: &Summary) -> Result<PathBuf> {
    let recorded = PathBuf::from(&summary.work);
    Ok(if is_file(&recorded.join("manifest.json"))? { recorded } else { out.join("work") })
}

#[cfg(test)]
#[path = "finished_run_tests.rs"]
mod tests;
