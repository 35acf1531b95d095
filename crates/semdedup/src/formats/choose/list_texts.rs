//! Checks that a name which reaches into a list leads to texts: a misspelt field would leave every
//! text empty.

use arrow_schema::{DataType, Fields};

use crate::error::{Error, Result};
use crate::formats::arrow::binary::is_binary;
use crate::formats::arrow::nested;
use crate::formats::arrow::turn_arrays::item_of;
use crate::formats::arrow::types::is_text;
use crate::formats::choose::listing::shortened;
use crate::formats::choose::table::Table;
use crate::formats::columns::{Column, Columns};
use crate::formats::file::ReadLimits;
use crate::formats::list_path::{ListPath, Step};
use crate::formats::read::Reader;

/// At most this many rows are read to find a text.
const SAMPLE_ROWS: usize = 1000;

impl Table<'_> {
    /// Fails if a name that reaches into a list leads to no text.
    pub(crate) fn check_path(&self, name: &str, path: &ListPath) -> Result<()> {
        let Some(column) = self.find(path.column)? else {
            return if self.knows_nothing() { Ok(()) } else { Err(self.no_text(path.column, None)) };
        };
        let problem = match self.file.format.rows().has_schema() {
            true => self.problem_of_type(path)?,
            false => self.problem_of_rows(name, column)?,
        };
        problem.map_or(Ok(()), |problem| {
            let problem = format!("column `{name}` {problem}");
            Err(Error::input(&self.file.path, problem)
                .hint("NAME[*] names every element of a list, NAME[0] the first, NAME[-1] the last, NAME[*].FIELD a field of each"))
        })
    }

    /// Returns why the type of a column has no texts at a path.
    fn problem_of_type(&self, path: &ListPath) -> Result<Option<String>> {
        Ok(match self.kind_at(path)? {
            Some(Err(problem)) => Some(problem),
            Some(Ok(kind)) if !is_text(&kind) && !is_binary(&kind) && kind != DataType::Null => {
                Some(format!("leads to {kind}, not to a string"))
            }
            _ => None,
        })
    }

    /// Returns the type of the values that a path leads to, or why it leads nowhere; `None` in a file
    /// without rows or without the column.
    pub(crate) fn kind_at(&self, path: &ListPath) -> Result<Option<std::result::Result<DataType, String>>> {
        let rows = self.file.format.rows().first_rows(self.file)?;
        let schema = rows.as_ref().map(|rows| rows.schema());
        let kind = schema.as_ref().and_then(|schema| type_in(schema.fields(), path.column));
        Ok(kind.map(|kind| end_of(kind, &path.steps).cloned()))
    }

    /// Returns why the first rows have no texts at a path.
    fn problem_of_rows(&self, name: &str, column: &Column) -> Result<Option<String>> {
        let list = &column.name;
        if !column.is_list {
            let kind = column.kind.as_deref().unwrap_or("a string");
            return Ok(Some(format!("reaches into a list, but `{list}` is {kind}")));
        }
        let lists = vec![name.to_owned()];
        let columns = Columns { text: Some(name.to_owned()), lists, ..Columns::default() };
        let mut reader = Reader::open(self.file, &columns, &ReadLimits::default(), 0)?;
        let (mut rows, mut problem) = (0, None);
        while rows < SAMPLE_ROWS
            && let Some(chunk) = reader.next_chunk()?
        {
            let read = chunk.parse(&columns)?;
            if read.texts.iter().flatten().any(|text| !text.is_empty()) {
                return Ok(None);
            }
            rows += chunk.rows();
            let mut of_column =
                read.bad.iter().filter_map(|bad| bad.reason.strip_prefix(&format!("column `{name}` ")));
            problem = problem.or(of_column.next().map(str::to_owned));
        }
        let value = column.sample.as_deref().map_or_else(|| "null".to_owned(), shortened);
        Ok(problem.or_else(|| Some(format!("has no text in the first rows; a value of `{list}` is {value}"))))
    }
}

/// Returns the type of a column, which may be inside another.
fn type_in<'f>(fields: &'f Fields, name: &str) -> Option<&'f DataType> {
    let places = nested::find(fields, name)?;
    let (first, rest) = places.split_first()?;
    rest.iter().try_fold(fields[*first].data_type(), |kind, &place| match kind {
        DataType::Struct(fields) => Some(fields[place].data_type()),
        _ => None,
    })
}

/// Returns the type at the end of some steps from values of a type, or why there is none.
fn end_of<'k>(kind: &'k DataType, steps: &[Step]) -> std::result::Result<&'k DataType, String> {
    let Some((step, rest)) = steps.split_first() else { return Ok(kind) };
    match (step, item_of(kind), kind) {
        (_, _, DataType::Null) => Ok(kind),
        (Step::Every | Step::At(_), Some(item), _) => end_of(item.data_type(), rest),
        (Step::Every | Step::At(_), None, _) => Err(format!("leads to {kind}, not to a list")),
        (Step::Field(name), _, DataType::Struct(fields)) => match type_in(fields, name) {
            Some(kind) => end_of(kind, rest),
            None => {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                Err(format!("has no field `{name}`; fields are {}", names.join(", ")))
            }
        },
        (Step::Field(_), ..) => Err(format!("leads to {kind}, not to an object")),
    }
}
