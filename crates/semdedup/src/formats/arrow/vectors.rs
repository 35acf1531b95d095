//! Converts columns of lists to embeddings.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, Float32Array};
use arrow_schema::ArrowError;
use arrow_schema::DataType;

use crate::formats::rows::Vectors;

/// Converts a column of lists to rows of f32. `bad` is told of the rows without an embedding.
pub(crate) fn vectors_of(
    column: &ArrayRef,
    bad: &mut dyn FnMut(usize, &str),
) -> std::result::Result<Vectors, ArrowError> {
    let mut vectors = Vectors::default();
    if column.data_type() == &DataType::Null {
        (0..column.len()).for_each(|row| {
            bad(row, "is null");
            vectors.push(&[]);
        });
        return Ok(vectors);
    }
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
fn to_f32(items: &ArrayRef) -> std::result::Result<Float32Array, ArrowError> {
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
