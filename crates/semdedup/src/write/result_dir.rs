//! The folder of the results: `kept/`, `annotated/` and lists of ids, as asked for, `removed.parquet`, `skipped.parquet`,
//! `scores.parquet`, `summary.json`.
//!
//! Everything is written under `.semdedup-unfinished/` first and takes its place when all of it is there and counted;
//! `summary.json` goes first and comes last, so it never stands beside files that it does not describe. Only files
//! that we wrote are ever replaced: the summary lists those of a finished result, and `run.json` in the unfinished
//! folder those of a result that was just being put into place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::atomic::{sync_folder_of, write_atomically};
use crate::storage::{
    Lock, canonical_url, check_writable, create_dir_all, exists, files_below, is_file, is_url, names, read,
    remove_all,
};
use crate::summary::{FileSummary, SUMMARY, Summary, read_summary};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::table_file::read_column;
use crate::write::publish::{Files, Sending, Sent};

const UNFINISHED: &str = ".semdedup-unfinished";

pub(crate) const KEPT: &str = "kept";

pub(crate) const ANNOTATED: &str = "annotated";

/// The list of the files that folders of the input kept.
pub(crate) const KEPT_FILES: &str = "kept-files.parquet";

/// What a result can consist of, besides the summary.
const RESULTS: [&str; 9] = [
    KEPT,
    KEPT_FILES,
    ANNOTATED,
    "ids.txt",
    "ids.parquet",
    "ids.npy",
    "removed.parquet",
    "skipped.parquet",
    "scores.parquet",
];

/// An output folder that is ours to write into.
#[derive(Debug)]
pub(crate) struct OutputDir {
    out: PathBuf,
    /// Held until the process ends, however it ends.
    lock: Lock,
    /// Of a result for a store: where it is written first.
    scratch: Option<Scratch>,
}

/// A folder of this disk that no other run writes into.
#[derive(Debug)]
struct Scratch {
    folder: PathBuf,
    /// Held, not looked at: whether the result goes on is the other lock's to say.
    _lock: Lock,
}

impl Scratch {
    /// That of a result: another result has another folder, and so has another user.
    fn take(out: &Path) -> Result<Self> {
        let home = std::env::var_os("HOME").unwrap_or_default();
        let folder = std::env::temp_dir().join(scratch_name(out, Path::new(&home)));
        create_dir_all(&folder)?;
        let _lock = Lock::take(&folder)?;
        Ok(Self { folder, _lock })
    }
}

/// Each of both is hashed with its end: joined, an absolute `home` would be all that is left.
fn scratch_name(out: &Path, home: &Path) -> String {
    let mut hash = Xxh3::new();
    for path in [out, home] {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(&[0]);
    }
    format!("semdedup-staged-{:016x}", hash.digest())
}

/// Where results are to go, and which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultTarget<'a> {
    pub(crate) out: &'a Path,
    pub(crate) work: &'a Path,
    /// Whether another result may be replaced.
    pub(crate) overwrite: bool,
    /// Of the result.
    pub(crate) fingerprint: &'a Fingerprint,
}

impl ResultTarget<'_> {
    /// The summary if the same result is there already, nothing if there is room for it.
    ///
    /// # Errors
    /// If something is in the way.
    pub(crate) fn inspect(&self) -> Result<Option<Summary>> {
        let out = self.out;
        [out, self.work].into_iter().try_for_each(check_writable)?;
        if is_file(out)? {
            return Err(Error::output(out, "this is a file, the results need a folder")
                .hint("name a new folder with --out"));
        }
        check_work(out, self.work)?;
        let earlier = read_summary(out)?;
        check_foreign(out)?;
        if let Some(summary) = earlier {
            let same = summary.fingerprint == self.fingerprint.as_str();
            if same && is_whole(out, &summary)? {
                return Ok(Some(summary));
            }
            if let Some(file) = altered(out, &summary)?.filter(|_| same && !self.overwrite) {
                return Err(Error::output(
                    out.join(file),
                    "is not as it was written: it has another size now",
                )
                .hint("--overwrite writes this result again; or name another --out"));
            }
            if !same && !self.overwrite {
                return Err(Error::output(
                    out,
                    format!("holds another result ({}, from other input, options or version)", summary.goal),
                )
                .hint(
                    "--overwrite replaces it; another --out with the same --work keeps both and goes fast",
                ));
            }
        } else if !self.overwrite
            && !exists(&out.join(UNFINISHED))?
            && let Some(first) = others(out, self.work)?.first()
        {
            return Err(Error::output(out, format!("the folder is not empty: it holds {first}"))
                .hint("name a new or empty folder with --out"));
        }
        Ok(None)
    }
}

