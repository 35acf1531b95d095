//! RowGroups the rows of an input: by the value of a column, by file, by the length or the script of their
//! texts.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use rayon::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::formats::arrow::display::printable;
use crate::formats::{Chunk, Columns, IdSource, InputFile, Reader, check_unchanged, json_text};
use crate::input::find::Input;
use crate::workdir::row_index::RowIndex;
use crate::workdir::script::script_of;

/// How to group rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// By the value of a column of the input.
    Column(String),
    /// By the file that they come from.
    File,
    /// By the length of their text in characters, in powers of two.
    Length,
    /// By the script of their text.
    Script,
}

/// In front of the name of a column that is called `file`, `length` or `script`.
const COLUMN: &str = "column:";

impl FromStr for GroupBy {
    type Err = Error;

    /// Takes `file`, `length`, `script`, or the name of a column; `column:file` is the column of that name.
    fn from_str(typed: &str) -> Result<Self> {
        Ok(match typed {
            "file" => Self::File,
            "length" => Self::Length,
            "script" => Self::Script,
            _ => match typed.strip_prefix(COLUMN).unwrap_or(typed) {
                "" => return Err(Error::usage("a column without a name").hint("name a column of the input")),
                name => Self::Column(name.to_owned()),
            },
        })
    }
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::File => f.write_str("file"),
            Self::Length => f.write_str("length"),
            Self::Script => f.write_str("script"),
        }
    }
}

/// The groups of all rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowGroups {
    /// The names of the groups, in the order in which they come first; `None` for rows without a value.
    pub(crate) names: Vec<Option<String>>,
    /// The group of each row.
    pub(crate) of_row: Vec<u32>,
}

/// The most groups: with more, a column names rows rather than groups of them.
const MOST_GROUPS: usize = 1 << 17;

/// The chunks of a file that are parsed at once.
const CHUNKS_AT_ONCE: usize = 16;

impl RowGroups {
    /// RowGroups the rows of an input, which is read once more unless they are grouped by file. `row_index`
    /// numbers its rows.
    ///
    /// # Errors
    /// A column that no file has; more than 131,072 values; input that is not there any more or has
    /// changed.
    pub(crate) fn of(input: &Input, row_index: &RowIndex, by: &GroupBy) -> Result<Self> {
        let mut found = Finder { by, groups: Self::default(), numbers: HashMap::new() };
        for (number, counted) in row_index.files.iter().enumerate() {
            match by {
                GroupBy::File => {
                    let group = found.number(Some(&counted.name))?;
                    let rows = found.groups.of_row.len() + counted.rows as usize;
                    found.groups.of_row.resize(rows, group);
                }
                _ => found.read(input, number, counted.rows)?,
            }
        }
        if found.groups.names.iter().all(Option::is_none) && row_index.rows() > 0 {
            return Err(no_values(by));
        }
        Ok(found.groups)
    }
}

impl RowGroups {
    /// Whether one of the first rows of a file has a value in a column.
    ///
    /// # Errors
    /// A file whose columns are the same for all rows and that does not have it; input that cannot be
    /// read.
    pub(crate) fn begins_with_values(input: &Input, column: &str) -> Result<bool> {
        let by = GroupBy::Column(column.to_owned());
        let mut found = input.files.is_empty();
        for (file, columns) in input.files.iter().zip(&input.columns) {
            let columns = columns_of(&by, columns);
            let mut reader = Reader::open(file, &columns, &input.limits, 0)?;
            if let Some(chunk) = reader.next_chunk()? {
                let values = ChunkValues::of(&by, file, &chunk, &columns)?;
                found |= values.names.iter().any(Option::is_some);
            }
        }
        Ok(found)
    }
}

fn no_values(by: &GroupBy) -> Error {
    match by {
        GroupBy::Column(name) => {
            Error::new(ErrorKind::Input, format!("no row has a value in a column `{name}`"))
                .hint("name a column of the input; `a.b` is the value b inside a")
        }
        _ => Error::new(ErrorKind::Input, format!("the rows have no texts, so there is no {by} of them"))
            .hint("group them by a column or by file"),
    }
}

