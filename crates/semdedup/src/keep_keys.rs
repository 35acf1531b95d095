//! Which row of a set of duplicates stays: the keys of `--keep`, and how they are written.
//!
//! ```text
//! keys   = key ("," key)*
//! key    = "max:" name | "min:" name | "prefer:" name "=" value ("," value)*
//!        | "longest" | "first" | "hard" | "easy" | "random"
//! ```
//!
//! A piece between two commas begins a new key if it is one of the words or begins with `max:`, `min:`
//! or `prefer:`; any other piece is a further value of the `prefer:` before it. A name or a value in
//! double quotes is never anything else, and a quote inside is doubled.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use semdedup_core::Keep;

use crate::error::{Error, Result};

/// Which row of a set of duplicates stays: the row that ranks first by a list of keys, the most
/// important first. Rows that a key does not tell apart go to the next one, then to their numbers.
///
/// ```
/// use semdedup::{Keep, KeepKeys};
///
/// let keys: KeepKeys = "max:quality, min:length".parse()?;
/// assert_eq!(keys.to_string(), "max:quality,min:length,first");
/// assert_eq!("hard".parse::<KeepKeys>()?, Keep::Hard.into());
/// assert!("quality".parse::<KeepKeys>().is_err());
/// # Ok::<(), semdedup::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepKeys {
    of_input: Vec<KeepKey>,
    last: Keep,
}

/// A key that ranks rows by what the input says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepKey {
    /// The row with the longest text, in characters, ranks first.
    Longest,
    /// The row with the largest value in this column ranks first, one without a value last.
    Max(String),
    /// The row with the smallest value in this column ranks first, one without a value last.
    Min(String),
    /// A row ranks by the place of its value in a list. Values that are not in it come after those
    /// that are, and rows without a value last.
    Prefer {
        /// The column.
        column: String,
        /// The values, the first one first.
        values: Vec<String>,
    },
}

impl KeepKey {
    /// Returns the column that the key reads; none for the texts.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Longest => None,
            Self::Max(column) | Self::Min(column) | Self::Prefer { column, .. } => Some(column),
        }
    }
}

impl KeepKeys {
    /// Checks a list of keys. `last` ranks the rows that are equal by all of them.
    ///
    /// # Errors
    /// A key that cannot decide anything because of another one, a name or a value that is empty.
    pub fn new(of_input: impl IntoIterator<Item = KeepKey>, last: Keep) -> Result<Self> {
        let mut keys = Self { of_input: Vec::new(), last };
        of_input.into_iter().try_for_each(|key| keys.push(key))?;
        Ok(keys)
    }

    /// Returns the keys that rank rows by what the input says of them, the most important first.
    pub fn of_input(&self) -> &[KeepKey] {
        &self.of_input
    }

    /// Returns what ranks the rows that are equal by all other keys.
    pub fn last(&self) -> Keep {
        self.last
    }

    fn push(&mut self, key: KeepKey) -> Result<()> {
        if let Some(earlier) = self.of_input.iter().find(|earlier| earlier.column() == key.column()) {
            let problem = format!("`{key}` decides nothing: `{earlier}` is before it");
            return Err(Error::usage(problem).hint("name each column once"));
        }
        if key.column() == Some("") {
            return Err(Error::usage(format!("`{key}` names no column")).hint(FORMS));
        }
        if let KeepKey::Prefer { values, .. } = &key {
            check_values(&key, values)?;
        }
        self.of_input.push(key);
        Ok(())
    }
}

/// Fails if a list of values is empty, or has a value that is empty or comes twice.
fn check_values(key: &KeepKey, values: &[String]) -> Result<()> {
    if values.is_empty() || values.iter().any(String::is_empty) {
        return Err(Error::usage(format!("`{key}` has an empty value")).hint(FORMS));
    }
    let twice = values.iter().enumerate().find(|(place, value)| values[..*place].contains(value));
    twice.map_or(Ok(()), |(_, value)| {
        Err(Error::usage(format!("`{key}` names `{value}` twice")).hint("name each value once"))
    })
}

impl Default for KeepKeys {
    /// Ranks by [`Keep::Hard`], as the paper does.
    fn default() -> Self {
        Keep::Hard.into()
    }
}

impl From<Keep> for KeepKeys {
    fn from(last: Keep) -> Self {
        Self { of_input: Vec::new(), last }
    }
}

/// The forms of a key, for hints.
const FORMS: &str = "write max:COLUMN, min:COLUMN, prefer:COLUMN=VALUE,VALUE, longest, first, hard, easy or random, \
     with commas between several";

impl FromStr for KeepKeys {
    type Err = Error;

