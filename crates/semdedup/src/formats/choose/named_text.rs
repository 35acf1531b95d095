//! Finds the text column by the names that texts and chats usually have.

use crate::error::{Error, Result};
use crate::formats::choose::binary as held;
use crate::formats::choose::candidates::{MOST_CANDIDATES, is_candidate, may_hold};
use crate::formats::choose::language::is_language;
use crate::formats::choose::table::Table;
use crate::formats::choose::values::values_of;
use crate::formats::columns::{Column, DEFAULT_TEXT, Found, Wanted};
use crate::formats::turns::CHATS;
use crate::formats::usual_names::{is_text_name, is_usual_name};

/// A column that has a usual name of texts or chats.
pub(crate) struct NamedText<'t> {
    pub column: &'t Column,
    /// [`Found::Text`] or [`Found::Name`].
    pub found: Found,
}

impl Table<'_> {
    /// Fails where a column has a usual name of texts but not their values, and another column has
    /// such values: an `article` of numbers beside a review, or a `passage` that is repeated for
    /// each of its questions. Fails too where its values are images in base64, or names of images.
    pub(crate) fn check_named(&self, column: &Column, found: Found, wanted: &Wanted) -> Result<()> {
        if self.holds_image_links(column) {
            let name = &column.name;
            let problem =
                format!("the first values of column `{name}` are images in base64, or names of images");
            return Err(Error::input(&self.file.path, problem).hint(format!(
                "--image-column {name} compares the images, --text-column {name} the strings as they are"
            )));
        }
        if found != Found::Name || !column.is_text {
            return Ok(());
        }
        let is_language_in = |column: &Column| -> Result<bool> {
            Ok(values_of(self.file, &column.name)?
                .is_none_or(|values| is_language(values.iter().map(String::as_str))))
        };
        if is_language_in(column)? {
            return Ok(());
        }
        let mut likely = vec![column];
        let others = self.columns.iter().filter(|other| other.name != column.name);
        for other in others.filter(|other| is_candidate(other, wanted)).take(MOST_CANDIDATES) {
            let may_be_text = other.is_turns || (other.is_text && is_language_in(other)?);
            if may_be_text || may_hold(other, wanted) {
                likely.push(other);
            }
        }
        match likely.len() {
            1 => Ok(()),
            _ => Err(self.no_text(DEFAULT_TEXT, Some(&likely))),
        }
    }

    /// Returns the only column that has a usual name of texts or chats, if all its values are missing:
    /// other files may have them.
    pub(crate) fn named_null(&self) -> Option<&Column> {
        let is_named = |column: &&Column| {
            !column.is_nested && column.kind.as_deref() == Some("null") && is_usual_name(&column.name)
        };
        let mut named = self.columns.iter().filter(is_named);
        named.next().filter(|_| named.next().is_none())
    }

    /// Returns the column that has a usual name of texts or chats.
    pub(crate) fn named(&self, wanted: &Wanted) -> Result<Option<NamedText<'_>>> {
        let usable = |column: &&Column| {
            is_candidate(column, wanted) && (column.is_text || column.is_turns || column.is_binary)
        };
        let columns: Vec<&Column> = self.columns.iter().filter(usable).collect();
        // In tables of pictures either `text` or `caption` may be the caption.
        let has_caption = columns.iter().any(|column| column.name.eq_ignore_ascii_case("caption"));
        let has_image = self.columns.iter().any(|column| column.is_image);
        if let Some(column) = self.find(DEFAULT_TEXT)?
            && !(has_caption && has_image)
        {
            // Its rows may then have any other column, also inside another.
            let column = self.checked(column, Found::Text)?;
            return Ok(Some(NamedText { column, found: Found::Text }));
        }
        let is_text = |column: &&&Column| column.name.eq_ignore_ascii_case(DEFAULT_TEXT);
        let is_named = |column: &&&Column| {
            let name = column.name.to_ascii_lowercase();
            is_text_name(&name) || (column.is_turns && CHATS.contains(&name.as_str()))
        };
        let mut all: Vec<&Column> = columns.iter().filter(is_text).copied().collect();
        if all.is_empty() || has_caption {
            all.extend(columns.iter().filter(is_named));
        }
        let mut named = Vec::new();
        for column in all {
            // A binary column counts only if its values are texts.
            if !column.is_binary || held::holds_texts(self.file, column)? {
                named.push(column);
            }
        }
        match named[..] {
            [] => Ok(None),
            [only] => Ok(Some(NamedText { column: self.checked(only, Found::Name)?, found: Found::Name })),
            _ => Err(self.no_text(DEFAULT_TEXT, Some(&named))),
        }
    }
}
