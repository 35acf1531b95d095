//! Writes tables of the kept or the removed rows.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::filter::filter;

use crate::error::{Error, Result};
use crate::score::scores_file::{ScoresFile, compared_metadata};
use crate::select::selection::{Outcome, Selection};
use crate::workdir::row_index::{RowIndex, RowLocation};
use crate::workdir::table_file::TableWriter;

/// The columns of `removed.parquet`.
pub(crate) const LIST_COLUMNS: [&str; 6] = ["id", "file", "row", "cluster", "score", "duplicate_of"];

/// A table of the rows of one outcome.
pub(crate) struct RowList<'a> {
    pub(crate) scores: &'a ScoresFile,
    pub(crate) selection: &'a Selection,
    /// The outcome of the rows to list.
    pub(crate) outcome: Outcome,
    /// The columns of the table: some of [`LIST_COLUMNS`].
    pub(crate) columns: &'a [&'a str],
}

/// The `file` and `row` columns of a table.
struct LocationColumns {
    file: ArrayRef,
    row: ArrayRef,
}

impl RowList<'_> {
    /// Writes the table, and returns the number of its rows.
    pub(crate) fn write(&self, path: &Path) -> Result<u64> {
        let stored: Vec<&str> = self.columns.iter().copied().filter(|&name| name != "file").collect();
        let batches = self.scores.batches(&stored)?;
        let schema = self.schema(&batches.schema());
        let metadata = compared_metadata(path, self.scores.compared.as_ref())?.into_iter().collect();
        let id_type = self.scores.id_type.as_deref();
        let mut table = TableWriter::create_with_ids(path, schema, metadata, id_type)?;
        let (mut first, mut written) = (0, 0);
        for batch in batches {
            let batch = batch?;
            let outcomes = &self.selection.outcome[first..first + batch.num_rows()];
            first += batch.num_rows();
            let listed = BooleanArray::from_iter(outcomes.iter().map(|&f| Some(f == self.outcome)));
            let columns = self.list(&batch, &listed)?;
            written += listed.true_count() as u64;
            table.write(columns)?;
        }
        table.finish().map(|()| written)
    }

    /// Returns the schema of the table, with the types of the score table.
    fn schema(&self, stored: &Schema) -> Schema {
        let field = |&name: &&str| {
            let kind = stored.field_with_name(name).map_or(DataType::Utf8, |field| field.data_type().clone());
            Field::new(name, kind, !["file", "row", "score"].contains(&name))
        };
        Schema::new(self.columns.iter().map(field).collect::<Vec<Field>>())
    }

    /// Returns the columns of the table for the listed rows of a batch.
    fn list(&self, batch: &RecordBatch, listed: &BooleanArray) -> Result<Vec<ArrayRef>> {
        let damaged = |problem: String| Error::input(&self.scores.path, problem);
        let column = |name: &str| -> Result<ArrayRef> {
            let column = batch.column_by_name(name).ok_or_else(|| damaged(format!("no {name}")))?;
            filter(column, listed).map_err(|error| damaged(error.to_string()))
        };
        let LocationColumns { file, row } = locate(&self.scores.row_index, &column("row")?);
        let column = |&name: &&str| match name {
            "file" => Ok(file.clone()),
            "row" => Ok(row.clone()),
            name => column(name),
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
