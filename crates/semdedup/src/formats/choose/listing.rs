//! The error for users who have to name a column: it lists the columns and their values, and says
//! what to type.

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use crate::error::Error;
use crate::formats::arrow::binary::is_binary;
use crate::formats::arrow::display::printable;
use crate::formats::arrow::nested;
use crate::formats::choose::table::{LISTED, Table};
use crate::formats::choose::values::values_of;
use crate::formats::columns::Column;
use crate::formats::image_links::has_image_name;
use crate::formats::usual_names::is_usual_name;

/// How many characters of a value or of a type are shown.
const SHOWN: usize = 40;

impl Table<'_> {
    /// The error for a file in which no column is certainly the text. `likely` are the columns that
    /// could be the text, if the values were looked at.
    pub(crate) fn no_text(&self, name: &str, likely: Option<&[&Column]>) -> Error {
        let rows = self.file.format.rows().first_rows(self.file).ok().flatten();
        let show = |column: &Column| {
            let sample = match &column.sample {
                Some(sample) => Some(sample.clone()),
                None => rows.as_ref().and_then(|rows| sample_of(rows, &column.name)),
            };
            let facts = [column.kind.as_deref().map(shortened), sample.map(|sample| shortened(&sample))];
            let facts: Vec<String> = facts.into_iter().flatten().collect();
            let name = visible(&column.name);
            if facts.is_empty() { name } else { format!("{name} ({})", facts.join(": ")) }
        };
        let columns = self.listed(&show);
        let problem = format!("no column `{name}`; columns are {columns}");
        let hint = match likely {
            None => "name the column of the texts with --text-column".to_owned(),
            Some(likely) => self.what_to_type(likely),
        };
        Error::input(&self.file.path, problem).hint(hint)
    }

    /// Lists the first columns that hold values of their own.
    pub(crate) fn listed(&self, show: &dyn Fn(&Column) -> String) -> String {
        let listed = || self.columns.iter().filter(|column| !column.has_nested);
        let columns = listed().take(LISTED).map(show).collect::<Vec<_>>().join(", ");
        match listed().count() {
            count if count > LISTED => format!("{columns} and {} more", count - LISTED),
            _ => columns,
        }
    }

    /// Returns the options that name a column, for the hint of an error.
    fn what_to_type(&self, likely: &[&Column]) -> String {
        let top = || self.columns.iter().filter(|column| !column.is_nested);
        let links = self.columns.iter().find(|column| self.holds_image_links(column));
        let mut hints = vec![match likely {
            [] if links.is_some() && self.most_words().is_none() && self.named_inside().is_none() => {
                "no column holds texts".to_owned()
            }
            [] => self.unlikely_hint(),
            [only] => {
                let only = visible(&only.name);
                let other = match self.named_inside() {
                    Some(name) => format!("if it is in `{name}`, --text-column {name}"),
                    None => "another column may hold it too".to_owned(),
                };
                format!("if the text is in `{only}`, type --text-column {only}; {other}")
            }
            several => {
                let names: Vec<String> = several.iter().take(3).map(|column| visible(&column.name)).collect();
                let each: Vec<String> = names.iter().map(|name| format!("--text-column {name}")).collect();
                format!(
                    "any of them could be the text: type {}, or --text-column {} to join them",
                    each.join(" or "),
                    names.join(",")
                )
            }
        }];
        if let Some(column) = links {
            let name = visible(&column.name);
            hints.push(format!("--image-column {name} compares the images that `{name}` names or holds"));
        } else if top().any(|column| column.is_image && !self.is_string(column)) {
            hints.push("--by image compares the images".to_owned());
        }
        if let Some(list) = top()
            .find(|column| column.is_list && !column.may_hold_text && column.kind.as_deref() != Some("null"))
        {
            hints.push(format!("--embedding-column {} takes embeddings that are there", visible(&list.name)));
        }
        hints.join("; ")
    }

    /// Whether the first values of a column are images in base64, or paths of images.
    pub(crate) fn holds_image_links(&self, column: &Column) -> bool {
        if !self.is_string(column) {
            return false;
        }
        let values = values_of(self.file, &column.name).ok().flatten().unwrap_or_default();
        let mut values = values.iter().filter(|value| !value.is_empty()).take(LISTED).peekable();
        values.peek().is_some() && values.all(|value| has_image_name(value))
    }

    /// Returns the hint for a file in which no column is likely to be the text.
    fn unlikely_hint(&self) -> String {
        let example = self.most_words();
        if let Some(name) = self.named_inside() {
            return format!("if the text is in `{name}`, type --text-column {name}");
        }
        if let Some(column) = example {
            return format!(
                "no column is surely the text: name it with --text-column NAME (--text-column {}, if it is that one)",
                visible(&column.name)
            );
        }
        match self.columns.iter().find(|column| self.is_string(column)) {
            Some(inner) => format!(
                "no column is of strings: name one inside another, such as --text-column {}",
                visible(&inner.name)
            ),
            None => {
                "no column is of strings: name one inside another with --text-column OUTER.INNER".to_owned()
            }
        }
    }

    /// Returns the column of turns, or else the column of strings with the most words.
    fn most_words(&self) -> Option<&Column> {
        let words = |column: &Column| match values_of(self.file, &column.name) {
            Ok(Some(values)) => values.iter().map(|value| value.split_whitespace().count()).sum(),
            _ => 0,
        };
        let top = || self.columns.iter().filter(|column| !column.is_nested);
        // `max_by_key` takes the last of equals, so `rev` makes it the first.
        let is_text = |column: &&Column| self.is_string(column) && !self.holds_image_links(column);
        let strings: Vec<&Column> = top().filter(is_text).take(LISTED).collect();
        let most = || strings.iter().rev().max_by_key(|column| words(column)).copied();
        top().find(|column| column.is_turns).or_else(most)
    }

    /// Returns a column of texts or turns inside another that has a usual name of such columns:
    /// `meta.text`.
    fn named_inside(&self) -> Option<String> {
        let inside =
            self.columns.iter().filter(|column| column.is_nested && (column.is_text || column.is_turns));
        let mut names = inside.map(|column| visible(&column.name));
        names.find(|name| name.rsplit('.').next().is_some_and(is_usual_name))
    }
}

/// Returns the first value of a column that is not null.
fn sample_of(rows: &RecordBatch, name: &str) -> Option<String> {
    let column = printable(&nested::column(rows, name).ok()??);
    let row = (0..column.len()).find(|&row| column.is_valid(row))?;
    let shown =
        ArrayFormatter::try_new(&column, &FormatOptions::default()).ok()?.value(row).try_to_string().ok()?;
    match column.data_type() {
        DataType::Null => None,
        kind if is_binary(kind) => None,
        kind if crate::formats::arrow::types::is_text(kind) => Some(format!("\"{shown}\"")),
        _ => Some(shown),
    }
}

/// Returns the beginning of a value or a type, in one line.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
    }
}

/// Replaces control characters and direction marks, so that data cannot control the terminal.
fn visible(text: &str) -> String {
    let is_unseen =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if is_unseen(c) { '\u{fffd}' } else { c }).collect()
}