/// What was found in the place where the results go.
#[derive(Debug)]
pub(crate) enum ResultState {
    /// The same results are there already.
    Done(Box<Summary>),
    /// Nothing that would be lost; begin or go on.
    Ready(OutputDir),
}

/// What is being put into place: `run.json`, there only from the first to the last rename.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Committing {
    /// The files of the old result and of the new one, relative to the output folder.
    files: BTreeSet<PathBuf>,
    /// Of a result for a store, once the old one is gone.
    #[serde(default)]
    sent: Sent,
}

impl OutputDir {
    /// Looks at the folder before any work is done (a result that is in the way should not come as a surprise), and
    /// takes it: until this is dropped no other process does.
    pub(crate) fn open(wanted: &ResultTarget) -> Result<ResultState> {
        let marker = wanted.out.join(UNFINISHED);
        if let Some(summary) = wanted.inspect()? {
            // What a killed overwrite left takes room for nothing, unless another process is at it right now.
            if exists(&marker)?
                && let Ok(_held) = Lock::take(&marker)
            {
                // The result is whole in any case; where this cannot be cleared, it stays.
                let _ = remove_all(&marker);
            }
            return Ok(ResultState::Done(Box::new(summary)));
        }
        create_dir_all(&marker)?;
        let lock = Lock::take_for(&marker, wanted.out)?;
        // Another process may have ended between the look and the lock.
        Ok(match wanted.inspect()? {
            Some(summary) => ResultState::Done(Box::new(summary)),
            None => {
                let scratch = is_url(wanted.out).then(|| Scratch::take(wanted.out)).transpose()?;
                ResultState::Ready(Self { out: wanted.out.to_path_buf(), lock, scratch })
            }
        })
    }

    /// Where the results are written first: on a disk in any case. What a killed run left of a result for a store is
    /// replaced by the next one.
    fn staging(&self) -> PathBuf {
        let folder = self.scratch.as_ref().map(|scratch| scratch.folder.clone());
        folder.unwrap_or_else(|| self.out.join(UNFINISHED)).join("staged")
    }

    /// An empty folder to write the results into.
    pub(crate) fn stage(&self) -> Result<PathBuf> {
        let stage = self.staging();
        remove_all(&stage)?;
        create_dir_all(&stage)?;
        Ok(stage)
    }

    /// Puts the staged results into their places, the old ones out, and the summary last.
    pub(crate) fn commit(&self, summary: &Summary) -> Result<()> {
        let stage = self.staging();
        self.lock.confirm()?;
        // Somebody may have put something there since the run began.
        check_foreign(&self.out)?;
        for file in files_of(&stage, summary).iter().filter(|file| file != &Path::new(SUMMARY)) {
            fs::metadata(stage.join(file)).map_err(Error::io)?;
        }
        let (old, new) = (present(&self.out)?, files_below(&stage, RESULTS)?);
        let mut files: BTreeSet<PathBuf> = old.keys().chain(new.keys()).cloned().collect();
        files.insert(PathBuf::from(SUMMARY));
        // Of an attempt that was killed; its hashes hold until what they do not fit is gone.
        let sent = committing(&self.out)?.sent;
        let record = Committing { files, sent };
        self.write_record(&record)?;
        remove_all(&self.out.join(SUMMARY))?;
        if is_url(&self.out) {
            self.send(&stage, (&old, &new), record)?;
        } else {
            self.rename(&stage)?;
        }
        let summary = serde_json::to_vec_pretty(summary).map_err(|error| Error::output(&self.out, error))?;
        self.lock.confirm()?;
        write_atomically(&self.out.join(SUMMARY), &summary)?;
        if let Some(scratch) = &self.scratch {
            // All is where it belongs; what stays here is in nobody's way.
            let _ = remove_all(&scratch.folder);
        }
        remove_all(&self.out.join(UNFINISHED))
    }

