//! The state of a search for files.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use semdedup_embed::kind_of_name;

use crate::error::Error;
use crate::foreign;
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::asked::Asked;
use crate::formats::discover::found_file::layout;
use crate::formats::discover::left_out::{Cause, LeftOut, Skipped, describe};
use crate::formats::discover::row_files::{Link, OtherFile, RowFile, RowFolder};
use crate::formats::file::{Format, TextFiles};
use crate::formats::image_columns::is_image;
use crate::formats::registry::known_extensions;

/// A search for the files of a run, argument after argument.
pub(crate) struct Survey<'a> {
    /// Folders that the run writes: their files are not read.
    pub(crate) excluded: HashSet<PathBuf>,
    /// The files that were taken, by where they really are.
    pub(crate) seen: HashSet<PathBuf>,
    /// Links that were taken.
    pub(crate) links: Vec<Link>,
    pub(crate) skipped: Skipped,
    /// Files and folders on the disk that semdedup wrote beside others, with the reason why they
    /// are no input.
    pub(crate) own: HashMap<PathBuf, Cause>,
    /// What was left out by [`Survey::leave`].
    left: HashSet<PathBuf>,
    /// Folders around the matches of globs, each with whether it is skipped.
    pub(crate) known_folders: HashMap<PathBuf, bool>,
    pub(crate) asked: &'a Asked,
    /// Files that are rows by themselves, of the argument that is being searched.
    pub(crate) row_files: Vec<RowFile>,
    /// Files of extensions that are not read, of the argument that is being searched.
    pub(crate) others: Vec<OtherFile>,
    /// Files of embeddings that the user did not ask for.
    pub(crate) embeddings: Vec<OtherFile>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(excluded: HashSet<PathBuf>, asked: &'a Asked) -> Self {
        Self {
            excluded,
            asked,
            seen: HashSet::new(),
            links: Vec::new(),
            skipped: Skipped::default(),
            own: HashMap::new(),
            left: HashSet::new(),
            known_folders: HashMap::new(),
            row_files: Vec::new(),
            others: Vec::new(),
            embeddings: Vec::new(),
        }
    }

    /// Leaves out a file or a folder, once: a glob such as `**/*` finds it by itself and in its
    /// folder.
    pub(crate) fn leave(&mut self, cause: Cause, path: &Path, name: &str) {
        if self.left.insert(path.to_path_buf()) {
            self.skipped.add(cause, name);
        }
    }

    /// Leaves out a file or a folder, under its name below the folder that is listed.
    pub(crate) fn leave_shown(&mut self, cause: Cause, path: &Path, base: &Path) {
        let name = shown(path, base);
        let name = if name.is_empty() { path.to_string_lossy().into_owned() } else { name };
        self.leave(cause, path, &name);
    }

    /// Whether files of this name are rows or have rows.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        layout(name).is_some() || self.row_format(name).is_some()
    }

    /// Gives the files that are rows to the last argument, or to an earlier argument with the same
    /// folder: a shell turns `photos/*.jpg` into one argument for each image.
    pub(crate) fn collect_row_files(&mut self, arguments: &mut Vec<InputArgument>) {
        let rows = std::mem::take(&mut self.row_files);
        let Some(first) = rows.first() else { return };
        let folder = Some(RowFolder { format: first.format, path: first.folder.clone() });
        let files = rows.into_iter().map(|row| row.file);
        if let Some(same) = arguments.iter_mut().rev().find(|argument| argument.row_folder == folder) {
            same.row_files.extend(files);
            arguments.pop_if(|last| last.is_empty());
        } else if let Some(last) = arguments.last_mut() {
            (last.row_folder, last.row_files) = (folder, files.collect());
        }
    }

    /// The error for arguments that have nothing to read.
    pub(crate) fn nothing_to_read(&self, inputs: &[String]) -> Error {
        let given = inputs.iter().map(|input| format!("`{input}`")).collect::<Vec<_>>().join(", ");
        let error = Error::new(crate::error::ErrorKind::Input, format!("no file to read in {given}"));
        let LeftOut { first, .. } = self.skipped.of(Cause::UnknownExtension);
        let kind = first.iter().find_map(|name| Some((name, kind_of_name(name)?)));
        let known = known_extensions();
        let hint = match kind {
            Some((name, kind)) => format!("{name} is {}: {}", kind.what, kind.remedy_for(name)),
            None if self.embeddings.is_empty() => format!("known extensions are {known}"),
            None => {
                format!("files of embeddings are named with --embeddings; extensions of rows are {known}")
            }
        };
        let is_told = |cause: &Cause| ![Cause::UnknownExtension, Cause::Embeddings].contains(cause);
        let told = self.skipped.told().filter(|(cause, _)| is_told(cause));
        let told = told.map(|(cause, left_out)| describe(cause, left_out.count, &left_out.first));
        let hints: Vec<String> = told.chain([hint]).collect();
        error.hint(format!("{}; hidden files and the output folders are left out", hints.join("; ")))
    }

    /// Returns the format of the folder that a file of this name is a row of; `None` if such a file
    /// is not a row by itself.
    pub(crate) fn row_format(&self, name: &str) -> Option<Format> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        match extension.as_str() {
            "md" => Some(Format::TextTree),
            "txt" if self.asked.text_files == TextFiles::Whole => Some(Format::TextTree),
            extension => is_image(extension).then_some(Format::Tree),
        }
    }
}

/// The error for an input that the run would overwrite.
pub(crate) fn inside_output(path: &Path, folder: &Path) -> Error {
    Error::output(path, format!("this input lies inside {}, which the run writes", folder.display()))
        .hint("name another --out or --work: the results must not mix with what they are made from")
}

/// The error for a file that is named and whose extension is not read: what it is, if that is
/// known.
pub(crate) fn unknown_extension(path: &Path) -> Error {
    foreign::named(path).unwrap_or_else(|| {
        Error::input(path, "unknown extension").hint(format!("known extensions are {}", known_extensions()))
    })
}

/// Returns a path as the user sees it: relative to the folder that is listed.
pub(crate) fn shown(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned()
}
