//! Writes tables of the kept or the removed rows.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::filter::filter;
use semdedup_core::{Representatives, ScoredPairs};

use crate::error::{Error, Result};
use crate::score::scores_file::{ScoresFile, compared_metadata};
use crate::select::selection::{Outcome, Selection};
use crate::workdir::row_index::{Ids, RowIndex, RowLocation};
use crate::workdir::table_file::TableWriter;

/// The columns of a list of rows, from the scores alone.
pub(crate) const LIST_COLUMNS: [&str; 6] = ["id", "file", "row", "cluster", "score", "duplicate_of"];

/// The columns of `removed.parquet`.
pub(crate) const REMOVED_COLUMNS: [&str; 8] =
    ["id", "file", "row", "cluster", "score", "duplicate_of", KEPT_AS, KEPT_SIMILARITY];

/// The columns of `representatives.parquet`.
pub(crate) const REPRESENTATIVE_COLUMNS: [&str; 4] = ["id", "file", "row", DUPLICATES];

const KEPT_AS: &str = "kept_as";
const KEPT_SIMILARITY: &str = "kept_similarity";
const DUPLICATES: &str = "duplicates";

/// A table of some rows.
#[derive(Clone, Copy)]
pub(crate) struct RowList<'a> {
    pub(crate) scores: &'a ScoresFile,
    pub(crate) selection: &'a Selection,
    /// The rows to list.
    pub(crate) rows: ListedRows<'a>,
    /// The columns of the table.
    pub(crate) columns: &'a [&'a str],
}

/// The rows of a list.
#[derive(Clone, Copy)]
pub(crate) enum ListedRows<'a> {
    /// Those of an outcome.
    Outcome(Outcome),
    /// Those that go, with what stands for them.
    Removed(KeptAs<'a>),
    /// Those that stand for others, given how many rows each row stands for.
    Representatives(&'a [u32]),
}

/// What stands for each row that goes.
#[derive(Clone, Copy)]
pub(crate) struct KeptAs<'a> {
    pub(crate) found: &'a Representatives,
    pub(crate) scores: ScoredPairs<'a>,
    /// The ids of all rows.
    pub(crate) ids: &'a Ids,
}

/// The `file` and `row` columns of a table.
struct LocationColumns {
    file: ArrayRef,
    row: ArrayRef,
}

impl KeptAs<'_> {
    fn of(&self, row: usize) -> Option<(u64, f32)> {
        self.found.of(row as u64, &self.scores)
    }
}

impl RowList<'_> {
    /// Writes the table, and returns the number of its rows.
    pub(crate) fn write(&self, path: &Path) -> Result<u64> {
        let made = ["file", KEPT_AS, KEPT_SIMILARITY, DUPLICATES];
        let stored: Vec<&str> = self.columns.iter().copied().filter(|name| !made.contains(name)).collect();
        let batches = self.scores.batches(&stored)?;
        let schema = self.schema(&batches.schema());
        let metadata = compared_metadata(path, self.scores.compared.as_ref())?.into_iter().collect();
        let id_type = self.scores.id_type.as_deref();
        let mut table = TableWriter::create_with_ids(path, schema, metadata, id_type)?;
        let (mut first, mut written) = (0, 0);
        for batch in batches {
            let batch = batch?;
            let rows = first..first + batch.num_rows();
            let listed = rows.clone().map(|row| Some(self.is_listed(row)));
            let columns = self.list(&batch, &BooleanArray::from_iter(listed), first)?;
            written += rows.filter(|&row| self.is_listed(row)).count() as u64;
            first += batch.num_rows();
            table.write(columns)?;
        }
        table.finish().map(|()| written)
    }

    fn is_listed(&self, row: usize) -> bool {
        match self.rows {
            ListedRows::Outcome(outcome) => self.selection.outcome[row] == outcome,
            ListedRows::Removed(_) => self.selection.outcome[row] == Outcome::Removed,
            ListedRows::Representatives(duplicates) => duplicates[row] > 0,
        }
    }

    /// Returns the schema of the table, with the types of the score table.
    fn schema(&self, stored: &Schema) -> Schema {
        let kind = |name: &str| stored.field_with_name(name).map(|field| field.data_type().clone()).ok();
        let field = |&name: &&str| {
            let kind = match name {
                KEPT_AS => kind("id"),
                KEPT_SIMILARITY => Some(DataType::Float32),
                DUPLICATES => Some(DataType::UInt64),
                name => kind(name),
            };
            let is_there = ["file", "row", "score", DUPLICATES].contains(&name);
            Field::new(name, kind.unwrap_or(DataType::Utf8), !is_there)
        };
        Schema::new(self.columns.iter().map(field).collect::<Vec<Field>>())
    }

    /// Returns the columns of the table for the listed rows of a batch that begins at row `first`.
    fn list(&self, batch: &RecordBatch, listed: &BooleanArray, first: usize) -> Result<Vec<ArrayRef>> {
        let damaged = |problem: String| Error::input(&self.scores.path, problem);
        let column = |name: &str| -> Result<ArrayRef> {
            let column = batch.column_by_name(name).ok_or_else(|| damaged(format!("no {name}")))?;
            filter(column, listed).map_err(|error| damaged(error.to_string()))
        };
        let LocationColumns { file, row } = locate(&self.scores.row_index, &column("row")?);
        let rows: Vec<usize> = (first..first + batch.num_rows()).filter(|&row| self.is_listed(row)).collect();
        let column = |&name: &&str| match (name, self.rows) {
            ("file", _) => Ok(file.clone()),
            ("row", _) => Ok(row.clone()),
            (KEPT_AS, ListedRows::Removed(kept)) => {
                kept.ids.of(&rows.iter().map(|&row| Some(kept.of(row)?.0)).collect())
            }
            (KEPT_SIMILARITY, ListedRows::Removed(kept)) => {
                let similarity = rows.iter().map(|&row| Some(kept.of(row)?.1));
                Ok(Arc::new(similarity.collect::<Float32Array>()) as _)
            }
            (DUPLICATES, ListedRows::Representatives(duplicates)) => {
                Ok(Arc::new(UInt64Array::from_iter_values(rows.iter().map(|&row| duplicates[row].into())))
                    as _)
            }
            (name, _) => column(name),
        };
        self.columns.iter().map(column).collect()
    }
}

/// Returns the file of each row, and the row's number in it.
fn locate(row_index: &RowIndex, rows: &ArrayRef) -> LocationColumns {
    let located: Vec<RowLocation> =
        rows.as_primitive::<UInt64Type>().values().iter().map(|&row| row_index.locate(row)).collect();
    let file = StringArray::from_iter_values(located.iter().map(|at| &row_index.files[at.file].name));
    let row = UInt64Array::from_iter_values(located.iter().map(|at| at.row));
    LocationColumns { file: Arc::new(file), row: Arc::new(row) }
}
