//! JSONL: the text and the id out of a line, without building anything for the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::rows::{RowsBuilder, join, not_utf8};
use super::schema::Wanted;
use super::split::Records;
use super::usual_names::is_usual_name;
use super::{Columns, nested, turns};

/// A row that has a column which is more likely to be the text than the one that was taken for it.
pub(super) struct Surprise {
    pub row: u64,
    pub column: String,
}

/// Parses the records of one chunk.
pub(super) fn parse(
    records: &Records,
    columns: &Columns,
    rows: &mut RowsBuilder,
) -> std::result::Result<(), Surprise> {
    let (mut scratch, mut number, mut surprise) = (String::new(), records.first_row, None);
    let plain = columns.is_plain();
    let watched = columns.text.as_deref().filter(|_| !columns.found.is_certain());
    records.for_each(rows.limit, |line| {
        let parsed = line.and_then(|line| {
            let line = std::str::from_utf8(line).map_err(|error| not_utf8(&error))?;
            let mut row = Row::default();
            let wanted = Wanted { text: columns.text.as_deref().filter(|_| plain), ..Wanted::from(columns) };
            whole(line, RowSeed { wanted, watched, depth: 0, row: &mut row, scratch: &mut scratch })?;
            if let Some(column) = row.surprise.take() {
                surprise.get_or_insert(Surprise { row: number, column });
            }
            let vector = columns.embedding.as_deref().map(|name| vector(name, row.embedding)).transpose()?;
            let text = match plain {
                true => row.text.check(columns.text.as_deref().unwrap_or_default())?,
                false => join_texts(line, columns, &mut scratch).map(|()| None)?,
            };
            Ok((text, row.id, vector))
        });
        number += 1;
        match parsed {
            Ok((text, id, vector)) => {
                vector.iter().for_each(|vector| rows.push_vector(vector));
                rows.push(text.unwrap_or(&scratch), id);
            }
            Err(reason) => rows.push_bad(reason),
        }
    });
    surprise.map_or(Ok(()), Err)
}

/// Joins the texts of several columns, or of one that has turns.
fn join_texts(row: &str, columns: &Columns, joined: &mut String) -> std::result::Result<(), String> {
    joined.clear();
    for name in columns.texts() {
        let Some(token) = token_of(row, name)? else { continue };
        let of = |problem: String| format!("column `{name}` {problem}");
        // A string among turns is a text of its own.
        if columns.turns.iter().any(|turns| turns == name) && !token.starts_with('"') {
            join(joined, &turns::text_of_json(token, &columns.roles).map_err(of)?);
            continue;
        }
        let mut scratch = String::new();
        let text = TextSeed(&mut scratch).deserialize(&mut serde_json::Deserializer::from_str(token));
        let text = text.map_err(|error| of(format!("cannot be read: {error}")))?.check(name)?;
        join(joined, text.unwrap_or(&scratch));
    }
    Ok(())
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

/// The keys of a line, in order.
pub(super) fn keys_of(line: &[u8]) -> std::result::Result<Vec<String>, String> {
    let line = std::str::from_utf8(line).map_err(|error| not_utf8(&error))?;
    whole(line, KeysSeed)
}

/// The token of a column in a row, as it is written; none where it is null or not there.
pub(super) fn token_of<'de>(row: &'de str, column: &str) -> std::result::Result<Option<&'de str>, String> {
    let (mut found, mut scratch) = (Row::default(), String::new());
    let wanted = Wanted { text: None, id: Some(column), embedding: None };
    whole(row, RowSeed { wanted, watched: None, depth: 0, row: &mut found, scratch: &mut scratch })?;
    Ok(found.id)
}

/// Appends a string in quotes.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

/// Whether a line begins a list that goes on in the next lines: the file is one JSON document.
pub(super) fn opens_list(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(line).is_err()
}

/// Parses a whole line as one object.
pub(super) fn whole<'de, S: DeserializeSeed<'de>>(
    line: &'de str,
    seed: S,
) -> std::result::Result<S::Value, String> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let value = seed.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| explain(line, &error))
}

fn explain(row: &str, error: &serde_json::Error) -> String {
    let start = row.trim_start();
    if !start.starts_with('{') && serde_json::from_str::<IgnoredAny>(row).is_ok() {
        return format!("the row is {}, not an object", kind_of(start));
    }
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    match error.line() {
        0 | 1 => format!("not valid JSON at byte {}: {message}", error.column()),
        // An element of a list may have several.
        line => format!("not valid JSON in line {line} of the row, at byte {}: {message}", error.column()),
    }
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
#[derive(Default)]
enum Text<'de> {
    #[default]
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

/// What a row holds of the columns, and how deep inside the row each was found.
#[derive(Default)]
struct Row<'de> {
    text: Text<'de>,
    id: Option<&'de str>,
    embedding: Option<&'de str>,
    /// A column that is more likely to be the text than the one that was taken for it.
    surprise: Option<String>,
    text_depth: Option<usize>,
    id_depth: Option<usize>,
    embedding_depth: Option<usize>,
}

/// Whether a value `depth` objects deep replaces what was found: a name of its own goes before one inside another, and of a
/// key that comes twice the last value counts, as in most JSON readers.
fn replaces(found: Option<usize>, depth: usize) -> bool {
    found.is_none_or(|found| depth <= found)
}

