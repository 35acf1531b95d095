//! Looks at the place where a result is to go, before any work is done: a result that is in the way
//! should not come as a surprise.

use std::path::Path;

use fs_err as fs;

use crate::error::{Error, Result};
use crate::storage::marks::UNFINISHED;
use crate::storage::{canonical_url, check_writable, exists, is_file, is_url, names};
use crate::summary::{SUMMARY, Summary, read_summary};
use crate::workdir::fingerprint::Fingerprint;
use crate::write::changes::{Change, Checks, change};
use crate::write::commit_record::CommitRecord;
use crate::write::lost_summary::check_summary;
use crate::write::result_files::{KEPT, KEPT_FILES, RESULTS, files_of, has_damaged_list, present};

/// The place and the fingerprint of a result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultTarget<'a> {
    /// The output folder.
    pub(crate) out: &'a Path,
    /// The work directory.
    pub(crate) work: &'a Path,
    /// Whether another result may be replaced.
    pub(crate) overwrite: bool,
    /// The fingerprint of the result.
    pub(crate) fingerprint: &'a Fingerprint,
}

/// What is in the place of a result.
#[derive(Debug)]
pub(crate) enum Found {
    /// The same result, as it was written.
    Same(Box<Summary>),
    /// Nothing that may not be replaced. `repairs` says what is wrong with the same result, if it is
    /// there.
    Room { repairs: Option<String> },
}

impl ResultTarget<'_> {
    /// Looks at what is in the place of the result.
    ///
    /// # Errors
    /// If something is in the way.
    pub(crate) fn inspect(&self) -> Result<Found> {
        let out = self.out;
        [out, self.work].into_iter().try_for_each(check_writable)?;
        if is_file(out)? {
            return Err(Error::output(out, "this is a file, the results need a folder")
                .hint("name a new folder with --out"));
        }
        check_work(out, self.work)?;
        check_summary(out)?;
        let earlier = read_summary(out)?;
        check_foreign(out)?;
        match earlier {
            Some(summary) => self.inspect_earlier(summary),
            None => self.check_empty().map(|()| Found::Room { repairs: None }),
        }
    }

    /// Returns the summary of an earlier result if it is the same result, unless it is damaged.
    ///
    /// # Errors
    /// If the earlier result may not be replaced.
    fn inspect_earlier(&self, summary: Summary) -> Result<Found> {
        let out = self.out;
        if summary.fingerprint != self.fingerprint.as_str() {
            return match self.overwrite {
                true => Ok(Found::Room { repairs: None }),
                false => Err(Error::output(
                    out,
                    format!("holds another result ({}, from other input, options or version)", summary.goal),
                )
                .hint("--overwrite replaces it; another --out keeps both; with the same --work it is fast where input and model are the same")),
            };
        }
        let checks = if self.overwrite { Checks::All } else { Checks::Touched };
        let altered =
            |file: &Path, how| Error::output(out.join(file), format!("is not as it was written: {how}"));
        let problem = match change(out, &summary, checks)? {
            None => return Ok(Found::Same(Box::new(summary))),
            Some(Change::Rows(file, how)) if !self.overwrite => {
                return Err(
                    altered(&file, how).hint("--overwrite writes this result again; or name another --out")
                );
            }
            Some(Change::Rows(file, how) | Change::Table(file, how)) => altered(&file, how).to_string(),
            Some(Change::Missing(file)) => format!("{} is missing", out.join(file).display()),
        };
        Ok(Found::Room { repairs: Some(problem) })
    }

    /// Fails if a folder without a result holds anything but an unfinished result and the work
    /// directory.
    fn check_empty(&self) -> Result<()> {
        if self.overwrite || exists(&self.out.join(UNFINISHED))? {
            return Ok(());
        }
        match others(self.out, self.work)?.first() {
            Some(first) => Err(Error::output(self.out, format!("the folder is not empty: it holds {first}"))
                .hint("name a new or empty folder with --out")),
            None => Ok(()),
        }
    }
}

/// Fails if there are files in the places of results that semdedup did not write: these are never
/// replaced, whatever the options.
pub(super) fn check_foreign(out: &Path) -> Result<()> {
    let mut ours = CommitRecord::read(out)?.files;
    let summary = read_summary(out)?;
    ours.extend(summary.iter().flat_map(|summary| files_of(out, summary)));
    let has_damaged_list = summary.is_some_and(|summary| has_damaged_list(out, &summary));
    match present(out)?.into_keys().find(|file| !ours.contains(file)) {
        Some(_) if has_damaged_list => {
            let (list, kept) = (out.join(KEPT_FILES), out.join(KEPT));
            let problem = "is damaged, and it says which kept files semdedup wrote";
            Err(Error::output(list, problem)
                .hint(format!("move {} away, and run the same command again", kept.display())))
        }
        Some(file) => {
            Err(Error::output(out.join(file), "semdedup did not write this file and will not replace it")
                .hint("move it away, or name another --out"))
        }
        None => Ok(()),
    }
}

/// Fails if the work directory is in the place of a result, or is or contains the output folder. It
/// may be inside the output folder.
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

/// Lists the names of the files and folders in the output folder, except the work directory.
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
