//! Finds a column whose values say something of the rows, whatever is compared.

use crate::error::{Error, Result};
use crate::formats::choose::table::Table;
use crate::formats::columns::{ColumnChoice, Columns, RunColumns, Wanted};
use crate::formats::file::{CompareBy, InputFile};
use crate::formats::row_format::RowOf;

/// Returns the columns that read the values of one column of each file, as if it were that of the
/// ids.
///
/// # Errors
/// A file without the column, with the columns that it has.
pub(crate) fn value_columns(files: &[InputFile], name: &str) -> Result<Vec<Columns>> {
    files.iter().map(|file| value_column(file, name)).collect()
}

fn value_column(file: &InputFile, name: &str) -> Result<Columns> {
    let without_columns =
        || hinted(Error::input(&file.path, format!("no column `{name}`: its rows have no columns")));
    if matches!(file.format.rows().row_of(), RowOf::Line | RowOf::Vector) {
        return Err(without_columns());
    }
    // A format that settles its columns itself knows the names that ids can have.
    let choice = ColumnChoice { id: Some(name.to_owned()), text_optional: true, ..ColumnChoice::default() };
    let run = RunColumns { choice: &choice, by: CompareBy::Text, roles: &[], only_folders: false };
    let id = match file.format.rows().resolve(file, &run).map_err(hinted)? {
        Some(columns) => columns.id,
        None => {
            let wanted = Wanted { text: None, id: Some(name), embedding: None, image: None };
            let table = Table::of(file, &wanted)?.ok_or_else(without_columns)?;
            Some(table.id(name).map_err(hinted)?)
        }
    };
    Ok(Columns { id, ..Columns::default() })
}

/// The hint about a column that is not there.
fn hinted(error: Error) -> Error {
    error.hint("name a column that every file has; one inside another is OUTER.INNER")
}
