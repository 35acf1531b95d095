//! Writes the folder of the results: `kept/`, `annotated/` and lists of ids, as asked for,
//! `removed.parquet`, `skipped.parquet`, `scores.parquet` and `summary.json`.
//!
//! Everything is staged under `.semdedup-unfinished/` first, and is moved into place when all of it
//! is there and counted. `summary.json` is removed first and written last, so it is never beside
//! files that it does not describe. Only files that semdedup wrote are ever replaced: the summary
//! lists the files of a finished result, and `run.json` in the unfinished folder lists the files of
//! a result that a killed run was putting into place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::error::{Error, Result};
use crate::storage::atomic::{sync_folder_of, write_atomically};
use crate::storage::marks::UNFINISHED;
use crate::storage::{Lock, create_dir_all, exists, files_below, is_url, remove_all};
use crate::summary::{SUMMARY, Summary};
use crate::write::changes::{last_change, sums_of};
use crate::write::commit_record::CommitRecord;
use crate::write::publish::{Files, Sending};
use crate::write::result_files::{RESULTS, files_of, present};
use crate::write::result_target::{Found, ResultTarget, check_foreign};
use crate::write::scratch::Scratch;

/// An output folder that this process alone may write into.
#[derive(Debug)]
pub(crate) struct OutputDir {
    out: PathBuf,
    /// Held until the process ends, however it ends.
    lock: Lock,
    /// The folder in which a result for a store is written first.
    scratch: Option<Scratch>,
    /// What is wrong with the same result, if it is there.
    pub(crate) repairs: Option<String>,
}

/// The state of the place where the results go.
#[derive(Debug)]
pub(crate) enum ResultState {
    /// The same results are there already.
    Done(Box<Summary>),
    /// Nothing there would be lost: the run can begin or continue.
    Ready(OutputDir),
}

impl OutputDir {
    /// Looks at the folder before any work is done, and locks it until the returned value is
    /// dropped.
    ///
    /// # Errors
    /// If something is in the way, or another process holds the folder.
    pub(crate) fn open(target: &ResultTarget) -> Result<ResultState> {
        let marker = target.out.join(UNFINISHED);
        if let Found::Same(summary) = target.inspect()? {
            // The remains of a killed overwrite are of no use, unless another process is writing
            // them.
            if exists(&marker)?
                && let Ok(_held) = Lock::take(&marker)
            {
                // The result is whole in any case. If the remains cannot be removed, they stay.
                let _ = remove_all(&marker);
            }
            return Ok(ResultState::Done(summary));
        }
        create_dir_all(&marker)?;
        let lock = Lock::take_for(&marker, target.out)?;
        // Another process may have ended between the look and the lock.
        Ok(match target.inspect()? {
            Found::Same(summary) => ResultState::Done(summary),
            Found::Room { repairs } => {
                let scratch = is_url(target.out).then(|| Scratch::take(target.out)).transpose()?;
                ResultState::Ready(Self { out: target.out.to_path_buf(), lock, scratch, repairs })
            }
        })
    }

    /// Returns the folder in which the results are written first, which is always on a disk. The
    /// next run replaces what a killed run left there.
    fn staging(&self) -> PathBuf {
        let folder = self.scratch.as_ref().map(|scratch| scratch.folder.clone());
        folder.unwrap_or_else(|| self.out.join(UNFINISHED)).join("staged")
    }

    /// Makes an empty folder to write the results into.
    pub(crate) fn stage(&self) -> Result<PathBuf> {
        let stage = self.staging();
        remove_all(&stage)?;
        create_dir_all(&stage)?;
        Ok(stage)
    }

    /// Removes the old results, moves the staged ones into place, and writes the summary last.
    ///
    /// A kill at any instant leaves files that the next run knows as ours: the record of all files
    /// is written before the first change, and is removed after the summary is there.
    /// The summary gets the sums of the files.
    pub(crate) fn commit(&self, summary: &mut Summary) -> Result<()> {
        let stage = self.staging();
        self.lock.confirm()?;
        // Somebody may have put files there since the run began.
        check_foreign(&self.out)?;
        for file in files_of(&stage, summary).iter().filter(|file| file != &Path::new(SUMMARY)) {
            fs::metadata(stage.join(file)).map_err(Error::io)?;
        }
        let mut written = sums_of(&stage)?;
        let (old, new) = (present(&self.out)?, files_below(&stage, RESULTS)?);
        let mut files: BTreeSet<PathBuf> = old.keys().chain(new.keys()).cloned().collect();
        files.insert(PathBuf::from(SUMMARY));
        // A killed attempt recorded its hashes, which hold until the files that they do not fit are
        // gone.
        let sent = CommitRecord::read(&self.out)?.sent;
        let record = CommitRecord { files, sent };
        record.write(&self.out)?;
        remove_all(&self.out.join(SUMMARY))?;
        if is_url(&self.out) {
            self.send(&stage, &old, &new, record)?;
        } else {
            self.rename(&stage)?;
            written.at_ms = last_change(&self.out)?;
        }
        summary.written = Some(written);
        let summary = serde_json::to_vec_pretty(summary).map_err(|error| Error::output(&self.out, error))?;
        self.lock.confirm()?;
        write_atomically(&self.out.join(SUMMARY), &summary)?;
        if let Some(scratch) = &self.scratch {
            // The result is complete. If this folder cannot be removed, it is in nobody's way.
            let _ = remove_all(&scratch.folder);
        }
        remove_all(&self.out.join(UNFINISHED))
    }

    /// Replaces the results on a disk by the staged ones, and syncs the output folder.
    fn rename(&self, stage: &Path) -> Result<()> {
        for name in RESULTS {
            remove_all(&self.out.join(name))?;
            if stage.join(name).exists() {
                fs::rename(stage.join(name), self.out.join(name)).map_err(Error::io)?;
            }
        }
        sync_folder_of(&self.out.join(SUMMARY))
    }

    /// Replaces the results in a store, where nothing can be renamed: removes the old objects and
    /// sends the new ones. In between, `run.json` records the hashes of the new objects, so that a
    /// run after a kill does not send again what is there already.
    fn send(&self, stage: &Path, old: &Files, new: &Files, mut record: CommitRecord) -> Result<()> {
        let sending = Sending { out: &self.out, stage, lock: &self.lock };
        let hashes = sending.hashes(new)?;
        let there = sending.clear(old, new, &record.sent, &hashes)?;
        record.sent = hashes;
        record.write(&self.out)?;
        sending.send(new, &there, &record.sent)?;
        let sent = present(&self.out)?;
        let differs = |file: &&PathBuf| sent.get(*file) != new.get(*file);
        match sent.keys().chain(new.keys()).find(differs) {
            Some(file) => Err(Error::output(self.out.join(file), "is not what was sent there")
                .hint("ensure that nothing else writes there, and run the same command again")),
            None => Ok(()),
        }
    }
}
