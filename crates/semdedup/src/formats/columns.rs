//! Columns: what the user asks for, what a file has, and what that means for a file.

use serde::{Deserialize, Serialize};

use crate::formats::file::CompareBy;

pub(crate) const DEFAULT_TEXT: &str = "text";

/// What the user asked for. `meta.text` names a column inside another, unless there is a column of just this name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// The column of the texts; or several with commas between, whose texts are joined, unless a column has just this name.
    pub text: Option<String>,
    /// The roles whose turns count in columns of turns, under any of their names; all of them where this is empty.
    pub roles: Vec<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings, lists of numbers.
    pub embedding: Option<String>,
    /// The column of the images.
    pub image: Option<String>,
    /// What of a row is compared; where nothing is named, the first file decides ([`rows_by`]).
    pub by: Option<CompareBy>,
    /// Whether rows can do without a text, because their embeddings are given.
    pub text_optional: bool,
}

/// What that means for one file. The text of a plain text file is the line; its `text` is "text".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The column of the texts; none where there need be none.
    pub text: Option<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings.
    pub embedding: Option<String>,
    /// The column of the images.
    #[serde(default)]
    pub image: Option<String>,
    // What follows is left out where it says nothing, so that plain columns keep their fingerprint.
    /// Further columns, whose texts are joined to those of `text` with a line break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<String>,
    /// Those of the text columns that hold turns of a chat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<String>,
    /// The roles whose turns count, sorted; all of them where this is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How the text column was found.
    #[serde(default, skip_serializing_if = "Found::is_certain")]
    pub found: Found,
}

/// What is settled for all files of a run before the columns of each.
#[derive(Clone, Copy)]
pub(crate) struct RunColumns<'a> {
    /// What the user asked for.
    pub choice: &'a ColumnChoice,
    /// What of a row is compared.
    pub by: CompareBy,
    /// The roles whose turns count, sorted; all of them where this is empty.
    pub roles: &'a [String],
    /// Whether every file of the input is a folder whose files are rows.
    pub only_folders: bool,
}

/// How a text column was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The user named it.
    #[default]
    Asked,
    /// It is called `text`.
    Text,
    /// It has another name that texts or chats usually have.
    Name,
    /// Its values, alone of all columns, look like sentences.
    Values,
}

impl Found {
    /// Whether no other column can be meant, so that a row may have any other.
    pub(crate) fn is_certain(&self) -> bool {
        matches!(self, Self::Asked | Self::Text)
    }
}

impl Columns {
    /// All columns of the texts, in the order in which they are joined.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.text.iter().chain(&self.joined).map(String::as_str)
    }

    /// Whether the text is the value of one column as it stands.
    pub(crate) fn is_plain(&self) -> bool {
        self.joined.is_empty() && self.turns.is_empty()
    }
}

/// The columns that are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub text: Option<&'a str>,
    pub id: Option<&'a str>,
    pub embedding: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        [self.text, self.id, self.embedding].into_iter().flatten()
    }
}

impl<'a> From<&'a Columns> for Wanted<'a> {
    fn from(columns: &'a Columns) -> Self {
        let Columns { text, id, embedding, .. } = columns;
        Self { text: text.as_deref(), id: id.as_deref(), embedding: embedding.as_deref() }
    }
}

/// A column; one inside another is named with dots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    pub name: String,
    /// Its type, where the format has types.
    pub kind: Option<String>,
    pub is_text: bool,
    /// Whether its values can be embeddings.
    pub is_list: bool,
    /// Whether its values are bytes, which may be texts.
    pub is_binary: bool,
    /// Whether its values can be images.
    pub is_image: bool,
    /// Whether its values are lists of images.
    pub is_image_list: bool,
    /// Whether its values are turns of a chat.
    pub is_turns: bool,
    /// Whether it is a list or a struct in which a text, or its tokens, can be.
    pub may_hold_text: bool,
    /// Whether it is a list with strings in it.
    pub holds_strings: bool,
    /// One of its values, where the format gives them away.
    pub sample: Option<String>,
    /// Whether it is inside another.
    pub is_nested: bool,
    /// Whether others are inside it.
    pub has_nested: bool,
}
