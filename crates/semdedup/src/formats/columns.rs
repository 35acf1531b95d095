//! Which columns of a file hold the texts and the ids, settled for all files before any work starts.

use serde::{Deserialize, Serialize};

use super::split::Splitter;
use super::{Format, InputFile, ReadLimits, json, parquet_in};
use crate::{Error, Result};

const DEFAULT_TEXT: &str = "text";
/// How many rows of a JSONL file are looked at to know its columns.
const SAMPLE_ROWS: usize = 100;
/// How many columns an error lists.
const LISTED: usize = 20;

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// The column of the texts.
    pub text: Option<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings, lists of numbers.
    pub embedding: Option<String>,
    /// Whether rows can do without a text, because their embeddings are given.
    pub text_optional: bool,
}

/// What that means for one file. The text of a plain text file is the line; its `text` is "text".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The column of the texts; none where there need be none.
    pub text: Option<String>,
    /// The column of the ids.
    pub id: Option<String>,
    /// The column of the embeddings.
    pub embedding: Option<String>,
}

/// Finds the columns of every file: the text column asked for, else `text`, else the only column of strings; where texts are
/// optional, perhaps none.
///
/// # Errors
/// A file without the column asked for, or one whose text column is not the one that the files before it have, or is
/// not of strings; an embedding column that is not of lists; an id or embedding column asked for of plain text. Each names the file and lists its columns.
pub fn resolve_columns(files: &[InputFile], choice: &ColumnChoice) -> Result<Vec<Columns>> {
    let mut first: Option<(&InputFile, Option<String>)> = None;
    let mut resolved = Vec::with_capacity(files.len());
    for file in files {
        let Some(table) = Table::of(file, choice)? else {
            resolved.push(Columns { text: Some(DEFAULT_TEXT.to_owned()), id: None, embedding: None });
            continue;
        };
        let wanted = choice.text.as_deref().or(first.as_ref().and_then(|(_, text)| text.as_deref()));
        let text = table.text(wanted, choice.id.as_deref());
        let text = match (text, &first) {
            (Ok(text), _) => Some(text),
            (Err(_), _) if choice.text.is_none() && choice.text_optional => None,
            (Err(error), Some((other, Some(text)))) if choice.text.is_none() => {
                let other = other.path.display();
                return Err(
                    error.hint(format!("{other} has its texts in `{text}`; choose with --text-column"))
                );
            }
            (Err(error), _) => return Err(error),
        };
        let id = choice.id.as_deref().map(|id| table.id(id)).transpose()?;
        let embedding = choice.embedding.as_deref().map(|name| table.embedding(name)).transpose()?;
        // A file without rows has no columns to speak of, so it does not decide for the others.
        if first.is_none() && !table.columns.is_empty() {
            first = Some((file, text.clone()));
        }
        resolved.push(Columns { text, id, embedding });
    }
    Ok(resolved)
}

struct Column {
    name: String,
    /// Its type, where the format has types.
    kind: Option<String>,
    is_text: bool,
    /// Whether its values can be embeddings.
    is_list: bool,
}

/// The columns of one file.
struct Table<'a> {
    file: &'a InputFile,
    columns: Vec<Column>,
}

impl<'a> Table<'a> {
    /// `None` for plain text, which has no columns.
    fn of(file: &'a InputFile, choice: &ColumnChoice) -> Result<Option<Self>> {
        let columns = match file.format {
            Format::Text => {
                let asked = [
                    (&choice.id, "no ids", "--id-column"),
                    (&choice.embedding, "no embeddings", "--embedding-column"),
                ];
                return match asked.into_iter().find(|(name, ..)| name.is_some()) {
                    Some((Some(name), none, option)) => {
                        let problem = format!("no column `{name}`: plain text has {none}");
                        Err(Error::input(&file.path, problem)
                            .hint(format!("leave out {option}, or the plain text files")))
                    }
                    _ => Ok(None),
                };
            }
            Format::Jsonl => jsonl_columns(file)?,
            Format::Csv { .. } => csv_columns(file)?,
            Format::Parquet => parquet_columns(file)?,
        };
        Ok(Some(Self { file, columns }))
    }

    fn text(&self, wanted: Option<&str>, id: Option<&str>) -> Result<String> {
        let name = wanted.unwrap_or(DEFAULT_TEXT);
        if self.columns.is_empty() && self.file.format != Format::Parquet {
            return Ok(name.to_owned());
        }
        if let Some(column) = self.columns.iter().find(|column| column.name == name) {
            return self.checked(column);
        }
        let is_candidate = |column: &&Column| {
            column.is_text && column.kind.as_deref() != Some("null") && Some(column.name.as_str()) != id
        };
        let mut texts = self.columns.iter().filter(is_candidate);
        match (wanted, texts.next(), texts.next()) {
            (None, Some(only), None) => self.checked(only),
            _ => Err(self.missing(name).hint("name the column of the texts with --text-column")),
        }
    }

    fn id(&self, id: &str) -> Result<String> {
        let known = self.columns.iter().filter(|column| column.name == id).count();
        if known == 0 && !(self.columns.is_empty() && self.file.format != Format::Parquet) {
            return Err(self.missing(id).hint("name the column of the ids with --id-column"));
        }
        self.once(id)?;
        Ok(id.to_owned())
    }

