//! Turns in Arrow and Parquet: columns of lists of structs, which are read row by row as JSON.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, LargeStringArray};
use arrow_buffer::NullBuffer;
use arrow_cast::cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Field};
use serde_json::{Value, json};

use crate::formats::arrow::binary::{is_binary, values_of};
use crate::formats::arrow::display::printable;
use crate::formats::arrow::types::is_text;
use crate::formats::turns::{CONTENT_KEYS, NOT_UTF8, ROLE_KEYS};

/// Whether a column of this type holds turns: lists of structs with a role and a content. Some
/// writers store their strings as bytes.
pub(crate) fn is_turns_type(kind: &DataType) -> bool {
    let Some(DataType::Struct(fields)) = item_of(kind).map(|item| item.data_type()) else { return false };
    let has = |keys: &[&str], is_right: &dyn Fn(&DataType) -> bool| {
        fields.iter().any(|field| keys.contains(&field.name().as_str()) && is_right(field.data_type()))
    };
    has(&ROLE_KEYS, &|kind| is_text(kind) || is_binary(kind)) && has(&CONTENT_KEYS, &|_| true)
}

/// Whether values of this type hold strings or integers, so that they could hold a text or its
/// tokens.
pub(crate) fn may_hold_text(kind: &DataType) -> bool {
    holds(kind, |kind| is_text(kind) || kind.is_integer())
}

/// Whether values of this type are strings or hold strings.
pub(crate) fn holds_strings(kind: &DataType) -> bool {
    holds(kind, is_text)
}

fn holds(kind: &DataType, is_right: fn(&DataType) -> bool) -> bool {
    match kind {
        DataType::Struct(fields) => fields.iter().any(|field| holds(field.data_type(), is_right)),
        DataType::Map(entries, _) => holds(entries.data_type(), is_right),
        kind => match item_of(kind) {
            Some(item) => holds(item.data_type(), is_right),
            None => is_right(kind),
        },
    }
}

/// Returns the type of the items of a list.
pub(crate) fn item_of(kind: &DataType) -> Option<&Field> {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => Some(item),
        _ => None,
    }
}

/// A column whose rows can be read one by one as JSON.
pub(crate) enum RowValues {
    Texts(LargeStringArray),
    /// Texts as bytes, and bytes that are something else.
    Bytes(LargeBinaryArray),
    List {
        ends: Vec<usize>,
        nulls: Option<NullBuffer>,
        items: Box<RowValues>,
    },
    Struct {
        fields: Vec<(String, RowValues)>,
        nulls: Option<NullBuffer>,
    },
    /// Any other type; its values are read as Arrow displays them.
    Other(ArrayRef),
}

impl RowValues {
    pub fn of(column: &ArrayRef) -> Result<Self, ArrowError> {
        let (nulls, rows) = (column.nulls().cloned(), column.len());
        let list = |first: usize, ends: Vec<usize>, items: &ArrayRef| {
            // These rows may be a slice of a larger column.
            let last = ends.last().map_or(first, |end| first + end);
            let items = Box::new(Self::of(&items.slice(first, last - first))?);
            Ok(Self::List { ends, nulls: nulls.clone(), items })
        };
        match column.data_type() {
            kind if is_text(kind) => {
                Ok(Self::Texts(cast(column, &DataType::LargeUtf8)?.as_string::<i64>().clone()))
            }
            kind if is_binary(kind) => Ok(Self::Bytes(values_of(column)?)),
            DataType::List(_) => {
                let found = column.as_list::<i32>();
                let ends = found.value_offsets();
                let first = ends[0] as usize;
                list(first, ends[1..].iter().map(|&end| end as usize - first).collect(), found.values())
            }
            DataType::LargeList(_) => {
                let found = column.as_list::<i64>();
                let ends = found.value_offsets();
                let first = ends[0] as usize;
                list(first, ends[1..].iter().map(|&end| end as usize - first).collect(), found.values())
            }
            DataType::FixedSizeList(..) => {
                let found = column.as_fixed_size_list();
                let length = found.value_length() as usize;
                list(0, (1..=rows).map(|row| row * length).collect(), found.values())
            }
            DataType::Struct(fields) => {
                let inner = fields.iter().zip(column.as_struct().columns());
                let inner = inner.map(|(field, column)| Ok((field.name().clone(), Self::of(column)?)));
                Ok(Self::Struct { fields: inner.collect::<Result<_, ArrowError>>()?, nulls })
            }
            _ => Ok(Self::Other(printable(column))),
        }
    }

    /// Returns the value of a row.
    pub fn row(&self, row: usize) -> Result<Value, ArrowError> {
        let is_null = |nulls: &Option<NullBuffer>| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        match self {
            Self::Texts(texts) if texts.is_null(row) => Ok(Value::Null),
            Self::Texts(texts) => Ok(Value::from(texts.value(row))),
            Self::Bytes(bytes) if bytes.is_null(row) => Ok(Value::Null),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes.value(row)) {
                Ok(text) => Ok(Value::from(text)),
                // A picture, for example.
                Err(_) => Ok(json!({NOT_UTF8: shown(bytes, row)?})),
            },
            Self::List { nulls, .. } | Self::Struct { nulls, .. } if is_null(nulls) => Ok(Value::Null),
            Self::List { ends, items, .. } => {
                let start = row.checked_sub(1).map_or(0, |before| ends[before]);
                (start..ends[row]).map(|item| items.row(item)).collect()
            }
            Self::Struct { fields, .. } => {
                let fields = fields.iter().map(|(name, values)| Ok((name.clone(), values.row(row)?)));
                fields.collect::<Result<_, ArrowError>>().map(Value::Object)
            }
            Self::Other(column) if column.is_null(row) => Ok(Value::Null),
            Self::Other(column) => shown(column, row),
        }
    }
}

/// Returns a value as Arrow displays it. Numbers and booleans are displayed as in JSON.
fn shown(column: &dyn Array, row: usize) -> Result<Value, ArrowError> {
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(column, &options)?.value(row).try_to_string()?;
    Ok(serde_json::from_str(&shown).unwrap_or(Value::String(shown)))
}
