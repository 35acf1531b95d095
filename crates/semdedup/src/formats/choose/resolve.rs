//! Settles which columns of each file are read, for all files, before any work starts.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::formats::choose::companions::SAMPLE_ROWS;
use crate::formats::choose::images::rows_by;
use crate::formats::choose::roles::check_roles;
use crate::formats::choose::table::Table;
use crate::formats::choose::text_column::TextColumns;
use crate::formats::columns::{ColumnChoice, Columns, DEFAULT_TEXT, Found, RunColumns, Wanted};
use crate::formats::file::{CompareBy, Format, InputFile};
use crate::formats::image_columns::no_images;
use crate::formats::turns::role_of;

/// Finds the columns of every file.
///
/// The text column is the one that the user asks for, else `text`, else the only column with
/// another name that texts or chats usually have, else the only column whose values look like
/// sentences. Where texts are optional, there may be none.
///
/// # Errors
/// A file without the column asked for; a file in which no column is certainly the text; a text
/// column that differs from the one of the files before, or is not of strings or turns; an
/// embedding column that holds no lists of numbers, or bytes of unknown type; an id or embedding
/// column asked for of plain text; roles where no column has turns. Each error names the file and
/// lists its columns.
pub fn resolve_columns(files: &[InputFile], choice: &ColumnChoice) -> Result<Vec<Columns>> {
    resolve_by(files, choice, rows_by(files, choice)?)
}

/// Finds the columns of every file as [`resolve_columns`] does, for rows that are compared by `by`.
pub(crate) fn resolve_by(files: &[InputFile], choice: &ColumnChoice, by: CompareBy) -> Result<Vec<Columns>> {
    let only_folders = files.iter().all(|file| file.format.is_tree());
    let mut roles: Vec<String> = choice.roles.iter().map(|role| role_of(role)).collect();
    roles.sort_unstable();
    roles.dedup();
    let run = RunColumns { choice, by, roles: &roles, only_folders };
    let (mut earlier, mut resolved) = (EarlierFiles::default(), Vec::with_capacity(files.len()));
    for file in files {
        resolved.push(match file.format.rows().resolve(file, &run)? {
            Some(columns) => columns,
            None => table_columns(file, &run, &mut earlier)?,
        });
    }
    check_roles(files, &resolved, &roles)?;
    Ok(resolved)
}

/// The facts that earlier files tell about a file.
#[derive(Default)]
struct EarlierFiles<'a> {
    /// The first file that has columns; the others follow it.
    first: Option<FirstFile<'a>>,
    /// The first file whose rows are strings of JSON.
    strings: Option<&'a InputFile>,
    /// The checks of files with the same columns and types, by a hash of these.
    checked: HashMap<u64, Checked>,
}

/// The first file that has columns.
#[derive(Clone)]
struct FirstFile<'a> {
    file: &'a InputFile,
    /// The columns of its texts, if it has any.
    texts: Option<TextColumns>,
}

/// The checks that files with the same columns have passed.
#[derive(Default)]
struct Checked {
    /// The number of rows whose companions were looked at.
    rows: usize,
    /// Whether their images were looked at.
    images: bool,
}

impl<'a> EarlierFiles<'a> {
    /// Returns the columns of a file whose rows are texts: plain text, or strings of JSON.
    fn without_columns(&mut self, file: &'a InputFile) -> Result<Columns> {
        let found = if file.format == Format::Text { Found::Text } else { Found::Strings };
        if found == Found::Strings {
            self.strings.get_or_insert(file);
            self.check_strings()?;
        }
        Ok(Columns { text: Some(DEFAULT_TEXT.to_owned()), found, ..Columns::default() })
    }

    /// Fails if rows of one file are strings of JSON, and those of another have columns: a list of
    /// labels beside the data, whose strings are no rows.
    fn check_strings(&self) -> Result<()> {
        let (Some(strings), Some(first)) = (self.strings, &self.first) else { return Ok(()) };
        let problem =
            format!("its rows are strings, but the rows of {} have columns", first.file.path.display());
        Err(Error::input(&strings.path, problem).hint("run them one by one, or leave one of them out"))
    }

