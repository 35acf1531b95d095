//! Recognises what earlier runs and other commands of semdedup wrote: their results would be read
//! beside their own input. What a killed run left is not even whole.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{Error, Result};
use crate::formats::discover::left_out::Cause;
use crate::storage::marks::{MANIFEST, MARK, RECORD, STAGED, UNFINISHED, WRITING};
use crate::storage::{Location, is_file, is_url, read};

/// The file that is written last, with the numbers of the run.
const SUMMARY: &str = "summary.json";

/// The tables of which a result has at least one.
const TABLES: [&str; 2] = ["removed.parquet", "scores.parquet"];

/// The tables of `semdedup select`, beside which other files may lie.
const SELECTION: [&str; 3] = ["kept.parquet", "removed.parquet", SUMMARY];

/// The folders of rows in a result.
const OF_ROWS: [&str; 2] = ["kept", "annotated"];

/// What a folder has that semdedup wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// The folder itself.
    Folder(Cause),
    /// Files and folders of these names in it, beside which there may be others.
    Names(Cause, Vec<String>),
}

/// A folder whose files are looked at: on the disk, or in a list of objects.
struct Look<'a> {
    has: &'a dyn Fn(&str) -> bool,
    read: &'a dyn Fn(&str) -> Result<Vec<u8>>,
}

impl Look<'_> {
    /// Tells what a folder has that semdedup wrote.
    fn own(&self) -> Result<Vec<Own>> {
        let mut own = Vec::new();
        let (record, mark) = (format!("{UNFINISHED}/{RECORD}"), format!("{WRITING}/{MARK}"));
        if (self.has)(SUMMARY) {
            if TABLES.iter().any(|name| (self.has)(name)) {
                own.extend(of_summary(&(self.read)(SUMMARY)?));
            }
        } else if (self.has)(&record) {
            own.push(Own::Names(Cause::Unfinished, recorded(&(self.read)(&record)?)));
        }
        if (self.has)(&mark) {
            let names = serde_json::from_slice(&(self.read)(&mark)?).unwrap_or_default();
            own.push(Own::Names(Cause::Unfinished, names));
        }
        if (self.has)(MANIFEST) && is_work(&(self.read)(MANIFEST)?) {
            own.push(Own::Folder(Cause::Work));
        }
        Ok(own)
    }
}

/// Tells what a folder on the disk has that semdedup wrote.
pub(crate) fn own_in(folder: &Path) -> Result<Vec<Own>> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let hash = name.strip_prefix(STAGED).filter(|hash| hash.len() == 16);
    if hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Ok(vec![Own::Folder(Cause::Unfinished)]);
    }
    // A file that cannot be read is not known to be ours.
    let read = |name: &str| Ok(fs_err::read(folder.join(name)).unwrap_or_default());
    Look { has: &|name| folder.join(name).is_file(), read: &read }.own()
}

/// Tells what semdedup wrote among the objects below a folder: each with the folder around, which
/// ends with a slash unless it is the folder itself.
pub(crate) fn own_among(folder: &Location, names: &HashSet<&str>) -> Result<Vec<(String, Own)>> {
    let files = [SUMMARY, MANIFEST].map(str::to_owned);
    let files = [format!("{UNFINISHED}/{RECORD}"), format!("{WRITING}/{MARK}")].into_iter().chain(files);
    let files: Vec<String> = files.collect();
    let parent_of = |name: &&str| {
        let parent = files.iter().find_map(|file| name.strip_suffix(file.as_str()))?;
        (parent.is_empty() || parent.ends_with('/')).then(|| parent.to_owned())
    };
    let parents: BTreeSet<String> = names.iter().filter_map(parent_of).collect();
    let mut found = Vec::new();
    for parent in parents {
        let has = |name: &str| names.contains(format!("{parent}{name}").as_str());
        let read_in =
            |name: &str| read(Path::new(&format!("{}/{parent}{name}", folder.text))).map_err(Error::io);
        let own = Look { has: &has, read: &read_in }.own()?;
        found.extend(own.into_iter().map(|own| (parent.clone(), own)));
    }
    Ok(found)
}

/// Fails if a folder is a part of a work directory, or of a result that a run has not finished: its
/// files of rows are not all there.
pub(crate) fn check_finished(folder: &Path) -> Result<()> {
    let real = match is_url(folder) {
        true => folder.to_path_buf(),
        false => fs_err::canonicalize(folder).map_err(|error| Error::input(folder, error))?,
    };
    let is_of_rows = |path: &&Path| OF_ROWS.iter().any(|name| path.ends_with(name));
    for out in real.ancestors().filter(is_of_rows).filter_map(Path::parent) {
        if is_file(&out.join(UNFINISHED).join(RECORD))? && !is_file(&out.join(SUMMARY))? {
            let problem = "belongs to a result that a run has not finished writing";
            return Err(
                Error::input(folder, problem).hint("run the command of that run again, which finishes it")
            );
        }
    }
    // A store may not let the user look above the folder.
    let manifest = real.parent().filter(|_| !is_url(folder)).map(|around| around.join(MANIFEST));
    match manifest.and_then(|manifest| fs_err::read(manifest).ok()).is_some_and(|bytes| is_work(&bytes)) {
        true => Err(Error::input(folder, "is a part of a work directory of semdedup")
            .hint("what is in it was made from rows and holds none; name the rows themselves")),
        false => Ok(()),
    }
}

/// Tells by a summary which files are ours.
fn of_summary(summary: &[u8]) -> Option<Own> {
    #[derive(Deserialize)]
    struct Summary {
        scores_fingerprint: Option<IgnoredAny>,
        goal: Option<String>,
        rows_removed: Option<u64>,
        #[serde(default)]
        lists: Vec<List>,
    }
    #[derive(Deserialize)]
    struct List {
        file: String,
    }
    let summary: Summary = serde_json::from_slice(summary).ok()?;
    if summary.scores_fingerprint.is_some() {
        return Some(Own::Folder(Cause::Result));
    }
    let names =
        SELECTION.map(str::to_owned).into_iter().chain(summary.lists.into_iter().map(|list| list.file));
    (summary.goal.is_some() && summary.rows_removed.is_some())
        .then(|| Own::Names(Cause::AboutOthers, names.collect()))
}

/// Returns the files and folders at the top of an output folder that a run was putting into place.
fn recorded(record: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Record {
        files: BTreeSet<PathBuf>,
    }
    let Ok(Record { files }) = serde_json::from_slice(record) else { return Vec::new() };
    let first = |file: &PathBuf| Some(file.components().next()?.as_os_str().to_str()?.to_owned());
    let names: BTreeSet<String> = files.iter().filter_map(first).collect();
    names.into_iter().collect()
}

/// Whether a manifest is that of a work directory.
fn is_work(manifest: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(rename = "format_version")]
        _format_version: u32,
        #[serde(rename = "stages")]
        _stages: BTreeMap<String, Stage>,
    }
    #[derive(Deserialize)]
    struct Stage {
        #[serde(rename = "fingerprint")]
        _fingerprint: IgnoredAny,
    }
    serde_json::from_slice::<Manifest>(manifest).is_ok()
}
