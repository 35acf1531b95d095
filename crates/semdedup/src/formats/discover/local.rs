//! Finds inputs on local disks: a file, a folder, or the matches of a glob.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use walkdir::{DirEntry, WalkDir};

use crate::error::{Error, Result};
use crate::formats::discover::argument::{How, InputArgument};
use crate::formats::discover::found_file::{FoundFile, folder_name, layout, relative_name};
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::row_files::{Link, OtherFile, RowFile};
use crate::formats::discover::survey::{Survey, hidden_cause, inside_output};
use crate::formats::file::FolderFile;
use crate::formats::registry::known_extensions;
use crate::storage::Stamp;

impl Survey<'_> {
    /// Finds the files of an argument that lie on a local disk.
    pub(crate) fn local(&mut self, path: &Path, input: &str) -> Result<InputArgument> {
        match fs_err::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                if let Some(excluded) = self.excluded_around(path)? {
                    return Err(inside_output(path, &excluded));
                }
                let mut files = Vec::new();
                self.walk(path, path, &mut files)?;
                Ok(InputArgument::new(folder_name(path), files).found_in(How::Listed, path))
            }
            Ok(metadata) if metadata.is_file() => self.named_file(path, &metadata),
            Ok(_) => Err(Error::input(path, "is neither a file nor a folder")),
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
        let Some(layout) = layout(&name) else {
            return Err(Error::input(path, "unknown extension")
                .hint(format!("known extensions are {}", known_extensions())));
        };
        let mut files = Vec::new();
        if self.is_new(path)? {
            let stamp = Stamp::from_metadata(path, metadata)?;
            files.push(FoundFile::new(path.to_path_buf(), name, layout, stamp));
        }
        Ok(InputArgument::new(folder_name(folder), files))
    }

    fn glob(&mut self, pattern: &str) -> Result<InputArgument> {
        let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
        let matches = glob::glob_with(pattern, options)
            .map_err(|error| Error::usage(format!("the pattern `{pattern}` is not valid: {error}")))?;
        let base = fixed_part(pattern);
        let (mut files, mut matches) = (Vec::new(), matches.peekable());
        if matches.peek().is_none() {
            return Err(Error::input(pattern, "no file to read: there is nothing that the pattern picks")
                .hint("check the pattern"));
        }
        let excluded = self.skipped.count(Cause::Excluded);
        let mut around = None;
        for path in matches {
            let path = path.map_err(|error| Error::input(error.path(), error.error()))?;
            around = around.or(self.excluded_around(&path)?);
            self.walk(&path, &base, &mut files)?;
        }
        // The user can hardly mean only files that the run writes.
        let nothing =
            files.is_empty() && self.row_files.is_empty() && self.skipped.count(Cause::Excluded) > excluded;
        if let Some(excluded) = around.filter(|_| nothing) {
            return Err(inside_output(Path::new(pattern), &excluded));
        }
        Ok(InputArgument::new(folder_name(&base), files).found_in(How::by(pattern), &base))
    }

    /// Takes the files in `root`, or `root` itself, and names them relative to `base`.
    fn walk(&mut self, root: &Path, base: &Path, files: &mut Vec<FoundFile>) -> Result<()> {
        // Links are followed: downloads are often folders of links into a store.
        let mut entries = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // A link to a folder around it: the files there are found anyway.
                Err(error) if error.loop_ancestor().is_some() => continue,
                // A folder that cannot be read may hold data, so it is never skipped.
                Err(error) if error.path().is_some_and(|path| !path.is_dir() && self.skips(path, base)) => {
                    continue;
                }
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_path_buf();
                    return Err(Error::input(path, error));
                }
            };
            if entry.file_type().is_dir() {
                if self.skips_folder(&entry, base) {
                    entries.skip_current_dir();
                }
            } else if !self.skips(entry.path(), base) {
                self.take(&entry, base, files)?;
            }
        }
        Ok(())
    }

    /// Whether a folder is skipped because it is hidden, excluded or the result of a run.
    fn skips_folder(&mut self, folder: &DirEntry, base: &Path) -> bool {
        let path = folder.path();
        let cause = if folder.depth() > 0 && is_hidden(path) {
            Cause::Hidden
        } else if self.excluded_around(path).is_ok_and(|around| around.is_some()) {
            Cause::Excluded
        } else if folder.depth() > 0 && is_result(path) {
            Cause::Result
        } else {
            return false;
        };
        self.skipped.add(cause, shown(path, base));
        true
    }

    /// Returns the excluded folder that a path leads into, if it does. A glob finds files there
    /// without entering the folder, and a link leads there from elsewhere.
    fn excluded_around(&self, path: &Path) -> Result<Option<PathBuf>> {
        if self.excluded.is_empty() {
            return Ok(None);
        }
        let real = fs_err::canonicalize(path).map_err(|error| Error::input(path, error))?;
        Ok(real.ancestors().find(|around| self.excluded.contains(*around)).map(Path::to_path_buf))
    }

    /// Whether a file is skipped because it is hidden or its extension is not read.
    fn skips(&mut self, path: &Path, base: &Path) -> bool {
        let name = path.to_string_lossy();
        let is_known = layout(&name).is_some() || self.row_format(&name).is_some();
        if is_hidden(path) {
            self.skipped.add(hidden_cause(&name, is_known), shown(path, base));
            return true;
        }
        if !is_known {
            self.others.push(OtherFile { name: shown(path, base), path: path.to_path_buf() });
        }
        !is_known
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

/// Whether a folder holds the result of a run: its kept rows would be read beside their own input.
fn is_result(folder: &Path) -> bool {
    let names = ["summary.json", "scores.parquet"];
    names.iter().all(|name| folder.join(name).is_file())
        && fs_err::read(folder.join(names[0])).is_ok_and(|bytes| {
            let summary: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            summary.get("scores_fingerprint").is_some()
        })
}

/// Returns a path as the user sees it: relative to the folder that is listed.
fn shown(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Returns the folder of a glob before its first wildcard.
fn fixed_part(pattern: &str) -> PathBuf {
    let pattern = pattern.trim_start_matches("./"); // the `glob` crate leaves it out of its matches
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..wild].rfind('/').map_or_else(PathBuf::new, |slash| PathBuf::from(&pattern[..=slash]))
}
