//! Columns: those that the user asks for, those that a file has, and those that are read.

use serde::{Deserialize, Serialize};

use crate::formats::arrow::nested::inside;
use crate::formats::embedding_form::{EmbeddingForm, FloatType};
use crate::formats::file::CompareBy;
use crate::formats::list_path::ListPath;

pub(crate) const DEFAULT_TEXT: &str = "text";

/// The columns that the user asks for. `meta.text` is a column inside another, unless there is a
/// column of exactly this name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// The column of the texts, or several columns with commas between, whose texts are joined. A
    /// column of exactly this name goes first. `messages[*].content` reaches into every element of
    /// a list and joins their texts; `messages[-1].content` takes that of the last element.
    pub text: Option<String>,
    /// The roles whose turns count in columns of turns, under any of their names; all roles if this
    /// is empty.
    pub roles: Vec<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings: lists of numbers, as such or as strings, or their bytes. In a
    /// shard it is the extension of `.npy` members.
    pub embedding: Option<String>,
    /// The type of the numbers in a column of bytes.
    #[serde(default)]
    pub embedding_type: Option<FloatType>,
    /// The number of values of an embedding, which the column is checked against.
    #[serde(default)]
    pub embedding_dim: Option<u64>,
    /// The column of the images; `images[0]` takes the first image of each list.
    pub image: Option<String>,
    /// The part of a row that is compared; if the user names nothing, the first file decides
    /// ([`rows_by`](crate::formats::rows_by)).
    pub by: Option<CompareBy>,
    /// Whether rows need no text, because their embeddings are given.
    pub text_optional: bool,
}

/// The columns that are read of one file. The text of a plain text file is the line; its `text` is
/// "text".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The column of the texts; `None` where no text is needed.
    pub text: Option<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings.
    pub embedding: Option<String>,
    /// The column of the images.
    #[serde(default)]
    pub image: Option<String>,
    // The following fields are left out where they are empty, so that plain columns keep their
    // fingerprint.
    /// Further columns, whose texts are joined to the text with a line break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<String>,
    /// The text columns that hold turns of a chat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<String>,
    /// The columns of texts and images that reach into lists, as `messages[*].content` and
    /// `images[0]` do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// The roles whose turns count, sorted; all roles if this is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The column of strings that name the images by a path, or hold them in base64. It stands for
    /// the images that the image column lacks, or for all of them if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_links: Option<String>,
    /// The form of the embeddings in their column.
    #[serde(default, skip_serializing_if = "EmbeddingForm::is_lists")]
    pub embedding_form: EmbeddingForm,
    /// The members of a shard that stand beside the image of a sample, such as masks, so that they are
    /// no image where they are alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside_image: Vec<String>,
    /// How the text column was found.
    #[serde(default, skip_serializing_if = "Found::is_certain")]
    pub found: Found,
}

/// The choices that hold for all files of a run.
#[derive(Clone, Copy)]
pub(crate) struct RunColumns<'a> {
    /// The columns that the user asks for.
    pub choice: &'a ColumnChoice,
    /// The part of a row that is compared.
    pub by: CompareBy,
    /// The roles whose turns count, sorted; all roles if this is empty.
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
    /// Its name is `text`.
    Text,
    /// It has another usual name of texts or chats.
    Name,
    /// It is the only column whose values look like sentences.
    Values,
    /// There are no columns: the rows are strings of JSON.
    Strings,
}

impl Found {
    /// Whether no other column can be meant, so that rows may have any other column.
    pub(crate) fn is_certain(&self) -> bool {
        matches!(self, Self::Asked | Self::Text)
    }
}

