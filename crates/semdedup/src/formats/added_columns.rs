//! Columns that are added to the rows of a file.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use arrow_schema::{Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::formats::file::InputFile;

/// Returns the values of the next rows; the argument is their number.
pub type NextRows<'a> = dyn FnMut(usize) -> Result<RecordBatch> + 'a;

/// Columns that are added to the rows of a file.
pub struct AddedColumns<'a> {
    /// The names and types of the columns; each is nullable.
    pub schema: SchemaRef,
    /// Returns the values of the next N rows; it is called from the first row to the last.
    pub next: &'a mut NextRows<'a>,
}

/// Edits a batch; the first argument is the number of its first row.
pub(crate) type Edit<'a> = dyn FnMut(u64, RecordBatch) -> Result<RecordBatch> + 'a;

/// Returns a batch with the columns of another behind its own.
pub(crate) fn with_columns(
    batch: &RecordBatch,
    added: &RecordBatch,
) -> std::result::Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().chain(added.columns()).cloned().collect();
    RecordBatch::try_new(with_fields(batch.schema_ref(), added.schema_ref()), columns)
}

/// Returns a schema with the fields of another behind its own.
pub(crate) fn with_fields(schema: &Schema, added: &Schema) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().chain(added.fields()).cloned().collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The error for a file that already has a column of this name.
pub(crate) fn taken(file: &InputFile, name: &str, row: Option<u64>) -> Error {
    let row = row.map_or_else(String::new, |row| format!("row {row}: "));
    Error::input(&file.path, format!("{row}a column `{name}` is there already"))
        .hint("--annotate-prefix dedup_ gives the added columns other names; or rename this one")
}
