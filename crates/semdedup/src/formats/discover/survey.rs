//! The state of a search for files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::asked::Asked;
use crate::formats::discover::left_out::{Cause, Skipped};
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
            row_files: Vec::new(),
            others: Vec::new(),
            embeddings: Vec::new(),
        }
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
        let hidden = "hidden files and the output folders are left out";
        let known = known_extensions();
        error.hint(match self.embeddings.is_empty() {
            true => format!("known extensions are {known}; {hidden}"),
            false => {
                format!("files of embeddings are named with --embeddings; extensions of rows are {known}; {hidden}")
            }
        })
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

/// Returns why a hidden file is left out. Files that editors and other systems leave beside data
/// are not reported.
pub(crate) fn hidden_cause(path: &str, is_known: bool) -> Cause {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_litter = name.starts_with("._") || name.starts_with(".#") || name.starts_with(".~");
    if is_known && !is_litter { Cause::HiddenData } else { Cause::Hidden }
}