    fn from_str(typed: &str) -> Result<Self> {
        let mut of_input: Vec<KeepKey> = Vec::new();
        let mut last: Option<Keep> = None;
        for piece in pieces(typed)? {
            if let Some(last) = last {
                let (name, problem) = (last.name(), format!("`{piece}` comes after `{}`", last.name()));
                return Err(Error::usage(problem).hint(format!("put `{name}` at the end: it leaves no ties")));
            }
            match (Piece::of(piece)?, of_input.last_mut()) {
                (Piece::Last(keep), _) => last = Some(keep),
                (Piece::Key(key), _) => of_input.push(key),
                (Piece::Value(value), Some(KeepKey::Prefer { values, .. })) => values.push(value),
                (Piece::Value(_), _) => {
                    return Err(Error::usage(format!("`{piece}` is no key of --keep")).hint(FORMS));
                }
            }
        }
        Self::new(of_input, last.unwrap_or(Keep::First))
    }
}

/// Divides a list at the commas that are not in quotes.
fn pieces(typed: &str) -> Result<Vec<&str>> {
    let mut is_quoted = false;
    let pieces = typed.split(|character| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    });
    let pieces: Vec<&str> = pieces.map(str::trim).collect();
    if is_quoted {
        return Err(Error::usage(format!("`{typed}` has a quote that is not closed")).hint(QUOTES));
    }
    Ok(pieces)
}

const QUOTES: &str =
    "a name or a value with a comma or a quote stands in double quotes, with quotes doubled: \"a,b\"";

/// What a piece between two commas is.
enum Piece {
    Key(KeepKey),
    Last(Keep),
    Value(String),
}

impl Piece {
    fn of(piece: &str) -> Result<Self> {
        if let Some(last) = Keep::ALL.into_iter().find(|keep| keep.name() == piece) {
            return Ok(Self::Last(last));
        }
        Ok(match piece.split_once(':') {
            None if piece == LONGEST => Self::Key(KeepKey::Longest),
            Some(("max", column)) => Self::Key(KeepKey::Max(unquoted(column)?)),
            Some(("min", column)) => Self::Key(KeepKey::Min(unquoted(column)?)),
            Some(("prefer", rest)) => Self::Key(preference(piece, rest)?),
            _ => Self::Value(unquoted(piece)?),
        })
    }
}

const LONGEST: &str = "longest";

/// Reads the column and the first value of a preference.
fn preference(piece: &str, rest: &str) -> Result<KeepKey> {
    let mut is_quoted = false;
    let is_equals = |character: char| {
        is_quoted ^= character == '"';
        character == '=' && !is_quoted
    };
    let Some(end) = rest.find(is_equals) else {
        return Err(Error::usage(format!("`{piece}` names no values"))
            .hint("name the column and the values, the best one first: prefer:source=wiki,books"));
    };
    let (column, value) = (unquoted(&rest[..end])?, unquoted(&rest[end + 1..])?);
    Ok(KeepKey::Prefer { column, values: vec![value] })
}

/// Returns a name or a value without its quotes.
fn unquoted(item: &str) -> Result<String> {
    let item = item.trim();
    let wrong = || Error::usage(format!("`{item}` has a quote in the middle")).hint(QUOTES);
    let Some(rest) = item.strip_prefix('"') else {
        return if item.contains('"') { Err(wrong()) } else { Ok(item.to_owned()) };
    };
    let inside = rest.strip_suffix('"').ok_or_else(wrong)?;
    if inside.replace("\"\"", "").contains('"') { Err(wrong()) } else { Ok(inside.replace("\"\"", "\"")) }
}

/// Returns a name or a value as it has to be typed.
fn quoted(item: &str) -> String {
    let begins_key = |item: &str| {
        item == LONGEST
            || Keep::ALL.into_iter().any(|keep| keep.name() == item)
            || ["max:", "min:", "prefer:"].into_iter().any(|key| item.starts_with(key))
    };
    let is_plain = !item.contains([',', '"', '=']) && item.trim() == item && !begins_key(item);
    if is_plain { item.to_owned() } else { format!("\"{}\"", item.replace('"', "\"\"")) }
}

impl Display for KeepKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Longest => out.write_str(LONGEST),
            Self::Max(column) => write!(out, "max:{}", quoted(column)),
            Self::Min(column) => write!(out, "min:{}", quoted(column)),
            Self::Prefer { column, values } => {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                write!(out, "prefer:{}={}", quoted(column), values.join(","))
            }
        }
    }
}

impl Display for KeepKeys {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.of_input.iter().try_for_each(|key| write!(out, "{key},"))?;
        out.write_str(self.last.name())
    }
}

#[cfg(test)]
#[path = "keep_keys_tests.rs"]
mod tests;