    fn embedding(&self, name: &str) -> Result<String> {
        let hint = "name a column of lists of numbers with --embedding-column";
        match self.columns.iter().find(|column| column.name == name) {
            // A file without rows may have no columns.
            None if self.columns.is_empty() && self.file.format != Format::Parquet => {}
            None => return Err(self.missing(name).hint(hint)),
            Some(column) if column.is_list || column.kind.as_deref() == Some("null") => self.once(name)?,
            Some(column) => {
                let kind = column.kind.as_deref().unwrap_or("text");
                let problem = format!("column `{name}` is {kind}, not a list of numbers");
                return Err(Error::input(&self.file.path, problem).hint(hint));
            }
        }
        Ok(name.to_owned())
    }

    fn checked(&self, column: &Column) -> Result<String> {
        if !column.is_text {
            let kind = column.kind.as_deref().unwrap_or("of another type");
            let problem = format!("column `{}` is {kind}, not a string", column.name);
            return Err(Error::input(&self.file.path, problem).hint("choose another with --text-column"));
        }
        self.once(&column.name)?;
        Ok(column.name.clone())
    }

    fn once(&self, name: &str) -> Result<()> {
        match self.columns.iter().filter(|column| column.name == name).count() {
            0 | 1 => Ok(()),
            times => Err(Error::input(&self.file.path, format!("column `{name}` is there {times} times"))
                .hint("rename all but one")),
        }
    }

    fn missing(&self, name: &str) -> Error {
        let column = |column: &Column| match &column.kind {
            Some(kind) => format!("{} ({kind})", column.name),
            None => column.name.clone(),
        };
        let mut columns = self.columns.iter().take(LISTED).map(column).collect::<Vec<_>>().join(", ");
        if self.columns.len() > LISTED {
            columns = format!("{columns} and {} more", self.columns.len() - LISTED);
        }
        Error::input(&self.file.path, format!("no column `{name}`; columns are {columns}"))
    }
}

/// The columns of the first rows, each with the first kind of value that is not null.
fn jsonl_columns(file: &InputFile) -> Result<Vec<Column>> {
    let (mut splitter, _) = Splitter::open(file, &ReadLimits::default())?;
    let (mut columns, mut rows) = (Vec::<Column>::new(), 0);
    let (mut problem, mut opens_list) = (None, false);
    while rows < SAMPLE_ROWS
        && let Some(mut records) = splitter.next_records()?
    {
        records.spans.truncate(SAMPLE_ROWS - rows);
        records.for_each(ReadLimits::default().max_row_bytes, |line| {
            opens_list |= rows == 0 && line.as_ref().is_ok_and(|line| json::opens_list(line));
            match line.and_then(json::columns_of) {
                Ok(found) => found.into_iter().for_each(|(name, kind)| note(&mut columns, name, kind)),
                Err(reason) => problem = problem.take().or(Some(format!("row {rows}: {reason}"))),
            }
            rows += 1;
        });
    }
    match problem {
        Some(problem) if columns.is_empty() || opens_list => {
            Err(Error::input(&file.path, format!("is not one JSON object a line: {problem}"))
                .hint("`jq -c '.[]'` turns a list into such lines, `jq -c .` objects of several lines"))
        }
        _ => Ok(columns),
    }
}

fn note(columns: &mut Vec<Column>, name: String, kind: &str) {
    let is_text = matches!(kind, "a string" | "null");
    let is_list = kind == "a list";
    match columns.iter_mut().find(|column| column.name == name) {
        None => columns.push(Column { name, kind: Some(kind.to_owned()), is_text, is_list }),
        Some(column) if column.kind.as_deref() == Some("null") || (kind == "a string" && !column.is_text) => {
            (column.kind, column.is_text) = (Some(kind.to_owned()), is_text);
            column.is_list |= is_list;
        }
        Some(column) => column.is_list |= is_list,
    }
}

fn csv_columns(file: &InputFile) -> Result<Vec<Column>> {
    let (mut splitter, _) = Splitter::open(file, &ReadLimits::default())?;
    while let Some(records) = splitter.next_records()? {
        if let Some(header) = records.header {
            let column =
                |name: &String| Column { name: name.clone(), kind: None, is_text: true, is_list: false };
            return Ok(header.names.iter().map(column).collect());
        }
    }
    Ok(Vec::new())
}

/// What people call a type.
fn kind_of(kind: &arrow::datatypes::DataType) -> String {
    if parquet_in::is_text(kind) { "a string".to_owned() } else { kind.to_string() }
}

fn parquet_columns(file: &InputFile) -> Result<Vec<Column>> {
    let (_, metadata) = parquet_in::footer(file)?;
    let column = |field: &arrow::datatypes::FieldRef| Column {
        name: field.name().clone(),
        kind: Some(kind_of(field.data_type())),
        is_text: parquet_in::is_text(field.data_type()),
        is_list: parquet_in::is_vector(field.data_type()),
    };
    Ok(metadata.schema().fields().iter().map(column).collect())
}
