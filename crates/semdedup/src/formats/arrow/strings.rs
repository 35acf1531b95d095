//! Strings of Arrow and Parquet that are not UTF-8.
//!
//! The libraries refuse a whole batch for one such value, in whatever column. So strings are read
//! as bytes ([`as_bytes`]), and become strings again where rows are parsed ([`with_strings`]): there
//! a value that is not UTF-8 is a value of its row. Where rows are written back they stay bytes, so
//! that such a value is kept as it is.

use std::str::Utf8Error;
use std::sync::Arc;

use arrow_array::builder::{GenericStringBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{
    AnyDictionaryArray, Array, ArrayRef, BinaryViewArray, FixedSizeListArray, GenericBinaryArray,
    GenericListArray, GenericStringArray, MapArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::formats::rows::not_utf8;

/// A value of a column of strings that is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotUtf8 {
    /// The row, counted in its batch.
    pub row: usize,
    /// The name of the column, with dots if it is inside others.
    pub column: String,
    /// The problem, in words.
    pub problem: String,
}

/// A batch in which every string is UTF-8.
pub(crate) struct Checked {
    pub batch: RecordBatch,
    /// The values that are not, in the order of the columns; in the batch they are empty.
    pub not_utf8: Vec<NotUtf8>,
}

/// A value that is not UTF-8, on its way up from the strings of an array.
struct BadValue {
    /// Its position in the array.
    row: usize,
    /// The names that lead to it inside the array, each behind a dot.
    path: String,
    error: Utf8Error,
}

/// Is told of the values that are not UTF-8.
type Report<'a> = dyn FnMut(BadValue) + 'a;

type Converted<T> = Result<T, ArrowError>;

/// Returns a schema with bytes instead of strings, at any depth.
pub(crate) fn as_bytes(schema: &Schema) -> SchemaRef {
    let fields = bytes_in(schema.fields()).unwrap_or_else(|| schema.fields().clone());
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns a type with bytes instead of strings; `None` if it has no strings.
pub(crate) fn bytes_type(kind: &DataType) -> Option<DataType> {
    let item = |field: &FieldRef| Some(retyped(field, bytes_type(field.data_type())?));
    Some(match kind {
        DataType::Utf8 => DataType::Binary,
        DataType::LargeUtf8 => DataType::LargeBinary,
        DataType::Utf8View => DataType::BinaryView,
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(bytes_type(values)?))
        }
        DataType::List(field) => DataType::List(item(field)?),
        DataType::LargeList(field) => DataType::LargeList(item(field)?),
        DataType::FixedSizeList(field, length) => DataType::FixedSizeList(item(field)?, *length),
        DataType::Map(entries, sorted) => DataType::Map(item(entries)?, *sorted),
        DataType::Struct(fields) => DataType::Struct(bytes_in(fields)?),
        _ => return None,
    })
}

fn bytes_in(fields: &Fields) -> Option<Fields> {
    let kinds: Vec<Option<DataType>> = fields.iter().map(|field| bytes_type(field.data_type())).collect();
    let changed = |(field, kind): (&FieldRef, Option<DataType>)| match kind {
        Some(kind) => retyped(field, kind),
        None => field.clone(),
    };
    kinds.iter().any(Option::is_some).then(|| fields.iter().zip(kinds).map(changed).collect())
}

fn retyped(field: &Field, kind: DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(kind))
}

/// Converts the bytes of a batch, some columns of a file, to the strings that `declared`, all fields
/// of the file, has in their place.
pub(crate) fn with_strings(batch: &RecordBatch, declared: &Fields) -> Converted<Checked> {
    let mut found = Vec::new();
    let mut report = |BadValue { row, path, error }: BadValue| {
        let column = path.trim_start_matches('.').to_owned();
        found.push(NotUtf8 { row, column, problem: format!("is {}", not_utf8(&error)) });
    };
    let schema = batch.schema();
    let Restored { fields, columns } = restore_all(schema.fields(), batch.columns(), declared, &mut report)?;
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)?;
    Ok(Checked { batch, not_utf8: found })
}

/// Columns with strings, and their fields.
struct Restored {
    fields: Fields,
    columns: Vec<ArrayRef>,
}

/// Restores the columns of a batch or of a struct.
fn restore_all(
    fields: &Fields,
    columns: &[ArrayRef],
    declared: &Fields,
    bad: &mut Report,
) -> Converted<Restored> {
    let mut restored = Vec::with_capacity(columns.len());
    for (position, (field, column)) in fields.iter().zip(columns).enumerate() {
        // Names may come twice, but not among columns that are picked by name.
        let declared = match declared.len() == fields.len() {
            true => declared.get(position),
            false => declared.iter().find(|other| other.name() == field.name()),
        };
        let kind = declared.map_or(field.data_type(), |declared| declared.data_type());
        restored.push(restore(column, kind, &mut |value| {
            bad(BadValue { path: format!(".{}{}", field.name(), value.path), ..value });
        })?);
    }
    let retyped = |(field, column): (&FieldRef, &ArrayRef)| retyped(field, column.data_type().clone());
    Ok(Restored { fields: fields.iter().zip(&restored).map(retyped).collect(), columns: restored })
}

