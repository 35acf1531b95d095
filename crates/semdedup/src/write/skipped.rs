//! Lists the rows that could not be read.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};

use crate::embed::dataset::Dataset;
use crate::error::Result;
use crate::workdir::parts::SkippedRow;
use crate::workdir::table_file::TableWriter;

/// Writes `skipped.parquet`: `file`, `row` (in that file), `reason`.
pub(crate) fn write_skipped(path: &Path, dataset: &Dataset) -> Result<()> {
    let schema = Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("row", DataType::UInt64, false),
        Field::new("reason", DataType::Utf8, false),
    ]);
    let mut table = TableWriter::create(path, schema, Vec::new())?;
    let name = |row: &SkippedRow| &dataset.row_index.files[row.file].name;
    let skipped = &dataset.skipped;
    table.write(vec![
        Arc::new(StringArray::from_iter_values(skipped.iter().map(name))),
        Arc::new(UInt64Array::from_iter_values(skipped.iter().map(|row| row.row))),
        Arc::new(StringArray::from_iter_values(skipped.iter().map(|row| &row.reason))),
    ])?;
    table.finish()
}
