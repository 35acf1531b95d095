//! Turns files, folders and globs, as the user typed them, into the list of [`InputFile`]s that a
//! run reads.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::formats::discover::among_named::NamedInputs;
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::asked::Asked;
use crate::formats::discover::found_file::{FoundFile, row_folder};
use crate::formats::discover::left_out::Skipped;
use crate::formats::discover::names;
use crate::formats::discover::row_files::RowFolder;
use crate::formats::discover::survey::Survey;
use crate::formats::file::{FolderFiles, InputFile};
use crate::storage::{canonical_url, is_url, place};

/// The files that [`survey`] found, and those that it left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The files to read, in the order of the arguments, sorted by name inside folders and globs.
    pub files: Vec<InputFile>,
    /// The files that were found in folders and by globs but left out.
    pub skipped: Skipped,
}

/// Returns the files that `inputs` (files, folders, globs) mean; see [`survey`].
///
/// # Errors
/// Fails as [`survey`] does.
pub fn discover(inputs: &[String], exclude: &[PathBuf]) -> Result<Vec<InputFile>> {
    survey(inputs, exclude, &Asked::default()).map(|found| found.files)
}

/// Returns the files that `inputs` (files, folders, globs) mean, and those that it left out. It
/// does not enter the folders in `exclude`.
///
/// A file counts once, however often it is given. A file is named by its file name. A file in a
/// folder (or found by a glob) is named by its path relative to that folder (or to the fixed part
/// of the glob). Where names clash, all files of the arguments concerned are put under the name of
/// their folder.
///
/// Images that lie in a folder (or are found by a glob, or named one by one) are the rows of one
/// [`Format::Tree`], named by that folder. Files of rows beside them that hold their captions or
/// labels, or a table of them, are left out. Plain texts and JSON of one object beside files of rows
/// are left out too, and so is what semdedup wrote. Markdown files (`.md`) are the rows of one
/// [`Format::TextTree`] where there are neither files of rows nor images; with [`TextFiles::Whole`]
/// these and all `.txt` files are, whatever lies beside them. READMEs and licences beside data are
/// left out, and so are files that describe others. A file that an argument names is
/// read, except where other files of its folder are named one by one too and it is a README, a
/// licence or about the others: a shell turns `data/*` into the names of all files. With files of
/// embeddings ([`Asked::embeddings`]) every file that an argument names is read.
///
/// [`Format::Tree`]: crate::formats::Format::Tree
/// [`Format::TextTree`]: crate::formats::Format::TextTree
/// [`TextFiles::Whole`]: crate::formats::TextFiles::Whole
///
/// # Errors
/// A missing path, a named file of unknown extension, no file at all, or names that clash under
/// their folders too; a CSV file that several dialects fit; a table whose log tells which rows are
/// live; a folder of rows and of more text than rows. Unless `asked` says which are meant: a folder
/// of images and of rows that are not about these, or of rows and of files that may hold their
/// embeddings.
pub fn survey(inputs: &[String], exclude: &[PathBuf], asked: &Asked) -> Result<Discovered> {
    let excluded = exclude.iter().filter_map(|path| match is_url(path) {
        true => Some(canonical_url(path)),
        false => fs_err::canonicalize(path).ok(),
    });
    asked.csv.check()?;
    let mut survey = Survey::new(excluded.collect(), asked);
    let NamedInputs { read, left } = survey.without_descriptions(inputs);
    let mut arguments = Vec::with_capacity(read.len());
    for input in &read {
        let mut argument = survey.argument(input)?;
        argument.files.sort_by(|a, b| a.name.cmp(&b.name));
        survey.settle(&mut argument)?;
        arguments.push(argument);
        survey.collect_row_files(&mut arguments);
    }
    survey.leave_unread(left);
    survey.leave_out_documents(&mut arguments);
    survey.ask_about_embeddings(&arguments)?;
    for found in arguments.iter_mut().flat_map(|argument| &mut argument.files) {
        found.sniff_format(asked)?;
    }
    survey.leave_out_links(&mut arguments);
    let arguments = arguments.into_iter().map(|argument| argument.with_row_folder(asked)).collect();
    let files = names::unique(arguments)?;
    if files.is_empty() {
        return Err(survey.nothing_to_read(inputs));
    }
    Ok(Discovered { files, skipped: survey.skipped })
}

impl Survey<'_> {
    /// Finds the files of an argument.
    fn argument(&mut self, input: &str) -> Result<InputArgument> {
        let path = &place(input)?;
        if is_url(path) {
            return self.remote(path);
        }
        self.local(path, path.to_str().unwrap_or(input))
    }
}

impl InputArgument {
    /// Adds the folder of the files that are rows, if there are any, as one file.
    fn with_row_folder(mut self, asked: &Asked) -> Self {
        if let Some(RowFolder { format, path }) = self.row_folder.take() {
            let mut files = std::mem::take(&mut self.row_files);
            files.sort_by(|a, b| a.name.cmp(&b.name));
            let path = if path == Path::new("") { PathBuf::from(".") } else { path };
            let name = self.folder.clone();
            let mut file = row_folder(format, path, name.clone(), FolderFiles::new(files));
            file.encoding = asked.encoding.filter(|_| format.rows().is_text());
            self.files.push(FoundFile { file, name });
        }
        self
    }
}
