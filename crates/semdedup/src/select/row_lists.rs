//! Writes tables of the kept or the removed rows.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray, UInt64Array};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};

use crate::error::{Error, Result};
use crate::score::scores_file::{ScoresFile, compared_metadata};
use crate::select::selection::{Outcome, Selection};
use crate::workdir::row_index::RowIndex;
use crate::workdir::table_file::TableWriter;

/// The columns of `removed.parquet`.
pub(crate) const LIST_COLUMNS: [&str; 6] = ["id", "file", "row", "cluster", "score", "duplicate_of"];

/// Writes some of [`LIST_COLUMNS`] for the rows of one outcome, and says how many rows there are.
pub(crate) fn write_rows(
    path: &Path,
    scores: &ScoresFile,
    (selection, outcome): (&Selection, Outcome),
    columns: &[&str],
) -> Result<u64> {
    let stored: Vec<&str> = columns.iter().copied().filter(|&name| name != "file").collect();
    let batches = scores.batches(&stored)?;
    let schema = batches_schema(&batches);
    let field = |&name: &&str| {
        let kind = schema.field_with_name(name).map_or(DataType::Utf8, |field| field.data_type().clone());
        Field::new(name, kind, !["file", "row", "score"].contains(&name))
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let metadata = compared_metadata(path, scores.compared.as_ref())?.into_iter().collect();
    let mut table = TableWriter::create(path, Schema::new(fields), metadata)?;
    let (mut first, mut written) = (0, 0);
    for batch in batches {
        let batch = batch.map_err(|error| Error::input(&scores.path, error))?;
        let outcomes = &selection.outcome[first..first + batch.num_rows()];
        first += batch.num_rows();
        let wanted = BooleanArray::from_iter(outcomes.iter().map(|&f| Some(f == outcome)));
        let column = |name: &str| -> Result<ArrayRef> {
            let column =
                batch.column_by_name(name).ok_or_else(|| Error::input(&scores.path, format!("no {name}")))?;
            filter(column, &wanted).map_err(|error| Error::input(&scores.path, error))
        };
        let (file, row) = locate(&scores.row_index, &column("row")?);
        let values = columns.iter().map(|&name| match name {
            "file" => Ok(file.clone()),
            "row" => Ok(row.clone()),
            name => column(name),
        });
        written += row.len() as u64;
        table.write(values.collect::<Result<_>>()?)?;
    }
    table.finish().map(|()| written)
}

fn batches_schema(batches: &parquet::arrow::arrow_reader::ParquetRecordBatchReader) -> Arc<Schema> {
    use arrow::array::RecordBatchReader;
    batches.schema()
}

fn locate(row_index: &RowIndex, rows: &ArrayRef) -> (ArrayRef, ArrayRef) {
    let located: Vec<(usize, u64)> =
        rows.as_primitive::<UInt64Type>().values().iter().map(|&row| row_index.locate(row)).collect();
    let file = StringArray::from_iter_values(located.iter().map(|&(file, _)| &row_index.files[file].name));
    let row = UInt64Array::from_iter_values(located.iter().map(|&(_, row)| row));
    (Arc::new(file), Arc::new(row))
}
