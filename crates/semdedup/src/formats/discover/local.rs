//! Finds inputs on local disks: a file, or the files of a folder.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use semdedup_embed::{FileKind, Group, kind_of_name};
use walkdir::{DirEntry, WalkDir};

use crate::error::{Error, Result};
use crate::foreign;
use crate::formats::discover::argument::{How, InputArgument};
use crate::formats::discover::earlier_results::check_finished;
use crate::formats::discover::found_file::{
    FoundFile, folder_name, layout, layout_by_content, relative_name,
};
use crate::formats::discover::hidden::SpelledOut;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::row_files::{Link, OtherFile, RowFile};
use crate::formats::discover::survey::{Survey, inside_output, shown, unknown_extension};
use crate::formats::discover::table_folders::{check_around, check_file, check_folder};
use crate::formats::file::FolderFile;
use crate::storage::Stamp;

/// A folder whose files are taken.
pub(crate) struct ListedFolder<'a> {
    /// The folder that names are relative to.
    pub base: &'a Path,
    /// The hidden names that are taken.
    pub spelled_out: SpelledOut,
}

impl Survey<'_> {
    /// Finds the files of an argument that lie on a local disk.
    pub(crate) fn local(&mut self, path: &Path, input: &str) -> Result<InputArgument> {
        match fs_err::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                if let Some(excluded) = self.excluded_around(path)? {
                    return Err(inside_output(path, &excluded));
                }
                if let Some(kind) = kind_of_folder(path) {
                    return Err(foreign::not_read(path, kind));
                }
                check_around(path)?;
                check_finished(path)?;
                let mut files = Vec::new();
                let listed = ListedFolder { base: path, spelled_out: SpelledOut::default() };
                self.walk(path, &listed, &mut files)?;
                Ok(InputArgument::new(folder_name(path), files).found_in(How::Listed, path))
            }
            Ok(metadata) if metadata.is_file() => self.named_file(path, &metadata),
            Ok(_) => Err(Error::input(path, "is neither a file nor a folder")),
            Err(_) if leads_nowhere(path) => Err(Error::input(path, "is a link that leads nowhere")
                .hint("fetch its file, for example by `git annex get` or `dvc pull`")),
            Err(_) if input.contains(['*', '?', '[']) => self.glob(input),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::input(path, "no such file or folder"))
            }
            Err(error) => Err(Error::input(path, error)),
        }
    }

    fn named_file(&mut self, path: &Path, metadata: &Metadata) -> Result<InputArgument> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = relative_name(path, folder)?;
        if let Some(format) = self.row_format(&name) {
            if let Some(excluded) = self.excluded_around(path)? {
                return Err(inside_output(path, &excluded));
            }
            if self.is_new(path)? {
                let stamp = Stamp::from_metadata(path, metadata)?;
                let file = FolderFile { name, stamp };
                self.row_files.push(RowFile { format, folder: folder.to_path_buf(), file });
            }
            return Ok(InputArgument::new(folder_name(folder), Vec::new()));
        }
        let Some(layout) = layout(&name).or_else(|| layout_by_content(path)) else {
            return Err(unknown_extension(path));
        };
        let mut files = Vec::new();
        if self.is_new(path)? {
            let stamp = Stamp::from_metadata(path, metadata)?;
            files.push(FoundFile::new(path.to_path_buf(), name, layout, stamp));
        }
        Ok(InputArgument::new(folder_name(folder), files))
    }

    /// Takes the files in `root`, or `root` itself.
    pub(crate) fn walk(
        &mut self,
        root: &Path,
        listed: &ListedFolder,
        files: &mut Vec<FoundFile>,
    ) -> Result<()> {
        // Links are followed: downloads are often folders of links into a store.
        let mut entries = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // A link to a folder around it: the files there are found anyway.
                Err(error) if error.loop_ancestor().is_some() => continue,
                Err(error) if error.path().is_some_and(|path| self.skips_link(path, listed)) => continue,
                // A folder that cannot be read may hold data, so it is never skipped.
                Err(error) if error.path().is_some_and(|path| !path.is_dir() && self.skips(path, listed)) => {
                    continue;
                }
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_path_buf();
                    return Err(Error::input(path, error));
                }
            };
            if entry.file_type().is_dir() {
                if self.skips_folder(&entry, listed)? {
                    entries.skip_current_dir();
                }
            } else if !self.skips(entry.path(), listed) {
                self.take(&entry, listed.base, files)?;
            }
        }
        Ok(())
    }

    /// Whether a folder is skipped because it is excluded, hidden or a data set of its own.
    fn skips_folder(&mut self, folder: &DirEntry, listed: &ListedFolder) -> Result<bool> {
        let path = folder.path();
        if self.excluded_around(path).is_ok_and(|around| around.is_some()) {
            self.skipped.add(Cause::Excluded, shown(path, listed.base));
            return Ok(true);
        }
        if self.leaves_out_hidden_folder(path, listed.base, &listed.spelled_out)
            || self.leaves_out_own(path, listed.base)
        {
            return Ok(true);
        }
        self.skips_data_set(path, listed.base)
    }

    /// Whether a folder is skipped because semdedup wrote it, or because it is a data set of Lance
    /// or Zarr.
    ///
    /// # Errors
    /// A table of Delta Lake, Iceberg, Hudi, Hive or Paimon.
    pub(crate) fn skips_data_set(&mut self, folder: &Path, base: &Path) -> Result<bool> {
        let is_other =
            || kind_of_name(&folder.to_string_lossy()).is_some_and(|kind| kind.group == Group::Folder);
        if self.leaves_out_own_folder(folder, base)? {
            return Ok(true);
        }
        if is_other() {
            self.leave_shown(Cause::OtherFolder, folder, base);
            return Ok(true);
        }
        check_folder(folder).map(|()| false)
    }

    /// Returns the excluded folder that a path leads into, if it does. A glob finds files there
    /// without entering the folder, and a link leads there from elsewhere.
    pub(crate) fn excluded_around(&self, path: &Path) -> Result<Option<PathBuf>> {
        if self.excluded.is_empty() {
            return Ok(None);
        }
        let real = fs_err::canonicalize(path).map_err(|error| Error::input(path, error))?;
        Ok(real.ancestors().find(|around| self.excluded.contains(*around)).map(Path::to_path_buf))
    }

    /// Whether a file is skipped because it is hidden, its extension is not read, or its name
    /// cannot be that of a kept file.
    fn skips(&mut self, path: &Path, listed: &ListedFolder) -> bool {
        let name = shown(path, listed.base);
        if self.leaves_out_hidden(&name, path, &listed.spelled_out) || self.leaves_out_own(path, listed.base)
        {
            return true;
        }
        if !self.is_known(&name) {
            self.others.push(OtherFile { name, path: path.to_path_buf() });
            return true;
        }
        let is_utf8 = path.strip_prefix(listed.base).unwrap_or(path).to_str().is_some();
        if !is_utf8 {
            self.leave(Cause::NotUtf8, path, &name);
        }
        !is_utf8
    }

    /// Whether a path is skipped because it is a link that leads nowhere.
    fn skips_link(&mut self, path: &Path, listed: &ListedFolder) -> bool {
        if !leads_nowhere(path) {
            return false;
        }
        let name = shown(path, listed.base);
        if !self.leaves_out_hidden(&name, path, &listed.spelled_out) {
            self.leave(Cause::Dangling, path, &name);
        }
        true
    }

    /// Takes a file that a folder or a glob has.
    fn take(&mut self, entry: &DirEntry, base: &Path, files: &mut Vec<FoundFile>) -> Result<()> {
        let path = entry.path();
        let metadata = fs_err::metadata(path).map_err(|error| Error::input(path, error))?;
        if !metadata.is_file() {
            return Err(Error::input(path, "is not a file"));
        }
        if self.excluded_around(path)?.is_some() {
            self.skipped.add(Cause::Excluded, shown(path, base));
            return Ok(());
        }
        check_file(path)?;
        let name = relative_name(path, base)?;
        if let Some(format) = self.row_format(&name) {
            if self.is_new(path)? {
                let stamp = Stamp::from_metadata(path, &metadata)?;
                let file = FolderFile { name, stamp };
                self.row_files.push(RowFile { format, folder: base.to_path_buf(), file });
            }
            return Ok(());
        }
        if let Some(layout) = layout(&name)
            && self.is_new(path)?
        {
            let stamp = Stamp::from_metadata(path, &metadata)?;
            files.push(FoundFile::new(path.to_path_buf(), name, layout, stamp));
        }
        Ok(())
    }

    /// Whether this file has not been given before. Folders are compared by where they really are,
    /// but two links in one folder are two files: each has its own name in the output, and leaving
    /// one out would lose it.
    fn is_new(&mut self, path: &Path) -> Result<bool> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = fs_err::canonicalize(folder).map_err(|error| Error::input(path, error))?;
        let new = self.seen.insert(folder.join(path.file_name().unwrap_or_default()));
        if !new {
            self.skipped.add(Cause::Repeated, path.to_string_lossy());
        }
        if new && path.is_symlink() {
            let target = fs_err::canonicalize(path).map_err(|error| Error::input(path, error))?;
            self.links.push(Link { path: path.to_path_buf(), target });
        }
        Ok(new)
    }
}

/// Whether a path is a link whose file is not there. A disk that does not answer says nothing of
/// it.
pub(crate) fn leads_nowhere(path: &Path) -> bool {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    let is_missing = |error: &std::io::Error| {
        #[cfg(unix)]
        let is_circle = error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32);
        #[cfg(not(unix))]
        let is_circle = false;
        is_circle || [NotFound, NotADirectory, InvalidFilename].contains(&error.kind())
    };
    path.is_symlink() && std::fs::metadata(path).is_err_and(|error| is_missing(&error))
}

/// Returns what a folder is that is a data set of Lance or Zarr, by its name or its files.
fn kind_of_folder(folder: &Path) -> Option<&'static FileKind> {
    let has = |name: &str| folder.join(name).exists();
    let by_name = kind_of_name(&folder.to_string_lossy()).filter(|kind| kind.group == Group::Folder);
    if by_name.is_some() {
        by_name
    } else if [".zarray", ".zgroup", "zarr.json"].into_iter().any(has) {
        kind_of_name("x.zarr")
    } else if has("_versions") && has("data") {
        kind_of_name("x.lance")
    } else {
        None
    }
}
