//! The values of a column of any format, as far as they have a place in an order.
//!
//! CSV, JSON in a shard and columns of strings hold numbers and times as texts, so a text that is
//! written as one counts as one. The rule is the same for all formats.

use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_cast::cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_cast::parse::string_to_datetime;
use arrow_schema::{ArrowError, DataType, TimeUnit};

use crate::formats::arrow::display::printable;
use crate::formats::arrow::types::is_text;
use crate::formats::{IdPart, IdSource, unquoted_json};

/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// Null, an empty text or NaN.
    Missing,
    /// A whole number.
    Whole(i64),
    /// Any other number; not NaN.
    Real(f64),
    /// A boolean.
    Truth(bool),
    /// A date or a time, in microseconds since 1970 in UTC.
    Time(i64),
    /// Any other text.
    Text(&'a str),
}

/// A row whose value has no place in an order, counted in its column, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unordered {
    pub(crate) row: usize,
    pub(crate) problem: String,
}

/// Takes a value, or says why it cannot.
type TakeValue<'t> = &'t mut dyn FnMut(Value<'_>) -> std::result::Result<(), String>;

/// Takes a value as a text, or none, or says why it cannot.
type TakeText<'t> = &'t mut dyn FnMut(Option<&str>) -> std::result::Result<(), String>;

/// Takes a token, or none, or says why it cannot.
type TakeToken<'t> = &'t mut dyn FnMut(Option<Token<'_>>) -> std::result::Result<(), String>;

type Taken = std::result::Result<(), Unordered>;

impl<'a> Value<'a> {
    fn of_real(number: f64) -> Self {
        if number.is_nan() { Self::Missing } else { Self::Real(number) }
    }

    /// Returns the value that a text stands for.
    pub(super) fn of_text(text: &'a str) -> Self {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Self::Missing;
        }
        if let Ok(number) = trimmed.parse() {
            return Self::Whole(number);
        }
        if let Ok(number) = trimmed.parse() {
            return Self::of_real(number);
        }
        if ["true", "false"].iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
            return Self::Truth(trimmed.eq_ignore_ascii_case("true"));
        }
        time_of(trimmed).map_or(Self::Text(text), Self::Time)
    }
}

/// Returns the time that a text in the form of ISO 8601 names, in microseconds since 1970. Without a
/// time zone it is one in UTC.
fn time_of(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let utc: Tz = "+00:00".parse().ok()?;
    Some(string_to_datetime(&utc, text).ok()?.timestamp_micros())
}

/// Takes the values of a column in the order of its rows.
pub(super) fn each_value(column: &IdPart, take: TakeValue) -> Taken {
    match column.source {
        IdSource::Json => each_token(&column.values, &mut |token| match token {
            None => take(Value::Missing),
            Some(Token::Text(text)) => take(Value::of_text(text)),
            Some(Token::Word(word)) => take(Value::of_text(word)),
        }),
        IdSource::Typed => each_typed(&column.values, take),
    }
}

/// Takes the values of a column as texts, in the order of its rows; `None` for a row without a value.
pub(crate) fn each_text(column: &IdPart, take: TakeText) -> Taken {
    match column.source {
        IdSource::Json => each_token(&column.values, &mut |token| match token {
            None => take(None),
            Some(Token::Text(text) | Token::Word(text)) => take(Some(text).filter(|text| !text.is_empty())),
        }),
        IdSource::Typed => each_printed(&column.values, take),
    }
}

