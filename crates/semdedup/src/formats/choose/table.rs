//! The columns that a file has; finds the column of ids among them.

use crate::error::{Error, Result};
use crate::formats::choose::binary as held;
use crate::formats::columns::{Column, Wanted};
use crate::formats::file::InputFile;

/// An error lists at most this many columns.
pub(crate) const LISTED: usize = 20;

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

    /// Whether the values of a column are strings, if only as bytes.
    pub fn is_string(&self, column: &Column) -> bool {
        column.is_text || (column.is_binary && held::holds_texts(self.file, column).unwrap_or(false))
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
    let table = Table::of(file, &Wanted { text: None, id: None, embedding: None, image: None })?;
    Ok(table.map(|table| table.names().map(str::to_owned).collect()))
}
