//! The columns that a file has; finds the columns of ids and images among them.

use crate::error::{Error, Result};
use crate::formats::choose::binary as held;
use crate::formats::choose::values::values_of;
use crate::formats::columns::{Column, Wanted};
use crate::formats::file::InputFile;
use crate::formats::image_columns::{ANY_IMAGE, no_images};
use crate::formats::image_links::{folder_of, is_image_link};

/// An error lists at most this many columns.
pub(crate) const LISTED: usize = 20;

/// The columns that images are read from.
pub(crate) struct ImageColumns {
    /// The column of bytes.
    pub bytes: Option<String>,
    /// The column of strings that name images or hold them in base64.
    pub links: Option<String>,
}

/// The columns of one file.
pub(crate) struct Table<'a> {
    pub file: &'a InputFile,
    pub columns: Vec<Column>,
}

impl<'a> Table<'a> {
    /// Reads the columns of a file; `None` where rows have no columns, as in plain text.
    pub fn of(file: &'a InputFile, wanted: &Wanted) -> Result<Option<Self>> {
        let columns = file.format.rows().columns(file, wanted)?;
        Ok(columns.map(|columns| Self { file, columns }))
    }

    /// Returns the names of the columns that are not inside others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| !column.is_nested).map(|column| column.name.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Returns the column of the ids, if the file has it.
    pub fn id(&self, id: &str) -> Result<String> {
        if self.find(id)?.is_none() && !self.knows_nothing() {
            return Err(self.missing(id).hint("name the column of the ids with --id-column"));
        }
        Ok(id.to_owned())
    }

    /// Returns the column that the user asks for, else `image`, else the only column that can hold
    /// images. Strings, which name images by paths or hold them in base64, have to be asked for.
    pub fn image(&self, wanted: Option<&str>) -> Result<ImageColumns> {
        if let Some(name) = wanted
            && self.find(name)?.is_some_and(|column| column.is_text)
        {
            self.check_links(name)?;
            return Ok(ImageColumns { bytes: None, links: Some(name.to_owned()) });
        }
        if !self.file.format.rows().has_schema() {
            // An object with `bytes` and `path`, as Hugging Face writes it: JSON has no bytes.
            let path = format!("{}.path", wanted.unwrap_or(ANY_IMAGE));
            let has_path = self.find(&path)?.is_some_and(|column| column.is_text);
            return match has_path && self.check_links(&path).is_ok() {
                true => Ok(ImageColumns { bytes: None, links: Some(path) }),
                false => Err(no_images(self.file)),
            };
        }
        let hint = "name a column of images (binary, or a struct with `bytes`) with --image-column";
        let name = wanted.unwrap_or(ANY_IMAGE);
        match self.find(name)? {
            Some(column) if column.is_image || column.kind.as_deref() == Some("null") => {
                return self.with_links(name);
            }
            Some(column) => {
                let kind = column.kind.as_deref().unwrap_or("of another type");
                let problem = format!("column `{name}` is {kind}, not binary");
                let of_list = if column.is_image_list { self.list_hint() } else { None };
                return Err(Error::input(&self.file.path, problem).hint(of_list.as_deref().unwrap_or(hint)));
            }
            None => {}
        }
        let mut images = self.columns.iter().filter(|column| column.is_image && !column.is_nested);
        match (wanted, images.next(), images.next()) {
            (None, Some(only), None) => self.with_links(&only.name),
            _ => Err(self.missing(name).hint(self.list_hint().as_deref().unwrap_or(hint))),
        }
    }

    /// Returns the hint for a table whose images are in lists.
    fn list_hint(&self) -> Option<String> {
        let column = self.columns.iter().find(|column| column.is_image_list)?;
        let name = &column.name;
        let hint =
            format!("`{name}` holds lists, and images in lists are not read: write a row for each image");
        Some(match column.may_hold_text {
            true => hint,
            // Bytes alone may be texts.
            false => format!("{hint}; if they are texts, --text-column {name}[*]"),
        })
    }

    /// Fails if none of the first strings of a column stands for an image.
    fn check_links(&self, name: &str) -> Result<()> {
        let (values, folder) = (values_of(self.file, name)?.unwrap_or_default(), folder_of(self.file));
        if values.is_empty() || values.iter().any(|value| is_image_link(value, &folder)) {
            return Ok(());
        }
        let problem =
            format!("column `{name}` is a string, and none of its first values stands for an image");
        Err(Error::input(&self.file.path, problem).hint(
            "name a column of bytes, or one of paths of images, data URIs or base64, with --image-column",
        ))
    }

    /// Whether the values of a column are strings, if only as bytes.
    pub fn is_string(&self, column: &Column) -> bool {
        column.is_text || (column.is_binary && held::holds_texts(self.file, column).unwrap_or(false))
    }

    /// Returns a column of images, and the paths beside the bytes if it is a struct of both, as
    /// Hugging Face writes it, and bytes are missing in the first rows. Bytes that name images or
    /// hold them in base64 are read as strings are.
    fn with_links(&self, name: &str) -> Result<ImageColumns> {
        let is_string = self.find(name)?.is_some_and(|column| column.is_binary && self.is_string(column));
        if is_string && self.check_links(name).is_ok() {
            return Ok(ImageColumns { bytes: None, links: Some(name.to_owned()) });
        }
        let path = format!("{name}.path");
        let has_paths = self.find(&path)?.is_some_and(|column| column.is_text);
        let links = (has_paths && held::lacks_images(self.file, name)?).then_some(path);
        Ok(ImageColumns { bytes: Some(name.to_owned()), links })
    }

    /// Whether the columns are unknown: a file without rows may have none, unless it has a schema.
    pub fn knows_nothing(&self) -> bool {
        self.columns.is_empty() && !self.file.format.rows().has_schema()
    }

    /// Finds the column of a name. A column of its own goes before one inside another.
    pub fn find(&self, name: &str) -> Result<Option<&Column>> {
        let places = [false, true].into_iter().find_map(|nested| {
            let mut named =
                self.columns.iter().filter(|column| column.is_nested == nested && column.name == name);
            named.next().map(|first| (first, 1 + named.count()))
        });
        match places {
            Some((_, times)) if times > 1 => {
                Err(Error::input(&self.file.path, format!("column `{name}` is there {times} times"))
                    .hint("rename all but one"))
            }
            found => Ok(found.map(|(column, _)| column)),
        }
    }

    /// The error for a column that the file does not have.
    pub fn missing(&self, name: &str) -> Error {
        let columns = self.listed(&|column: &Column| match &column.kind {
            Some(kind) => format!("{} ({kind})", column.name),
            None => column.name.clone(),
        });
        Error::input(&self.file.path, format!("no column `{name}`; columns are {columns}"))
    }
}

/// Returns the names of a file's columns, as far as its beginning tells; `None` where the format
/// has no columns.
pub(crate) fn names_of(file: &InputFile) -> Result<Option<Vec<String>>> {
    let table = Table::of(file, &Wanted { text: None, id: None, embedding: None })?;
    Ok(table.map(|table| table.names().map(str::to_owned).collect()))
}
