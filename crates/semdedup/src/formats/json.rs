//! JSONL: the text and the id out of a line, without building anything for the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Columns;
use super::rows::{RowsBuilder, not_utf8};
use super::split::Records;

/// Parses the records of one chunk.
pub(super) fn parse(records: &Records, columns: &Columns, rows: &mut RowsBuilder) {
    let mut scratch = String::new();
    records.for_each(rows.limit, |line| {
        let parsed = line.and_then(|line| {
            let line = std::str::from_utf8(line).map_err(|error| not_utf8(&error))?;
            let seed = RowSeed { columns, scratch: &mut scratch };
            let row = whole(line, seed)?;
            let vector = columns.embedding.as_deref().map(|name| vector(name, row.embedding)).transpose()?;
            Ok((row.text.check(columns.text.as_deref().unwrap_or_default())?, row.id, vector))
        });
        match parsed {
            Ok((text, id, vector)) => {
                vector.iter().for_each(|vector| rows.push_vector(vector));
                rows.push(text.unwrap_or(&scratch), id);
            }
            Err(reason) => rows.push_bad(reason),
        }
    });
}

/// The numbers of an embedding.
fn vector(column: &str, token: Option<&str>) -> std::result::Result<Vec<f32>, String> {
    let token = token.ok_or_else(|| format!("no embedding in column `{column}`"))?;
    // What f32 cannot hold becomes infinite, as it does in other formats.
    let numbers: Vec<f64> = serde_json::from_str(token).map_err(|error| match kind_of(token) {
        "a list" if error.to_string().starts_with("number out of range") => {
            format!("column `{column}` has a number that is out of range")
        }
        "a list" => format!("column `{column}` is a list of other things than numbers"),
        kind => format!("column `{column}` is {kind}, not a list of numbers"),
    })?;
    Ok(numbers.into_iter().map(|number| number as f32).collect())
}

/// The columns of a line and what kind of value each has, in order.
pub(super) fn columns_of(line: &[u8]) -> std::result::Result<Vec<(String, &'static str)>, String> {
    let line = std::str::from_utf8(line).map_err(|error| not_utf8(&error))?;
    whole(line, ColumnsSeed)
}

/// Whether a line begins a list that goes on in the next lines: the file is one JSON document.
pub(super) fn opens_list(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(line).is_err()
}

/// Parses a whole line as one object.
fn whole<'de, S: DeserializeSeed<'de>>(line: &'de str, seed: S) -> std::result::Result<S::Value, String> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let value = seed.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| explain(line, &error))
}

fn explain(line: &str, error: &serde_json::Error) -> String {
    let start = line.trim_start();
    if !start.starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok() {
        return format!("the line is {}, not an object", kind_of(start));
    }
    let message = error.to_string();
    // A line is one line, so serde_json's "at line 1 column 7" says the position twice.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    format!("not valid JSON at byte {}: {message}", error.column())
}

/// What kind of value a JSON token is, in words.
pub(super) fn kind_of(token: &str) -> &'static str {
    match token.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The value of the text column.
enum Text<'de> {
    Empty,
    Borrowed(&'de str),
    /// It has escapes and was written out into the scratch string.
    Scratch,
    Other(&'static str),
}

impl<'de> Text<'de> {
    /// The text; `None` where it is in the scratch string.
    fn check(self, column: &str) -> std::result::Result<Option<&'de str>, String> {
        match self {
            Self::Empty => Ok(Some("")),
            Self::Borrowed(text) => Ok(Some(text)),
            Self::Scratch => Ok(None),
            Self::Other(kind) => Err(format!("column `{column}` is {kind}, not a string")),
        }
    }
}

struct Row<'de> {
    text: Text<'de>,
    id: Option<&'de str>,
    embedding: Option<&'de str>,
}

struct RowSeed<'a> {
    columns: &'a Columns,
    scratch: &'a mut String,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Row<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Row<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Row<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Row<'de>, A::Error> {
        let mut row = Row { text: Text::Empty, id: None, embedding: None };
        // Of a key that comes twice the last value counts, as in most JSON readers.
        while let Some(key) = map.next_key_seed(KeySeed(self.columns))? {
            match key {
                Key::Text => row.text = map.next_value_seed(TextSeed(self.scratch))?,
                Key::Id => row.id = token(map.next_value()?),
                Key::Embedding => row.embedding = token(map.next_value()?),
                Key::Both => {
                    let raw: &RawValue = map.next_value()?;
                    row.id = token(raw);
                    let mut value = serde_json::Deserializer::from_str(raw.get());
                    row.text = TextSeed(self.scratch).deserialize(&mut value).map_err(A::Error::custom)?;
                }
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(row)
    }
}

fn token(raw: &RawValue) -> Option<&str> {
    Some(raw.get()).filter(|token| *token != "null")
}

enum Key {
    Text,
    Id,
    Embedding,
    Both,
    Other,
}

struct KeySeed<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<Key, E> {
        let is = |column: &Option<String>| column.as_deref() == Some(key);
        if is(&self.0.embedding) {
            return Ok(Key::Embedding);
        }
        Ok(match (is(&self.0.text), is(&self.0.id)) {
            (true, true) => Key::Both,
            (true, false) => Key::Text,
            (false, true) => Key::Id,
            (false, false) => Key::Other,
        })
    }
}

struct TextSeed<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Text<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = Text<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(Text::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        self.0.clear();
        self.0.push_str(text);
        Ok(Text::Scratch)
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(Text::Empty)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Self::Value, E> {
        Ok(Text::Other("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Self::Value, E> {
        Ok(Text::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Self::Value, E> {
        Ok(Text::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Self::Value, E> {
        Ok(Text::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::Other("an object"))
    }
}

struct ColumnsSeed;

impl<'de> DeserializeSeed<'de> for ColumnsSeed {
    type Value = Vec<(String, &'static str)>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ColumnsSeed {
    type Value = Vec<(String, &'static str)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut columns = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            columns.push((name, kind_of(value.get())));
        }
        Ok(columns)
    }
}