    /// Fails if the user may mean other columns than those that are compared, unless they named
    /// them.
    fn check(
        &mut self,
        table: &Table,
        columns: &Columns,
        &RunColumns { choice, by, .. }: &RunColumns,
    ) -> Result<()> {
        if choice.text.is_some() || choice.text_optional {
            return Ok(());
        }
        let kinds = table.columns.iter().map(|column| format!("{} {:?}\n", column.name, column.kind));
        let checked = self.checked.entry(xxh3_64(kinds.collect::<String>().as_bytes())).or_default();
        if !checked.images
            && table.file.format.rows().has_schema()
            && choice.by.is_none()
            && choice.image.is_none()
        {
            let wanted = Wanted { text: None, ..Wanted::from(columns) };
            checked.images = table.is_of_images(&wanted, false)?.is_some();
        }
        if by.text() && checked.rows < SAMPLE_ROWS {
            checked.rows += table.check_companions(columns, choice)?;
        }
        Ok(())
    }
}

/// Returns the columns of a file that has a row in each of its records.
fn table_columns<'a>(
    file: &'a InputFile,
    run: &RunColumns,
    earlier: &mut EarlierFiles<'a>,
) -> Result<Columns> {
    let &RunColumns { choice, by, roles, .. } = run;
    let text_optional = choice.text_optional || !by.text();
    let reads_images = by.image() && !choice.text_optional;
    let first = earlier.first.clone();
    let known = first.as_ref().and_then(|first| Some((first.file, first.texts.as_ref()?)));
    let of_first = known.and_then(|(_, texts)| texts.names.first().map(String::as_str));
    let wanted = Wanted {
        text: choice.text.as_deref().or(of_first),
        id: choice.id.as_deref(),
        embedding: choice.embedding.as_deref(),
        image: choice.image.as_deref(),
    };
    let Some(table) = Table::of(file, &wanted)? else {
        return if reads_images { Err(no_images(file)) } else { earlier.without_columns(file) };
    };
    let texts = match (&choice.text, known) {
        (Some(name), _) => table.asked(name).map(Some),
        (None, Some((other, texts))) => table.as_in(other, texts, &wanted).map(Some),
        (None, None) => table.unasked(&wanted),
    };
    let texts = match texts {
        Err(_) if choice.text.is_none() && text_optional => None,
        texts => texts.map_err(|error| file.format.rows().not_rows(file).unwrap_or(error))?,
    };
    if reads_images && !by.text() && choice.by.is_none() {
        check_no_chats(&table)?;
    }
    let id = wanted.id.map(|id| table.id(id)).transpose()?;
    let embedding_form = table.embedding_form(choice)?;
    let image = reads_images.then(|| table.image(choice.image.as_deref())).transpose()?;
    // A file without rows may have no columns, so it does not decide for the others.
    if first.is_none() && !table.is_empty() && (texts.is_some() || text_optional) {
        earlier.first = Some(FirstFile { file, texts: texts.clone() });
        earlier.check_strings()?;
    }
    let columns = Columns { id, embedding_form, ..image.unwrap_or_default() };
    let columns = Columns { embedding: choice.embedding.clone(), ..with_texts(columns, texts, roles) };
    earlier.check(&table, &columns, run)?;
    Ok(columns)
}

/// Fails if a table of images has chats too, and the user does not say which to compare: rows of one
/// image often have different chats about it.
fn check_no_chats(table: &Table) -> Result<()> {
    let Some(chats) = table.columns.iter().find(|column| column.is_turns && !column.is_nested) else {
        return Ok(());
    };
    let problem = format!(
        "has chats in `{}` beside the images, and rows of one image may have different chats",
        chats.name
    );
    Err(Error::input(&table.file.path, problem)
        .hint("--by both compares the images and the chats, --by image the images alone"))
}

/// Adds the columns of the texts to the others of a file.
fn with_texts(columns: Columns, texts: Option<TextColumns>, roles: &[String]) -> Columns {
    let Some(TextColumns { names, turns, lists, found }) = texts else { return columns };
    let (mut names, lists) = (names.into_iter(), [lists, columns.lists.clone()].concat());
    let (text, roles) = (names.next(), if turns.is_empty() { Vec::new() } else { roles.to_vec() });
    Columns { text, joined: names.collect(), turns, lists, roles, found, ..columns }
}
