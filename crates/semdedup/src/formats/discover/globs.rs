//! Finds the files on a disk that a glob picks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use glob::Pattern;

use crate::error::{Error, Result};
use crate::formats::discover::argument::{How, InputArgument};
use crate::formats::discover::earlier_results::check_finished;
use crate::formats::discover::found_file::folder_name;
use crate::formats::discover::hidden::{SpelledOut, is_hidden_path};
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::local::{ListedFolder, leads_nowhere};
use crate::formats::discover::survey::{Survey, inside_output, shown};
use crate::formats::discover::table_folders::check_around;
use crate::storage::climbs;

impl Survey<'_> {
    /// Finds the files that a glob picks.
    pub(crate) fn glob(&mut self, pattern: &str) -> Result<InputArgument> {
        // Hidden names are left out below: the crate has an option for those with a dot, with which it
        // panics on names that are not UTF-8.
        let matches = glob::glob(pattern)
            .map_err(|error| Error::usage(format!("the pattern `{pattern}` is not valid: {error}")))?;
        let matches = matches.filter(|path| !path.as_ref().is_ok_and(|path| climbs(pattern, path)));
        let base = fixed_part(pattern);
        let (mut files, mut matches) = (Vec::new(), matches.peekable());
        if matches.peek().is_none() {
            return Err(Error::input(pattern, "no file to read: there is nothing that the pattern picks")
                .hint("check the pattern"));
        }
        if base.is_dir() {
            check_around(&base)?;
            check_finished(&base)?;
        }
        let excluded = self.skipped.count(Cause::Excluded);
        let listed = ListedFolder { base: &base, spelled_out: SpelledOut::by(pattern) };
        let (mut around, mut folders) = (None, BTreeSet::from([base.clone()]));
        for path in matches {
            let path = path.map_err(|error| Error::input(error.path(), error.error()))?;
            folders.extend(path.parent().map(Path::to_path_buf));
            // The walk leaves out a link that leads nowhere.
            let written = if leads_nowhere(&path) { None } else { self.excluded_around(&path)? };
            let is_hidden = is_hidden_path(&shown(&path, &base), &listed.spelled_out);
            if written.is_some() || is_hidden || !self.lies_in_skipped_folder(&path, &listed)? {
                self.walk(&path, &listed, &mut files)?;
            }
            around = around.or(written);
        }
        self.leave_out_unmatched(pattern, &folders, &listed);
        // The user can hardly mean only files that the run writes.
        let nothing =
            files.is_empty() && self.row_files.is_empty() && self.skipped.count(Cause::Excluded) > excluded;
        if let Some(excluded) = around.filter(|_| nothing) {
            return Err(inside_output(Path::new(pattern), &excluded));
        }
        Ok(InputArgument::new(folder_name(&base), files).found_in(How::by(pattern), &base))
    }

    /// Whether a match lies in a folder that is left out, such as the result of an earlier run.
    fn lies_in_skipped_folder(&mut self, path: &Path, listed: &ListedFolder) -> Result<bool> {
        let around = path.ancestors().skip(1).take_while(|folder| folder.starts_with(listed.base));
        let around: Vec<&Path> = around.collect();
        for folder in around.into_iter().rev() {
            let is_skipped = match self.known_folders.get(folder) {
                Some(is_skipped) => *is_skipped,
                None => {
                    let is_skipped = self.skips_data_set(folder, listed.base)?;
                    self.known_folders.insert(folder.to_path_buf(), is_skipped);
                    is_skipped
                }
            };
            if is_skipped {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Leaves out the files in `folders` that the pattern would pick if their names were UTF-8: the
    /// `glob` crate says nothing of them.
    fn leave_out_unmatched(&mut self, pattern: &str, folders: &BTreeSet<PathBuf>, listed: &ListedFolder) {
        let Ok(last) = Pattern::new(pattern.rsplit('/').next().unwrap_or_default()) else { return };
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
            let Ok(entries) = fs_err::read_dir(folder) else { continue };
            let odd = entries.flatten().map(|entry| entry.path());
            for path in odd.filter(|path| path.file_name().is_some_and(|name| name.to_str().is_none())) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if last.matches(&name) && self.is_known(&name) {
                    self.leave_shown(Cause::NotUtf8, &path, listed.base);
                }
            }
        }
    }
}

/// Returns the folder of a glob before its first wildcard.
fn fixed_part(pattern: &str) -> PathBuf {
    let pattern = pattern.trim_start_matches("./"); // the `glob` crate leaves it out of its matches
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..wild].rfind('/').map_or_else(PathBuf::new, |slash| PathBuf::from(&pattern[..=slash]))
}