/// Finds the groups of the rows, in order.
struct Finder<'a> {
    by: &'a GroupBy,
    groups: RowGroups,
    numbers: HashMap<Option<String>, u32>,
}

impl Finder<'_> {
    /// Returns the number of a group.
    fn number(&mut self, name: Option<&str>) -> Result<u32> {
        let name = name.map(str::to_owned);
        if let Some(&number) = self.numbers.get(&name) {
            return Ok(number);
        }
        let number = self.groups.names.len();
        if number == MOST_GROUPS {
            let problem = format!("{} has more than {MOST_GROUPS} values", self.by);
            return Err(
                Error::new(ErrorKind::Input, problem).hint("name a column whose values many rows share")
            );
        }
        self.groups.names.push(name.clone());
        self.numbers.insert(name, number as u32);
        Ok(number as u32)
    }

    /// Adds the rows of a file, of which there are `rows`.
    fn read(&mut self, input: &Input, number: usize, rows: u64) -> Result<()> {
        let (file, first) = (&input.files[number], self.groups.of_row.len());
        check_unchanged(file)?;
        let columns = columns_of(self.by, &input.columns[number]);
        let mut reader = Reader::open(file, &columns, &input.limits, 0)?;
        loop {
            let mut chunks = Vec::new();
            while chunks.len() < CHUNKS_AT_ONCE
                && let Some(chunk) = reader.next_chunk()?
            {
                chunks.push(chunk);
            }
            if chunks.is_empty() {
                break;
            }
            let by = self.by;
            let read: Vec<Result<ChunkValues>> =
                chunks.par_iter().map(|chunk| ChunkValues::of(by, file, chunk, &columns)).collect();
            for values in read {
                self.add(&values?)?;
            }
        }
        match (self.groups.of_row.len() - first) as u64 {
            read if read == rows => Ok(()),
            read => Err(Error::input(&file.path, format!("has {read} rows now, the run read {rows}"))
                .hint("run the same `semdedup run` again")),
        }
    }

    fn add(&mut self, values: &ChunkValues) -> Result<()> {
        let numbers =
            values.names.iter().map(|name| self.number(name.as_deref())).collect::<Result<Vec<u32>>>()?;
        self.groups.of_row.extend(values.of_row.iter().map(|&name| numbers[name as usize]));
        Ok(())
    }
}

/// Returns the columns to read.
fn columns_of(by: &GroupBy, columns: &Columns) -> Columns {
    match by {
        // Any value can be an id.
        GroupBy::Column(name) => Columns { id: Some(name.clone()), ..Columns::default() },
        _ => Columns { id: None, embedding: None, image: None, image_links: None, ..columns.clone() },
    }
}

/// The values of the rows of a chunk.
#[derive(Default)]
struct ChunkValues {
    /// The different values.
    names: Vec<Option<String>>,
    /// The place in `names` of the value of each row.
    of_row: Vec<u32>,
}

impl ChunkValues {
    fn of(by: &GroupBy, file: &InputFile, chunk: &Chunk, columns: &Columns) -> Result<Self> {
        let rows = chunk.parse(columns)?;
        let mut found = Self::default();
        let mut numbers = HashMap::new();
        let mut add = |name: Option<String>| {
            let number = *numbers.entry(name).or_insert_with_key(|name| {
                found.names.push(name.clone());
                found.names.len() as u32 - 1
            });
            found.of_row.push(number);
        };
        match (by, rows.ids) {
            (GroupBy::Column(_), Some(ids)) => {
                let is_json = chunk.id_source() == IdSource::Json;
                each_printed(file, &ids, &mut |value| {
                    add(value.map(|token| if is_json { json_text(&token).into_owned() } else { token }));
                })?;
            }
            (GroupBy::Column(_) | GroupBy::File, _) => (0..chunk.rows()).for_each(|_| add(None)),
            (GroupBy::Length | GroupBy::Script, _) => {
                for text in &rows.texts {
                    add(text.filter(|_| columns.text.is_some()).and_then(|text| name_of(by, text)));
                }
            }
        }
        Ok(found)
    }
}

