//! The columns that a file has, and which of them can be texts, ids and embeddings.

use arrow::datatypes::{DataType, Fields};

use crate::error::{Error, Result};
use crate::formats::binary::{self, is_binary};
use crate::formats::columns::Columns;
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::images::{ANY_IMAGE, is_image_type, no_images};
use crate::formats::ipc::Ipc;
use crate::formats::json_columns::Seen;
use crate::formats::split::Splitter;
use crate::formats::turn_arrays::{holds_strings, is_turns_type, item_of, may_hold_text};
use crate::formats::{batches, csv, json, parquet_in};

/// How many rows of a JSON file are looked at to know its columns…
const SAMPLE_ROWS: usize = 100;
/// …and how many, of about 1 MiB, where none of these has the text.
const MORE_ROWS: usize = 1000;
/// How many columns an error lists.
pub(super) const LISTED: usize = 20;

/// The columns that are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
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
pub(super) struct Column {
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

/// The columns of one file.
pub(super) struct Table<'a> {
    pub file: &'a InputFile,
    pub columns: Vec<Column>,
}

impl<'a> Table<'a> {
    /// `None` for plain text, which has no columns.
    pub fn of(file: &'a InputFile, wanted: &Wanted) -> Result<Option<Self>> {
        let columns = match file.format {
            Format::Text => {
                let asked = [
                    (wanted.id, "no ids", "--id-column"),
                    (wanted.embedding, "no embeddings", "--embedding-column"),
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
            Format::Jsonl | Format::JsonArray => json_columns(file, wanted)?,
            Format::Csv { .. } => csv_columns(file, wanted)?,
            Format::Matrix => return Ok(None),
            Format::Parquet => arrow_columns(parquet_in::footer(file)?.1.schema().fields()),
            Format::Arrow => arrow_columns(Ipc::open(file)?.schema.fields()),
            // These have columns of their own ([`crate::formats::images`]).
            Format::Tar | Format::Tree | Format::TextTree => Vec::new(),
        };
        Ok(Some(Self { file, columns }))
    }

    /// The names of the columns that are not inside others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| !column.is_nested).map(|column| column.name.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub fn id(&self, id: &str) -> Result<String> {
        if self.find(id)?.is_none() && !self.knows_nothing() {
            return Err(self.missing(id).hint("name the column of the ids with --id-column"));
        }
        Ok(id.to_owned())
    }

    pub fn embedding(&self, name: &str) -> Result<String> {
        let hint = "name a column of lists of numbers with --embedding-column";
        match self.find(name)? {
            None if self.knows_nothing() => {}
            None => return Err(self.missing(name).hint(hint)),
            Some(column) if column.is_list || column.kind.as_deref() == Some("null") => {}
            Some(column) => {
                let kind = column.kind.as_deref().unwrap_or("text");
                let problem = format!("column `{name}` is {kind}, not a list of numbers");
                return Err(Error::input(&self.file.path, problem).hint(hint));
            }
        }
        Ok(name.to_owned())
    }

    /// The column asked for, else `image`, else the only column that can be of images.
    pub fn image(&self, wanted: Option<&str>) -> Result<String> {
        if !self.file.format.has_schema() {
            return Err(no_images(self.file));
        }
        let hint = "name a column of images (binary, or a struct with `bytes`) with --image-column";
        let name = wanted.unwrap_or(ANY_IMAGE);
        match self.find(name)? {
            Some(column) if column.is_image => return Ok(name.to_owned()),
            Some(column) => {
                let kind = column.kind.as_deref().unwrap_or("of another type");
                let problem = format!("column `{name}` is {kind}, not binary");
                return Err(Error::input(&self.file.path, problem).hint(hint));
            }
            None => {}
        }
        let mut images = self.columns.iter().filter(|column| column.is_image && !column.is_nested);
        match (wanted, images.next(), images.next()) {
            (None, Some(only), None) => Ok(only.name.clone()),
            _ => Err(self.missing(name).hint(hint)),
        }
    }

    /// A file without rows may have no columns, unless it has a schema.
    pub fn knows_nothing(&self) -> bool {
        self.columns.is_empty() && !self.file.format.has_schema()
    }

    /// The column of a name: one of its own before one inside another.
    pub fn find(&self, name: &str) -> Result<Option<&Column>> {
        let places = [false, true].into_iter().find_map(|nested| {
            let mut named =
                self.columns.iter().filter(|column| column.is_nested == nested && column.name == name);
            named.next().map(|first| (first, 1 + named.count()))
        });
        match places {
            Some((_, times)) if times > 1 => {
                Err(Error::input(&self.file.path, format!("column `{name}` is there {times} times"))
                    .hint("rename all but one"))
            }
            found => Ok(found.map(|(column, _)| column)),
        }
    }

    fn missing(&self, name: &str) -> Error {
        let columns = self.listed(&|column: &Column| match &column.kind {
            Some(kind) => format!("{} ({kind})", column.name),
            None => column.name.clone(),
        });
        Error::input(&self.file.path, format!("no column `{name}`; columns are {columns}"))
    }
}

/// The columns of the first rows, each with the first kind of value that is not null.
fn json_columns(file: &InputFile, wanted: &Wanted) -> Result<Vec<Column>> {
    let (mut splitter, _) = Splitter::open(file, &ReadLimits::default())?;
    let (mut seen, mut rows, mut most) = (Seen::new(wanted), 0, SAMPLE_ROWS);
    let (mut problem, mut opens_list) = (None, false);
    while rows < SAMPLE_ROWS
        && let Some(records) = splitter.next_records()?
    {
        records.for_each(ReadLimits::default().max_row_bytes, |line| {
            if rows == most {
                return;
            }
            opens_list |= rows == 0 && line.as_ref().is_ok_and(|line| json::opens_list(line));
            if let Err(reason) = line.and_then(|line| seen.look_at(line)) {
                problem = problem.take().or(Some(format!("row {rows}: {reason}")));
            }
            rows += 1;
            if rows == SAMPLE_ROWS && !seen.has_text(wanted) {
                // What has been read already is looked at further.
                most = MORE_ROWS;
            }
        });
    }
    let Some(problem) = problem.filter(|_| seen.columns.is_empty() || opens_list) else {
        return Ok(seen.columns);
    };
    Err(match file.format {
        Format::JsonArray => Error::input(&file.path, format!("is not a list of objects: {problem}"))
            .hint("each element has to be an object with a text in it"),
        _ => Error::input(&file.path, format!("is not one JSON object a line: {problem}")).hint(
            "a list of objects is read from a file that is named .json; `jq -c .` turns objects of several lines into lines",
        ),
    })
}

fn csv_columns(file: &InputFile, wanted: &Wanted) -> Result<Vec<Column>> {
    let (mut splitter, _) = Splitter::open(file, &ReadLimits::default())?;
    while let Some(records) = splitter.next_records()? {
        if let Some(header) = &records.header {
            if let [only] = &header.names[..]
                && wanted.text != Some(only)
            {
                csv::check_delimiter(file, only)?;
            }
            let mut samples = csv::first_values(&records, header.names.len()).into_iter();
            let column = |name: &String| Column {
                name: name.clone(),
                is_text: true,
                sample: samples.next().flatten(),
                ..Column::default()
            };
            return Ok(header.names.iter().map(column).collect());
        }
    }
    Ok(Vec::new())
}

/// What people call a type.
fn kind_of(kind: &DataType) -> String {
    match kind {
        kind if batches::is_text(kind) => "a string".to_owned(),
        kind if is_binary(kind) => binary::name_of(kind),
        _ => kind.to_string(),
    }
}

fn arrow_columns(fields: &Fields) -> Vec<Column> {
    fn add(fields: &Fields, outer: &str, columns: &mut Vec<Column>) {
        for field in fields {
            let name = format!("{outer}{}", field.name());
            let inner = match field.data_type() {
                DataType::Struct(inner) if !inner.is_empty() => Some(inner),
                _ => None,
            };
            columns.push(Column {
                name: name.clone(),
                kind: Some(kind_of(field.data_type())),
                is_text: batches::is_text(field.data_type()),
                is_list: batches::is_vector(field.data_type()),
                is_binary: is_binary(field.data_type()),
                is_image: is_image_type(field.data_type()),
                is_image_list: item_of(field.data_type()).is_some_and(|item| is_image_type(item.data_type())),
                is_turns: is_turns_type(field.data_type()),
                may_hold_text: field.data_type().is_nested() && may_hold_text(field.data_type()),
                holds_strings: item_of(field.data_type()).is_some_and(|item| holds_strings(item.data_type())),
                sample: None,
                is_nested: !outer.is_empty(),
                has_nested: inner.is_some(),
            });
            if let Some(inner) = inner {
                add(inner, &format!("{name}."), columns);
            }
        }
    }
    let mut columns = Vec::new();
    add(fields, "", &mut columns);
    columns
}
