//! Parses rows out of Arrow's record batches, whichever format they were read from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, LargeBinaryArray, LargeStringArray, RecordBatch};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Fields};
use arrow_select::nullif::nullif;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::formats::arrow::guard::{Damaged, catch_panics};
use crate::formats::arrow::images::images_of;
use crate::formats::arrow::list_elements::values_at;
use crate::formats::arrow::strings::{Checked, NotUtf8, with_strings};
use crate::formats::arrow::turn_arrays::RowValues;
use crate::formats::arrow::types::is_null;
use crate::formats::arrow::vectors::vectors_of;
use crate::formats::arrow::{binary, nested};
use crate::formats::columns::Columns;
use crate::formats::row_format::UnparsedRows;
use crate::formats::rows::{BadRow, Rows, join, not_utf8};
use crate::formats::turns;

/// Some rows with the projected columns.
pub(crate) struct RowBatch {
    pub first_row: u64,
    pub batch: RecordBatch,
    /// The values of string columns that are not UTF-8; in the batch they are empty.
    pub not_utf8: Vec<NotUtf8>,
    pub damaged: Damaged,
}

impl RowBatch {
    /// Returns some of these rows.
    pub fn slice(&self, start: usize, rows: usize) -> Self {
        let inside = |bad: &&NotUtf8| (start..start + rows).contains(&bad.row);
        let counted = |bad: &NotUtf8| NotUtf8 { row: bad.row - start, ..bad.clone() };
        Self {
            first_row: self.first_row + start as u64,
            batch: self.batch.slice(start, rows),
            not_utf8: self.not_utf8.iter().filter(inside).map(counted).collect(),
            damaged: self.damaged,
        }
    }
}

/// Rows that were read with bytes instead of strings.
pub(crate) struct ByteRows<'a> {
    pub path: &'a Path,
    pub first_row: u64,
    pub batch: RecordBatch,
    /// The fields of the file.
    pub declared: &'a Fields,
    pub damaged: Damaged,
}

impl ByteRows<'_> {
    /// Returns the rows with strings, as the file declares them.
    pub fn with_strings(self) -> Result<RowBatch> {
        let Self { path, first_row, batch, declared, damaged } = self;
        let checked = catch_panics(damaged, path, first_row, || {
            with_strings(&batch, declared).map_err(|error| damaged(path, first_row, &error))
        });
        let Checked { batch, not_utf8 } = checked?;
        Ok(RowBatch { first_row, batch, not_utf8, damaged })
    }
}

/// Rows of a batch, and the file that they are from.
pub(crate) struct FileBatch {
    path: PathBuf,
    rows: RowBatch,
}

impl FileBatch {
    pub fn of(path: &Path, rows: RowBatch) -> Box<dyn UnparsedRows> {
        Box::new(Self { path: path.to_path_buf(), rows })
    }
}

impl UnparsedRows for FileBatch {
    fn first_row(&self) -> u64 {
        self.rows.first_row
    }

    fn rows(&self) -> usize {
        self.rows.batch.num_rows()
    }

    fn parse(&self, columns: &Columns) -> Result<Rows> {
        parse(&self.path, &self.rows, columns)
    }
}

/// Parses the texts, ids, embeddings and images of a batch.
pub(crate) fn parse(path: &Path, rows: &RowBatch, columns: &Columns) -> Result<Rows> {
    let mut parser = Parser { path, rows, bad: Vec::new() };
    let unreadable = parser.not_utf8(columns);
    let texts = parser.texts(columns)?;
    let of_form =
        |column: &ArrayRef, bad: &mut dyn FnMut(usize, &str)| vectors_of(column, columns.embedding_form, bad);
    let vectors = columns.embedding.as_deref().map(|name| parser.convert(name, &of_form)).transpose()?;
    let images = columns.image.as_deref().map(|name| parser.images(name, columns)).transpose()?;
    let ids = columns.id.as_deref().map(|name| parser.column(name)).transpose()?;
    let (texts, ids) = match &unreadable {
        Some(bad) => {
            let texts = parser.guarded(|| nullif(&texts, bad))?.as_string::<i64>().clone();
            (texts, ids.map(|ids| parser.guarded(|| nullif(&ids, bad))).transpose()?)
        }
        None => (texts, ids),
    };
    let empty = texts.iter().filter(|text| text.is_some_and(str::is_empty)).count();
    let mut bad = parser.bad;
    // A row may lack both its text and its image.
    bad.sort_by_key(|bad: &BadRow| bad.row);
    bad.dedup_by_key(|bad| bad.row);
    Ok(Rows { first_row: rows.first_row, texts, ids, vectors, images, bad, empty })
}

