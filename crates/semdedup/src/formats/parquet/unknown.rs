//! Logical types of newer versions of Parquet, whose meaning is not known here. The library reads
//! such columns of bytes, but it cannot write their types back.

use std::path::Path;

use parquet::basic::LogicalType;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::schema::types::{SchemaDescriptor, Type};

use crate::error::{Error, Result};
use crate::storage::Blob;

/// Fails if a schema has such a type.
pub(crate) fn check(path: &Path, schema: &SchemaDescriptor) -> Result<()> {
    match find(schema.root_schema(), &mut Vec::new()) {
        Some(unknown) => Err(unwritable(path, &unknown)),
        None => Ok(()),
    }
}

/// Returns the error for a file that cannot be read because of such a type, if it has one.
pub(crate) fn reason(path: &Path, blob: &Blob) -> Option<Error> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(blob).ok()?;
    let schema = metadata.file_metadata().schema_descr().root_schema();
    find(schema, &mut Vec::new()).map(|unknown| unreadable(path, &unknown))
}

/// Whether a column has such a type.
pub(crate) fn is_unknown(kind: &Type) -> bool {
    matches!(kind.get_basic_info().logical_type_ref(), Some(LogicalType::_Unknown { .. }))
}

/// A column with a logical type that is not known.
struct Unknown {
    column: String,
    /// The number of the type in the definition of the format, `LogicalType` in `parquet.thrift`.
    number: i16,
}

/// Finds the first column that has such a type. `outer` are the names around it.
fn find<'t>(kind: &'t Type, outer: &mut Vec<&'t str>) -> Option<Unknown> {
    if let Some(LogicalType::_Unknown { field_id }) = kind.get_basic_info().logical_type_ref() {
        return Some(Unknown { column: outer.join("."), number: *field_id });
    }
    let fields: &[_] = if kind.is_group() { kind.get_fields() } else { &[] };
    fields.iter().find_map(|field| {
        outer.push(field.name());
        let found = find(field, outer);
        outer.pop();
        found
    })
}

fn unwritable(path: &Path, Unknown { column, number }: &Unknown) -> Error {
    let problem = format!(
        "column `{column}` has logical type {number} of Parquet, which is not known here and cannot be written back"
    );
    Error::input(path, problem)
        .hint("--output ids lists the rows that stay; or write the file again without that column's type")
}

fn unreadable(path: &Path, Unknown { column, number }: &Unknown) -> Error {
    let problem = format!("column `{column}` has logical type {number} of Parquet, which is not known here");
    Error::input(path, problem).hint("write the file again without that column's type")
}
