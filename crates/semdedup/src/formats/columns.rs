//! Which columns of a file hold the texts and the ids, settled for all files before any work starts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::formats::companions::SAMPLE_ROWS;
use crate::formats::file::{CompareBy, Format, InputFile};
use crate::formats::images::{file_columns, no_images, rows_by, sample_columns};
use crate::formats::roles::check_roles;
use crate::formats::schema::{Table, Wanted};
use crate::formats::text_column::Texts;
use crate::formats::tree::text_file_columns;
use crate::formats::turns::role_of;

pub(super) const DEFAULT_TEXT: &str = "text";

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
    pub(super) fn is_plain(&self) -> bool {
        self.joined.is_empty() && self.turns.is_empty()
    }

    fn with_texts(self, texts: Option<Texts>, roles: &[String]) -> Self {
        let Some(Texts { names, turns, found }) = texts else { return self };
        let mut names = names.into_iter();
        let (text, roles) = (names.next(), if turns.is_empty() { Vec::new() } else { roles.to_vec() });
        Self { text, joined: names.collect(), turns, roles, found, ..self }
    }
}

/// Finds the columns of every file: the text column asked for, else `text`, else the only column with another name that texts
/// or chats usually have, else the only one whose values look like sentences; where texts are optional, perhaps none.
///
/// # Errors
/// A file without the column asked for, or one in which no column is surely the text, or whose text column is not the one that
/// the files before it have, or is not of strings or turns; an embedding column that is not of lists; an id or embedding column
/// asked for of plain text; roles where no column has turns. Each names the file and lists its columns.
pub fn resolve_columns(files: &[InputFile], choice: &ColumnChoice) -> Result<Vec<Columns>> {
    resolve_by(files, choice, rows_by(files, choice)?)
}

/// Finds the columns of every file as [`resolve_columns`] does, where it is known what is compared.
pub(crate) fn resolve_by(files: &[InputFile], choice: &ColumnChoice, by: CompareBy) -> Result<Vec<Columns>> {
    let only_trees = files.iter().all(|file| file.format.is_tree());
    let mut roles: Vec<String> = choice.roles.iter().map(|role| role_of(role)).collect();
    roles.sort_unstable();
    roles.dedup();
    let (mut tables, mut resolved) = (Tables::default(), Vec::with_capacity(files.len()));
    for file in files {
        resolved.push(match file.format {
            Format::Tar => Columns { roles: roles.clone(), ..sample_columns(file, choice, by)? },
            Format::Tree => file_columns(file, choice, (by, only_trees))?,
            Format::TextTree => text_file_columns(file, choice, (by, only_trees))?,
            _ => table_columns(file, (choice, &roles), by, &mut tables)?,
        });
    }
    check_roles(files, &resolved, &roles)?;
    Ok(resolved)
}

/// What is known of the files before a file.
#[derive(Default)]
struct Tables<'a> {
    /// The first one that has columns, and where its texts are: the others follow it.
    first: Option<(&'a InputFile, Option<Texts>)>,
    /// How many rows of files with these columns and types (a hash of them) were looked at, and whether their images were.
    looked_at: HashMap<u64, (usize, bool)>,
}

impl Tables<'_> {
    /// Fails if something else may be meant than what is to be compared, unless the user has named it.
    fn check(
        &mut self,
        table: &Table,
        columns: &Columns,
        (choice, by): (&ColumnChoice, CompareBy),
    ) -> Result<()> {
        if choice.text.is_some() || choice.text_optional {
            return Ok(());
        }
        let kinds = table.columns.iter().map(|column| format!("{} {:?}\n", column.name, column.kind));
        let (rows, images) = self.looked_at.entry(xxh3_64(kinds.collect::<String>().as_bytes())).or_default();
        if !*images && table.file.format.has_schema() && choice.by.is_none() && choice.image.is_none() {
            let wanted = Wanted { text: None, ..Wanted::from(columns) };
            *images = table.is_of_images(&wanted, false)?.is_some();
        }
        if by.text() && *rows < SAMPLE_ROWS {
            *rows += table.check_companions(columns, choice)?;
        }
        Ok(())
    }
}

/// The columns of a file that has a row in each of its records.
fn table_columns<'a>(
    file: &'a InputFile,
    (choice, roles): (&ColumnChoice, &[String]),
    by: CompareBy,
    tables: &mut Tables<'a>,
) -> Result<Columns> {
    let text_optional = choice.text_optional || !by.text();
    let reads_images = by.image() && !choice.text_optional;
    let first = tables.first.clone();
    let known = first.as_ref().and_then(|(other, texts)| Some((*other, texts.as_ref()?)));
    let of_first = known.and_then(|(_, texts)| texts.names.first().map(String::as_str));
    let wanted = Wanted {
        text: choice.text.as_deref().or(of_first),
        id: choice.id.as_deref(),
        embedding: choice.embedding.as_deref(),
    };
    let Some(table) = Table::of(file, &wanted)? else {
        if reads_images {
            return Err(no_images(file));
        }
        return Ok(Columns { text: Some(DEFAULT_TEXT.to_owned()), found: Found::Text, ..Columns::default() });
    };
    let texts = match (&choice.text, known) {
        (Some(name), _) => table.asked(name).map(Some),
        (None, Some((other, texts))) => table.as_in(other, texts, &wanted).map(Some),
        (None, None) => table.unasked(&wanted),
    };
    let texts = match texts {
        Err(_) if choice.text.is_none() && text_optional => None,
        texts => texts?,
    };
    let id = wanted.id.map(|id| table.id(id)).transpose()?;
    let embedding = wanted.embedding.map(|name| table.embedding(name)).transpose()?;
    let image = reads_images.then(|| table.image(choice.image.as_deref())).transpose()?;
    // A file without rows has no columns to speak of, so it does not decide for the others.
    if first.is_none() && !table.is_empty() && (texts.is_some() || text_optional) {
        tables.first = Some((file, texts.clone()));
    }
    let columns = Columns { id, embedding, image, ..Columns::default() }.with_texts(texts, roles);
    tables.check(&table, &columns, (choice, by))?;
    Ok(columns)
}

/// The error for a row that has a column which is more likely to be the text than the one that was taken for it.
pub(super) fn surprise(file: &InputFile, row: u64, (name, columns): (&str, &Columns)) -> Error {
    let taken = columns.text.as_deref().unwrap_or_default();
    let problem = format!("row {row}: has a column `{name}`, but the texts are read from `{taken}`");
    Error::input(&file.path, problem)
        .hint(format!("name the one that is meant: --text-column {name}, or --text-column {taken}; --text-column {taken},{name} joins both"))
}

/// The names of a file's columns, as far as its beginning tells; none where the format has no columns.
pub(super) fn names_of(file: &InputFile) -> Result<Option<Vec<String>>> {
    let table = Table::of(file, &Wanted { text: None, id: None, embedding: None })?;
    Ok(table.map(|table| table.names().map(str::to_owned).collect()))
}
