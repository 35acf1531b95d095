//! What a folder is a folder of: of images with their captions and labels beside them, or of rows with some pictures beside
//! them. Where this is not clear the user is asked: a guess would compare something else than what is meant.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::choose::table::Table;
use crate::formats::columns::Wanted;
use crate::formats::discover::file_names::{extension, folder, stem};
use crate::formats::discover::ignored::{Folders, is_document, is_mark};
use crate::formats::discover::label_images::labels;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::names::{Found, How, InputArgument};
use crate::formats::discover::pictures::Pictures;
use crate::formats::discover::sidecars::{not_about, numbers};
use crate::formats::discover::survey::Survey;
use crate::formats::file::{CompareBy, Format, Member, TextFiles};
use crate::storage::{is_url, read};

/// Pictures of a text: more are not looked for in Markdown, nor in more of it than this.
const MOST_ILLUSTRATIONS: usize = 100;
const MOST_MARKDOWN_BYTES: u64 = 4 << 20;
/// Files of a schema that are looked at for images.
const SCHEMAS_LOOKED_AT: usize = 8;
/// How many names a question lists.
const LISTED: usize = 3;

/// What of a folder is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Images,
    Rows,
}

/// A file that is a row, and the folder that its name is relative to.
type Row = (Format, std::path::PathBuf, Member);