impl Columns {
    /// Returns all columns of the texts, in the order in which they are joined.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.text.iter().chain(&self.joined).map(String::as_str)
    }

    /// Returns the column of the images, of bytes or of strings.
    pub(crate) fn images(&self) -> Option<&String> {
        self.image.as_ref().or(self.image_links.as_ref())
    }

    /// Whether the text is the unchanged value of one column.
    pub(crate) fn is_plain(&self) -> bool {
        let mut lists = self.texts().filter(|name| self.list_path(name).is_some());
        self.joined.is_empty() && self.turns.is_empty() && lists.next().is_none()
    }

    /// Returns the columns of the images alone.
    pub(crate) fn of_images(&self) -> Self {
        let (image, image_links) = (self.image.clone(), self.image_links.clone());
        let is_of_image =
            |name: &&String| [&image, &image_links].into_iter().flatten().any(|image| image == *name);
        let lists = self.lists.iter().filter(is_of_image).cloned().collect();
        let beside_image = self.beside_image.clone();
        Self { image, image_links, lists, beside_image, ..Self::default() }
    }

    /// Returns the columns that read the strings that stand for images as texts.
    pub(crate) fn links_as_texts(&self) -> Option<Self> {
        let text = Some(self.image_links.clone()?);
        Some(Self { text, lists: self.of_images().lists, ..Self::default() })
    }

    /// Returns the way into a list that the name of a column is, if it is one.
    pub(crate) fn list_path<'a>(&self, name: &'a str) -> Option<ListPath<'a>> {
        if self.lists.iter().any(|list| list == name) { ListPath::of(name) } else { None }
    }

    /// Returns the column that is read for a column of texts or images: the list that it reaches
    /// into, or itself.
    pub(crate) fn source_of<'a>(&self, name: &'a str) -> &'a str {
        self.list_path(name).map_or(name, |path| path.column)
    }

    /// Whether the value of a field is part of the text, the id or the embedding of its row. Of the
    /// elements of a list that a text column reaches into, one is as good as another.
    pub(crate) fn reads_field(&self, field: &str) -> bool {
        let is_read = |name: &str| field == name || inside(field, name).is_some();
        let reached = |name: &str| {
            self.list_path(name).map_or_else(|| is_read(name), |path| is_read(&path.field_name()))
        };
        self.texts().any(reached)
            || [&self.id, &self.embedding].into_iter().flatten().any(|name| is_read(name))
    }

    /// Returns the names of all columns that are read.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        let images = [&self.image, &self.image_links].into_iter().flatten().map(String::as_str);
        let others = [&self.id, &self.embedding].into_iter().flatten().map(String::as_str);
        self.texts().chain(images).map(|name| self.source_of(name)).chain(others)
    }
}

/// The names of the columns that are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub text: Option<&'a str>,
    pub id: Option<&'a str>,
    pub embedding: Option<&'a str>,
    /// The column of the images, or an element of its lists.
    pub image: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        [self.text, self.id, self.embedding, self.image].into_iter().flatten()
    }

    /// Whether a column is the one that the user names for the images, or is inside it.
    pub fn is_image(&self, column: &str) -> bool {
        let is_in = |outer: &str| column == outer || inside(column, outer).is_some();
        let is_named = |name: &str| is_in(name) || ListPath::of(name).is_some_and(|path| is_in(path.column));
        self.image.is_some_and(is_named)
    }
}

impl<'a> From<&'a Columns> for Wanted<'a> {
    fn from(columns: &'a Columns) -> Self {
        let Columns { text, id, embedding, .. } = columns;
        Self { text: text.as_deref(), id: id.as_deref(), embedding: embedding.as_deref(), image: None }
    }
}

/// A column that a file has. The name of a column inside another has dots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    pub name: String,
    /// The type of its values, where the format has types.
    pub kind: Option<String>,
    pub is_text: bool,
    /// Whether its values can be embeddings.
    pub is_list: bool,
    /// Whether its values are bytes; these may be texts.
    pub is_binary: bool,
    /// Whether its values can be images.
    pub is_image: bool,
    /// Whether its values are lists of images.
    pub is_image_list: bool,
    /// Whether its values are turns of a chat.
    pub is_turns: bool,
    /// Whether it is a list or a struct that may hold a text or the tokens of one.
    pub may_hold_text: bool,
    /// Whether it is a list that holds strings.
    pub holds_strings: bool,
    /// One of its values, where the format reads some to find its columns.
    pub sample: Option<String>,
    /// Whether it is inside another column.
    pub is_nested: bool,
    /// Whether other columns are inside it.
    pub has_nested: bool,
}
