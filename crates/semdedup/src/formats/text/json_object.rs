//! The shapes of an object that holds the rows of a whole file.

use std::fmt;

use serde_json::value::RawValue;

use crate::formats::text::json_columns::{Member, members_of};
use crate::formats::turns::is_turns;
use crate::formats::usual_names::is_usual_name;

/// At most this many lists are named.
const NAMED: usize = 20;
/// This many elements of a list of strings tell whether they are texts.
const LOOKED_AT: usize = 20;
/// The names of lists beside a chat that describe tools.
const TOOLS: [&str; 3] = ["tools", "functions", "tool_calls"];
/// A list with a longer name is not looked at.
const MOST_NAME_BYTES: usize = 100;

/// The shape of an object that holds rows.
pub(crate) enum Shape {
    /// `{"data": [{…}, {…}]}`.
    Wrapped(Vec<List>),
    /// `{"0": {…}, "1": {…}}`, or texts in the place of objects.
    ByKey { first: String, rows: usize, of_texts: bool },
    /// `{"text": ["a", "b"], "id": [1, 2]}`.
    Columns { first: String, rows: usize },
    /// `{"text": {"0": "a", "1": "b"}, "id": {"0": 1, "1": 2}}`.
    ColumnsByKey { first: String, rows: usize },
    /// `{"columns": ["text"], "data": [["a"], ["b"]]}`.
    Split { rows: usize },
}

/// A list of objects or of texts, and the keys that lead to it.
pub(crate) struct List {
    keys: Vec<String>,
    rows: usize,
    /// The keys of its first object, sorted; none in a list of texts.
    columns: Vec<String>,
    has_texts: bool,
}

impl List {
    /// Returns a list of rows; `None` if its elements are none.
    fn of(keys: Vec<String>, items: &[&RawValue]) -> Option<Self> {
        let first = items.first()?.get();
        let is_list_of_texts = is_string(first) && items.len() > 1;
        let members = match first.starts_with('{') {
            true => members_of(first).ok().filter(|_| !is_turns(&format!("[{first}]")))?,
            false => Vec::new(),
        };
        let has_texts = match first.starts_with('{') {
            true => members.iter().any(|(key, value)| is_text_of_row(key, value.get())),
            false => is_list_of_texts && items.iter().take(LOOKED_AT).all(|item| is_sentence(item.get())),
        };
        let mut columns: Vec<String> = members.into_iter().map(|(key, _)| key).collect();
        columns.sort_unstable();
        let is_of_rows = has_texts || first.starts_with('{');
        is_of_rows.then_some(Self { keys, rows: items.len(), columns, has_texts })
    }

    /// Whether the first element has a text in it, or is one.
    pub fn has_texts(&self) -> bool {
        self.has_texts
    }

    /// Whether it may be another part of the same rows, such as `test` beside `train`.
    fn is_like(&self, other: &Self) -> bool {
        self.columns == other.columns
    }
}

/// Whether a member of an object is a text by its name, a chat, or a sentence.
fn is_text_of_row(key: &str, value: &str) -> bool {
    is_string(value) && is_usual_name(key) || is_turns(value) || is_sentence(value)
}

/// Whether a value is a string of several words, or of scripts that have no spaces.
fn is_sentence(value: &str) -> bool {
    let text: String = serde_json::from_str(value).unwrap_or_default();
    text.split_whitespace().count() >= 4 || text.chars().filter(|c| !c.is_ascii()).count() >= 8
}

impl Shape {
    /// Tells the shape of an object; `None` if it may be a row.
    pub fn of(members: &[Member]) -> Option<Self> {
        let values = || members.iter().map(|(_, value)| value.get());
        let (first, first_value) = members.first().map(|(key, value)| (key.clone(), value.get()))?;
        if let Some(split) = split_of(members) {
            return Some(split);
        }
        if values().all(|value| value.starts_with('[')) {
            let lists: Vec<Vec<&RawValue>> = values().map(items_of).collect();
            let rows = lists[0].len();
            let is_of_texts = |list: &Vec<&RawValue>| list.first().is_some_and(|item| is_string(item.get()));
            if rows > 0 && lists.iter().all(|list| list.len() == rows) && lists.iter().any(is_of_texts) {
                return Some(Self::Columns { first, rows });
            }
        }
        let rows = members.len();
        let numbered = members.iter().all(|(key, _)| is_number(key));
        if values().all(|value| value.starts_with('{')) {
            let inner = members_of(first_value).ok()?;
            if !numbered && !inner.is_empty() && inner.iter().all(|(key, _)| is_number(key)) {
                return Some(Self::ColumnsByKey { first, rows: inner.len() });
            }
            if numbered || (rows > 1 && values().all(|value| has_keys(value, &inner))) {
                return Some(Self::ByKey { first, rows, of_texts: false });
            }
        }
        if numbered && values().all(is_string) {
            return Some(Self::ByKey { first, rows, of_texts: true });
        }
        let mut lists = lists_in(members, &[]);
        lists.sort_by_key(|list| std::cmp::Reverse(list.rows));
        (!lists.is_empty()).then_some(Self::Wrapped(lists))
    }

