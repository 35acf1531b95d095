//! Tables with images: finds the columns of images, and the columns beside them that may hold
//! texts.

use crate::error::{Error, Result};
use crate::formats::arrow::nested;
use crate::formats::choose::binary as held;
use crate::formats::choose::language::{has_phrases, has_sentences};
use crate::formats::choose::table::Table;
use crate::formats::choose::values::{shown_values_of, values_of};
use crate::formats::columns::{Column, Wanted};
use crate::formats::usual_names::{is_partner, is_usual_name};

/// At most this many columns of strings are looked into.
const MOST_COLUMNS: usize = 64;
/// An error names at most this many columns.
const NAMED: usize = 5;

impl Table<'_> {
    /// Whether rows are compared by image if the user names nothing; `None` if there are no rows to
    /// tell.
    ///
    /// # Errors
    /// A table that has images and texts, unless texts are optional: rows of equal texts may have
    /// different images, and rows of equal images different texts.
    pub fn is_of_images(&self, wanted: &Wanted, text_optional: bool) -> Result<Option<bool>> {
        let (mut images, mut may_be_images) = (Vec::new(), false);
        // The bytes inside an image of Hugging Face are not another image.
        let is_part = |column: &Column| {
            let is_in =
                |outer: &Column| outer.is_image && nested::inside(&column.name, &outer.name).is_some();
            self.columns.iter().any(is_in)
        };
        for column in self.columns.iter().filter(|column| !is_part(column)) {
            let holds_images = match column.is_image {
                true => held::holds_images(self.file, column)?,
                false => Some(column.is_image_list),
            };
            may_be_images |= holds_images.is_none();
            if holds_images == Some(true) {
                images.push(column);
            }
        }
        if images.is_empty() && !may_be_images {
            return Ok(Some(false));
        }
        if images.is_empty() && self.columns.iter().any(|column| column.is_binary && self.is_string(column)) {
            return Ok(Some(false));
        }
        if images.is_empty() || text_optional {
            return Ok(match self.unasked(wanted) {
                Ok(None) => None,
                texts => Some(texts.is_err()),
            });
        }
        match self.texts_beside(&images, wanted)? {
            None => Ok(None),
            Some(texts) if texts.is_empty() => Ok(Some(true)),
            Some(texts) => Err(self.both(&images, &texts)),
        }
    }

    /// Returns the columns beside the images that may hold texts, by their names and values; `None`
    /// if there are no rows.
    fn texts_beside(&self, images: &[&Column], wanted: &Wanted) -> Result<Option<Vec<&Column>>> {
        let is_image = |column: &Column| {
            let is_of = |image: &&Column| {
                column.name == image.name || nested::inside(&column.name, &image.name).is_some()
            };
            images.iter().any(is_of)
        };
        let is_other = |column: &&Column| {
            !column.has_nested
                && column.kind.as_deref() != Some("null")
                && !is_image(column)
                && !wanted.names().any(|name| name == column.name)
        };
        let (mut found, mut looked_into) = (Vec::new(), 0);
        for column in self.columns.iter().filter(is_other) {
            let name = column.name.rsplit('.').next().unwrap_or_default();
            let is_string = column.is_text || (column.is_binary && held::holds_texts(self.file, column)?);
            if column.is_turns || (is_string && is_usual_name(name)) {
                found.push(column);
            } else if (is_string || column.holds_strings) && looked_into < MOST_COLUMNS {
                looked_into += 1;
                let values = match is_string {
                    true => values_of(self.file, &column.name)?,
                    false => shown_values_of(self.file, &column.name)?,
                };
                let Some(values) = values else { return Ok(None) };
                let values = || values.iter().map(String::as_str);
                if has_sentences(values()) || (is_partner(name) && has_phrases(values())) {
                    found.push(column);
                }
            }
        }
        Ok(Some(found))
    }

    /// The error for a table with images and texts if the user names neither.
    fn both(&self, images: &[&Column], texts: &[&Column]) -> Error {
        let problem = format!(
            "has images in {} and texts in {}, and it is not clear which are to be compared",
            listed(images),
            listed(texts)
        );
        let readable = images.iter().find(|image| image.is_image);
        let (first, which) = match readable {
            Some(image) => (image.name.clone(), "these images"),
            None => (format!("'{}[0]'", images[0].name), "the first image of each row"),
        };
        let hint = match images {
            [_] if self.image(None).is_ok() => "--by image compares the images, --by text the texts, --by both rows by the mean of both similarities".to_owned(),
            _ => format!(
                "--image-column {first} compares {which}, --by text the texts, --by both --image-column {first} rows by the mean of both \
                 similarities"
            ),
        };
        Error::input(&self.file.path, problem).hint(hint)
    }
}

fn listed(columns: &[&Column]) -> String {
    let names: Vec<String> = columns.iter().take(NAMED).map(|column| format!("`{}`", column.name)).collect();
    match columns.len() {
        count if count > NAMED => format!("{} and {} more", names.join(", "), count - NAMED),
        _ => names.join(", "),
    }
}