/// A token of JSON that is not null.
enum Token<'a> {
    /// The inside of a string.
    Text(&'a str),
    /// A number or a boolean, as it is written.
    Word(&'a str),
}

fn each_token(tokens: &ArrayRef, take: TakeToken) -> Taken {
    let Some(tokens) = tokens.as_string_opt::<i32>() else { return Err(no_order(tokens.data_type())) };
    for (row, token) in tokens.iter().enumerate() {
        let taken = match token {
            None => take(None),
            Some(token) if token.starts_with('[') => Err("is a list, which has no order".to_owned()),
            Some(token) if token.starts_with('{') => Err("is an object, which has no order".to_owned()),
            Some(token) => match unquoted_json(token) {
                Some(text) => take(Some(Token::Text(&text))),
                None => take(Some(Token::Word(token))),
            },
        };
        taken.map_err(|problem| Unordered { row, problem })?;
    }
    Ok(())
}

/// The microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Takes the values of a column of Arrow.
fn each_typed(values: &ArrayRef, take: TakeValue) -> Taken {
    let kind = values.data_type();
    let converted = |to: &DataType| cast(values, to).map_err(|error| unreadable(&error));
    match kind {
        DataType::Null => each_of((0..values.len()).map(|_| None::<()>), &|()| Value::Missing, take),
        DataType::Boolean => each_of(values.as_boolean().iter(), &Value::Truth, take),
        DataType::UInt64 => {
            let value = |number: u64| i64::try_from(number).map_or(Value::Real(number as f64), Value::Whole);
            each_of(values.as_primitive::<UInt64Type>().iter(), &value, take)
        }
        kind if kind.is_integer() => {
            each_of(converted(&DataType::Int64)?.as_primitive::<Int64Type>().iter(), &Value::Whole, take)
        }
        kind if kind.is_floating() || kind.is_decimal() => {
            let numbers = converted(&DataType::Float64)?;
            each_of(numbers.as_primitive::<Float64Type>().iter(), &Value::of_real, take)
        }
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            each_of(times_of(values)?.iter(), &Value::Time, take)
        }
        kind if is_text(kind) => {
            let texts = converted(&DataType::LargeUtf8)?;
            each_of(texts.as_string::<i64>().iter(), &Value::of_text, take)
        }
        DataType::Dictionary(_, inner) => each_typed(&converted(inner)?, take),
        kind => Err(no_order(kind)),
    }
}

/// Returns dates and times as microseconds since 1970 in UTC.
fn times_of(values: &ArrayRef) -> std::result::Result<Int64Array, Unordered> {
    let converted = |values: &ArrayRef, to| cast(values, to).map_err(|error| unreadable(&error));
    let numbers = match values.data_type() {
        // By way of Int32: otherwise Arrow counts the milliseconds.
        DataType::Date32 => converted(&converted(values, &DataType::Int32)?, &DataType::Int64)?,
        // Whatever the zone is, the number counts from 1970 in UTC.
        _ => converted(values, &DataType::Int64)?,
    };
    let unit = |number: i64| match values.data_type() {
        DataType::Date32 => number.saturating_mul(DAY),
        DataType::Timestamp(TimeUnit::Second, _) => number.saturating_mul(1_000_000),
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => number.saturating_mul(1000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => number.div_euclid(1000),
        _ => number,
    };
    Ok(numbers.as_primitive::<Int64Type>().unary(unit))
}

/// Takes values, `None` as a missing one.
fn each_of<'v, T>(
    values: impl Iterator<Item = Option<T>>,
    value: &dyn Fn(T) -> Value<'v>,
    take: TakeValue,
) -> Taken {
    for (row, found) in values.enumerate() {
        take(found.map_or(Value::Missing, value)).map_err(|problem| Unordered { row, problem })?;
    }
    Ok(())
}

/// Takes the values of a column of Arrow as texts.
fn each_printed(values: &ArrayRef, take: TakeText) -> Taken {
    let printed = printable(values);
    let kind = printed.data_type();
    if kind.is_nested() || kind.is_binary() {
        return Err(no_order(kind));
    }
    let options = FormatOptions::default();
    let format = ArrayFormatter::try_new(&printed, &options).map_err(|error| unreadable(&error))?;
    let mut text = String::new();
    for row in 0..printed.len() {
        text.clear();
        let written = match printed.is_null(row) {
            true => Ok(()),
            false => format.value(row).write(&mut text).map_err(|error| error.to_string()),
        };
        let value = Some(text.as_str()).filter(|text| !text.is_empty());
        written.and_then(|()| take(value)).map_err(|problem| Unordered { row, problem })?;
    }
    Ok(())
}

fn no_order(kind: &DataType) -> Unordered {
    Unordered { row: 0, problem: format!("is of type {kind}, which has no order") }
}

fn unreadable(error: &ArrowError) -> Unordered {
    Unordered { row: 0, problem: format!("cannot be read: {error}") }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
