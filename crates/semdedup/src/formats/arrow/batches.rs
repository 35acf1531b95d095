//! Rows out of Arrow's record batches, whichever format they were read from.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, LargeStringBuilder, RecordBatch};
use arrow::datatypes::{DataType, Float32Type};
use arrow::error::ArrowError;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::formats::arrow::images::images_of;
use crate::formats::arrow::turn_arrays::Values;
use crate::formats::arrow::{binary, nested};
use crate::formats::columns::Columns;
use crate::formats::row_format::UnparsedRows;
use crate::formats::rows::{BadRow, Rows, Vectors, join, not_utf8};
use crate::formats::turns;

/// Makes the error of a format for data that cannot be read, at the row that was reached.
pub(crate) type Damaged = fn(&Path, u64, &dyn Display) -> Error;

/// Runs one step of a library that panics on some damaged files where it should give an error.
pub(crate) fn guarded<T>(
    damaged: Damaged,
    (path, row): (&Path, u64),
    step: impl FnOnce() -> Result<T>,
) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let cause = panic.downcast_ref::<String>().map(String::as_str);
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it makes no sense");
        Err(damaged(path, row, &cause))
    })
}

/// Some rows of the projected columns.
pub(crate) struct RowBatch {
    pub first_row: u64,
    pub batch: RecordBatch,
    pub damaged: Damaged,
}

/// Rows of a batch that came from this file.
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

/// The texts, ids and embeddings of a batch.
pub(crate) fn parse(path: &Path, rows: &RowBatch, columns: &Columns) -> Result<Rows> {
    let &RowBatch { first_row, ref batch, damaged } = rows;
    let failed = |error: ArrowError| damaged(path, first_row, &error);
    let place = (path, first_row);
    let column = |name: &str| {
        let found = guarded(damaged, place, || nested::column(batch, name).map_err(failed));
        found?.ok_or_else(|| Error::input(path, format!("no column `{name}`")))
    };
    let mut bad = Vec::new();
    let texts = match &columns.text {
        Some(name) if columns.is_plain() => {
            let texts = column(name)?;
            let mut note = |row, problem: &str| bad.push(bad_row(name, (first_row, row), problem));
            guarded(damaged, place, || texts_of(&texts, &mut note).map_err(failed))?
        }
        Some(_) => {
            let mut named =
                columns.texts().map(|name| Ok((name, column(name)?))).collect::<Result<Vec<_>>>()?;
            for (name, values) in named.iter_mut().filter(|(_, values)| binary::is_binary(values.data_type()))
            {
                let mut note = |row, problem: &str| bad.push(bad_row(name, (first_row, row), problem));
                *values = Arc::new(guarded(damaged, place, || texts_of(values, &mut note).map_err(failed))?);
            }
            let roles = (&named[..], &columns.roles[..]);
            let problem = &mut |row: usize, reason| bad.push(BadRow { row: first_row + row as u64, reason });
            guarded(damaged, place, || joined_texts(roles, batch.num_rows(), problem).map_err(failed))?
        }
        None => LargeStringArray::from_iter_values(std::iter::repeat_n("", batch.num_rows())),
    };
    let vectors = columns.embedding.as_deref().map(|name| {
        let vectors = column(name)?;
        let mut note = |row, problem: &str| bad.push(bad_row(name, (first_row, row), problem));
        guarded(damaged, place, || vectors_of(&vectors, &mut note).map_err(failed))
    });
    let vectors = vectors.transpose()?;
    let images = columns.image.as_deref().map(|name| {
        let images = column(name)?;
        let mut note = |row, problem: &str| bad.push(bad_row(name, (first_row, row), problem));
        guarded(damaged, place, || images_of(&images, &mut note).map_err(failed))
    });
    let images = images.transpose()?;
    let ids = columns.id.as_deref().map(column).transpose()?;
    let empty = texts.iter().filter(|text| text.is_some_and(str::is_empty)).count();
    // A row may lack both, its text and its image.
    bad.sort_by_key(|bad: &BadRow| bad.row);
    bad.dedup_by_key(|bad| bad.row);
    Ok(Rows { first_row, texts, ids, vectors, images, bad, empty })
}

fn bad_row(column: &str, (first_row, row): (u64, usize), problem: &str) -> BadRow {
    BadRow { row: first_row + row as u64, reason: format!("column `{column}` {problem}") }
}

/// Converts a text column of any type. A row that is not UTF-8 becomes null and is reported to `bad`.
fn texts_of(
    column: &ArrayRef,
    bad: &mut dyn FnMut(usize, &str),
) -> std::result::Result<LargeStringArray, ArrowError> {
    if !binary::is_binary(column.data_type()) {
        let large = arrow::compute::cast(column, &DataType::LargeUtf8)?;
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

/// The texts of several columns joined, or of one that has turns; `bad` is told of rows whose turns have another shape.
fn joined_texts(
    (columns, roles): (&[(&str, ArrayRef)], &[String]),
    rows: usize,
    bad: &mut dyn FnMut(usize, String),
) -> std::result::Result<LargeStringArray, ArrowError> {
    let columns = columns.iter().map(|(name, column)| Ok((*name, Values::of(column)?)));
    let columns = columns.collect::<std::result::Result<Vec<_>, ArrowError>>()?;
    let (mut texts, mut joined) = (LargeStringBuilder::new(), String::new());
    for row in 0..rows {
        joined.clear();
        for (name, values) in &columns {
            match values.row(row)? {
                Value::String(text) => join(&mut joined, &text),
                value => match turns::text_of(&value, roles) {
                    Ok(text) => join(&mut joined, &text),
                    Err(problem) => bad(row, format!("column `{name}` {problem}")),
                },
            }
        }
        texts.append_value(&joined);
    }
    Ok(texts.finish())
}

/// A column of lists as rows of f32; `bad` is told of rows that have none.
fn vectors_of(
    column: &ArrayRef,
    bad: &mut dyn FnMut(usize, &str),
) -> std::result::Result<Vectors, ArrowError> {
    let mut vectors = Vectors::default();
    if column.data_type() == &DataType::Null {
        (0..column.len()).for_each(|row| {
            bad(row, "is null");
            vectors.push(&[]);
        });
        return Ok(vectors);
    }
    let (items, mut ends): (&ArrayRef, Vec<usize>) = match column.data_type() {
        DataType::FixedSizeList(..) => {
            let list = column.as_fixed_size_list();
            let length = list.value_length() as usize;
            (list.values(), (0..=list.len()).map(|row| row * length).collect())
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            (list.values(), list.value_offsets().iter().map(|&end| end as usize).collect())
        }
        _ => {
            let list = column.as_list::<i32>();
            (list.values(), list.value_offsets().iter().map(|&end| end as usize).collect())
        }
    };
    // These rows may be a slice of many more.
    let (first, last) = (ends[0], ends[column.len()]);
    ends.iter_mut().for_each(|end| *end -= first);
    let items = arrow::compute::cast(&items.slice(first, last - first), &DataType::Float32)?;
    let items = items.as_primitive::<Float32Type>();
    for row in 0..column.len() {
        let range = ends[row]..ends[row + 1];
        let problem = match () {
            () if column.is_null(row) => Some("is null"),
            () if items.null_count() > 0 && range.clone().any(|i| items.is_null(i)) => {
                Some("has a null in its list")
            }
            () => None,
        };
        problem.into_iter().for_each(|problem| bad(row, problem));
        vectors.push(if problem.is_some() { &[] } else { &items.values()[range] });
    }
    Ok(vectors)
}

/// A null text is an empty one: in [`Rows`] null means that the row is bad.
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
