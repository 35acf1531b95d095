//! Lists the columns of an Arrow schema, and which of them can be texts, ids, embeddings and
//! images.

use arrow_schema::{DataType, Fields};

use crate::formats::arrow::binary::{self, is_binary};
use crate::formats::arrow::images::is_image_type;
use crate::formats::arrow::turn_arrays::{holds_strings, is_turns_type, item_of, may_hold_text};
use crate::formats::arrow::types;
use crate::formats::columns::Column;

/// Returns the name of a type in messages.
fn kind_of(kind: &DataType) -> String {
    match kind {
        // As in JSON.
        kind if types::is_null(kind) => "null".to_owned(),
        kind if types::is_text(kind) => "a string".to_owned(),
        kind if is_binary(kind) => binary::name_of(kind),
        _ => kind.to_string(),
    }
}

/// Lists the columns of a schema, each before the columns inside it.
pub(crate) fn arrow_columns(fields: &Fields) -> Vec<Column> {
    fn add(fields: &Fields, outer: &str, columns: &mut Vec<Column>) {
        for field in fields {
            let name = format!("{outer}{}", field.name());
            let inner = match field.data_type() {
                DataType::Struct(inner) if !inner.is_empty() => Some(inner),
                _ => None,
            };
            columns.push(Column {
                name: name.clone(),
                kind: Some(kind_of(field.data_type())),
                // A column in which every value is missing has texts, all of them empty.
                is_text: types::is_text(field.data_type()) || types::is_null(field.data_type()),
                is_list: types::is_vector(field.data_type()),
                is_binary: is_binary(field.data_type()),
                is_image: is_image_type(field.data_type()),
                is_image_list: item_of(field.data_type()).is_some_and(|item| is_image_type(item.data_type())),
                is_turns: is_turns_type(field.data_type()),
                may_hold_text: field.data_type().is_nested() && may_hold_text(field.data_type()),
                holds_strings: item_of(field.data_type()).is_some_and(|item| holds_strings(item.data_type())),
                sample: None,
                is_nested: !outer.is_empty(),
                has_nested: inner.is_some(),
            });
            if let Some(inner) = inner {
                add(inner, &format!("{name}."), columns);
            }
        }
    }
    let mut columns = Vec::new();
    add(fields, "", &mut columns);
    columns
}
