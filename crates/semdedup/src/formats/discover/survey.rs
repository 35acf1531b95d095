//! The state of a search for files, and the search on local disks.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use walkdir::{DirEntry, WalkDir};

use crate::error::{Error, Result};
use crate::formats::discover::asked::Asked;
use crate::formats::discover::found_file::{KNOWN, folder_name, found, layout, relative_name};
use crate::formats::discover::ignored::is_result;
use crate::formats::discover::left_out::{Cause, Skipped};
use crate::formats::discover::names::{Found, How, InputArgument};
use crate::formats::file::{Format, Member, TextFiles};
use crate::formats::image_columns::is_image;
use crate::storage::{Stamp, is_url, place};

pub(crate) struct Survey<'a> {
    pub(crate) excluded: HashSet<PathBuf>,
    pub(crate) seen: HashSet<PathBuf>,
    /// Links that were taken, and where they lead.
    pub(crate) links: Vec<(PathBuf, PathBuf)>,
    pub(crate) skipped: Skipped,
    pub(crate) asked: &'a Asked,
    /// Files that are rows which the argument at hand has so far, with the folder that their names are relative to.
    pub(crate) members: Vec<(Format, PathBuf, Member)>,
    /// Files of extensions that are not read which the argument at hand has so far: their names, and where they lie.
    pub(crate) others: Vec<(String, PathBuf)>,
    /// Files of embeddings that nobody asked for.
    pub(crate) embeddings: Vec<(String, PathBuf)>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(excluded: HashSet<PathBuf>, asked: &'a Asked) -> Self {
        Self {
            excluded,
            asked,
            seen: HashSet::new(),
            links: Vec::new(),
            skipped: Skipped::default(),
            members: Vec::new(),
            others: Vec::new(),
            embeddings: Vec::new(),
        }
    }

    /// Makes the files that are rows the last argument's own, or those of an argument before it with the same folder: a shell
    /// turns `photos/*.jpg` into one argument for each.
    pub(crate) fn collect_members(&mut self, arguments: &mut Vec<InputArgument>) {
        let members = std::mem::take(&mut self.members);
        let Some((kind, base)) = members.first().map(|(kind, base, _)| (*kind, base.clone())) else { return };
        let members = members.into_iter().map(|(.., member)| member);
        let tree = Some((kind, base));
        if let Some(same) = arguments.iter_mut().rev().find(|argument| argument.tree == tree) {
            same.members.extend(members);
            arguments.pop_if(|last| last.is_empty());
        } else if let Some(last) = arguments.last_mut() {
            (last.tree, last.members) = (tree, members.collect());
        }
    }

    pub(crate) fn nothing_to_read(&self, inputs: &[String]) -> Error {
        let given = inputs.iter().map(|input| format!("`{input}`")).collect::<Vec<_>>().join(", ");
        let error = Error::new(crate::error::ErrorKind::Input, format!("no file to read in {given}"));
        let hidden = "hidden files and the output folders are left out";
        error.hint(match self.embeddings.is_empty() {
            true => format!("known extensions are {KNOWN}; {hidden}"),
            false => {
                format!("files of embeddings are named with --embeddings; extensions of rows are {KNOWN}; {hidden}")
            }
        })
    }

    /// The kind of rows that files of this name are, if such a file is a row.
    pub(crate) fn member_kind(&self, name: &str) -> Option<Format> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        match extension.as_str() {
            "md" => Some(Format::TextTree),
            "txt" if self.asked.text_files == TextFiles::Whole => Some(Format::TextTree),
            extension => is_image(extension).then_some(Format::Tree),
        }
    }

    pub(crate) fn argument(&mut self, input: &str) -> Result<InputArgument> {
        let path = &place(input)?;
        if is_url(path) {
            return self.remote(path);
        }
        let input = path.to_str().unwrap_or(input);
        match fs_err::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                if let Some(excluded) = self.excluded_around(path)? {
                    return Err(inside_output(path, &excluded));
                }
                let mut files = Vec::new();
                self.walk(path, path, &mut files)?;
                Ok(InputArgument::new(folder_name(path), files).found(How::Listed, path))
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
        if let Some(kind) = self.member_kind(&name) {
            if let Some(excluded) = self.excluded_around(path)? {
                return Err(inside_output(path, &excluded));
            }
            if self.is_new(path)? {
                let stamp = Stamp::from_metadata(path, metadata)?;
                self.members.push((kind, folder.to_path_buf(), Member { name, stamp }));
            }
            return Ok(InputArgument::new(folder_name(folder), Vec::new()));
        }
        let Some(layout) = layout(&name) else {
            return Err(Error::input(path, "unknown extension").hint(format!("known extensions are {KNOWN}")));
        };
        let mut files = Vec::new();
        if self.is_new(path)? {
            files.push(found(path, name, layout, metadata)?);
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
        // Nothing but what the run writes: that was hardly meant.
        let nothing =
            files.is_empty() && self.members.is_empty() && self.skipped.count(Cause::Excluded) > excluded;
        if let Some(excluded) = around.filter(|_| nothing) {
            return Err(inside_output(Path::new(pattern), &excluded));
        }
        Ok(InputArgument::new(folder_name(&base), files).found(How::by(pattern), &base))
    }

    /// Takes the files in `root` (or `root` itself), named relative to `base`.
    fn walk(&mut self, root: &Path, base: &Path, files: &mut Vec<Found>) -> Result<()> {
        // Links are followed: downloads are often folders of links into a store.
        let mut entries = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // A link to a folder around it: what is there is found anyway.
                Err(error) if error.loop_ancestor().is_some() => continue,
                // A folder that cannot be read holds nobody knows what, so it is never passed over.
                Err(error)
                    if error.path().is_some_and(|path| !path.is_dir() && self.passes_over(path, base)) =>
                {
                    continue;
                }
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_path_buf();
                    return Err(Error::input(path, error));
                }
            };
            if entry.file_type().is_dir() {
                if self.leaves_out(&entry, base) {
                    entries.skip_current_dir();
                }
            } else if !self.passes_over(entry.path(), base) {
                self.take(&entry, base, files)?;
            }
        }
        Ok(())
    }

    fn leaves_out(&mut self, folder: &DirEntry, base: &Path) -> bool {
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

    /// The excluded folder that a path leads into, if it does. A glob finds files there without entering the folder, and a
    /// link leads there from elsewhere.
    fn excluded_around(&self, path: &Path) -> Result<Option<PathBuf>> {
        if self.excluded.is_empty() {
            return Ok(None);
        }
        let real = fs_err::canonicalize(path).map_err(|error| Error::input(path, error))?;
        Ok(real.ancestors().find(|around| self.excluded.contains(*around)).map(Path::to_path_buf))
    }

    fn passes_over(&mut self, path: &Path, base: &Path) -> bool {
        let name = path.to_string_lossy();
        let is_known = layout(&name).is_some() || self.member_kind(&name).is_some();
        if is_hidden(path) {
            self.skipped.add(hidden_cause(&name, is_known), shown(path, base));
            return true;
        }
        if !is_known {
            self.others.push((shown(path, base), path.to_path_buf()));
        }
        !is_known
    }

    fn take(&mut self, entry: &DirEntry, base: &Path, files: &mut Vec<Found>) -> Result<()> {
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
        if let Some(kind) = self.member_kind(&name) {
            if self.is_new(path)? {
                let stamp = Stamp::from_metadata(path, &metadata)?;
                self.members.push((kind, base.to_path_buf(), Member { name, stamp }));
            }
            return Ok(());
        }
        if let Some(layout) = layout(&name)
            && self.is_new(path)?
        {
            files.push(found(path, name, layout, &metadata)?);
        }
        Ok(())
    }

    /// Whether this file has not been given before. Folders are compared by where they really are, but two links in
    /// one folder are two files: each has its own name in the output, and leaving one out would lose it.
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
            self.links.push((path.to_path_buf(), target));
        }
        Ok(new)
    }
}

/// The error of an input that the run would write over.
pub(crate) fn inside_output(path: &Path, folder: &Path) -> Error {
    Error::output(path, format!("this input lies inside {}, which the run writes", folder.display()))
        .hint("name another --out or --work: the results must not mix with what they are made from")
}

/// A path as it is named to the user: relative to the folder that is listed.
fn shown(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned()
}

/// Why a hidden file is left out: what editors and other systems leave beside data is not worth a word.
pub(crate) fn hidden_cause(path: &str, is_known: bool) -> Cause {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_litter = name.starts_with("._") || name.starts_with(".#") || name.starts_with(".~");
    if is_known && !is_litter { Cause::HiddenData } else { Cause::Hidden }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The folder of a glob before its first wildcard.
fn fixed_part(pattern: &str) -> PathBuf {
    let pattern = pattern.trim_start_matches("./"); // glob leaves it out of what it finds
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..wild].rfind('/').map_or_else(PathBuf::new, |slash| PathBuf::from(&pattern[..=slash]))
}
