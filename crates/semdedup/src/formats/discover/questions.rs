//! The errors that ask the user what a folder holds, with the options and globs that answer.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::file_names::{extension, folder};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::label_images::labels;
use crate::formats::discover::pictures::Pictures;
use crate::formats::discover::row_files::{OtherFile, RowFile};
use crate::formats::discover::sidecars::hold_images;

/// How many names or globs a question lists.
const LISTED: usize = 3;

/// Fails if some of the images look like labels of the others.
pub(crate) fn check_labels(argument: &InputArgument, images: &[RowFile]) -> Result<()> {
    let names = || images.iter().map(RowFile::name);
    let labels = labels(names());
    if labels.is_empty() {
        return Ok(());
    }
    let counted = counted("image", &labels);
    let problem = format!("holds {counted} that look like labels of other images, by their names");
    let of: HashSet<&str> = labels.into_iter().collect();
    // A glob for a folder and an extension that labels have too would also find the labels.
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

/// The error for a folder of images and of rows that are not about the images.
pub(crate) fn images_or_rows(argument: &InputArgument, rows: Vec<&FoundFile>, pictures: &Pictures) -> Error {
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

/// The error for a folder with more text than rows of other formats.
pub(crate) fn texts_or_rows(argument: &InputArgument, texts: &[&FoundFile], rows: &[&FoundFile]) -> Error {
    let (texts, rows) = (named(texts), named(rows));
    let problem = format!(
        "holds {} and {}, and it is not clear whether the lines of the texts are rows too",
        counted("file", &rows).replacen(" (", " of rows (", 1),
        counted("text", &texts),
    );
    let (of_rows, of_texts) = (glob_of(&argument.place, &rows), glob_of(&argument.place, &texts));
    Error::input(&argument.place, problem)
        .hint(format!("name what is to be compared by globs: {of_rows}, {of_texts}, or both"))
}

/// The error for files of embeddings beside rows. `argument` has the rows, and `files` are those of
/// all arguments.
pub(crate) fn unused_embeddings(
    embeddings: &[OtherFile],
    argument: &InputArgument,
    files: &[&FoundFile],
) -> Error {
    let names: Vec<&str> = embeddings.iter().map(|file| file.name.as_str()).collect();
    let place = embeddings[0].path.parent().unwrap_or(Path::new(""));
    let together = embeddings.iter().all(|file| file.path.parent() == Some(place));
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

fn named<'a>(files: &[&'a FoundFile]) -> Vec<&'a str> {
    files.iter().map(|found| found.name.as_str()).collect()
}

/// Counts names and lists the first of them: `2 files (a.jsonl, b.jsonl)`.
fn counted(what: &str, names: &[&str]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    let first = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    format!("{} {what}{} ({first}{more})", names.len(), if names.len() == 1 { "" } else { "s" })
}

/// Returns a glob, quoted for a shell, that finds files like these in a folder.
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
