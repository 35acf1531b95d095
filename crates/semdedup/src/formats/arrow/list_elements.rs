//! Takes one element of each list of a column, as `images[0]` names it, or one of its fields.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_cast::cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;

use crate::formats::arrow::nested;
use crate::formats::arrow::turn_arrays::item_of;
use crate::formats::list_path::{Step, index_of};

/// Returns the values at the end of some steps, one a row: null where a list, an object or an element
/// is missing.
///
/// # Errors
/// A step that leads to every element, and one that the type of the values does not have.
pub(crate) fn values_at(column: &ArrayRef, steps: &[Step]) -> Result<ArrayRef, ArrowError> {
    steps.iter().try_fold(column.clone(), |column, step| match step {
        &Step::At(place) => element(&column, place),
        Step::Field(name) => field(column, name),
        Step::Every => Err(none(&column, "one element")),
    })
}

fn element(column: &ArrayRef, place: i64) -> Result<ArrayRef, ArrowError> {
    let Some(item) = item_of(column.data_type()) else { return Err(none(column, "an element")) };
    let lists = cast(column, &DataType::LargeList(item.clone().into()))?;
    let lists = lists.as_list::<i64>();
    let offsets = lists.value_offsets();
    let at = |row: usize| {
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        let index = if lists.is_null(row) { None } else { index_of(place, end - start) };
        index.map(|index| (start + index) as u64)
    };
    take(lists.values(), &(0..lists.len()).map(at).collect::<UInt64Array>(), None)
}

fn field(column: ArrayRef, name: &str) -> Result<ArrayRef, ArrowError> {
    let places = match column.data_type() {
        DataType::Struct(fields) => nested::find(fields, name),
        _ => None,
    };
    match places {
        Some(places) => nested::inner(column, &places),
        None => Err(none(&column, name)),
    }
}

fn none(column: &ArrayRef, what: &str) -> ArrowError {
    ArrowError::SchemaError(format!("{} has not {what}", column.data_type()))
}
