//! The work directory keeps the result of each stage, so that a run that was killed at any instant
//! continues where it was.
//!
//! A stage owns a folder of its name. It is *done* when `manifest.json` says so, under the
//! fingerprint of everything that its result depends on: the parameters, and the fingerprint of the
//! stage before. A stage with another fingerprint is cleared and done again. So is each stage after
//! it, because its fingerprint contains the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fs_err as fs;

use crate::error::{Error, Result};
use crate::progress::{Progress, Stage};
use crate::storage::atomic::{TEMPORARY, write_atomically};
use crate::storage::{Lock, create_dir_all, exists, is_url, names, remove_all};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::manifest::{EmbeddedRows, Entry, Manifest, manifest_path};

/// An open work directory, locked by this process.
#[derive(Debug)]
pub(crate) struct WorkDir {
    pub(super) path: PathBuf,
    pub(super) manifest: Manifest,
    reused: Vec<Stage>,
    /// Of what the embeddings of this run are.
    pub(super) embedded: Option<EmbeddedRows>,
    /// The lock, which is held until the process ends, however it ends.
    lock: Lock,
}

impl WorkDir {
    /// Opens a work directory, or makes one if there is none.
    ///
    /// # Errors
    /// Fails if the folder holds other files, if its manifest cannot be read, or if another process
    /// has locked it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let is_ours = Manifest::read(path)?.is_some();
        if !is_ours && holds_more_than_ours(path)? {
            return Err(Error::work(path, "the folder is not empty and is not a work directory")
                .hint("name a new or empty folder for it"));
        }
        create_dir_all(path)?;
        let lock = Lock::take(path)?;
        let manifest = Manifest::read(path)?.unwrap_or_else(Manifest::new);
        Ok(Self { path: path.to_path_buf(), manifest, reused: Vec::new(), embedded: None, lock })
    }

    /// Returns the folder of a stage.
    pub(crate) fn folder(&self, stage: Stage) -> PathBuf {
        let entry = self.manifest.stages.get(&stage);
        self.path.join(entry.map_or(stage.name(), |entry| entry.folder(stage)))
    }

    /// Whether a stage is done, or a killed run has begun it.
    pub(crate) fn has_begun(&self, stage: Stage, fingerprint: &Fingerprint) -> bool {
        exists(&self.folder(stage)).unwrap_or(true)
            && self.manifest.stages.get(&stage).is_some_and(|entry| entry.fingerprint == *fingerprint)
    }

    /// Whether a stage is done.
    pub(crate) fn is_done(&self, stage: Stage, fingerprint: &Fingerprint) -> bool {
        let is_done = |entry: &Entry| entry.fingerprint == *fingerprint && entry.seconds.is_some();
        exists(&self.folder(stage)).unwrap_or(true) && self.manifest.stages.get(&stage).is_some_and(is_done)
    }

    /// Does a stage unless it is already done. `work` gets the folder of the stage. The folder may
    /// hold files of an earlier, killed run with the same fingerprint, but no temporary files.
    /// Returns whether it did the stage.
    pub(crate) fn stage(
        &mut self,
        stage: Stage,
        fingerprint: &Fingerprint,
        progress: &dyn Progress,
        work: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<bool> {
        // Somebody may have deleted the folder to save space. Then the stage is not done.
        let is_there = exists(&self.folder(stage))?;
        let entry = self.manifest.stages.get(&stage).filter(|_| is_there);
        let same = entry.is_some_and(|entry| entry.fingerprint == *fingerprint);
        if same && entry.is_some_and(|entry| entry.seconds.is_some()) {
            self.reused.push(stage);
            progress.end(stage, true);
            return Ok(false);
        }
        let folder = self.folder(stage);
        let begun = Entry {
            fingerprint: fingerprint.clone(),
            seconds: None,
            embedded: self.embedded.clone().filter(|_| stage == Stage::Embed),
            folder: self.manifest.stages.get(&stage).and_then(|entry| entry.folder.clone()),
        };
        if !same {
            // In this order a kill in between never leaves old files under the new fingerprint. The
            // later stages go too, because they depend on the files that are replaced.
            self.manifest.stages.retain(|&other, _| other < stage);
            self.write_manifest()?;
            remove_all(&folder)?;
            self.set(stage, begun.clone())?;
        }
        create_dir_all(&folder)?;
        remove_temporary_files(&folder)?;
        let start = Instant::now();
        work(&folder)?;
        self.set(stage, Entry { seconds: Some(start.elapsed().as_secs_f64()), ..begun })?;
        progress.end(stage, false);
        Ok(true)
    }

    fn set(&mut self, stage: Stage, entry: Entry) -> Result<()> {
        self.manifest.stages.insert(stage, entry);
        self.write_manifest()
    }

    pub(super) fn write_manifest(&self) -> Result<()> {
        self.lock.confirm()?;
        let json = serde_json::to_vec_pretty(&self.manifest).map_err(|e| Error::work(&self.path, e))?;
        write_atomically(&manifest_path(&self.path), &json)
    }

    /// Returns the stages that an earlier run had done.
    pub(crate) fn reused(&self) -> &[Stage] {
        &self.reused
    }

    /// Returns the seconds that each finished stage took.
    pub(crate) fn seconds(&self) -> BTreeMap<String, f64> {
        let seconds = |(stage, entry): (&Stage, &Entry)| Some((stage.name().to_owned(), entry.seconds?));
        self.manifest.stages.iter().filter_map(seconds).collect()
    }
}

