//! The folder of the results: `kept/`, `removed.parquet`, `skipped.parquet`, `scores.parquet`, `summary.json`.
//!
//! Everything is written under `.semdedup-unfinished/` first and takes its place when all of it is there and counted.
//! While that folder exists we go on with what is here; `summary.json` comes last and means that all is done.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fs_err as fs;
use walkdir::WalkDir;

use crate::files::{sync_folder_of, write_atomically};
use crate::summary::Summary;
use crate::work::Fingerprint;
use crate::{Error, Result};

const UNFINISHED: &str = ".semdedup-unfinished";
const SUMMARY: &str = "summary.json";
const KEPT: &str = "kept";

/// What may lie in an output folder that semdedup wrote.
const RESULTS: [&str; 6] =
    [KEPT, "kept.parquet", "removed.parquet", "skipped.parquet", "scores.parquet", SUMMARY];

/// An output folder that is ours to write into.
#[derive(Debug)]
pub(crate) struct OutputDir {
    out: PathBuf,
}

/// What was found in the place where the results go.
#[derive(Debug)]
pub(crate) enum Found {
    /// The same results are there already.
    Done(Box<Summary>),
    /// Nothing that would be lost; begin or go on.
    Ready(OutputDir),
}

impl OutputDir {
    /// Looks at the folder before any work is done: a result that is in the way should not come as a surprise.
    pub(crate) fn open(out: &Path, work: &Path, overwrite: bool, fingerprint: &Fingerprint) -> Result<Found> {
        if out.exists() && !out.is_dir() {
            return Err(Error::output(out, "this is a file, the results need a folder")
                .hint("name a new folder with --out"));
        }
        let here = Self { out: out.to_path_buf() };
        if out.join(UNFINISHED).exists() {
            return Ok(Found::Ready(here));
        }
        let earlier = read_summary(out)?;
        if let Some(summary) = earlier.as_ref().filter(|summary| summary.fingerprint == fingerprint.as_str())
        {
            return Ok(Found::Done(Box::new(summary.clone())));
        }
        let present = others(out, work)?;
        if let (Some(first), false) = (present.first(), overwrite) {
            return Err(match &earlier {
                Some(summary) => Error::output(out, format!("holds another result ({})", summary.goal)).hint(
                    "--overwrite replaces it; another --out with the same --work keeps both and goes fast",
                ),
                None => Error::output(out, format!("the folder is not empty: it holds {first}"))
                    .hint("name a new or empty folder with --out"),
            });
        }
        here.check_kept(earlier.as_ref())?;
        fs::create_dir_all(out.join(UNFINISHED)).map_err(Error::io)?;
        Ok(Found::Ready(here))
    }

    /// `kept/` is replaced as a whole, so nothing may lie in it that we did not write.
    fn check_kept(&self, earlier: Option<&Summary>) -> Result<()> {
        let kept = self.out.join(KEPT);
        let ours: HashSet<PathBuf> =
            earlier.iter().flat_map(|summary| &summary.files).map(|file| kept.join(&file.kept)).collect();
        for entry in WalkDir::new(&kept).into_iter().filter_map(std::result::Result::ok) {
            if !entry.file_type().is_dir() && !ours.contains(entry.path()) {
                return Err(Error::output(
                    entry.path(),
                    "semdedup did not write this file and will not replace it",
                )
                .hint("move it away, or name another --out"));
            }
        }
        Ok(())
    }

    /// An empty folder to write the results into.
    pub(crate) fn stage(&self) -> Result<PathBuf> {
        let stage = self.out.join(UNFINISHED);
        match fs::remove_dir_all(&stage) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(error)),
            _ => fs::create_dir_all(&stage).map_err(Error::io)?,
        }
        Ok(stage)
    }

    /// Puts the staged results into their places, the old ones out, and the summary last.
    pub(crate) fn commit(&self, summary: &Summary) -> Result<()> {
        let stage = self.out.join(UNFINISHED);
        remove(&self.out.join(SUMMARY))?;
        for name in RESULTS.into_iter().filter(|&name| name != SUMMARY) {
            remove(&self.out.join(name))?;
            if stage.join(name).exists() {
                fs::rename(stage.join(name), self.out.join(name)).map_err(Error::io)?;
            }
        }
        sync_folder_of(&stage)?;
        let json = serde_json::to_vec_pretty(summary).map_err(|error| Error::output(&self.out, error))?;
        write_atomically(&self.out.join(SUMMARY), &json)?;
        remove(&stage)
    }
}

/// The summary of a finished run in this folder.
pub(crate) fn read_summary(out: &Path) -> Result<Option<Summary>> {
    let path = out.join(SUMMARY);
    match fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(error)),
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(error)),
        _ => Ok(()),
    }
}

/// The names of what lies in the folder, apart from the work directory.
fn others(out: &Path, work: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(error)),
    };
    let work = fs::canonicalize(work).unwrap_or_else(|_| work.to_path_buf());
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io)?.path();
        if fs::canonicalize(&path).map_or(true, |path| path != work) {
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
