//! Parses JSON rows, and reads other parts of them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::formats::columns::{Columns, Found, Wanted};
use crate::formats::loose_json::{self, NO_NUMBERS, RowText, read_row};
use crate::formats::number_list::numbers_of_text;
use crate::formats::rows::{RowsBuilder, join, no_embedding, not_utf8};
use crate::formats::text::json_row::{JsonRow, RowSeed};
use crate::formats::text::json_text::TextSeed;
use crate::formats::text::records::Records;
use crate::formats::turns;

/// A row with a column that is more likely to be the text than the text column.
pub(crate) struct RivalColumn {
    pub row: u64,
    pub column: String,
}

/// Parses the records of one chunk.
pub(crate) fn parse(
    records: &Records,
    columns: &Columns,
    rows: &mut RowsBuilder,
) -> std::result::Result<(), RivalColumn> {
    let watched = Some(columns).filter(|columns| columns.text.is_some() && !columns.found.is_certain());
    let mut parser =
        RowParser { columns, watched, scratch: String::new(), number: records.first_row, rival: None };
    records.for_each(rows.limit, |line| {
        let row = line.and_then(|line| std::str::from_utf8(line).map_err(|error| not_utf8(&error)));
        if let Err(reason) = row.and_then(|row| read_row(row, |row| parser.parse(row, rows))) {
            rows.push_bad(reason);
        }
        parser.number += 1;
    });
    parser.rival.map_or(Ok(()), Err)
}

/// Parses the rows of a chunk one by one.
struct RowParser<'a> {
    columns: &'a Columns,
    /// The text column, if another column in a row can put it in doubt.
    watched: Option<&'a Columns>,
    /// A text that is not in the row as it is.
    scratch: String,
    /// The number of the row in the file.
    number: u64,
    rival: Option<RivalColumn>,
}

impl RowParser<'_> {
    /// Appends a row to the others.
    fn parse(&mut self, row: RowText, rows: &mut RowsBuilder) -> std::result::Result<(), String> {
        if self.columns.found == Found::Strings {
            let text = whole(row.strict, TextSeed(&mut self.scratch))?;
            let text = text.of_row()?.unwrap_or(&self.scratch);
            rows.push(text, None);
            return Ok(());
        }
        let (columns, plain) = (self.columns, self.columns.is_plain());
        let mut found = JsonRow::default();
        let wanted = Wanted { text: columns.text.as_deref().filter(|_| plain), ..Wanted::from(columns) };
        let (watched, scratch) = (self.watched, &mut self.scratch);
        whole(row.strict, RowSeed { wanted, watched, depth: 0, row: &mut found, scratch })?;
        if let Some(column) = found.rival.take() {
            self.rival.get_or_insert(RivalColumn { row: self.number, column });
        }
        let vector = |name| vector(name, found.embedding.map(|token| row.original(token)));
        let vector = columns.embedding.as_deref().map(vector).transpose()?;
        let text = match plain {
            true => {
                let name = columns.text.as_deref().unwrap_or_default();
                found.text.check(name).map_err(|reason| no_number(row, name).unwrap_or(reason))?
            }
            false => join_texts(row.strict, columns, &mut self.scratch).map(|()| None)?,
        };
        vector.iter().for_each(|vector| rows.push_vector(vector));
        rows.push(text.unwrap_or(&self.scratch), found.id.and_then(|token| id_of(row, token)));
        Ok(())
    }
}

/// Returns the token of an id. An id that is NaN is missing, as one that is null.
fn id_of<'r>(row: RowText<'r>, token: &str) -> Option<&'r str> {
    Some(row.original(token)).filter(|token| *token != NO_NUMBERS[0])
}

/// Describes a text that is NaN or infinite.
fn no_number(row: RowText, column: &str) -> Option<String> {
    let token = row.original(token_of(row.strict, column).ok()??);
    NO_NUMBERS.contains(&token).then(|| format!("column `{column}` is {token}, not a string"))
}

