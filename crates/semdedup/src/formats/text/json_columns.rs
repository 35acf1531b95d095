//! Finds the columns of JSON rows by the first rows: every key, and the keys of objects inside as
//! `outer.inner`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::formats::arrow::nested::inside;
use crate::formats::columns::{Column, DEFAULT_TEXT, Wanted};
use crate::formats::list_path::ListPath;
use crate::formats::loose_json::{self, RowText, read_row};
use crate::formats::rows::not_utf8;
use crate::formats::text::json::{kind_of, whole};
use crate::formats::turns::is_turns;

/// Columns are searched for in objects this many levels deep.
const MAX_DEPTH: usize = 16;
/// At most this many columns inside others are noted that the user has not asked for (an error
/// lists a few of them)…
const MAX_NESTED: usize = 1000;
/// …and only those with shorter names.
const MAX_NAME_BYTES: usize = 200;

/// The name of a column. A column of its own and one inside another may have the same name.
#[derive(PartialEq, Eq, Hash)]
struct ColumnKey {
    is_nested: bool,
    name: String,
}

/// The columns seen so far, each with the first kind of value that is not null.
pub(crate) struct Seen<'a> {
    pub columns: Vec<Column>,
    insides: Vec<Inside>,
    places: HashMap<ColumnKey, usize>,
    wanted: Vec<&'a str>,
    nested: usize,
}

impl<'a> Seen<'a> {
    pub fn new(wanted: &Wanted<'a>) -> Self {
        // A name with commas may be a list of names, and one with brackets may reach into a list.
        let names =
            wanted.names().flat_map(|name| std::iter::once(name).chain(name.split(',').map(str::trim)));
        let column = |name| ListPath::of(name).map(|path| path.column);
        let wanted = names.flat_map(|name| std::iter::once(name).chain(column(name))).collect();
        Self { columns: Vec::new(), insides: Vec::new(), places: HashMap::new(), wanted, nested: 0 }
    }

    /// Whether the text column that is wanted has been seen, or `text` where none is.
    pub fn has_text(&self, wanted: &Wanted) -> bool {
        let is_known = |name: &str| self.columns.iter().any(|column| column.name == name);
        let name = wanted.text.unwrap_or(DEFAULT_TEXT);
        is_known(name) || name.split(',').all(|name| is_known(name.trim()))
    }

    /// Whether the column of the images that is wanted has been seen.
    pub fn has_image(&self, wanted: &Wanted) -> bool {
        wanted.image.is_none() || self.columns.iter().any(|column| wanted.is_image(&column.name))
    }

    /// Notes the columns of a row.
    ///
    /// # Errors
    /// A row that is not a JSON object, in words.
    pub fn look_at(&mut self, row: &[u8]) -> Result<(), String> {
        let row = std::str::from_utf8(row).map_err(|error| not_utf8(&error))?;
        read_row(row, |row| {
            self.note_all(members_of(row.strict)?, "", 1, row);
            Ok(())
        })
    }

    fn note_all(&mut self, values: Vec<Member>, outer: &str, depth: usize, row: RowText) {
        for (key, value) in values {
            let name = format!("{outer}{key}");
            let Some(column) = self.note(&name, kind_of(value.get()), !outer.is_empty()) else { continue };
            self.look_inside(column, value.get(), row.original(value.get()));
            if !value.get().starts_with('{') || depth == MAX_DEPTH {
                continue;
            }
            // The row was parsed, so the value is a valid object.
            let mut inner = serde_json::Deserializer::from_str(value.get());
            if let Ok(values) = ObjectSeed.deserialize(&mut inner) {
                self.columns[column].has_nested |= !values.is_empty();
                self.note_all(values, &format!("{name}."), depth + 1, row);
            }
        }
    }

    /// Notes a column and returns its index; `None` where there are too many columns inside others.
    fn note(&mut self, name: &str, kind: &str, is_nested: bool) -> Option<usize> {
        let place = match self.places.entry(ColumnKey { is_nested, name: name.to_owned() }) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let is_wanted = self.wanted.iter().any(|&w| w == name || inside(w, name).is_some());
                if is_nested && !is_wanted {
                    if self.nested == MAX_NESTED || name.len() > MAX_NAME_BYTES {
                        return None;
                    }
                    self.nested += 1;
                }
                self.columns.push(Column {
                    name: name.to_owned(),
                    kind: Some(kind.to_owned()),
                    is_text: matches!(kind, "a string" | "null"),
                    is_nested,
                    ..Column::default()
                });
                self.insides.push(Inside::default());
                *free.insert(self.columns.len() - 1)
            }
        };
        let column = &mut self.columns[place];
        if column.kind.as_deref() == Some("null") || (kind == "a string" && !column.is_text) {
            column.kind = Some(kind.to_owned());
            column.is_text = matches!(kind, "a string" | "null");
        }
        column.is_list |= kind == "a list";
        Some(place)
    }
}

impl Seen<'_> {
    /// Keeps the first value of a column as it is in the file, and looks into the first lists and
    /// objects for texts and turns.
    fn look_inside(&mut self, column: usize, token: &str, original: &str) {
        let (column, inside) = (&mut self.columns[column], &mut self.insides[column]);
        if column.sample.is_none() && token != "null" {
            column.sample = Some(original.chars().take(SAMPLE_CHARS).collect());
        }
        if token.starts_with(['[', '{']) && inside.looked < LOOKED_INSIDE {
            inside.looked += 1;
            column.is_turns |= is_turns(token);
            if let Ok(value) = loose_json::from_str(token) {
                inside.note(&value);
            }
            column.may_hold_text = inside.strings || (inside.integers && !inside.floats);
        }
    }
}

/// At most this many characters of a value are kept for messages.
const SAMPLE_CHARS: usize = 100;
/// At most this many lists and objects of a column are looked into.
const LOOKED_INSIDE: usize = 100;

/// The kinds of values in the lists and objects of a column.
#[derive(Default)]
struct Inside {
    looked: usize,
    strings: bool,
    integers: bool,
    floats: bool,
}

impl Inside {
    fn note(&mut self, value: &Value) {
        match value {
            Value::String(_) => self.strings = true,
            Value::Number(number) if number.is_f64() => self.floats = true,
            Value::Number(_) => self.integers = true,
            Value::Array(items) => items.iter().for_each(|item| self.note(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.note(field)),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// A key of an object and its value.
pub(crate) type Member<'de> = (String, &'de RawValue);

/// Returns the keys and values of an object, in order.
///
/// # Errors
/// JSON that is not one object, in words.
pub(crate) fn members_of(object: &str) -> Result<Vec<Member<'_>>, String> {
    whole(object, ObjectSeed)
}

/// Reads the keys and values of an object, in order.
struct ObjectSeed;

impl<'de> DeserializeSeed<'de> for ObjectSeed {
    type Value = Vec<Member<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(values)
    }
}