    fn rename(&self, stage: &Path) -> Result<()> {
        for name in RESULTS {
            remove_all(&self.out.join(name))?;
            if stage.join(name).exists() {
                fs::rename(stage.join(name), self.out.join(name)).map_err(Error::io)?;
            }
        }
        sync_folder_of(&self.out.join(SUMMARY))
    }

    /// The same for a store, where nothing can be renamed: the old objects go, the new ones are sent, and `run.json` says
    /// in between which of them are there already.
    fn send(&self, stage: &Path, (old, new): (&Files, &Files), mut record: Committing) -> Result<()> {
        let sending = Sending { out: &self.out, stage, lock: &self.lock };
        let hashes = sending.hashes(new)?;
        let there = sending.clear(old, new, (&record.sent, &hashes))?;
        record.sent = hashes;
        self.write_record(&record)?;
        sending.send(new, (&there, &record.sent))?;
        let sent = present(&self.out)?;
        let differs = |file: &&PathBuf| sent.get(*file) != new.get(*file);
        match sent.keys().chain(new.keys()).find(differs) {
            Some(file) => Err(Error::output(self.out.join(file), "is not what was sent there")
                .hint("see that nothing else writes there, and run the same command again")),
            None => Ok(()),
        }
    }

    fn write_record(&self, record: &Committing) -> Result<()> {
        let json = serde_json::to_vec(record).map_err(|error| Error::output(&self.out, error))?;
        write_atomically(&self.out.join(UNFINISHED).join("run.json"), &json)
    }
}

/// Files in the places of the results that we did not write are not ours to replace, whatever the options.
fn check_foreign(out: &Path) -> Result<()> {
    let mut ours = committing(out)?.files;
    if let Some(summary) = read_summary(out)? {
        ours.extend(files_of(out, &summary));
    }
    match present(out)?.into_keys().find(|file| !ours.contains(file)) {
        Some(file) => {
            Err(Error::output(out.join(file), "semdedup did not write this file and will not replace it")
                .hint("move it away, or name another --out"))
        }
        None => Ok(()),
    }
}

/// Whether the files of a finished result are all there, in the size in which they were written.
fn is_whole(out: &Path, summary: &Summary) -> Result<bool> {
    let there = present(out)?;
    Ok(files_of(out, summary).iter().all(|file| there.contains_key(file)) && altered(out, summary)?.is_none())
}

/// A kept file that somebody cut or edited since; it may hold his work now.
fn altered(out: &Path, summary: &Summary) -> Result<Option<PathBuf>> {
    let there = present(out)?;
    let other_size = |path: &Path, bytes| there.get(path).is_some_and(|there| *there != bytes);
    let mut written = written_of(out, summary).into_iter();
    Ok(written.find(|(path, bytes)| other_size(path, *bytes)).map(|(path, _)| path))
}

/// The files with rows of the input or with ids, and their sizes.
fn written_of(out: &Path, summary: &Summary) -> Vec<(PathBuf, u64)> {
    let has_kept = summary.writes_files();
    let kept = || summary.files.iter().filter(|_| has_kept);
    let listed = if kept().any(|file| file.is_folder) { kept_files(out) } else { Vec::new() };
    let kept = kept().filter(|file| !file.is_folder);
    let kept = kept.map(|file| (Path::new(KEPT).join(&file.kept), file.bytes_kept)).chain(listed);
    let annotated = |file: &FileSummary| Some((Path::new(ANNOTATED).join(&file.kept), file.bytes_annotated?));
    let annotated = summary.files.iter().filter_map(annotated);
    let lists = summary.lists.iter().map(|list| (PathBuf::from(&list.file), list.bytes));
    kept.chain(annotated).chain(lists).collect()
}

