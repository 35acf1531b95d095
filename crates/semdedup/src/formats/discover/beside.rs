//! Leaves out the files beside the data, with the reason for each.

use std::path::Path;

use semdedup_embed::{Group, kind_of_name};

use crate::formats::discover::argument::{How, InputArgument};
use crate::formats::discover::file_names::{extension, stem};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::ignored::{Folders, about_others, is_document, is_mark};
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::pictures::Pictures;
use crate::formats::discover::row_files::{OtherFile, RowFile};
use crate::formats::discover::sidecars::numbers;
use crate::formats::discover::survey::Survey;
use crate::formats::file::Format;
use crate::storage::atomic::TEMPORARY;
use crate::storage::is_url;

/// The extensions of labels and lists of classes beside images.
const LABELS: [&str; 5] = ["xml", "yaml", "yml", "names", "pbtxt"];

impl Survey<'_> {
    /// Leaves out files that were found.
    pub(crate) fn leave_out(&mut self, files: Vec<FoundFile>, cause: Cause) {
        let mut folders = Folders::default();
        for FoundFile { file, name } in files {
            self.skipped.add(cause, name);
            self.forget(&file.path, &mut folders);
        }
    }

    /// Leaves out files that are rows by themselves.
    pub(crate) fn leave_out_rows(&mut self, rows: Vec<RowFile>, cause: Cause) {
        let mut folders = Folders::default();
        for row in rows {
            self.forget(&row.path(), &mut folders);
            self.skipped.add(cause, row.file.name);
        }
    }

    /// Leaves out the files that are known to describe the others.
    pub(crate) fn leave_out_about_others(&mut self, argument: &mut InputArgument) {
        let about = about_others(&argument.files, self.row_files.len());
        self.leave_out_places(argument, &about, Cause::AboutOthers);
    }

    /// Sets the READMEs and other documents of an argument aside from its files.
    pub(crate) fn set_documents_aside(&mut self, argument: &mut InputArgument) {
        let is_document = |found: &FoundFile| found.file.format == Format::Text && is_document(&found.name);
        let (documents, files) = std::mem::take(&mut argument.files).into_iter().partition(is_document);
        (argument.documents, argument.files) = (documents, files);
        let mut folders = Folders::default();
        argument.documents.iter().for_each(|found| self.forget(&found.file.path, &mut folders));
    }

    /// Leaves out the files of unknown extensions, and sets aside those of embeddings. `pictures`
    /// are the images of the folder if they are what is read.
    pub(crate) fn leave_out_others(&mut self, argument: &InputArgument, pictures: Option<&Pictures>) {
        let mut others = std::mem::take(&mut self.others);
        // A glob such as `**/*` finds a file in its folder and by itself.
        others.sort();
        others.dedup();
        // Only the first names are told: those that say what to do come before others.
        others.sort_by_key(|other| kind_of_name(&other.name).is_none());
        for other in others {
            match cause_of(&other, argument, pictures) {
                Some(cause) => self.skipped.add(cause, other.name),
                None => self.embeddings.push(other),
            }
        }
    }

    /// Leaves out READMEs and other documents, unless there is nothing else.
    pub(crate) fn leave_out_documents(&mut self, arguments: &mut [InputArgument]) {
        let is_data = |argument: &InputArgument| !argument.files.is_empty() || argument.row_folder.is_some();
        let is_any = arguments.iter().any(is_data);
        let mut folders = Folders::default();
        for argument in arguments {
            let mut documents = std::mem::take(&mut argument.documents);
            // A document that another argument names is read.
            documents.retain(|found| !self.is_given(&found.file.path, &mut folders));
            if is_any {
                self.leave_out(documents, Cause::Document);
            } else {
                // The documents are read, and by one argument only.
                documents.retain(|found| self.enter(&found.file.path, &mut folders));
                argument.files = documents;
            }
        }
    }

    /// Forgets a file that was left out, so that another argument can still name it.
    fn forget(&mut self, path: &Path, folders: &mut Folders) {
        match is_url(path) {
            true => self.seen.remove(path),
            false => folders.real(path).is_some_and(|real| self.seen.remove(&real)),
        };
    }

    /// Notes that a file is read; returns whether it is new.
    fn enter(&mut self, path: &Path, folders: &mut Folders) -> bool {
        let real = if is_url(path) { Some(path.to_path_buf()) } else { folders.real(path) };
        real.is_none_or(|real| self.seen.insert(real))
    }

    fn is_given(&self, path: &Path, folders: &mut Folders) -> bool {
        match is_url(path) {
            true => self.seen.contains(path),
            false => folders.real(path).is_some_and(|real| self.seen.contains(&real)),
        }
    }
}

/// Returns why a file of unknown extension is left out; `None` if it holds embeddings.
fn cause_of(other: &OtherFile, argument: &InputArgument, pictures: Option<&Pictures>) -> Option<Cause> {
    let name = other.name.as_str();
    let kind = extension(name);
    let is_of_rows = || argument.files.iter().any(|file| belong_together(name, &file.name));
    // A picture of another format is no caption, whatever its name.
    let is_picture =
        kind_of_name(name).is_some_and(|kind| [Group::Picture, Group::Media].contains(&kind.group));
    let is_of_images =
        |pictures: &Pictures| !is_picture && (LABELS.contains(&kind.as_str()) || pictures.pair(name));
    if name.ends_with(TEMPORARY) {
        return Some(Cause::Unfinished);
    }
    if argument.how != How::Listed {
        return Some(Cause::UnknownExtension);
    }
    if is_document(name) {
        return Some(Cause::Document);
    }
    if is_mark(name) {
        return Some(Cause::AboutOthers);
    }
    if pictures.is_some_and(is_of_images) {
        return Some(Cause::BesideImages);
    }
    let is_embeddings = match kind.as_str() {
        "npy" => true,
        "npz" | "safetensors" => is_of_rows(),
        _ => false,
    };
    (!is_embeddings).then_some(Cause::UnknownExtension)
}

/// Whether a file of embeddings belongs to a file of rows, by their names.
fn belong_together(embeddings: &str, rows: &str) -> bool {
    let (a, b) = (stem(embeddings), stem(rows));
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (a, b) = (name(a), name(b));
    a == b || (!numbers(&a).is_empty() && numbers(&a) == numbers(&b))
}
