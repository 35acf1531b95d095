//! Columns inside columns: `meta.text` is the field `text` of the struct column `meta`.
//!
//! A column with a dot in its own name goes before a column inside another.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Field, FieldRef, Fields};
use arrow_select::nullif::nullif;

/// Returns the rest of a name inside the column `outer`, if the name leads there.
pub(crate) fn inside<'a>(name: &'a str, outer: &str) -> Option<&'a str> {
    name.strip_prefix(outer)?.strip_prefix('.')
}

/// Returns the positions that lead to a column, from the top down.
pub(crate) fn find(fields: &Fields, name: &str) -> Option<Vec<usize>> {
    if let Some(position) = fields.iter().position(|field| field.name() == name) {
        return Some(vec![position]);
    }
    fields.iter().enumerate().find_map(|(position, field)| {
        let DataType::Struct(inner) = field.data_type() else { return None };
        let mut places = find(inner, inside(name, field.name())?)?;
        places.insert(0, position);
        Some(places)
    })
}

/// Returns the names that lead to a column, from the top down.
pub(crate) fn names<'a>(fields: &'a Fields, places: &[usize]) -> Vec<&'a str> {
    let (mut fields, mut names) = (fields, Vec::with_capacity(places.len()));
    for &place in places {
        names.push(fields[place].name().as_str());
        if let DataType::Struct(inner) = fields[place].data_type() {
            fields = inner;
        }
    }
    names
}

/// Returns the field of a column at `places`.
pub(crate) fn field<'a>(fields: &'a Fields, places: &[usize]) -> &'a FieldRef {
    let (place, rest) = (places.first().copied().unwrap_or(0), places.get(1..).unwrap_or_default());
    match fields[place].data_type() {
        DataType::Struct(inner) if !rest.is_empty() => field(inner, rest),
        _ => &fields[place],
    }
}

/// Returns the fields with another type for the column at `places`; `change` returns the new type
/// for the old one.
pub(crate) fn retyped(
    fields: &Fields,
    places: &[usize],
    change: &dyn Fn(&DataType) -> Option<DataType>,
) -> Option<Fields> {
    let (&place, rest) = places.split_first()?;
    let field = &fields[place];
    let kind = match field.data_type() {
        DataType::Struct(inner) if !rest.is_empty() => DataType::Struct(retyped(inner, rest, change)?),
        kind => change(kind)?,
    };
    let mut fields: Vec<FieldRef> = fields.iter().cloned().collect();
    fields[place] = Field::clone(field).with_data_type(kind).into();
    Some(fields.into())
}

/// Returns a column of a batch; its values are null where a struct around them is.
pub(crate) fn column(batch: &RecordBatch, name: &str) -> Result<Option<ArrayRef>, ArrowError> {
    let schema = batch.schema();
    let Some(places) = find(schema.fields(), name) else { return Ok(None) };
    Ok(Some(inner(batch.column(places[0]).clone(), &places[1..])?))
}

/// Returns the column at `places` inside a column; its values are null where a struct around them
/// is.
pub(crate) fn inner(mut column: ArrayRef, places: &[usize]) -> Result<ArrayRef, ArrowError> {
    for &place in places {
        let outer = column.as_struct();
        let inner = outer.column(place);
        column = match outer.nulls() {
            Some(nulls) if nulls.null_count() > 0 => nullif(inner, &BooleanArray::new(!nulls.inner(), None))?,
            _ => inner.clone(),
        };
    }
    Ok(column)
}
