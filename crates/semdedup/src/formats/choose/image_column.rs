//! Finds the column of the images of a table: bytes, strings that stand for images, or one element of
//! lists of either.

use arrow_schema::DataType;

use crate::error::{Error, Result};
use crate::formats::arrow::binary::is_binary;
use crate::formats::arrow::images::is_image_type;
use crate::formats::arrow::turn_arrays::item_of;
use crate::formats::arrow::types::{is_null, is_text};
use crate::formats::choose::binary as held;
use crate::formats::choose::table::Table;
use crate::formats::choose::values::first_texts;
use crate::formats::columns::{Column, Columns};
use crate::formats::file::Format;
use crate::formats::image_columns::{ANY_IMAGE, no_images};
use crate::formats::image_links::{folder_of, is_image_link};
use crate::formats::list_path::ListPath;

const HINT: &str = "name a column of images (binary, or a struct with `bytes`) with --image-column";

impl Table<'_> {
    /// Returns the column that the user asks for, else `image`, else the only column that can hold
    /// images. Strings, which name images by paths or hold them in base64, have to be asked for, and
    /// so has an element of a list.
    pub fn image(&self, wanted: Option<&str>) -> Result<Columns> {
        let name = wanted.unwrap_or(ANY_IMAGE);
        let found = self.find(name)?;
        match (found, ListPath::of(name)) {
            (Some(column), _) if wanted.is_some() && column.is_text => return self.links(name),
            (Some(column), _) if self.is_list_of_images(column) => {
                let problem = format!("column `{name}` holds lists, and a row has one image");
                return Err(Error::input(&self.file.path, problem).hint(list_hint(column)));
            }
            (None, Some(path)) => return self.image_in_list(name, &path),
            _ => {}
        }
        if !self.file.format.rows().has_schema() {
            return self.image_in_json(name);
        }
        if let Some(column) = found {
            if column.is_image || column.kind.as_deref() == Some("null") {
                return self.bytes(name, column.is_binary);
            }
            let kind = column.kind.as_deref().unwrap_or("of another type");
            return Err(
                Error::input(&self.file.path, format!("column `{name}` is {kind}, not binary")).hint(HINT)
            );
        }
        let mut images = self.columns.iter().filter(|column| column.is_image && !column.is_nested);
        match (wanted, images.next(), images.next()) {
            (None, Some(only), None) => self.bytes(&only.name, only.is_binary),
            _ => {
                let list = self.columns.iter().find(|column| column.is_image_list);
                Err(self.missing(name).hint(list.map(list_hint).as_deref().unwrap_or(HINT)))
            }
        }
    }

    /// Returns the column of the images of JSON, which has no bytes: the `path` of objects with
    /// `bytes` and `path`, as Hugging Face writes it.
    fn image_in_json(&self, name: &str) -> Result<Columns> {
        let path = format!("{name}.path");
        let has_path = self.find(&path)?.is_some_and(|column| column.is_text);
        self.links(&path).ok().filter(|_| has_path).ok_or_else(|| no_images(self.file))
    }

    /// Returns the columns of images that are one element of each list of a column, or a field of one.
    fn image_in_list(&self, name: &str, path: &ListPath) -> Result<Columns> {
        if let Format::Csv(_) = self.file.format {
            let problem =
                format!("column `{name}` names an element of a list, and cells of CSV are not lists");
            return Err(Error::input(&self.file.path, problem).hint(
                "name a column of paths of images, data URIs or base64, one in a cell, with --image-column",
            ));
        }
        if !path.is_single() {
            let problem = format!("column `{name}` names every element of a list, and a row has one image");
            let first = name.replace("[*]", "[0]");
            let hint = format!("--image-column '{first}' compares the first image of each row");
            return Err(Error::input(&self.file.path, problem).hint(hint));
        }
        if self.find(path.column)?.is_none() && !self.knows_nothing() {
            return Err(self.missing(path.column).hint(HINT));
        }
        if !self.file.format.rows().has_schema() {
            return self.links(name).or_else(|error| self.links(&format!("{name}.path")).map_err(|_| error));
        }
        match self.kind_at(path)? {
            Some(Err(problem)) => Err(Error::input(&self.file.path, format!("column `{name}` {problem}"))
                .hint("NAME[0] names the first element of a list, NAME[-1] the last, NAME[0].FIELD a field of it")),
            Some(Ok(kind)) if is_image_type(&kind) => self.bytes(name, is_binary(&kind)),
            Some(Ok(kind)) if !is_text(&kind) && !is_null(&kind) => {
                let problem = format!("column `{name}` leads to {kind}, not to an image");
                Err(Error::input(&self.file.path, problem).hint(inner_hint(name, &kind)))
            }
            _ => self.links(name),
        }
    }

    /// Whether the values of a column are lists of images, or of strings or objects that stand for
    /// images.
    pub(crate) fn is_list_of_images(&self, column: &Column) -> bool {
        let first = first_of(column);
        let stand =
            |name: &str| self.link_columns(name).is_ok_and(|found| found.stand_for_images == Some(true));
        column.is_image_list
            || ((column.is_list || column.holds_strings)
                && (stand(&first) || stand(&format!("{first}.path"))))
    }

    /// Returns a column of bytes, and the paths beside them if it is a struct of both, as Hugging Face
    /// writes it, and bytes are missing in the first rows. Bytes that name images or hold them in
    /// base64 are read as strings are.
    fn bytes(&self, name: &str, is_binary: bool) -> Result<Columns> {
        let lists = self.lists_of(name);
        let images = Columns { image: Some(name.to_owned()), lists, ..Columns::default() };
        if is_binary {
            let links = if held::are_texts(self.file, &images)? { self.links(name).ok() } else { None };
            return Ok(links.unwrap_or(images));
        }
        let path = format!("{name}.path");
        if !self.is_text_at(&path)? || !held::lacks_images(self.file, &images)? {
            return Ok(images);
        }
        let lists = [images.lists, self.lists_of(&path)].concat();
        Ok(Columns { image_links: Some(path), lists, ..images })
    }

    /// Returns a column of strings that stand for images.
    ///
    /// # Errors
    /// The first rows have values, but no value is a path, data URI or base64 of an image.
    fn links(&self, name: &str) -> Result<Columns> {
        let Links { columns, stand_for_images } = self.link_columns(name)?;
        if stand_for_images != Some(false) {
            return Ok(columns);
        }
        let problem = match columns.lists.is_empty() {
            true => {
                format!(
                    "column `{name}` is a string, but its first values are not paths, data URIs or base64 of images"
                )
            }
            false => format!("the first values of `{name}` are not paths, data URIs or base64 of images"),
        };
        Err(Error::input(&self.file.path, problem).hint(
            "name a column of bytes, or one of paths of images, data URIs or base64, with --image-column",
        ))
    }

    fn link_columns(&self, name: &str) -> Result<Links> {
        let (image_links, lists) = (Some(name.to_owned()), self.lists_of(name));
        let columns = Columns { image_links, lists, ..Columns::default() };
        let strings = columns.links_as_texts().unwrap_or_default();
        let (found, folder) = (first_texts(self.file, &strings)?.unwrap_or_default(), folder_of(self.file));
        let mut values = found.texts.iter().filter(|value| !value.is_empty()).peekable();
        let tells = values.peek().is_some() || found.has_bad;
        let stand_for_images = tells.then(|| values.any(|value| is_image_link(value, &folder)));
        Ok(Links { columns, stand_for_images })
    }

    /// Returns the name if it reaches into a list: there is no column of exactly this name.
    fn lists_of(&self, name: &str) -> Vec<String> {
        let is_column = !matches!(self.find(name), Ok(None));
        ListPath::of(name).filter(|_| !is_column).map(|_| name.to_owned()).into_iter().collect()
    }

    /// Whether a name leads to strings.
    fn is_text_at(&self, name: &str) -> Result<bool> {
        match (self.find(name)?, ListPath::of(name)) {
            (Some(column), _) => Ok(column.is_text),
            (None, Some(path)) => Ok(matches!(self.kind_at(&path)?, Some(Ok(kind)) if is_text(&kind))),
            (None, None) => Ok(false),
        }
    }
}

/// A column of strings that may stand for images.
struct Links {
    columns: Columns,
    /// Whether one of its first values does; `None` if there are none but empty ones.
    stand_for_images: Option<bool>,
}

/// Returns the name of the first element of the lists of a column.
fn first_of(column: &Column) -> String {
    format!("{}[0]", column.name)
}

/// Returns the hint for a name that leads to lists or structs.
fn inner_hint(name: &str, kind: &DataType) -> String {
    match (item_of(kind), kind) {
        (Some(_), _) => format!("--image-column '{name}[0]' takes the first element of these lists"),
        (None, DataType::Struct(fields)) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            format!("its fields are {}: --image-column '{name}.FIELD' takes one", names.join(", "))
        }
        _ => HINT.to_owned(),
    }
}

/// Returns the hint for a column whose images are in lists.
pub(crate) fn list_hint(column: &Column) -> String {
    let (name, first) = (&column.name, first_of(column));
    let hint = format!(
        "--image-column '{first}' compares the first image of each row, and rows that differ in their further images \
         alone count as equal"
    );
    match column.may_hold_text {
        true => hint,
        // Bytes alone may be texts.
        false => format!("{hint}; if they are texts, --text-column '{name}[*]'"),
    }
}
