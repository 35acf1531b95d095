//! Which columns of a file hold the texts and the ids, settled for all files before any work starts.

use serde::{Deserialize, Serialize};

use super::images::{file_columns, no_images, rows_by, sample_columns};
use super::schema::{Table, Wanted};
use super::tree::text_file_columns;
use super::{By, Format, InputFile};
use crate::Result;

pub(super) const DEFAULT_TEXT: &str = "text";

/// What the user asked for. `meta.text` names a column inside another, unless there is a column of just this name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// The column of the texts.
    pub text: Option<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings, lists of numbers.
    pub embedding: Option<String>,
    /// The column of the images.
    pub image: Option<String>,
    /// What of a row is compared; where nothing is named, the first file decides ([`rows_by`]).
    pub by: Option<By>,
    /// Whether rows can do without a text, because their embeddings are given.
    pub text_optional: bool,
}

/// What that means for one file. The text of a plain text file is the line; its `text` is "text".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The column of the texts; none where there need be none.
    pub text: Option<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings.
    pub embedding: Option<String>,
    /// The column of the images.
    #[serde(default)]
    pub image: Option<String>,
}

/// Finds the columns of every file: the text column asked for, else `text`, else whichever of `caption` and `TEXT` (the
/// captions of clip-retrieval and LAION) is there, else the only column of strings; where texts are optional, perhaps none.
///
/// # Errors
/// A file without the column asked for, or one whose text column is not the one that the files before it have, or is
/// not of strings; an embedding column that is not of lists; an id or embedding column asked for of plain text. Each names the file and lists its columns.
pub fn resolve_columns(files: &[InputFile], choice: &ColumnChoice) -> Result<Vec<Columns>> {
    let mut first: Option<(&InputFile, Option<String>)> = None;
    let mut resolved = Vec::with_capacity(files.len());
    let by = rows_by(files, choice)?;
    let text_optional = choice.text_optional || !by.text();
    let reads_images = by.image() && !choice.text_optional;
    let only_trees = files.iter().all(|file| file.format.is_tree());
    for file in files {
        match file.format {
            Format::Tar => {
                resolved.push(sample_columns(file, choice, by)?);
                continue;
            }
            Format::Tree => {
                resolved.push(file_columns(file, choice, (by, only_trees))?);
                continue;
            }
            Format::TextTree => {
                resolved.push(text_file_columns(file, choice, (by, only_trees))?);
                continue;
            }
            _ => {}
        }
        let text = choice.text.as_deref().or(first.as_ref().and_then(|(_, text)| text.as_deref()));
        let wanted = Wanted { text, id: choice.id.as_deref(), embedding: choice.embedding.as_deref() };
        let Some(table) = Table::of(file, &wanted)? else {
            if reads_images {
                return Err(no_images(file));
            }
            resolved.push(Columns { text: Some(DEFAULT_TEXT.to_owned()), ..Columns::default() });
            continue;
        };
        let text = match (table.text(&wanted), &first) {
            (Ok(text), _) => Some(text),
            (Err(_), _) if choice.text.is_none() && text_optional => None,
            (Err(error), Some((other, Some(text)))) if choice.text.is_none() => {
                let other = other.path.display();
                return Err(
                    error.hint(format!("{other} has its texts in `{text}`; choose with --text-column"))
                );
            }
            (Err(error), _) => return Err(error),
        };
        let id = wanted.id.map(|id| table.id(id)).transpose()?;
        let embedding = wanted.embedding.map(|name| table.embedding(name)).transpose()?;
        let image = reads_images.then(|| table.image(choice.image.as_deref())).transpose()?;
        // A file without rows has no columns to speak of, so it does not decide for the others.
        if first.is_none() && !table.is_empty() {
            first = Some((file, text.clone()));
        }
        resolved.push(Columns { text, id, embedding, image });
    }
    Ok(resolved)
}

/// The names of a file's columns, as far as its beginning tells; none where the format has no columns.
pub(super) fn names_of(file: &InputFile) -> Result<Option<Vec<String>>> {
    let table = Table::of(file, &Wanted { text: None, id: None, embedding: None })?;
    Ok(table.map(|table| table.names().map(str::to_owned).collect()))
}
