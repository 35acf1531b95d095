//! Records what a run compared: the columns, how they were found, and the model. Every run prints
//! and stores this record.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::formats::row_format::RowOf;
use crate::formats::{Columns, CompareBy, Dialect, Format, Found, Quirks};

/// The record of what was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// What the rows were compared by: `text`, `image`, `both`, or given `embeddings`.
    pub by: String,
    /// The model that made the embeddings, or the place of given embeddings.
    pub model: String,
    /// The files: one entry for all files that are read alike.
    pub files: Vec<ComparedFiles>,
}

/// Files of which the same columns are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparedFiles {
    /// The number of files.
    pub count: u64,
    /// Their names, if other files are read in another way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What a row is.
    pub row: RowOf,
    /// The columns of the texts, in the order in which they are joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// The text columns that hold turns of a chat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<String>,
    /// The roles whose turns are compared; empty for all roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How the text column was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// The column of the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The character that separates the fields of CSV files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The encoding of files of text, if the user named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What else is particular to the dialect of CSV files.
    #[serde(flatten)]
    pub quirks: Quirks,
}

impl ComparedFiles {
    /// Returns what a run compares in a file. `by` is `None` if the embeddings are given.
    pub(crate) fn of(format: Format, columns: &Columns, by: Option<CompareBy>) -> Self {
        let row = format.rows().row_of();
        let (delimiter, quirks) = match format {
            Format::Csv(Dialect { delimiter, quirks, .. }) => (Some(char::from(delimiter)), quirks),
            _ => (None, Quirks::default()),
        };
        let has_columns = matches!(row, RowOf::Record | RowOf::Sample);
        let reads_text = has_columns && by.is_some_and(CompareBy::text) && columns.text.is_some();
        let image = columns.images().cloned().filter(|_| has_columns && by.is_some_and(CompareBy::image));
        let files = Self { row, image, delimiter, quirks, ..Self::default() };
        if !reads_text {
            return files;
        }
        let Columns { turns, roles, .. } = columns.clone();
        let text = match columns.found {
            Found::Strings => Vec::new(),
            _ => columns.texts().map(str::to_owned).collect(),
        };
        Self { text, turns, roles, found: Some(columns.found), ..files }
    }

    /// Returns whether the same is compared in both, the number and the names of files aside.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let Self { row, text, turns, roles, found, image, delimiter, encoding, quirks, count: _, names: _ } =
            self;
        (row, text, turns, roles) == (&other.row, &other.text, &other.turns, &other.roles)
            && (found, image) == (&other.found, &other.image)
            && (delimiter, encoding, quirks) == (&other.delimiter, &other.encoding, &other.quirks)
    }
}

/// Displays a comparison as `column text of 3 files, by semdedup-text-v1`.
impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.by == "embeddings" {
            let count: u64 = self.files.iter().map(|files| files.count).sum();
            format!("given embeddings of {} ({})", counted(count, "file"), self.model)
        } else {
            let files: Vec<String> =
                self.files.iter().map(|files| Described { files, by: &self.by }.to_string()).collect();
            format!("{}, by {}", files.join("; "), self.model)
        };
        // File and column names are data, so their control characters must not reach the terminal.
        out.write_str(&text.replace(char::is_control, "\u{fffd}"))
    }
}

/// Describes files in a sentence.
struct Described<'a> {
    files: &'a ComparedFiles,
    /// See [`Comparison::by`].
    by: &'a str,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, by } = self;
        let text = match (files.row, files.text.len()) {
            (RowOf::Line, _) => "lines".to_owned(),
            (RowOf::File, _) => "whole texts".to_owned(),
            _ if files.found == Some(Found::Strings) => "strings".to_owned(),
            (RowOf::Sample, _) => format!("member {}", files.text.join(" + ")),
            (_, 0 | 1) => format!("column {}", files.text.join(" + ")),
            (_, _) => format!("columns {} joined", files.text.join(" + ")),
        };
        let image = match &files.image {
            Some(name) if files.row == RowOf::Record => format!("images in column {name}"),
            _ => "images".to_owned(),
        };
        match *by {
            "image" => out.write_str(&image)?,
            "both" => write!(out, "{text}{} and {image}", self.notes())?,
            _ => write!(out, "{text}{}", self.notes())?,
        }
        let what = if files.row == RowOf::File { "folder" } else { "file" };
        write!(out, " of {}", counted(files.count, what))?;
        match &files.names[..] {
            [] => Ok(()),
            [only] => write!(out, " ({only})"),
            [first, ..] => write!(out, " ({first}, …)"),
        }
    }
}

impl Described<'_> {
    /// Says how the column was found, and which roles and dialect decide what the texts are.
    fn notes(&self) -> String {
        let files = self.files;
        let mut notes = Vec::new();
        match files.found {
            Some(Found::Asked) => notes.push("named with --text-column".to_owned()),
            Some(Found::Name) if files.text.len() > 1 => notes.push("found by their names".to_owned()),
            Some(Found::Name) => notes.push("found by its name".to_owned()),
            Some(Found::Values) => {
                notes.push("GUESSED from its values: --text-column names another".to_owned())
            }
            Some(Found::Text | Found::Strings) | None => {}
        }
        if !files.roles.is_empty() {
            notes.push(format!("turns of {}", files.roles.join(", ")));
        } else if !files.turns.is_empty() {
            notes.push("turns of all roles".to_owned());
        }
        match files.delimiter {
            Some('\t') => notes.push("delimiter tab".to_owned()),
            Some(delimiter) if delimiter.is_control() => {
                notes.push(format!("delimiter \\x{:02x}", u32::from(delimiter)));
            }
            Some(delimiter) => notes.push(format!("delimiter {delimiter}")),
            None => {}
        }
        notes.extend(files.encoding.clone());
        if files.quirks != Quirks::default() {
            notes.push(files.quirks.to_string());
        }
        if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) }
    }
}

/// Counts a noun: `1 file`, `3 folders`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
