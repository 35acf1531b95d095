//! Converts columns of lists, of strings and of bytes to embeddings.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, Float32Array};
use arrow_schema::ArrowError;
use arrow_schema::DataType;

use crate::arrays::row_bytes::{bare_row, npy_row};
use crate::formats::arrow::binary::{self, is_binary};
use crate::formats::embedding_form::EmbeddingForm;
use crate::formats::number_list::numbers_of_text;
use crate::formats::rows::{Vectors, not_utf8};

type Converted<T> = std::result::Result<T, ArrowError>;

/// Converts a column of a form to rows of f32. `bad` is told of the rows without an embedding.
pub(crate) fn vectors_of(
    column: &ArrayRef,
    form: EmbeddingForm,
    bad: &mut dyn FnMut(usize, &str),
) -> Converted<Vectors> {
    match form {
        _ if column.data_type() == &DataType::Null => Ok(of_values((0..column.len()).map(|_| None), bad)),
        EmbeddingForm::Lists => of_lists(column, bad),
        EmbeddingForm::Strings if is_binary(column.data_type()) => {
            let text = |bytes| std::str::from_utf8(bytes).map_err(|error| format!("is {}", not_utf8(&error)));
            let numbers = |bytes| text(bytes).and_then(numbers_of_text);
            Ok(of_values(binary::values_of(column)?.iter().map(|value| value.map(numbers)), bad))
        }
        EmbeddingForm::Strings => {
            let texts = arrow_cast::cast::cast(column, &DataType::LargeUtf8)?;
            Ok(of_values(texts.as_string::<i64>().iter().map(|text| text.map(numbers_of_text)), bad))
        }
        EmbeddingForm::Bytes(float) => {
            let numbers = |bytes| bare_row(bytes, float.number());
            Ok(of_values(binary::values_of(column)?.iter().map(|value| value.map(numbers)), bad))
        }
        EmbeddingForm::Npy => {
            let numbers = |bytes: &[u8]| npy_row(bytes.to_vec());
            Ok(of_values(binary::values_of(column)?.iter().map(|value| value.map(numbers)), bad))
        }
    }
}

/// Collects embeddings, each the reason why it cannot be read if it cannot; `None` is null.
fn of_values(
    values: impl Iterator<Item = Option<std::result::Result<Vec<f32>, String>>>,
    bad: &mut dyn FnMut(usize, &str),
) -> Vectors {
    let mut vectors = Vectors::default();
    for (row, value) in values.enumerate() {
        let numbers = value.unwrap_or_else(|| Err("is null".to_owned()));
        vectors.push(&numbers.unwrap_or_else(|problem| {
            bad(row, &problem);
            Vec::new()
        }));
    }
    vectors
}

/// Converts a column of lists.
fn of_lists(column: &ArrayRef, bad: &mut dyn FnMut(usize, &str)) -> Converted<Vectors> {
    let mut vectors = Vectors::default();
    let mut lists = Lists::of(column);
    // These rows may be a slice of a larger column.
    let (first, last) = (lists.ends[0], lists.ends[column.len()]);
    lists.ends.iter_mut().for_each(|end| *end -= first);
    let items = to_f32(&lists.items.slice(first, last - first))?;
    for row in 0..column.len() {
        let range = lists.ends[row]..lists.ends[row + 1];
        let problem = match () {
            () if column.is_null(row) => Some("is null"),
            () if items.null_count() > 0 && range.clone().any(|i| items.is_null(i)) => {
                Some("has a null in its list")
            }
            () => None,
        };
        problem.into_iter().for_each(|problem| bad(row, problem));
        vectors.push(if problem.is_some() { &[] } else { &items.values()[range] });
    }
    Ok(vectors)
}

/// Converts numbers to f32, the floats without Arrow's casts, which are not built for speed here.
fn to_f32(items: &ArrayRef) -> Converted<Float32Array> {
    Ok(match items.data_type() {
        DataType::Float64 => items.as_primitive::<Float64Type>().unary(|value| value as f32),
        DataType::Float16 => items.as_primitive::<Float16Type>().unary(f32::from),
        _ => arrow_cast::cast::cast(items, &DataType::Float32)?.as_primitive::<Float32Type>().clone(),
    })
}

/// A column of lists.
struct Lists<'a> {
    /// The items of all lists, one list after the other.
    items: &'a ArrayRef,
    /// Where each list begins among the items, and where the last one ends.
    ends: Vec<usize>,
}

impl<'a> Lists<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            DataType::FixedSizeList(..) => {
                let list = column.as_fixed_size_list();
                let length = list.value_length() as usize;
                Self { items: list.values(), ends: (0..=list.len()).map(|row| row * length).collect() }
            }
            DataType::LargeList(_) => {
                let list = column.as_list::<i64>();
                let ends = list.value_offsets().iter().map(|&end| end as usize).collect();
                Self { items: list.values(), ends }
            }
            _ => {
                let list = column.as_list::<i32>();
                let ends = list.value_offsets().iter().map(|&end| end as usize).collect();
                Self { items: list.values(), ends }
            }
        }
    }
}