/// Prints each value of a column.
fn each_printed(file: &InputFile, values: &ArrayRef, add: &mut dyn FnMut(Option<String>)) -> Result<()> {
    let (printed, options) = (printable(values), FormatOptions::default());
    let as_text =
        ArrayFormatter::try_new(&printed, &options).map_err(|error| Error::input(&file.path, error))?;
    for row in 0..values.len() {
        add(values.is_valid(row).then(|| as_text.value(row).to_string()));
    }
    Ok(())
}

/// Returns the name of the group of a text.
fn name_of(by: &GroupBy, text: &str) -> Option<String> {
    match by {
        GroupBy::Script => script_of(text).name(),
        _ => Some(length_of(text.chars().count())),
    }
}

/// Returns the name of the group of texts of this many characters: `64 to 127 characters`.
fn length_of(characters: usize) -> String {
    match characters {
        0 => "empty".to_owned(),
        1 => "1 character".to_owned(),
        _ => {
            let least = 1usize << characters.ilog2();
            format!("{least} to {} characters", 2 * least - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::options::InputOptions;
    use crate::workdir::row_index::FileRows;

    fn groups(files: &[(&str, &str)], by: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut options =
            InputOptions::new(files.iter().map(|(name, _)| folder.path().join(name).display().to_string()));
        options.columns.text_optional = true;
        let input = Input::find(&options, &[]).unwrap();
        let lines = |text: &str| text.lines().count() as u64;
        let counted = files
            .iter()
            .map(|(name, text)| FileRows { name: (*name).to_owned(), rows: lines(text) })
            .collect();
        let found = RowGroups::of(&input, &RowIndex::new(counted), &by.parse().unwrap())?;
        let name = |&group: &u32| found.names[group as usize].clone().unwrap_or_else(|| "-".to_owned());
        Ok(found.of_row.iter().map(name).collect())
    }

    const ROWS: &str = "{\"text\": \"a cat\", \"lang\": \"en\", \"meta\": {\"n\": 7}}\n\
        {\"text\": \"кошка\", \"lang\": null}\nnot json\n{\"text\": \"\", \"lang\": \"en\", \"meta\": {\"n\": 12}}\n";

    #[test]
    fn rows_are_grouped_by_any_column_of_each_file() {
        let more = "{\"text\": \"x\", \"lang\": \"ru\"}\n";
        let files = [("a.jsonl", ROWS), ("b.jsonl", more)];
        assert_eq!(groups(&files, "lang").unwrap(), ["en", "-", "-", "en", "ru"]);
        assert_eq!(groups(&files, "meta.n").unwrap(), ["7", "-", "-", "12", "-"]);
        let mixed = [("a.jsonl", "{\"text\": \"a\", \"n\": 7}\n{\"text\": \"b\", \"n\": \"x \\\"y\\\"\"}\n")];
        assert_eq!(groups(&mixed, "n").unwrap(), ["7", "x \"y\""]);
        assert_eq!(groups(&files, "file").unwrap(), ["a.jsonl", "a.jsonl", "a.jsonl", "a.jsonl", "b.jsonl"]);
        let scripts = groups(&files, "script").unwrap();
        assert_eq!(scripts, ["Latin", "Cyrillic", "-", "-", "Latin"]);
        let lengths = groups(&files, "length").unwrap();
        assert_eq!(lengths, ["4 to 7 characters", "4 to 7 characters", "-", "empty", "1 character"]);
        assert!(groups(&files, "nothing").unwrap_err().to_string().contains("`nothing`"));
    }

    #[test]
    fn the_groups_of_lengths_have_no_gaps() {
        assert_eq!(
            [0, 1, 2, 3, 4, 7, 8].map(length_of).join(", "),
            "empty, 1 character, 2 to 3 characters, 2 to 3 characters, 4 to 7 characters, 4 to 7 characters, \
             8 to 15 characters"
        );
    }

    #[test]
    fn words_that_mean_more_than_a_column_can_name_a_column() {
        assert_eq!("file".parse::<GroupBy>().unwrap(), GroupBy::File);
        assert_eq!("column:file".parse::<GroupBy>().unwrap(), GroupBy::Column("file".to_owned()));
        assert_eq!("lang".parse::<GroupBy>().unwrap(), GroupBy::Column("lang".to_owned()));
        assert!("column:".parse::<GroupBy>().is_err() && "".parse::<GroupBy>().is_err());
    }
}
