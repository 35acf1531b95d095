//! Joins the ids of a run into one column, of the type that the input has.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, LargeStringArray, StringArray, UInt64Array, new_null_array};
use arrow_cast::CastOptions;
use arrow_cast::cast::{cast, cast_with_options};
use arrow_schema::DataType;
use arrow_select::concat::concat;

use crate::error::{Error, Result};
use crate::formats::arrow::display::printable;

/// The form of the ids of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdSource {
    /// Raw JSON tokens in Utf8: `12`, `"a"`.
    Json,
    /// Values of their own type.
    Typed,
}

/// The ids of some rows, as in [`crate::formats::rows::Rows`].
#[derive(Debug, Clone)]
pub struct IdPart {
    /// The form of the ids; see [`crate::formats::file::Format::id_source`].
    pub source: IdSource,
    /// The ids.
    pub values: ArrayRef,
}

/// Converts raw JSON tokens to the first of these types that all of them have: Int64, UInt64, Utf8
/// of the unquoted strings. Otherwise they become Utf8 of the raw tokens, so that `1` and `"1"`
/// stay different. Nulls have no influence.
///
/// # Errors
/// Parts that are not Utf8.
pub fn typed_json_ids(raw: &[ArrayRef]) -> Result<ArrayRef> {
    let parts = raw.iter().map(|part| {
        part.as_string_opt::<i32>()
            .ok_or_else(|| Error::usage(format!("ids are {}, not JSON tokens", part.data_type())))
    });
    let parts = parts.collect::<Result<Vec<&StringArray>>>()?;
    let tokens = || parts.iter().flat_map(|part| part.iter());
    if tokens().flatten().all(|token| token.parse::<i64>().is_ok()) && tokens().flatten().next().is_some() {
        return Ok(Arc::new(tokens().map(|token| token?.parse::<i64>().ok()).collect::<Int64Array>()));
    }
    if tokens().flatten().all(|token| token.parse::<u64>().is_ok()) && tokens().flatten().next().is_some() {
        return Ok(Arc::new(tokens().map(|token| token?.parse::<u64>().ok()).collect::<UInt64Array>()));
    }
    if tokens().flatten().all(|token| unquoted(token).is_some()) {
        return Ok(strings(tokens().map(|token| token.and_then(unquoted))));
    }
    Ok(strings(tokens().map(|token| token.map(Cow::Borrowed))))
}

/// Returns what a JSON token says: the string without its quotes, any other token as it is.
pub(crate) fn json_text(token: &str) -> Cow<'_, str> {
    unquoted(token).unwrap_or(Cow::Borrowed(token))
}

/// Returns the string of a JSON token; `None` if the token is not a string.
pub(crate) fn unquoted(token: &str) -> Option<Cow<'_, str>> {
    match token.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains(['\\', '"']) => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str::<String>(&escaped(token)).ok().map(Cow::Owned),
    }
}

/// Escapes the control characters of a string, which loose JSON has as they are.
fn escaped(token: &str) -> Cow<'_, str> {
    if !token.contains(|character: char| character < ' ') {
        return Cow::Borrowed(token);
    }
    let escape = |character: char| match character {
        control if control < ' ' => format!("\\u{:04x}", u32::from(control)),
        other => other.to_string(),
    };
    Cow::Owned(token.chars().map(escape).collect())
}

/// Collects strings as Utf8, or as LargeUtf8 where 32-bit offsets are too small.
fn strings<'a>(values: impl Iterator<Item = Option<Cow<'a, str>>> + Clone) -> ArrayRef {
    let bytes: usize = values.clone().map(|value| value.map_or(0, |value| value.len())).sum();
    if i32::try_from(bytes).is_ok() {
        Arc::new(values.collect::<StringArray>())
    } else {
        Arc::new(values.collect::<LargeStringArray>())
    }
}

/// Joins the ids of a run, part after part, into one column that Parquet can hold.
///
/// - JSON parts are typed together by [`typed_json_ids`], dictionaries are unpacked, and parts of
///   nulls have no influence on the type.
/// - If all parts have one type, the result has that type. Integers of different widths become
///   Int64, or UInt64 if only that holds all of them.
/// - Anything else (such as integers in one file and strings in another) becomes Utf8, or LargeUtf8
///   above 2 GiB, with each value as Arrow prints it. The number 1 of one file and the string "1" of
///   another are then equal; the file of a row tells them apart.
///
/// # Errors
/// Types that cannot be printed as text (lists, structs) beside another type.
pub fn unify_ids(parts: Vec<IdPart>) -> Result<ArrayRef> {
    let parts = typed(parts)?;
    let voting = || parts.iter().filter(|part| part.logical_null_count() < part.len());
    let Some(kind) = voting().next().or(parts.first()).map(|part| part.data_type().clone()) else {
        return Ok(Arc::new(StringArray::new_null(0)));
    };
    let kind = if voting().all(|part| part.data_type() == &kind) {
        Some(kind)
    } else if voting().all(|part| part.data_type().is_integer()) {
        common_integer(&parts)
    } else {
        None
    };
    match kind {
        Some(kind) if ![DataType::Utf8, DataType::Null].contains(&kind) => join(&parts, &kind),
        _ => join_as_text(&parts),
    }
}

/// Joins all parts as text: Utf8, or LargeUtf8 where 32-bit offsets are too small.
fn join_as_text(parts: &[ArrayRef]) -> Result<ArrayRef> {
    let joined = join(parts, &DataType::LargeUtf8)?;
    if i32::try_from(joined.as_string::<i64>().value_data().len()).is_err() {
        return Ok(joined);
    }
    to_type(&joined, &DataType::Utf8)
}

fn join(parts: &[ArrayRef], kind: &DataType) -> Result<ArrayRef> {
    let parts = parts.iter().map(|part| to_type(part, kind)).collect::<Result<Vec<_>>>()?;
    let parts = parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>();
    concat(&parts).map_err(|error| Error::usage(format!("the ids cannot be joined: {error}")))
}

/// Converts JSON tokens and dictionaries to values.
fn typed(parts: Vec<IdPart>) -> Result<Vec<ArrayRef>> {
    let json = parts.iter().filter(|part| part.source == IdSource::Json);
    let json = typed_json_ids(&json.map(|part| part.values.clone()).collect::<Vec<_>>())?;
    let mut taken = 0;
    let typed = parts.into_iter().map(|part| match (part.source, part.values.data_type()) {
        (IdSource::Json, _) => {
            let values = json.slice(taken, part.values.len());
            taken += part.values.len();
            Ok(values)
        }
        (IdSource::Typed, DataType::Dictionary(_, kind)) => to_type(&part.values, kind),
        (IdSource::Typed, _) => Ok(part.values),
    });
    typed.collect()
}

/// Returns Int64 or UInt64, whichever holds all integers.
fn common_integer(parts: &[ArrayRef]) -> Option<DataType> {
    let fits = |kind: &DataType| {
        let checked = CastOptions { safe: false, ..CastOptions::default() };
        parts.iter().all(|part| {
            part.logical_null_count() == part.len() || cast_with_options(part, kind, &checked).is_ok()
        })
    };
    [DataType::Int64, DataType::UInt64].into_iter().find(fits)
}

fn to_type(part: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    if part.logical_null_count() == part.len() {
        return Ok(new_null_array(kind, part.len()));
    }
    // Text is made of a value as Arrow prints it.
    cast(&printable(part), kind).map_err(|error| {
        Error::usage(format!("ids of type {} cannot be joined with others: {error}", part.data_type()))
            .hint("choose an id column that has one type in all files")
    })
}
