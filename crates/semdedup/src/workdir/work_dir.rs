//! The work directory: what each stage has done, so that a run killed at any instant goes on where it was.
//!
//! A stage owns a folder of its name. It is *done* when `manifest.json` says so, under the fingerprint of everything
//! that its result depends on: the parameters, and the fingerprint of the stage before. A stage found under another
//! fingerprint is cleared and done again, and so is every stage after it, because their fingerprints contain its.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fs_err as fs;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};
use crate::progress::{Progress, Stage};
use crate::storage::atomic::{TEMPORARY, write_atomically};
use crate::storage::{Lock, create_dir_all, exists, is_file, is_url, names, read, remove_all};

/// Changes whenever files in the work directory change their meaning.
const FORMAT_VERSION: u32 = 2;

/// What a stage's result depends on, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Of parameters that serialise to JSON, and of the stage before.
    pub(crate) fn of(parameters: &impl Serialize, before: Option<&Fingerprint>) -> Result<Self> {
        let json = serde_json::to_vec(&(FORMAT_VERSION, parameters, before))
            .map_err(|error| Error::usage(format!("parameters cannot be recorded: {error}")))?;
        Ok(Self(format!("{:032x}", xxh3_128(&json))))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format_version: u32,
    stages: BTreeMap<Stage, Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    fingerprint: Fingerprint,
    /// None while the stage is being done.
    seconds: Option<f64>,
}

/// An open work directory. Only one process has it at a time.
#[derive(Debug)]
pub(crate) struct WorkDir {
    path: PathBuf,
    manifest: Manifest,
    reused: Vec<Stage>,
    /// Held until the process ends, however it ends.
    lock: Lock,
}

impl WorkDir {
    /// Opens a work directory, making it where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let is_ours = read_manifest(path)?.is_some();
        if !is_ours && holds_more_than_ours(path)? {
            return Err(Error::work(path, "the folder is not empty and is not a work directory")
                .hint("name a new or empty folder for it"));
        }
        create_dir_all(path)?;
        let lock = Lock::take(path)?;
        let manifest = read_manifest(path)?.unwrap_or_else(Manifest::new);
        Ok(Self { path: path.to_path_buf(), manifest, reused: Vec::new(), lock })
    }

    /// The folder of a stage.
    pub(crate) fn folder(&self, stage: Stage) -> PathBuf {
        self.path.join(stage.name())
    }

    /// Whether something of a stage is there: it is done, or a killed run has begun with it.
    pub(crate) fn has_begun(&self, stage: Stage, fingerprint: &Fingerprint) -> bool {
        exists(&self.folder(stage)).unwrap_or(true)
            && self.manifest.stages.get(&stage).is_some_and(|entry| entry.fingerprint == *fingerprint)
    }

    /// Does a stage unless it is done already. `work` gets the stage's folder, in which files of an earlier, killed
    /// attempt with the same fingerprint may lie; temporary files are gone.
    pub(crate) fn stage(
        &mut self,
        stage: Stage,
        fingerprint: &Fingerprint,
        progress: &dyn Progress,
        work: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        // A folder that somebody deleted to save space is no result.
        let is_there = exists(&self.folder(stage))?;
        let entry = self.manifest.stages.get(&stage).filter(|_| is_there);
        let same = entry.is_some_and(|entry| entry.fingerprint == *fingerprint);
        if same && entry.is_some_and(|entry| entry.seconds.is_some()) {
            self.reused.push(stage);
            progress.end(stage, true);
            return Ok(());
        }
        let folder = self.folder(stage);
        if !same {
            // In this order a kill in between never leaves old files under the new fingerprint.
            // The later stages go too: they were made of what is being replaced.
            self.manifest.stages.retain(|&other, _| other < stage);
            self.write_manifest()?;
            remove_all(&folder)?;
            self.set(stage, Entry { fingerprint: fingerprint.clone(), seconds: None })?;
        }
        create_dir_all(&folder)?;
        remove_temporary_files(&folder)?;
        let start = Instant::now();
        work(&folder)?;
        self.set(
            stage,
            Entry { fingerprint: fingerprint.clone(), seconds: Some(start.elapsed().as_secs_f64()) },
        )?;
        progress.end(stage, false);
        Ok(())
    }

    fn set(&mut self, stage: Stage, entry: Entry) -> Result<()> {
        self.manifest.stages.insert(stage, entry);
        self.write_manifest()
    }

    fn write_manifest(&self) -> Result<()> {
        self.lock.confirm()?;
        let json = serde_json::to_vec_pretty(&self.manifest).map_err(|e| Error::work(&self.path, e))?;
        write_atomically(&self.path.join("manifest.json"), &json)
    }

    /// The stages that an earlier run had done.
    pub(crate) fn reused(&self) -> &[Stage] {
        &self.reused
    }

    /// The seconds that each stage took when it was done.
    pub(crate) fn seconds(&self) -> BTreeMap<String, f64> {
        let seconds = |(stage, entry): (&Stage, &Entry)| Some((stage.name().to_owned(), entry.seconds?));
        self.manifest.stages.iter().filter_map(seconds).collect()
    }
}

impl Manifest {
    fn new() -> Self {
        Self { format_version: FORMAT_VERSION, stages: BTreeMap::new() }
    }
}

/// The folder of a stage that is done, and its fingerprint, in a work directory that may be in use; for looking only.
pub(crate) fn finished_stage(work: &Path, stage: Stage) -> Result<Option<(PathBuf, Fingerprint)>> {
    let entry = read_manifest(work)?.and_then(|manifest| manifest.stages.get(&stage).cloned());
    let done = entry.filter(|entry| entry.seconds.is_some());
    Ok(done.map(|entry| (work.join(stage.name()), entry.fingerprint)))
}

/// Whether a folder is a work directory, of whatever version; other programs have a `manifest.json` too.
pub(crate) fn is_work_dir(path: &Path) -> Result<bool> {
    let path = path.join("manifest.json");
    if !is_file(&path)? {
        return Ok(false);
    }
    let bytes = read(&path).map_err(Error::io)?;
    let manifest = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
    Ok(["format_version", "stages"].into_iter().all(|field| manifest.get(field).is_some()))
}

fn read_manifest(path: &Path) -> Result<Option<Manifest>> {
    let path = path.join("manifest.json");
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(error)),
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
        Error::work(&path, format!("not the manifest of a work directory: {error}"))
            .hint("name another --work; if this is a damaged work directory of semdedup, delete it")
    })?;
    if manifest.format_version != FORMAT_VERSION {
        let found = manifest.format_version;
        return Err(Error::work(
            &path,
            format!("format version {found}, this semdedup reads {FORMAT_VERSION}"),
        )
        .hint("delete the work directory, or use the semdedup that wrote it"));
    }
    Ok(Some(manifest))
}

/// Whether a folder without a manifest holds anything but what we leave before there is one.
fn holds_more_than_ours(path: &Path) -> Result<bool> {
    let before = ["lock".to_owned(), format!("manifest.json{TEMPORARY}")];
    Ok(names(path)?.iter().any(|name| !before.contains(name)))
}

/// Clears what a killed run left half-written.
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
    fn a_stage_runs_once_and_again_only_when_what_it_depends_on_changes() {
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
    fn a_failed_stage_is_done_again_on_what_it_left_and_never_on_what_another_fingerprint_left() {
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
    fn a_work_directory_serves_one_process_at_a_time_and_no_foreign_folder_is_taken_for_one() {
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
