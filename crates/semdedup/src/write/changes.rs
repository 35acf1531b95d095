//! Notices that a file of a finished result is not as it was written: cut short, edited, or with a bit
//! that a disk or a copy has changed.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use fs_err as fs;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::storage::{changed_ms, files_below, is_url};
use crate::summary::{FileSum, Summary, WrittenFiles};
use crate::workdir::sums::sum_of_file;
use crate::workdir::table_file::read_column;
use crate::write::publish::Files;
use crate::write::result_files::{
    KEPT, KEPT_FILES, RESULTS, WrittenFile, files_of, present, recorded, tables_of, written_of,
};

/// The files of which the bytes are compared with their sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checks {
    /// Those that something has changed since the result was finished, by the time of the change:
    /// reading all kept rows anew could take long.
    Touched,
    /// All.
    All,
}

/// What differs from the result as it was written.
#[derive(Debug)]
pub(super) enum Change {
    /// A file with rows or ids: somebody may have edited it, so it may hold their work now.
    Rows(PathBuf, &'static str),
    /// A table that semdedup alone writes.
    Table(PathBuf, &'static str),
    /// A file that is gone.
    Missing(PathBuf),
}

/// Returns the first change of a finished result; none if all its files are as they were written.
/// In a bucket only sizes are compared: the store checks the bytes itself.
pub(super) fn change(out: &Path, summary: &Summary, checks: Checks) -> Result<Option<Change>> {
    let there = present(out)?;
    let looks = Looks { out, there: &there, written: summary.written.as_ref(), checks };
    if let Some((file, how)) = looks.first(&written_of(out, summary))? {
        return Ok(Some(Change::Rows(file, how)));
    }
    let table = |name: &str| {
        let FileSum { bytes, sum } = recorded(summary, Path::new(name))?.clone();
        Some(WrittenFile { path: PathBuf::from(name), bytes, sum: Some(sum) })
    };
    if let Some((file, how)) = looks.first(&tables_of(summary).filter_map(table).collect::<Vec<_>>())? {
        return Ok(Some(Change::Table(file, how)));
    }
    let missing = files_of(out, summary).into_iter().find(|file| !there.contains_key(file));
    Ok(missing.map(Change::Missing))
}

/// How the files of a result are compared with what was written.
#[derive(Clone, Copy)]
struct Looks<'a> {
    out: &'a Path,
    there: &'a Files,
    written: Option<&'a WrittenFiles>,
    checks: Checks,
}

impl Looks<'_> {
    /// Returns the first file that is there and has changed, and how.
    fn first(self, files: &[WrittenFile]) -> Result<Option<(PathBuf, &'static str)>> {
        let change = |file: &WrittenFile| Ok(self.change(file)?.map(|how| (file.path.clone(), how)));
        files.par_iter().map(change).find_first(|change| !matches!(change, Ok(None))).unwrap_or(Ok(None))
    }

    fn change(self, file: &WrittenFile) -> Result<Option<&'static str>> {
        let Some(bytes) = self.there.get(&file.path) else { return Ok(None) };
        if *bytes != file.bytes {
            return Ok(Some("it has another size now"));
        }
        let (Some(sum), Some(written), false) = (&file.sum, self.written, is_url(self.out)) else {
            return Ok(None);
        };
        let path = self.out.join(&file.path);
        // A clock that ticks every few milliseconds gives a change right behind the last file the time
        // of that file.
        if self.checks == Checks::Touched && changed_at(&path)? < written.at_ms {
            return Ok(None);
        }
        Ok((sum_of_file(&path).map_err(Error::io)? != *sum).then_some("its bytes have changed"))
    }
}

/// Sums the files of a result in a folder of the disk, except those that its list of kept files has.
pub(super) fn sums_of(folder: &Path) -> Result<WrittenFiles> {
    let mut files = files_below(folder, RESULTS)?;
    let listed = folder.join(KEPT_FILES);
    if listed.exists() {
        let paths = read_column(&listed, "path")?;
        let paths = paths.as_string_opt::<i32>();
        for path in paths.into_iter().flatten().flatten() {
            files.remove(&Path::new(KEPT).join(path));
        }
    }
    let sum = |(file, bytes): (PathBuf, u64)| {
        let sum = sum_of_file(&folder.join(&file)).map_err(Error::io)?;
        Ok((file.to_string_lossy().into_owned(), FileSum { bytes, sum }))
    };
    Ok(WrittenFiles { at_ms: 0, files: files.into_par_iter().map(sum).collect::<Result<_>>()? })
}

/// Returns when the last file of a result on a disk was changed.
pub(super) fn last_change(out: &Path) -> Result<u64> {
    let files = files_below(out, RESULTS)?.into_keys().collect::<Vec<_>>();
    let times = files.par_iter().map(|file| changed_at(&out.join(file)));
    Ok(times.collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or(0))
}

fn changed_at(path: &Path) -> Result<u64> {
    fs::metadata(path).and_then(|metadata| changed_ms(&metadata)).map_err(Error::io)
}
