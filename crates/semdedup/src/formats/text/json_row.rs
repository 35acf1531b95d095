//! Reads the text, the id and the embedding of a line of JSON, and builds nothing for the rest of
//! the line.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::formats::arrow::nested;
use crate::formats::columns::{Columns, DEFAULT_TEXT, Wanted};
use crate::formats::text::json_text::{JsonText, TextSeed};
use crate::formats::turns::{CHATS, is_turns};
use crate::formats::usual_names::{is_example_part, is_usual_name};

/// The values of the columns in a row, and how deep inside the row each was found.
#[derive(Default)]
pub(crate) struct JsonRow<'de> {
    pub text: JsonText<'de>,
    pub id: Option<&'de str>,
    pub embedding: Option<&'de str>,
    /// A column that is more likely to be the text than the text column.
    pub rival: Option<String>,
    text_depth: Option<usize>,
    id_depth: Option<usize>,
    embedding_depth: Option<usize>,
}

/// Whether a value `depth` objects deep replaces the value that was found before.
///
/// A column of its own goes before one inside another. If a key comes twice, the last value counts,
/// as in most JSON readers.
fn replaces(found: Option<usize>, depth: usize) -> bool {
    found.is_none_or(|found| depth <= found)
}

/// Finds the columns in an object.
pub(crate) struct RowSeed<'a, 'de> {
    /// The names of the columns inside the object.
    pub wanted: Wanted<'a>,
    /// The text columns, if a row with another usual name of texts puts them in doubt.
    pub watched: Option<&'a Columns>,
    pub depth: usize,
    pub row: &'a mut JsonRow<'de>,
    pub scratch: &'a mut String,
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
        while let Some(key) = map.next_key_seed(KeySeed { wanted: self.wanted, watched: self.watched })? {
            match key {
                Key { doubt: Some(column), .. } => {
                    let raw: &RawValue = map.next_value()?;
                    if is_rival(&column, raw.get()) {
                        self.row.rival.get_or_insert(column);
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
    /// Takes a value that is a column, or that has columns inside.
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
        let wanted = Wanted {
            text: key.text.inside(),
            id: key.id.inside(),
            embedding: key.embedding.inside(),
            image: None,
        };
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

    /// Forgets the values that were found inside an earlier value of this key.
    fn forget_deeper(&mut self, wanted: &Wanted) {
        let is_deeper = |found: Option<usize>| found.is_some_and(|found| found > self.depth);
        if wanted.text.is_some() && is_deeper(self.row.text_depth) {
            (self.row.text, self.row.text_depth) = (JsonText::Empty, None);
        }
        if wanted.id.is_some() && is_deeper(self.row.id_depth) {
            (self.row.id, self.row.id_depth) = (None, None);
        }
        if wanted.embedding.is_some() && is_deeper(self.row.embedding_depth) {
            (self.row.embedding, self.row.embedding_depth) = (None, None);
        }
    }
}

/// How a key matches each of the columns.
struct Key<'a> {
    text: Match<'a>,
    id: Match<'a>,
    embedding: Match<'a>,
    /// The key, if it is not a wanted column but has a usual name of texts or chats.
    doubt: Option<String>,
}

/// How a key matches a column.
#[derive(Clone, Copy)]
enum Match<'a> {
    No,
    /// The key is the column.
    Here,
    /// The column is inside the value, under this name.
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

/// Whether a column, by its name, may be the text rather than the text column, or a part of an
/// example of which the text columns are the others.
fn is_named(key: &str, columns: &Columns) -> bool {
    if !columns.joined.is_empty() && is_example_part(key) {
        return columns.texts().all(|taken| taken != key);
    }
    let taken = columns.text.as_deref().unwrap_or_default();
    let is_text = |name: &str| name.eq_ignore_ascii_case(DEFAULT_TEXT);
    // `Text` is the text whatever other columns there are, unless there is `text`.
    if is_text(taken) { is_text(key) } else { is_usual_name(key) }
}

/// Whether a value in a column with a usual name is a text or a chat. Under other names than
/// `text`, a list or a number is neither.
fn is_rival(column: &str, token: &str) -> bool {
    if CHATS.iter().any(|name| column.eq_ignore_ascii_case(name)) {
        return is_turns(token);
    }
    if !is_usual_name(column) {
        return token.starts_with(['"', '[', '{']) && !["\"\"", "[]", "{}"].contains(&token);
    }
    let may_be_text = column.eq_ignore_ascii_case(DEFAULT_TEXT) && token != "null";
    token != "\"\"" && (may_be_text || token.starts_with('"') || is_turns(token))
}

/// Reads a key; see [`RowSeed`] for the fields.
struct KeySeed<'a> {
    wanted: Wanted<'a>,
    watched: Option<&'a Columns>,
}

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
        let Wanted { text, id, embedding, .. } = self.wanted;
        let of = |wanted| Match::of(wanted, key);
        let is_other = || matches!((of(id), of(embedding)), (Match::No, Match::No));
        let is_doubtful = self.watched.is_some_and(|columns| {
            columns.text.as_deref() != Some(key) && is_named(key, columns) && is_other()
        });
        let doubt = is_doubtful.then(|| key.to_owned());
        Ok(Key { text: of(text), id: of(id), embedding: of(embedding), doubt })
    }
}