/// The files that folders of the input kept, and their sizes; none where the list is gone, so that they are taken for
/// somebody else's.
fn kept_files(out: &Path) -> Vec<(PathBuf, u64)> {
    let list = out.join(KEPT_FILES);
    let (Ok(paths), Ok(bytes)) = (read_column(&list, "path"), read_column(&list, "bytes")) else {
        return Vec::new();
    };
    let (Some(paths), Some(bytes)) = (paths.as_string_opt::<i32>(), bytes.as_primitive_opt::<UInt64Type>())
    else {
        return Vec::new();
    };
    let files = paths.iter().zip(bytes.iter());
    files.filter_map(|(path, bytes)| Some((Path::new(KEPT).join(path?), bytes?))).collect()
}

/// The files of a finished result.
fn files_of(out: &Path, summary: &Summary) -> BTreeSet<PathBuf> {
    let written = written_of(out, summary).into_iter().map(|(path, _)| path);
    let skipped = (summary.rows_skipped > 0).then_some("skipped.parquet");
    let has_folder = summary.files.iter().any(|file| file.is_folder) && summary.writes_files();
    let list = has_folder.then_some(KEPT_FILES);
    let tables = ["removed.parquet", "scores.parquet", SUMMARY].into_iter().chain(skipped).chain(list);
    written.chain(tables.map(PathBuf::from)).collect()
}

/// The files of the results that were being put into place when a run was killed.
fn committing(out: &Path) -> Result<Committing> {
    // Once the summary is there, it is the record, and what a kill left of the unfinished folder is of no account.
    if is_file(&out.join(SUMMARY))? {
        return Ok(Committing::default());
    }
    let record = read(&out.join(UNFINISHED).join("run.json")).unwrap_or_default();
    Ok(serde_json::from_slice(&record).unwrap_or_default())
}

/// The files that stand in the places of results.
fn present(out: &Path) -> Result<Files> {
    files_below(out, RESULTS.into_iter().chain([SUMMARY]))
}

/// The work directory may lie in the output folder, but not in the place of a result, and not around it.
fn check_work(out: &Path, work: &Path) -> Result<()> {
    let whole = |path: &Path| match is_url(path) {
        true => Ok(canonical_url(path)),
        false => fs::canonicalize(path).or_else(|_| std::path::absolute(path)).map_err(Error::io),
    };
    let (out, work) = (whole(out)?, whole(work)?);
    let hint = "leave --work out, or name a folder of its own";
    if out.starts_with(&work) {
        return Err(
            Error::work(work, "the work directory must not be the output folder or lie around it").hint(hint)
        );
    }
    let first = work.strip_prefix(&out).ok().and_then(|inside| inside.components().next());
    let taken = RESULTS.into_iter().chain([SUMMARY, UNFINISHED]);
    match first.and_then(|first| taken.into_iter().find(|&name| first.as_os_str() == name)) {
        Some(name) => {
            Err(Error::work(&work, format!("the work directory is in the place of the result `{name}`"))
                .hint(hint))
        }
        None => Ok(()),
    }
}

/// The names of what lies in the folder, apart from the work directory.
fn others(out: &Path, work: &Path) -> Result<Vec<String>> {
    let real = |path: &Path| match is_url(path) {
        true => canonical_url(path),
        false => fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()),
    };
    let work = real(work);
    let mut names = names(out)?;
    names.retain(|name| real(&out.join(name)) != work);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_and_each_user_has_a_scratch_folder_of_its_own() {
        let name = |out: &str, home: &str| scratch_name(Path::new(out), Path::new(home));
        let first = name("s3://bucket/a", "/home/one");
        assert_eq!(name("s3://bucket/a", "/home/one"), first);
        let others = [
            name("s3://bucket/b", "/home/one"),
            name("s3://bucket/a", "/home/two"),
            name("s3://bucket/a/home/one", ""),
        ];
        assert!(!others.contains(&first), "{others:?}");
    }
}
