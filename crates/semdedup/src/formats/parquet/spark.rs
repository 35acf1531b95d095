//! The schema that Spark stores beside that of Parquet. Spark reads the columns of this schema and
//! no others, so columns that are added have to be in it.

use arrow_schema::{DataType, Field, Schema};
use parquet::file::metadata::KeyValue;
use serde_json::{Value, json};

/// The key of Spark's schema, which is JSON (`ParquetReadSupport.SPARK_METADATA_KEY`).
const KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// Adds fields to the schema of Spark among the metadata of a file, if it is there. A schema that
/// cannot be extended is left out: then Spark takes that of Parquet.
pub(crate) fn add_fields(pairs: &mut Vec<KeyValue>, added: &Schema) {
    pairs.retain_mut(|pair| {
        if pair.key != KEY {
            return true;
        }
        let extended = pair.value.as_deref().and_then(|schema| extended(schema, added));
        pair.value = extended;
        pair.value.is_some()
    });
}

/// Adds the fields behind those of a schema, which is an object that ends with the list of its fields.
fn extended(schema: &str, added: &Schema) -> Option<String> {
    let fields = |schema: &str| {
        let schema: Value = serde_json::from_str(schema).ok()?;
        Some(schema.get("fields")?.as_array()?.clone())
    };
    let (mut expected, before) = (fields(schema)?, schema.trim_end().strip_suffix("]}")?);
    let new = added.fields().iter().map(|field| spark_field(field)).collect::<Option<Vec<_>>>()?;
    let comma = if expected.is_empty() { "" } else { "," };
    let list = new.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
    let extended = format!("{before}{comma}{list}]}}");
    expected.extend(new);
    (fields(&extended)? == expected).then_some(extended)
}

fn spark_field(field: &Field) -> Option<Value> {
    let kind = spark_type(field.data_type())?;
    Some(json!({"name": field.name(), "type": kind, "nullable": true, "metadata": {}}))
}

/// Returns the type in which Spark reads a column; `None` for types that no added column has.
fn spark_type(kind: &DataType) -> Option<&'static str> {
    Some(match kind {
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 | DataType::UInt8 => "short",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 => "long",
        DataType::UInt64 => "decimal(20,0)",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary",
        DataType::Date32 => "date",
        _ => return None,
    })
}