/// Joins the texts of several columns, or of one that has turns or is in the elements of a list.
fn join_texts(row: &str, columns: &Columns, joined: &mut String) -> std::result::Result<(), String> {
    joined.clear();
    for name in columns.texts() {
        let Some(token) = token_of(row, columns.source_of(name))? else { continue };
        let of = |problem: String| format!("column `{name}` {problem}");
        if let Some(path) = columns.list_path(name) {
            let value =
                loose_json::from_str(token).map_err(|error| of(format!("cannot be read: {error}")))?;
            path.each_text(&value, &mut |text| join(joined, text)).map_err(of)?;
            continue;
        }
        // A string in a column of turns is a text of its own.
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

/// Parses an embedding.
fn vector(column: &str, token: Option<&str>) -> std::result::Result<Vec<f32>, String> {
    let token = token.ok_or_else(|| no_embedding(column))?;
    if token.starts_with('"') {
        let text: String =
            loose_json::from_str(token).map_err(|error| format!("column `{column}`: {error}"))?;
        return numbers_of_text(&text).map_err(|problem| format!("column `{column}` {problem}"));
    }
    // Numbers that f32 cannot hold become infinite, as in other formats.
    let numbers = serde_json::from_str::<Vec<f64>>(token).or_else(|_| loose_json::numbers_of(token));
    let numbers = numbers.map_err(|_| match kind_of(token) {
        "a list" => format!("column `{column}` is a list of other things than numbers"),
        kind => format!("column `{column}` is {kind}, not a list of numbers"),
    })?;
    Ok(numbers.into_iter().map(|number| number as f32).collect())
}

/// Returns the keys of a line, in order.
pub(crate) fn keys_of(line: &[u8]) -> std::result::Result<Vec<String>, String> {
    let line = std::str::from_utf8(line).map_err(|error| not_utf8(&error))?;
    read_row(line, |row| whole(row.strict, KeysSeed))
}

/// Returns the JSON token of a column in a row; `None` where it is null or missing.
pub(crate) fn token_of<'de>(row: &'de str, column: &str) -> std::result::Result<Option<&'de str>, String> {
    let (mut found, mut scratch) = (JsonRow::default(), String::new());
    let wanted = Wanted { text: None, id: Some(column), embedding: None, image: None };
    whole(row, RowSeed { wanted, watched: None, depth: 0, row: &mut found, scratch: &mut scratch })?;
    Ok(found.id)
}

/// Appends a string in quotes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

/// Whether a line begins a list or an object that continues in the next lines, so that it is no
/// row.
pub(crate) fn opens_document(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line == b"{" || (line.starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(line).is_err())
}

/// Parses a whole line as one object.
pub(crate) fn whole<'de, S: DeserializeSeed<'de>>(
    line: &'de str,
    seed: S,
) -> std::result::Result<S::Value, String> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let value = seed.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| explain(line, &error))
}

/// The reason of a row that is a comment.
pub(crate) const COMMENT: &str = "a comment, which JSON does not have";

/// Describes why a row is not a JSON object.
fn explain(row: &str, error: &serde_json::Error) -> String {
    let start = row.trim_start();
    if ["//", "/*", "#"].iter().any(|comment| start.starts_with(comment)) {
        return COMMENT.to_owned();
    }
    if !start.starts_with('{') && serde_json::from_str::<IgnoredAny>(row).is_ok() {
        return format!("the row is {}, not an object", kind_of(start));
    }
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    match error.line() {
        0 | 1 => format!("not valid JSON at byte {}: {message}", error.column()),
        // An element of a list may have several lines.
        line => format!("not valid JSON in line {line} of the row, at byte {}: {message}", error.column()),
    }
}

/// Returns the kind of value that a JSON token is, in words.
pub(crate) fn kind_of(token: &str) -> &'static str {
    match token.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Reads the keys of an object.
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
