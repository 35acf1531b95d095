//! Leaves out what semdedup wrote: results, work directories, and what a killed run left.

use std::path::Path;

use walkdir::WalkDir;

use crate::error::Result;
use crate::formats::discover::earlier_results::{Own, own_in};
use crate::formats::discover::survey::Survey;

impl Survey<'_> {
    /// Leaves out a folder on the disk that semdedup wrote; returns whether it did. Files of ours
    /// beside others are noted, for [`Self::leaves_out_own`].
    pub(crate) fn leaves_out_own_folder(&mut self, folder: &Path, base: &Path) -> Result<bool> {
        for own in own_in(folder)? {
            match own {
                Own::Folder(cause) => {
                    self.leave_shown(cause, folder, base);
                    return Ok(true);
                }
                Own::Names(cause, names) => {
                    self.own.extend(names.into_iter().map(|name| (folder.join(name), cause)));
                }
            }
        }
        Ok(false)
    }

    /// Leaves out a file or a folder on the disk that was noted as ours, or lies in a folder that
    /// was; returns whether it is.
    pub(crate) fn leaves_out_own(&mut self, path: &Path, base: &Path) -> bool {
        if self.own.is_empty() {
            return false;
        }
        let Some(&cause) = path.ancestors().find_map(|around| self.own.get(around)) else { return false };
        for file in WalkDir::new(path).sort_by_file_name().into_iter().filter_map(std::result::Result::ok) {
            if !file.file_type().is_dir() {
                self.leave_shown(cause, file.path(), base);
            }
        }
        true
    }
}