impl Survey<'_> {
    /// Leaves out what an argument has beside its data, so that what remains is of one kind.
    pub(crate) fn settle(&mut self, argument: &mut InputArgument) -> Result<()> {
        if argument.how == How::Listed {
            self.leave_out_about_others(argument);
            let is_document = |found: &Found| found.file.format == Format::Text && is_document(&found.name);
            let (documents, files) = std::mem::take(&mut argument.files).into_iter().partition(is_document);
            (argument.documents, argument.files) = (documents, files);
            let mut folders = Folders::default();
            argument.documents.iter().for_each(|found| self.forget(&found.file.path, &mut folders));
        }
        let members = std::mem::take(&mut self.members);
        let (texts, images): (Vec<Row>, Vec<Row>) =
            members.into_iter().partition(|(kind, ..)| *kind == Format::TextTree);
        let is_alone = argument.files.is_empty() && self.others.is_empty();
        let paths = images.iter().map(|(.., member)| member.name.as_str()).filter(|_| !is_alone);
        let pictures = Pictures::new(paths);
        let reads = match images.is_empty() {
            true => Reads::Rows,
            false => self.images_or_rows(argument, &texts, &pictures)?,
        };
        if reads == Reads::Images && argument.how == How::Listed && self.asked.by().is_none() {
            check_labels(argument, &images)?;
        }
        self.leave_out_others(argument, (reads == Reads::Images).then_some(&pictures));
        if reads == Reads::Images {
            let files = std::mem::take(&mut argument.files);
            self.leave_out(files, Cause::BesideImages);
            self.leave_out_members(texts, Cause::Document);
            self.members = images;
        } else {
            self.leave_out_members(images, Cause::ImageBesideRows);
            let is_data = argument.files.is_empty() || self.asked.text_files == TextFiles::Whole;
            match is_data || argument.how == How::Named {
                true => self.members = texts,
                false => self.leave_out_members(texts, Cause::Document),
            }
        }
        Ok(())
    }

    fn images_or_rows(&self, argument: &InputArgument, texts: &[Row], pictures: &Pictures) -> Result<Reads> {
        let files = &argument.files;
        let whole = self.asked.text_files == TextFiles::Whole && !texts.is_empty();
        match self.asked.by() {
            Some(CompareBy::Image) if files.is_empty() => Ok(Reads::Images),
            Some(CompareBy::Image) if hold_images(files) => match self.asked.columns.image {
                Some(_) => Ok(Reads::Rows),
                None => Err(unclear(argument, files.iter().collect(), pictures)),
            },
            Some(CompareBy::Image) => Ok(Reads::Images),
            Some(CompareBy::Both) if !hold_images(files) => Ok(Reads::Images),
            Some(CompareBy::Text | CompareBy::Both) if !files.is_empty() || !texts.is_empty() => {
                Ok(Reads::Rows)
            }
            _ if whole => Ok(Reads::Rows),
            _ if files.is_empty() => Ok(Reads::Images),
            _ => {
                let rows = not_about(files, pictures);
                match rows.is_empty() {
                    true => Ok(Reads::Images),
                    false if illustrate(texts, pictures) => Ok(Reads::Rows),
                    false => Err(unclear(argument, rows, pictures)),
                }
            }
        }
    }

    fn leave_out(&mut self, files: Vec<Found>, cause: Cause) {
        let mut folders = Folders::default();
        for Found { file, name } in files {
            self.skipped.add(cause, name);
            self.forget(&file.path, &mut folders);
        }
    }

    /// Leaves out the files that are known to describe the others.
    fn leave_out_about_others(&mut self, argument: &mut InputArgument) {
        let about = crate::formats::discover::ignored::about_others(&argument.files);
        let mut number = 0;
        let (out, files) = std::mem::take(&mut argument.files).into_iter().partition(|_| {
            number += 1;
            about.contains(&(number - 1))
        });
        argument.files = files;
        self.leave_out(out, Cause::AboutOthers);
    }

    fn leave_out_members(&mut self, rows: Vec<Row>, cause: Cause) {
        let mut folders = Folders::default();
        for (_, base, member) in rows {
            self.forget(&base.join(&member.name), &mut folders);
            self.skipped.add(cause, member.name);
        }
    }

    /// Forgets a file that was left out, so that another argument can still name it.
    fn forget(&mut self, path: &Path, folders: &mut Folders) {
        match is_url(path) {
            true => self.seen.remove(path),
            false => folders.real(path).is_some_and(|real| self.seen.remove(&real)),
        };
    }

    /// Says why the files of unknown extensions are left out, and sets aside those of embeddings.
    fn leave_out_others(&mut self, argument: &InputArgument, pictures: Option<&Pictures>) {
        let mut others = std::mem::take(&mut self.others);
        // A glob such as `**/*` finds a file in its folder and by itself.
        others.sort();
        others.dedup();
        for (name, path) in others {
            let kind = extension(&name);
            let is_labels = ["xml", "yaml", "yml", "names", "pbtxt"].contains(&kind.as_str());
            let is_of_rows = || argument.files.iter().any(|file| belong_together(&name, &file.name));
            let cause = if argument.how != How::Listed {
                Cause::UnknownExtension
            } else if is_document(&name) {
                Cause::Document
            } else if is_mark(&name) {
                Cause::AboutOthers
            } else if pictures.is_some_and(|pictures| is_labels || pictures.pair(&name)) {
                Cause::BesideImages
            } else if kind == "npy" || (["npz", "safetensors"].contains(&kind.as_str()) && is_of_rows()) {
                self.embeddings.push((name, path));
                continue;
            } else {
                Cause::UnknownExtension
            };
            self.skipped.add(cause, name);
        }
    }

    /// Leaves out READMEs and the like, unless there is nothing else.
    pub(crate) fn leave_out_documents(&mut self, arguments: &mut [InputArgument]) {
        let is_data = |argument: &InputArgument| !argument.files.is_empty() || argument.tree.is_some();
        let is_any = arguments.iter().any(is_data);
        let mut folders = Folders::default();
        for argument in arguments {
            let mut documents = std::mem::take(&mut argument.documents);
            // One that another argument names is read.
            documents.retain(|found| !self.is_given(&found.file.path, &mut folders));
            match is_any {
                true => self.leave_out(documents, Cause::Document),
                false => {
                    // They are read, and by no other argument once more.
                    documents.retain(|found| self.enter(&found.file.path, &mut folders));
                    argument.files = documents;
                }
            }
        }
    }

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

    /// Files of embeddings beside rows are theirs, or they are not: that is asked unless what was named tells.
    pub(crate) fn ask_about_embeddings(&mut self, arguments: &[InputArgument]) -> Result<()> {
        if self.embeddings.is_empty() || self.asked.embeddings {
            return Ok(());
        }
        let files: Vec<&Found> = arguments.iter().flat_map(|argument| &argument.files).collect();
        let rows = arguments.iter().find(|argument| {
            !argument.files.is_empty()
                || argument.tree.as_ref().is_some_and(|(kind, _)| *kind == Format::TextTree)
        });
        if let Some(rows) = rows.filter(|_| self.asked.by().is_none()) {
            return Err(unused_embeddings(&self.embeddings, (rows, &files)));
        }
        for (name, _) in &self.embeddings {
            self.skipped.add(Cause::Embeddings, name);
        }
        Ok(())
    }
}

/// Whether some of the files have images in them.
fn hold_images(files: &[Found]) -> bool {
    let none = Wanted { text: None, id: None, embedding: None };
    let has_column = |found: &&Found| {
        Table::of(&found.file, &none).is_ok_and(|table| table.is_some_and(|table| table.image(None).is_ok()))
    };
    let schemas = files.iter().filter(|found| found.file.format.rows().has_schema());
    files.iter().any(|found| found.file.format == Format::Tar)
        || schemas.take(SCHEMAS_LOOKED_AT).any(|found| has_column(&found))
}

/// Whether Markdown that lies there shows all the pictures: then they are its illustrations.
fn illustrate(texts: &[Row], pictures: &Pictures) -> bool {
    let bytes: u64 = texts.iter().map(|(.., member)| member.stamp.bytes).sum();
    if texts.is_empty() || pictures.len() > MOST_ILLUSTRATIONS || bytes > MOST_MARKDOWN_BYTES {
        return false;
    }
    let read = |(_, base, member): &Row| read(&base.join(&member.name)).ok();
    let texts: Vec<String> =
        texts.iter().filter_map(read).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    pictures.names().all(|name| texts.iter().any(|text| text.contains(name)))
}