/// Parses a batch.
struct Parser<'a> {
    path: &'a Path,
    rows: &'a RowBatch,
    /// The bad rows so far.
    bad: Vec<BadRow>,
}

/// Converts a column. The second argument is told of the rows, counted in the batch, that are bad,
/// and why.
type Convert<'a, T> = &'a dyn Fn(&ArrayRef, &mut dyn FnMut(usize, &str)) -> Converted<T>;

type Converted<T> = std::result::Result<T, ArrowError>;

/// A column and its name.
struct NamedColumn<'a> {
    name: &'a str,
    values: ArrayRef,
}

impl Parser<'_> {
    fn column(&self, name: &str) -> Result<ArrayRef> {
        let found = self.guarded(|| nested::column(&self.rows.batch, name))?;
        found.ok_or_else(|| Error::input(self.path, format!("no column `{name}`")))
    }

    /// Converts the column of a name, and notes its bad rows.
    fn convert<T>(&mut self, name: &str, convert: Convert<T>) -> Result<T> {
        let values = self.column(name)?;
        self.convert_values(name, &values, convert)
    }

    /// Converts the column of the images, which may be in lists.
    fn images(&mut self, name: &str, columns: &Columns) -> Result<LargeBinaryArray> {
        let Some(path) = columns.list_path(name) else { return self.convert(name, &images_of) };
        let lists = self.column(path.column)?;
        let images = self.guarded(|| values_at(&lists, &path.steps))?;
        let of_list = |column: &ArrayRef, bad: &mut dyn FnMut(usize, &str)| {
            images_of(column, &mut |row, _| bad(row, "leads to no image"))
        };
        self.convert_values(name, &images, &of_list)
    }

    fn convert_values<T>(&mut self, name: &str, values: &ArrayRef, convert: Convert<T>) -> Result<T> {
        let mut bad = Vec::new();
        let first_row = self.rows.first_row;
        let mut note = |row: usize, problem: &str| {
            let reason = format!("column `{name}` {problem}");
            bad.push(BadRow { row: first_row + row as u64, reason });
        };
        let converted = self.guarded(|| convert(values, &mut note))?;
        self.bad.append(&mut bad);
        Ok(converted)
    }

    /// Notes the rows whose text or id is not UTF-8; returns which they are, if there are any.
    fn not_utf8(&mut self, columns: &Columns) -> Option<BooleanArray> {
        let of_row = self.rows.not_utf8.iter().filter(|bad| columns.reads_field(&bad.column));
        let bad: Vec<&NotUtf8> = of_row.collect();
        let first_row = self.rows.first_row;
        self.bad.extend(bad.iter().map(|NotUtf8 { row, column, problem }| BadRow {
            row: first_row + *row as u64,
            reason: format!("column `{column}` {problem}"),
        }));
        let rows: BTreeSet<usize> = bad.iter().map(|bad| bad.row).collect();
        let is_bad = (0..self.rows.batch.num_rows()).map(|row| Some(rows.contains(&row)));
        (!rows.is_empty()).then(|| is_bad.collect())
    }

    fn texts(&mut self, columns: &Columns) -> Result<LargeStringArray> {
        let rows = self.rows.batch.num_rows();
        match &columns.text {
            Some(name) if columns.is_plain() => self.convert(name, &texts_of),
            Some(_) => {
                let column = |name| Ok(NamedColumn { name, values: self.column(columns.source_of(name))? });
                let mut named = columns.texts().map(column).collect::<Result<Vec<_>>>()?;
                for column in named.iter_mut().filter(|column| binary::is_binary(column.values.data_type())) {
                    column.values = Arc::new(self.convert_values(column.name, &column.values, &texts_of)?);
                }
                let (mut bad, first_row) = (Vec::new(), self.rows.first_row);
                let mut note = |row: usize, reason| bad.push(BadRow { row: first_row + row as u64, reason });
                let texts = self.guarded(|| joined_texts(&named, columns, rows, &mut note))?;
                self.bad.append(&mut bad);
                Ok(texts)
            }
            None => Ok(LargeStringArray::from_iter_values(std::iter::repeat_n("", rows))),
        }
    }

    /// Runs one step of the Arrow library.
    fn guarded<T>(&self, step: impl FnOnce() -> Converted<T>) -> Result<T> {
        let &RowBatch { first_row, damaged, .. } = self.rows;
        catch_panics(damaged, self.path, first_row, || {
            step().map_err(|error| damaged(self.path, first_row, &error))
        })
    }
}