/// Finds the columns in an object; `wanted` has what is left of their names inside it.
struct RowSeed<'a, 'de> {
    wanted: Wanted<'a>,
    /// The text column that a row with another name for texts puts in doubt.
    watched: Option<&'a str>,
    depth: usize,
    row: &'a mut Row<'de>,
    scratch: &'a mut String,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed(self.wanted, self.watched))? {
            match key {
                Key { doubt: Some(column), .. } => {
                    let raw: &RawValue = map.next_value()?;
                    if raw.get().starts_with('"') || turns::is_turns(raw.get()) {
                        self.row.surprise.get_or_insert(column);
                    }
                }
                Key { text: Match::No, id: Match::No, embedding: Match::No, .. } => {
                    map.next_value::<IgnoredAny>()?;
                }
                Key { text: Match::Here, id: Match::No, embedding: Match::No, .. }
                    if replaces(self.row.text_depth, self.depth) =>
                {
                    self.row.text = map.next_value_seed(TextSeed(self.scratch))?;
                    self.row.text_depth = Some(self.depth);
                }
                key => {
                    let raw: &RawValue = map.next_value()?;
                    self.take(&key, raw.get()).map_err(A::Error::custom)?;
                }
            }
        }
        Ok(())
    }
}

impl<'de> RowSeed<'_, 'de> {
    /// Takes a value that is a column, or that columns are inside of.
    fn take(&mut self, key: &Key, raw: &'de str) -> serde_json::Result<()> {
        let depth = self.depth;
        let value = Some(raw).filter(|token| *token != "null");
        if key.text.is_here() && replaces(self.row.text_depth, depth) {
            self.row.text =
                TextSeed(self.scratch).deserialize(&mut serde_json::Deserializer::from_str(raw))?;
            self.row.text_depth = Some(depth);
        }
        if key.id.is_here() && replaces(self.row.id_depth, depth) {
            (self.row.id, self.row.id_depth) = (value, Some(depth));
        }
        if key.embedding.is_here() && replaces(self.row.embedding_depth, depth) {
            (self.row.embedding, self.row.embedding_depth) = (value, Some(depth));
        }
        let wanted =
            Wanted { text: key.text.inside(), id: key.id.inside(), embedding: key.embedding.inside() };
        if wanted.names().next().is_none() {
            return Ok(());
        }
        self.forget_deeper(&wanted);
        if !raw.starts_with('{') {
            return Ok(());
        }
        let inner = RowSeed { wanted, watched: None, depth: depth + 1, row: self.row, scratch: self.scratch };
        inner.deserialize(&mut serde_json::Deserializer::from_str(raw))
    }

    /// What an earlier value of this key held does not count any more.
    fn forget_deeper(&mut self, wanted: &Wanted) {
        let is_deeper = |found: Option<usize>| found.is_some_and(|found| found > self.depth);
        if wanted.text.is_some() && is_deeper(self.row.text_depth) {
            (self.row.text, self.row.text_depth) = (Text::Empty, None);
        }
        if wanted.id.is_some() && is_deeper(self.row.id_depth) {
            (self.row.id, self.row.id_depth) = (None, None);
        }
        if wanted.embedding.is_some() && is_deeper(self.row.embedding_depth) {
            (self.row.embedding, self.row.embedding_depth) = (None, None);
        }
    }
}

/// What a key is to each of the columns.
struct Key<'a> {
    text: Match<'a>,
    id: Match<'a>,
    embedding: Match<'a>,
    /// The key, if the column is not one of the wanted ones but has a name that texts or chats have.
    doubt: Option<String>,
}

#[derive(Clone, Copy)]
enum Match<'a> {
    No,
    /// It is the column.
    Here,
    /// The column is inside it, under this name.
    Inside(&'a str),
}

impl<'a> Match<'a> {
    fn of(wanted: Option<&'a str>, key: &str) -> Self {
        match wanted {
            Some(name) if name == key => Self::Here,
            Some(name) => nested::inside(name, key).map_or(Self::No, Self::Inside),
            None => Self::No,
        }
    }

    fn is_here(self) -> bool {
        matches!(self, Self::Here)
    }

    fn inside(self) -> Option<&'a str> {
        match self {
            Self::Inside(name) => Some(name),
            _ => None,
        }
    }
}

struct KeySeed<'a>(Wanted<'a>, Option<&'a str>);

impl<'a, 'de> DeserializeSeed<'de> for KeySeed<'a> {
    type Value = Key<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Key<'a>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for KeySeed<'a> {
    type Value = Key<'a>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<Key<'a>, E> {
        let Wanted { text, id, embedding } = self.0;
        let of = |wanted| Match::of(wanted, key);
        let is_named = || is_usual_name(key);
        let is_other = || matches!((of(id), of(embedding)), (Match::No, Match::No));
        let is_doubtful = self.1.is_some_and(|taken| key != taken && is_named() && is_other());
        let doubt = is_doubtful.then(|| key.to_owned());
        Ok(Key { text: of(text), id: of(id), embedding: of(embedding), doubt })
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

struct KeysSeed;

impl<'de> DeserializeSeed<'de> for KeysSeed {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for KeysSeed {
    type Value = Vec<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            keys.push(key);
        }
        Ok(keys)
    }
}