/// Whether a folder without a manifest holds other files than a killed run of ours may leave there.
fn holds_more_than_ours(path: &Path) -> Result<bool> {
    let ours = ["lock".to_owned(), format!("manifest.json{TEMPORARY}")];
    Ok(names(path)?.iter().any(|name| !ours.contains(name)))
}

/// Removes the incomplete files that a killed run left.
pub(crate) fn remove_temporary_files(folder: &Path) -> Result<()> {
    if is_url(folder) {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(Error::io)? {
        let path = entry.map_err(Error::io)?.path();
        if path.is_file() && path.to_string_lossy().ends_with(TEMPORARY) {
            fs::remove_file(path).map_err(Error::io)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;

    use super::*;
    use crate::progress::Silent;

    fn fingerprint(of: &str, before: Option<&Fingerprint>) -> Fingerprint {
        Fingerprint::of(&of, before).unwrap()
    }

    /// Runs a stage that writes `text`, and says whether it ran.
    fn run(work: &mut WorkDir, stage: Stage, fingerprint: &Fingerprint, text: &str) -> bool {
        let ran = Cell::new(false);
        work.stage(stage, fingerprint, &Silent, |folder| {
            ran.set(true);
            write_atomically(&folder.join("result"), text.as_bytes())
        })
        .unwrap();
        ran.get()
    }

    #[test]
    fn a_stage_runs_again_only_when_its_fingerprint_or_an_earlier_one_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work");
        let (a, b) = (fingerprint("a", None), fingerprint("b", None));
        let after = |before| fingerprint("same", Some(before));
        let mut work = WorkDir::open(&path).unwrap();
        assert!(run(&mut work, Stage::Train, &a, "1") && run(&mut work, Stage::Assign, &after(&a), "2"));
        drop(work);
        let mut work = WorkDir::open(&path).unwrap();
        assert!(!run(&mut work, Stage::Train, &a, "3") && !run(&mut work, Stage::Assign, &after(&a), "4"));
        assert_eq!(work.reused(), [Stage::Train, Stage::Assign]);
        assert!(run(&mut work, Stage::Train, &b, "5") && run(&mut work, Stage::Assign, &after(&b), "6"));
        assert_eq!(std::fs::read(path.join("train/result")).unwrap(), b"5");
    }

    #[test]
    fn a_failed_stage_continues_with_its_own_files_and_never_with_those_of_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let mut work = WorkDir::open(folder.path()).unwrap();
        let fail = |work: &mut WorkDir, fingerprint: &Fingerprint| {
            let failed = work.stage(Stage::Embed, fingerprint, &Silent, |folder| {
                write_atomically(&folder.join("part"), b"whole")?;
                std::fs::write(folder.join(format!("next{TEMPORARY}")), b"half").unwrap();
                Err(Error::usage("stopped"))
            });
            assert!(failed.is_err());
        };
        let left = |work: &mut WorkDir, fingerprint: &Fingerprint| {
            let left = Cell::new((false, false));
            work.stage(Stage::Embed, fingerprint, &Silent, |folder| {
                left.set((folder.join("part").exists(), folder.join(format!("next{TEMPORARY}")).exists()));
                Ok(())
            })
            .unwrap();
            left.get()
        };
        let (a, b) = (fingerprint("a", None), fingerprint("b", None));
        fail(&mut work, &a);
        assert_eq!(left(&mut work, &a), (true, false));
        fail(&mut work, &b);
        assert_eq!(left(&mut work, &a), (false, false));
    }

    #[test]
    fn a_work_directory_serves_one_process_at_a_time_and_a_foreign_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&folder.path().join("work")).unwrap();
        let second = WorkDir::open(&folder.path().join("work")).unwrap_err();
        assert!(second.to_string().contains("another semdedup"), "{second}");
        drop(work);
        WorkDir::open(&folder.path().join("work")).unwrap();
        assert!(WorkDir::open(folder.path()).unwrap_err().to_string().contains("not a work directory"));
    }

    #[test]
    fn a_damaged_manifest_or_one_of_another_version_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        for text in ["{\"format_version\": 1, \"stag", "{\"format_version\": 99, \"stages\": {}}"] {
            std::fs::write(&path, text).unwrap();
            assert!(WorkDir::open(folder.path()).unwrap_err().hint_text().is_some());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
