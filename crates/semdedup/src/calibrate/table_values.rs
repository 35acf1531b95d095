//! Reads columns of a table as text, whatever the format and the types.

use std::fmt::Write;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use crate::error::{Error, Result};
use crate::formats::arrow::display::printable;
use crate::formats::{
    Asked, BadRow, Columns, DialectChoice, Format, IdSource, InputFile, ReadLimits, Reader, survey, unquoted,
};

/// Reads a column from the first row to the last, and gives each value as text: `None` for a row
/// that has none or that cannot be read. Strings of JSON come without quotes. Returns the rows that
/// cannot be read.
///
/// # Errors
/// A damaged file, a column that it does not have.
pub(crate) fn each_value(
    file: &InputFile,
    column: &str,
    limits: &ReadLimits,
    take: &mut dyn FnMut(Option<&str>),
) -> Result<Vec<BadRow>> {
    // As an id, a column is read whatever its type is.
    let columns = Columns { id: Some(column.to_owned()), ..Columns::default() };
    let hinted = |error: Error| match error.hint_text() {
        Some(_) => error,
        None => error.hint("name a column that every file of the input has"),
    };
    let mut reader = Reader::open(file, &columns, limits, 0).map_err(hinted)?;
    let mut bad = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        let rows = chunk.parse(&columns).map_err(hinted)?;
        match (&rows.ids, chunk.id_source()) {
            (None, _) => (0..chunk.rows()).for_each(|_| take(None)),
            (Some(values), IdSource::Json) => each_token(values, take),
            (Some(values), IdSource::Typed) => each_typed(file, values, take)?,
        }
        bad.extend(rows.bad);
    }
    Ok(bad)
}

fn each_token(values: &ArrayRef, take: &mut dyn FnMut(Option<&str>)) {
    for token in values.as_string::<i32>() {
        let string = token.and_then(unquoted);
        take(string.as_deref().or(token));
    }
}

fn each_typed(file: &InputFile, values: &ArrayRef, take: &mut dyn FnMut(Option<&str>)) -> Result<()> {
    each_printed(values, take).map_err(|error| Error::input(&file.path, error))
}

/// Gives each value as Arrow prints it.
pub(crate) fn each_printed(
    values: &ArrayRef,
    take: &mut dyn FnMut(Option<&str>),
) -> std::result::Result<(), arrow_schema::ArrowError> {
    let values = printable(values);
    let (options, nulls) = (FormatOptions::default(), values.logical_nulls());
    let formatter = ArrayFormatter::try_new(values.as_ref(), &options)?;
    let mut printed = String::new();
    for row in 0..values.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            take(None);
            continue;
        }
        printed.clear();
        let _ = write!(printed, "{}", formatter.value(row));
        take(Some(&printed));
    }
    Ok(())
}

/// Columns of a table, row by row.
#[derive(Debug, Default)]
pub(crate) struct TableValues {
    /// The columns in the order asked for; none for an optional one that the table lacks.
    pub(crate) columns: Vec<Option<Vec<Option<String>>>>,
    /// The rows that cannot be read.
    pub(crate) bad: Vec<BadRow>,
}

/// Reads columns of a file of records. The last `optional` of the names may be missing.
///
/// # Errors
/// A file that is not there, that holds no records, or that lacks one of the other columns.
pub(crate) fn read_table(
    path: &Path,
    names: &[&str],
    optional: usize,
    csv: DialectChoice,
) -> Result<TableValues> {
    let file = &one_file(path, csv)?;
    let there = column_names(file, names[0])?;
    let mut table = TableValues::default();
    for (place, name) in names.iter().enumerate() {
        if !there.iter().any(|column| column == name) {
            if place + optional >= names.len() {
                table.columns.push(None);
                continue;
            }
            let problem = format!("no column `{name}`; columns are {}", there.join(", "));
            return Err(
                Error::input(path, problem).hint(format!("it needs the columns {}", needed(names, optional)))
            );
        }
        let mut values = Vec::new();
        table.bad = each_value(file, name, &ReadLimits::default(), &mut |value| {
            values.push(value.map(str::to_owned))
        })?;
        table.columns.push(Some(values));
    }
    Ok(table)
}

/// Lists the columns that a table has to have.
fn needed(names: &[&str], optional: usize) -> String {
    names[..names.len() - optional].join(", ")
}

/// Finds a file of records.
fn one_file(path: &Path, csv: DialectChoice) -> Result<InputFile> {
    let asked = Asked { csv, ..Asked::default() };
    let mut files = survey(&[path.display().to_string()], &[], &asked)?.files;
    let is_one = files.len() == 1 && !files[0].format.is_tree();
    match files.pop().filter(|_| is_one) {
        Some(file) => Ok(file),
        None => Err(Error::input(path, "this is not one file").hint("name one file of labels")),
    }
}

/// Lists the columns of a file. `wanted` is one that it should have.
fn column_names(file: &InputFile, wanted: &str) -> Result<Vec<String>> {
    let no_columns =
        || Error::input(&file.path, "no columns").hint("write the labels as CSV, TSV, JSON lines or Parquet");
    if file.format == Format::Text {
        return Err(no_columns());
    }
    let columns = Columns { id: Some(wanted.to_owned()), ..Columns::default() };
    let found = file.format.rows().columns(file, &(&columns).into())?;
    Ok(found.ok_or_else(no_columns)?.into_iter().map(|column| column.name).collect())
}
