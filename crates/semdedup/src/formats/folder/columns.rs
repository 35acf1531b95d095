//! Settles the columns of a folder whose files are rows.

use crate::error::{Error, Result};
use crate::formats::columns::{Columns, DEFAULT_TEXT, Found, RunColumns};
use crate::formats::file::InputFile;
use crate::formats::folder::columns;
use crate::formats::image_columns::{ANY_IMAGE, no_images};

/// Returns the columns of a folder of images: `image`, and `path`, which is the id where no other
/// file has ids.
pub(crate) fn file_columns(
    file: &InputFile,
    &RunColumns { choice, by, only_folders, .. }: &RunColumns,
) -> Result<Columns> {
    let given = choice.text_optional;
    let wrong = [(&choice.text, "text"), (&choice.embedding, "embedding")];
    if let Some((Some(name), what)) = wrong.into_iter().find(|(name, _)| name.is_some()) {
        let problem = format!("no {what} column `{name}`: this is a folder of images");
        return Err(Error::input(&file.path, problem).hint(format!("leave out --{what}-column")));
    }
    if by.text() && !given {
        return Err(Error::input(&file.path, "this is a folder of images, which have no texts")
            .hint("use --by image"));
    }
    let checked = |chosen: &Option<String>, known: &str| match chosen {
        Some(name) if name != known => Err(Error::input(
            &file.path,
            format!("no column `{name}`: a folder of images has `{ANY_IMAGE}` and `{}`", columns::PATH),
        )),
        _ => Ok(()),
    };
    checked(&choice.image, ANY_IMAGE)?;
    checked(&choice.id, columns::PATH)?;
    let id = (choice.id.is_some() || only_folders).then(|| columns::PATH.to_owned());
    Ok(Columns { id, image: (!given).then(|| ANY_IMAGE.to_owned()), ..Columns::default() })
}

/// The column of the paths of the files.
pub(crate) const PATH: &str = "path";

/// Returns the columns of a folder of texts: `text`, and `path`, which is the id where no other
/// file has ids.
pub(crate) fn text_file_columns(
    file: &InputFile,
    &RunColumns { choice, by, only_folders, .. }: &RunColumns,
) -> Result<Columns> {
    if by.image() && !choice.text_optional {
        return Err(no_images(file));
    }
    let asked = [
        (&choice.text, Some(DEFAULT_TEXT), "--text-column"),
        (&choice.id, Some(PATH), "--id-column"),
        (&choice.embedding, None, "--embedding-column"),
    ];
    for (name, known, option) in asked {
        if let Some(name) = name.as_deref().filter(|name| Some(*name) != known) {
            let problem = format!("no column `{name}`: a folder of texts has `{DEFAULT_TEXT}` and `{PATH}`");
            return Err(Error::input(&file.path, problem)
                .hint(format!("leave out {option}, or the files of plain text")));
        }
    }
    let id = (choice.id.is_some() || only_folders).then(|| PATH.to_owned());
    Ok(Columns { text: Some(DEFAULT_TEXT.to_owned()), id, found: Found::Text, ..Columns::default() })
}
