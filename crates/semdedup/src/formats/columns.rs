//! Which columns of a file hold the texts and the ids, settled for all files before any work starts.

use serde::{Deserialize, Serialize};

use super::images::{file_columns, no_images, rows_by, sample_columns};
use super::schema::{Table, Wanted};
use super::text_column::{Texts, has_any_text};
use super::tree::text_file_columns;
use super::turns::{is_usual_role, role_of};
use super::{By, Format, InputFile};
use crate::{Error, Result};

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
    pub by: Option<By>,
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
    let by = rows_by(files, choice)?;
    let only_trees = files.iter().all(|file| file.format.is_tree());
    let mut roles: Vec<String> = choice.roles.iter().map(|role| role_of(role)).collect();
    roles.sort_unstable();
    roles.dedup();
    let (mut first, mut resolved) = (None, Vec::with_capacity(files.len()));
    for file in files {
        resolved.push(match file.format {
            Format::Tar => Columns { roles: roles.clone(), ..sample_columns(file, choice, by)? },
            Format::Tree => file_columns(file, choice, (by, only_trees))?,
            Format::TextTree => text_file_columns(file, choice, (by, only_trees))?,
            _ => table_columns(file, (choice, &roles), by, &mut first)?,
        });
    }
    // A whole member of a shard is a text; only a field of one can be a list of turns.
    let may_be_turns = |columns: &Columns| columns.texts().any(|text| text.contains('.'));
    let has_turns = |(columns, file): (&Columns, &InputFile)| {
        !columns.turns.is_empty() || (file.format == Format::Tar && may_be_turns(columns))
    };
    check_roles(files, &resolved, &roles)?;
    if !roles.is_empty() && !resolved.iter().zip(files).any(has_turns) {
        let problem = format!("--roles {}: no text column has turns of a chat", roles.join(","));
        return Err(Error::usage(problem)
            .hint("leave out --roles, or name the column of the turns with --text-column"));
    }
    Ok(resolved)
}

/// Fails if a role that is none of the usual ones is in no turn of the first rows: it is misspelt, and the turns that are meant would not
/// be compared.
fn check_roles(files: &[InputFile], resolved: &[Columns], roles: &[String]) -> Result<()> {
    let with_turns = || resolved.iter().zip(files).filter(|(columns, _)| !columns.turns.is_empty());
    for role in roles.iter().filter(|role| !is_usual_role(role)) {
        let has_role = |(columns, file): (&Columns, &InputFile)| {
            let (turns, roles) = (columns.turns.clone(), vec![role.clone()]);
            let (text, joined) = (turns.first().cloned(), turns.iter().skip(1).cloned().collect());
            has_any_text(file, &Columns { text, joined, turns, roles, ..Columns::default() })
        };
        let found = with_turns().map(has_role).find(|found| !matches!(found, Ok(false)));
        if with_turns().next().is_some() && !found.transpose()?.unwrap_or(false) {
            let problem = format!("--roles {role}: no turn in the first rows has this role");
            return Err(Error::usage(problem).hint(
                "name roles that the turns have, such as user,assistant (human and gpt are the same), or leave out --roles",
            ));
        }
    }
    Ok(())
}

/// The first file that has columns, and where its texts are: the others follow it.
type First<'a> = Option<(&'a InputFile, Option<Texts>)>;

/// The columns of a file that has a row in each of its records.
fn table_columns<'a>(
    file: &'a InputFile,
    (choice, roles): (&ColumnChoice, &[String]),
    by: By,
    first: &mut First<'a>,
) -> Result<Columns> {
    let text_optional = choice.text_optional || !by.text();
    let reads_images = by.image() && !choice.text_optional;
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
        *first = Some((file, texts.clone()));
    }
    Ok(Columns { id, embedding, image, ..Columns::default() }.with_texts(texts, roles))
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