    /// Returns the filter that takes the rows of several lists that are alike; none if there is one.
    pub fn filter_of_all(&self) -> Option<String> {
        let Self::Wrapped(lists) = self else { return None };
        let alike = lists.iter().filter(|list| list.is_like(&lists[0]));
        let paths: Vec<String> = alike.map(|list| path_of(&list.keys) + "[]").collect();
        (paths.len() > 1).then(|| paths.join(", "))
    }

    /// Returns the filter of jq that makes an object of each row.
    pub fn filter(&self) -> String {
        match self {
            Self::Wrapped(lists) => lists.first().map_or_else(String::new, |list| path_of(&list.keys) + "[]"),
            Self::ByKey { of_texts: true, .. } => ".[]".to_owned(),
            Self::ByKey { .. } => "to_entries[] | {key} + .value".to_owned(),
            Self::Columns { first, .. } => {
                format!("range({} | length) as $row | map_values(.[$row])", path_of(std::slice::from_ref(first)))
            }
            Self::ColumnsByKey { first, .. } => {
                format!("({} | keys_unsorted[]) as $row | map_values(.[$row])", path_of(std::slice::from_ref(first)))
            }
            Self::Split { .. } => {
                ".columns as $names | .data[] | [$names, .] | transpose | map({(.[0] | tostring): .[1]}) | add"
                    .to_owned()
            }
        }
    }
}

/// Continues `is one object, …`.
impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |rows: usize, what: &str| format!("{rows} {what}{}", if rows == 1 { "" } else { "s" });
        match self {
            Self::Wrapped(lists) => {
                let mut named: Vec<String> = lists.iter().take(NAMED).map(ToString::to_string).collect();
                if let Some(more) = lists.len().checked_sub(NAMED).filter(|more| *more > 0) {
                    named.push(format!("{more} more lists"));
                }
                write!(out, "and its rows seem to be in {}", named.join(" or "))
            }
            Self::ByKey { first, rows: count, of_texts } => {
                let what = if *of_texts { "text" } else { "row" };
                write!(out, "with {} by key (the first is `{}`)", rows(*count, what), shown(first))
            }
            Self::Columns { first, rows: count } => {
                write!(out, "with columns that are lists (`{}` has {})", shown(first), rows(*count, "value"))
            }
            Self::ColumnsByKey { first, rows: count } => {
                write!(
                    out,
                    "with columns that are objects (`{}` has {})",
                    shown(first),
                    rows(*count, "value")
                )
            }
            Self::Split { rows: count } => {
                write!(
                    out,
                    "with {} in `data` that are lists, and their names in `columns`",
                    rows(*count, "row")
                )
            }
        }
    }
}

/// Displays a list as ``` `data` (10 objects)```.
impl fmt::Display for List {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.rows == 1 { "" } else { "s" };
        let what = if self.columns.is_empty() && self.has_texts { "text" } else { "object" };
        write!(out, "`{}` ({} {what}{end})", shown(&self.keys.join(".")), self.rows)
    }
}

/// Finds the lists of objects and of texts in an object, and in the objects inside it. The tools that
/// a chat has are no rows.
fn lists_in(members: &[Member], outer: &[String]) -> Vec<List> {
    let mut lists = Vec::new();
    let has_chat = members.iter().any(|(_, value)| is_turns(value.get()));
    let is_looked_at = |key: &str| key.len() <= MOST_NAME_BYTES && !(has_chat && TOOLS.contains(&key));
    for (key, value) in members.iter().filter(|(key, _)| is_looked_at(key)) {
        let keys = outer.iter().chain([key]).cloned().collect();
        if let Some(list) = List::of(keys, &items_of(value.get())) {
            lists.push(list);
        } else if outer.is_empty()
            && let Ok(inner) = members_of(value.get())
        {
            lists.append(&mut lists_in(&inner, std::slice::from_ref(key)));
        }
    }
    lists
}

/// Tells whether rows are lists, with their names in another list.
fn split_of(members: &[Member]) -> Option<Shape> {
    let items =
        |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| items_of(value.get()));
    let (names, rows) = (items("columns")?, items("data")?);
    let is_split = !names.is_empty() && rows.first()?.get().starts_with('[');
    is_split.then_some(Shape::Split { rows: rows.len() })
}

/// Returns the elements of a list; none of any other value.
fn items_of(token: &str) -> Vec<&RawValue> {
    if token.starts_with('[') { serde_json::from_str(token).unwrap_or_default() } else { Vec::new() }
}

/// Whether an object has the same keys as another.
fn has_keys(object: &str, keys: &[Member]) -> bool {
    members_of(object).is_ok_and(|found| {
        found.len() == keys.len() && keys.iter().all(|(key, _)| found.iter().any(|(other, _)| other == key))
    })
}

fn is_string(token: &str) -> bool {
    token.starts_with('"')
}

fn is_number(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the path of a value, by the keys that lead to it, in a filter of jq.
fn path_of(keys: &[String]) -> String {
    let is_word = |key: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        key.bytes().all(is_part) && !key.starts_with(|first: char| first.is_ascii_digit()) && !key.is_empty()
    };
    let path = keys.iter().map(|key| match is_word(key) {
        true => format!(".{key}"),
        false => format!("[{}]", serde_json::Value::from(key.as_str())),
    });
    let path: String = path.collect();
    if path.starts_with('[') { format!(".{path}") } else { path }
}

/// Returns the beginning of a key, without characters that could control the terminal.
fn shown(key: &str) -> String {
    key.chars().take(MOST_NAME_BYTES).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