/// Converts a text column of any type. A row that is not UTF-8 becomes null and is reported to
/// `bad`.
fn texts_of(column: &ArrayRef, bad: &mut dyn FnMut(usize, &str)) -> Converted<LargeStringArray> {
    if is_null(column.data_type()) {
        return Ok(LargeStringArray::from_iter_values(std::iter::repeat_n("", column.len())));
    }
    if !binary::is_binary(column.data_type()) {
        let large = arrow_cast::cast::cast(column, &DataType::LargeUtf8)?;
        return Ok(without_nulls(large.as_string::<i64>().clone()));
    }
    let values = binary::values_of(column)?;
    let mut texts = LargeStringBuilder::with_capacity(values.len(), values.value_data().len());
    for (row, value) in values.iter().enumerate() {
        match std::str::from_utf8(value.unwrap_or_default()) {
            Ok(text) => texts.append_value(text),
            Err(error) => {
                bad(row, &format!("is {}", not_utf8(&error)));
                texts.append_null();
            }
        }
    }
    Ok(texts.finish())
}

/// Joins the texts of several columns, or of one that has turns or is in the elements of a list.
/// `bad` is told of rows whose values have another shape.
fn joined_texts(
    named: &[NamedColumn],
    columns: &Columns,
    rows: usize,
    bad: &mut dyn FnMut(usize, String),
) -> Converted<LargeStringArray> {
    let values =
        named.iter().map(|column| Ok((columns.list_path(column.name), RowValues::of(&column.values)?)));
    let values = values.collect::<Converted<Vec<_>>>()?;
    let (mut texts, mut joined) = (LargeStringBuilder::new(), String::new());
    for row in 0..rows {
        joined.clear();
        for (NamedColumn { name, .. }, (path, values)) in named.iter().zip(&values) {
            let added = match (path, values.row(row)?) {
                (Some(path), value) => path.each_text(&value, &mut |text| join(&mut joined, text)),
                (None, Value::String(text)) => {
                    join(&mut joined, &text);
                    Ok(())
                }
                (None, value) => turns::text_of(&value, &columns.roles).map(|text| join(&mut joined, &text)),
            };
            if let Err(problem) = added {
                bad(row, format!("column `{name}` {problem}"));
            }
        }
        texts.append_value(&joined);
    }
    Ok(texts.finish())
}

/// Replaces null texts by empty ones: in [`Rows`] null means that the row is bad.
fn without_nulls(texts: LargeStringArray) -> LargeStringArray {
    if texts.null_count() == 0 {
        return texts;
    }
    let offsets = texts.value_offsets();
    let bytes = offsets[texts.len()] - offsets[0];
    let mut filled = LargeStringBuilder::with_capacity(texts.len(), usize::try_from(bytes).unwrap_or(0));
    texts.iter().for_each(|text| filled.append_value(text.unwrap_or_default()));
    filled.finish()
}