/// Whether a file of embeddings belongs to a file of rows, by their names.
fn belong_together(embeddings: &str, rows: &str) -> bool {
    let (a, b) = (stem(embeddings), stem(rows));
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (a, b) = (name(a), name(b));
    a == b || (!numbers(&a).is_empty() && numbers(&a) == numbers(&b))
}

/// Fails if some of the images look like labels of the others.
fn check_labels(argument: &InputArgument, images: &[Row]) -> Result<()> {
    let names = || images.iter().map(|(.., member)| member.name.as_str());
    let labels = labels(names());
    if labels.is_empty() {
        return Ok(());
    }
    let counted = counted("image", &labels);
    let problem = format!("holds {counted} that look like labels of other images, by their names");
    let of: HashSet<&str> = labels.into_iter().collect();
    // A folder and an extension that labels have too would find them with the images.
    let kind = |name: &str| (folder(name).to_owned(), extension(name));
    let taken: HashSet<(String, String)> = of.iter().map(|name| kind(name)).collect();
    let mut kinds: Vec<_> = names().filter(|name| !of.contains(name)).map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let globs: Vec<String> = kinds
        .iter()
        .filter(|kind| !taken.contains(kind))
        .take(LISTED)
        .map(|(folder, extension)| glob_of(&argument.place.join(folder), &[&format!("x.{extension}")]))
        .collect();
    let images = match globs.len() == kinds.len() {
        true => format!("name the images by globs: {}", globs.join(" ")),
        false => "name the images by globs that do not find these".to_owned(),
    };
    Err(Error::input(&argument.place, problem).hint(format!("{images}; --by image compares all of them")))
}

fn unclear(argument: &InputArgument, rows: Vec<&Found>, pictures: &Pictures) -> Error {
    let names: Vec<&str> = rows.iter().map(|found| found.name.as_str()).collect();
    let images = pictures.paths();
    let problem = format!(
        "holds {} and {}, and it is not clear which are to be compared",
        counted("image", &images),
        counted("file", &names).replacen(" (", " of rows (", 1),
    );
    let (of_rows, of_images) = (glob_of(&argument.place, &names), glob_of(&argument.place, &images));
    let hint = match hold_images(&argument.files) {
        true => format!("name one of the two by a glob: {of_rows} or {of_images}"),
        false => format!(
            "--by text compares the rows, --by image the images; or name the files by a glob, such as {of_rows}"
        ),
    };
    Error::input(&argument.place, problem).hint(hint)
}

fn unused_embeddings(
    embeddings: &[(String, std::path::PathBuf)],
    (argument, files): (&InputArgument, &[&Found]),
) -> Error {
    let names: Vec<&str> = embeddings.iter().map(|(name, _)| name.as_str()).collect();
    let place = embeddings[0].1.parent().unwrap_or(Path::new(""));
    let together = embeddings.iter().all(|(_, path)| path.parent() == Some(place));
    let files_of: Vec<&str> = names.iter().map(|name| name.rsplit('/').next().unwrap_or_default()).collect();
    let (of_embeddings, rows) = match together {
        true => (glob_of(place, &files_of), glob_of(&argument.place, &named(files))),
        false => (glob_of(&argument.place, &names), glob_of(&argument.place, &named(files))),
    };
    let problem = format!(
        "holds {} beside the rows, and it is not clear whether these are the embeddings of the rows",
        counted("file", &names).replacen(" (", " of embeddings (", 1)
    );
    Error::input(&argument.place, problem).hint(format!(
        "--embeddings {of_embeddings} takes them; --by text leaves them out, and so does a glob that names the rows, such as {rows}"
    ))
}

fn named<'a>(files: &[&'a Found]) -> Vec<&'a str> {
    files.iter().map(|found| found.name.as_str()).collect()
}

/// `2 files (a.jsonl, b.jsonl)`
fn counted(what: &str, names: &[&str]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    let first = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    format!("{} {what}{} ({first}{more})", names.len(), if names.len() == 1 { "" } else { "s" })
}

/// A glob, as a shell takes it, that finds such files in a folder.
fn glob_of(folder: &Path, names: &[&str]) -> String {
    let first = names.first().copied().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default();
    let ending = [".gz", ".zst"].iter().find_map(|end| Some((name.strip_suffix(end)?, *end)));
    let (plain, compressed) = ending.unwrap_or((name, ""));
    let extension = plain.rsplit_once('.').map_or("", |(_, extension)| extension);
    let deep = if names.iter().any(|name| name.contains('/')) { "**/" } else { "" };
    let folder = folder.to_string_lossy();
    let folder = match folder.trim_end_matches('/') {
        "." | "" => String::new(),
        folder => format!("{folder}/"),
    };
    format!("'{}{deep}*.{extension}{compressed}'", folder.replace('\'', r"'\''"))
}