/// Converts a column of bytes to the strings of a type. A value that is not UTF-8 becomes empty and
/// is reported.
fn restore(array: &ArrayRef, kind: &DataType, bad: &mut Report) -> Converted<ArrayRef> {
    if bytes_type(kind).is_none() {
        return Ok(array.clone());
    }
    Ok(match (array.data_type(), kind) {
        (DataType::Binary, DataType::Utf8) => texts(array.as_binary::<i32>(), bad),
        (DataType::LargeBinary, DataType::LargeUtf8) => texts(array.as_binary::<i64>(), bad),
        (DataType::BinaryView, DataType::Utf8View) => views(array.as_binary_view(), bad),
        (DataType::Dictionary(..), DataType::Dictionary(_, values)) => {
            dictionary(array.as_any_dictionary(), values, bad)?
        }
        (DataType::List(_), DataType::List(item)) => list(array.as_list::<i32>(), item.data_type(), bad)?,
        (DataType::LargeList(_), DataType::LargeList(item)) => {
            list(array.as_list::<i64>(), item.data_type(), bad)?
        }
        (DataType::FixedSizeList(..), DataType::FixedSizeList(item, _)) => {
            fixed_list(array.as_fixed_size_list(), item.data_type(), bad)?
        }
        (DataType::Map(..), DataType::Map(entries, _)) => map(array.as_map(), entries.data_type(), bad)?,
        (DataType::Struct(_), DataType::Struct(fields)) => structs(array.as_struct(), fields, bad)?,
        _ => array.clone(),
    })
}

fn texts<O: OffsetSizeTrait>(bytes: &GenericBinaryArray<O>, bad: &mut Report) -> ArrayRef {
    // All values are checked at once; only where that fails, one by one.
    if let Ok(texts) = GenericStringArray::<O>::try_from_binary(bytes.clone()) {
        return Arc::new(texts);
    }
    let mut texts = GenericStringBuilder::<O>::with_capacity(bytes.len(), bytes.value_data().len());
    for (row, value) in bytes.iter().enumerate() {
        texts.append_option(value.map(|value| text_of(row, value, bad)));
    }
    Arc::new(texts.finish())
}

fn views(bytes: &BinaryViewArray, bad: &mut Report) -> ArrayRef {
    if let Ok(texts) = bytes.clone().to_string_view() {
        return Arc::new(texts);
    }
    let mut texts = StringViewBuilder::with_capacity(bytes.len());
    for (row, value) in bytes.iter().enumerate() {
        texts.append_option(value.map(|value| text_of(row, value, bad)));
    }
    Arc::new(texts.finish())
}

fn text_of<'v>(row: usize, value: &'v [u8], bad: &mut Report) -> &'v str {
    std::str::from_utf8(value).unwrap_or_else(|error| {
        bad(BadValue { row, path: String::new(), error });
        ""
    })
}

fn dictionary(array: &dyn AnyDictionaryArray, kind: &DataType, bad: &mut Report) -> Converted<ArrayRef> {
    let mut bad_values = Vec::new();
    let values = restore(array.values(), kind, &mut |value| bad_values.push(value))?;
    if !bad_values.is_empty() {
        let keys = array.normalized_keys().into_iter().enumerate();
        for (row, key) in keys.filter(|(row, _)| array.keys().is_valid(*row)) {
            for BadValue { path, error, .. } in bad_values.iter().filter(|value| value.row == key) {
                bad(BadValue { row, path: path.clone(), error: *error });
            }
        }
    }
    Ok(array.with_values(values))
}

fn list<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    kind: &DataType,
    bad: &mut Report,
) -> Converted<ArrayRef> {
    let (field, offsets, items, nulls) = array.clone().into_parts();
    let items = restore(&items, kind, &mut |value| {
        if let Some(row) = list_of(array, &offsets, value.row) {
            bad(BadValue { row, ..value });
        }
    })?;
    let field = retyped(&field, items.data_type().clone());
    Ok(Arc::new(GenericListArray::try_new(field, offsets, items, nulls)?))
}

/// Returns the list that an item belongs to; `None` if it belongs to none that counts.
fn list_of<O: OffsetSizeTrait>(lists: &dyn Array, starts: &[O], item: usize) -> Option<usize> {
    let row = starts.partition_point(|start| start.as_usize() <= item).checked_sub(1)?;
    (row < lists.len() && lists.is_valid(row)).then_some(row)
}

fn fixed_list(array: &FixedSizeListArray, kind: &DataType, bad: &mut Report) -> Converted<ArrayRef> {
    let (field, length, items, nulls) = array.clone().into_parts();
    let items = restore(&items, kind, &mut |value| {
        let row = value.row / (length as usize).max(1);
        if row < array.len() && array.is_valid(row) {
            bad(BadValue { row, ..value });
        }
    })?;
    let field = retyped(&field, items.data_type().clone());
    let list = FixedSizeListArray::try_new_with_length(field, length, items, nulls, array.len())?;
    Ok(Arc::new(list))
}

fn map(array: &MapArray, kind: &DataType, bad: &mut Report) -> Converted<ArrayRef> {
    let (field, offsets, entries, nulls, sorted) = array.clone().into_parts();
    let entries: ArrayRef = Arc::new(entries);
    let entries = restore(&entries, kind, &mut |value| {
        if let Some(row) = list_of(array, &offsets, value.row) {
            bad(BadValue { row, ..value });
        }
    })?;
    let field = retyped(&field, entries.data_type().clone());
    Ok(Arc::new(MapArray::try_new(field, offsets, entries.as_struct().clone(), nulls, sorted)?))
}

fn structs(array: &StructArray, declared: &Fields, bad: &mut Report) -> Converted<ArrayRef> {
    let Restored { fields, columns } =
        restore_all(array.fields(), array.columns(), declared, &mut |value| {
            // A value inside a null is none.
            if array.is_valid(value.row) {
                bad(value);
            }
        })?;
    Ok(Arc::new(StructArray::try_new(fields, columns, array.nulls().cloned())?))
}
