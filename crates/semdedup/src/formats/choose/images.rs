//! Decides whether rows are compared by image: those of shards, folders, Parquet and Arrow.

use crate::error::Result;
use crate::formats::choose::table::Table;
use crate::formats::columns::{ColumnChoice, Wanted};
use crate::formats::file::{CompareBy, InputFile};
use crate::formats::row_format::Images;

/// Returns the part of a row that is compared: the part that the user asks for, else the images if
/// the first file has images and no texts, or is a folder or a shard of images, else the texts.
///
/// # Errors
/// A file whose columns cannot be read; a first file that has both images and texts, so that it is
/// not clear which to compare.
pub fn rows_by(files: &[InputFile], choice: &ColumnChoice) -> Result<CompareBy> {
    let named = match (choice.by, &choice.image, &choice.text) {
        (Some(by), ..) => Some(by),
        (None, Some(_), Some(_)) => Some(CompareBy::Both),
        (None, Some(_), None) => Some(CompareBy::Image),
        (None, None, Some(_)) => Some(CompareBy::Text),
        (None, None, None) => None,
    };
    if let Some(named) = named {
        return Ok(named);
    }
    for file in files {
        if let Some(has_images) = has_images(file, choice)? {
            return Ok(if has_images { CompareBy::Image } else { CompareBy::Text });
        }
    }
    Ok(CompareBy::default())
}

/// Whether the rows of a file are images; `None` for a file without rows, which does not tell.
fn has_images(file: &InputFile, choice: &ColumnChoice) -> Result<Option<bool>> {
    match file.format.rows().images(file)? {
        Images::Never => Ok(Some(false)),
        Images::Always => Ok(Some(true)),
        Images::Unknown => Ok(None),
        Images::InColumns => {
            let wanted = Wanted { text: None, id: choice.id.as_deref(), embedding: None, image: None };
            let Some(table) = Table::of(file, &wanted)? else { return Ok(Some(false)) };
            table.is_of_images(&wanted, choice.text_optional)
        }
    }
}
