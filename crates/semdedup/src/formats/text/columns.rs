//! Finds the columns of JSON and CSV files by their first rows.

use crate::error::{Error, Result};
use crate::formats::columns::{Column, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::loose_json;
use crate::formats::rows::NOT_UTF8;
use crate::formats::text::delimiters::check_delimiter;
use crate::formats::text::doubts::check_one_column;
use crate::formats::text::guess::not_text;
use crate::formats::text::json::keys_of;
use crate::formats::text::json_columns::Seen;
use crate::formats::text::records::Records;
use crate::formats::text::split::Splitter;
use crate::formats::text::{csv, json, json_shape as shape};

/// This many rows of a JSON file tell its columns…
const SAMPLE_ROWS: usize = 100;

/// …or this many, of about 1 MiB, if the text is in none of these.
const MORE_ROWS: usize = 1000;

/// Returns the columns of the first rows, each with the first type of value that is not null;
/// `None` where the rows are strings.
///
/// # Errors
/// Rows that are no JSON; one object in a `.json` file that may hold the rows, unless the user names
/// its text.
pub(crate) fn json_columns(file: &InputFile, wanted: &Wanted) -> Result<Option<Vec<Column>>> {
    let sample = sampled(file, wanted)?;
    let may_wrap = sample.rows == 1 && sample.objects == 1 && wanted.text.is_none();
    match may_wrap.then(|| shape::wrapped_rows(file)).flatten() {
        Some(error) => Err(error),
        None => Ok(sample.columns()),
    }
}

/// Reads the first rows.
fn sampled<'a>(file: &InputFile, wanted: &Wanted<'a>) -> Result<RowSample<'a>> {
    let mut splitter = Splitter::open(file, &ReadLimits::default())?;
    let (mut sample, mut most) = (RowSample::new(wanted), SAMPLE_ROWS);
    while sample.rows < SAMPLE_ROWS
        && let Some(records) = splitter.next_records()?
    {
        records.for_each(ReadLimits::default().max_row_bytes, |line| {
            if sample.rows == most {
                return;
            }
            sample.add(line);
            if sample.rows == SAMPLE_ROWS && !(sample.seen.has_text(wanted) && sample.seen.has_image(wanted))
            {
                // The rows that have been read already are looked at too.
                most = MORE_ROWS;
            }
        });
    }
    match sample.problem() {
        Some(problem) if problem.contains(NOT_UTF8) => Err(not_text(file, problem)),
        Some(problem) => Err(shape::not_rows(file).unwrap_or_else(|| no_objects(file, problem))),
        None => Ok(sample),
    }
}

/// Returns the names of the columns, without a question of what they are; `None` where the rows have
/// none.
pub(crate) fn names(file: &InputFile) -> Result<Option<Vec<String>>> {
    let none = Wanted { text: None, id: None, embedding: None, image: None };
    let columns = match file.format {
        Format::Csv(_) => {
            let records = first_records(file)?;
            Some(records.map(|records| columns_of(&records, &none)).unwrap_or_default())
        }
        Format::Jsonl | Format::JsonArray => sampled(file, &none)?.columns(),
        _ => None,
    };
    let own = |columns: Vec<Column>| columns.into_iter().filter(|column| !column.is_nested);
    Ok(columns.map(|columns| own(columns).map(|column| column.name).collect()))
}

/// The first rows of a file.
struct RowSample<'a> {
    seen: Seen<'a>,
    rows: usize,
    /// The rows that are strings.
    strings: usize,
    /// The rows that are null.
    nulls: usize,
    /// The rows that are objects.
    objects: usize,
    /// The rows with a comma behind the object.
    commas: usize,
    /// Whether the first row begins a value that goes on in other lines.
    opens_document: bool,
    /// The first problem.
    problem: Option<String>,
}

impl<'a> RowSample<'a> {
    fn new(wanted: &Wanted<'a>) -> Self {
        Self {
            seen: Seen::new(wanted),
            rows: 0,
            strings: 0,
            nulls: 0,
            objects: 0,
            commas: 0,
            opens_document: false,
            problem: None,
        }
    }

    /// Takes a row, or the reason why it is a bad row.
    fn add(&mut self, line: std::result::Result<&[u8], String>) {
        self.opens_document |= self.rows == 0 && line.as_ref().is_ok_and(|line| json::opens_document(line));
        match line.and_then(|line| self.seen.look_at(line).inspect_err(|_| self.note_other(line))) {
            Ok(()) => self.objects += 1,
            Err(reason) if self.problem.is_none() => {
                self.problem = Some(format!("row {}: {reason}", self.rows));
            }
            Err(_) => {}
        }
        self.rows += 1;
    }

    /// Counts a row that is no object.
    fn note_other(&mut self, row: &[u8]) {
        let Ok(row) = std::str::from_utf8(row) else { return };
        match loose_json::from_str::<Option<String>>(row) {
            Ok(Some(_)) => self.strings += 1,
            Ok(None) => self.nulls += 1,
            Err(_) => {}
        }
        let object = row.trim_end().strip_suffix(',');
        self.commas += usize::from(object.is_some_and(|row| keys_of(row.as_bytes()).is_ok()));
    }

    /// Returns the columns; `None` where the rows are strings.
    fn columns(self) -> Option<Vec<Column>> {
        (!self.is_of_strings()).then_some(self.seen.columns)
    }

    fn is_of_strings(&self) -> bool {
        self.objects == 0 && self.strings > 0 && 2 * (self.strings + self.nulls) > self.rows
    }

    /// Returns the first problem, unless only some rows of a file of rows have one.
    fn problem(&self) -> Option<&str> {
        let is_of_rows = !self.seen.columns.is_empty() && self.commas <= self.objects;
        let is_fine = (is_of_rows || self.is_of_strings()) && !self.opens_document;
        self.problem.as_deref().filter(|_| !is_fine)
    }
}

/// The error for a file whose rows are neither objects nor strings.
fn no_objects(file: &InputFile, problem: &str) -> Error {
    match file.format {
        Format::JsonArray => Error::input(&file.path, format!("is not a list of objects: {problem}"))
            .hint("each element has to be an object with a text in it, or a string"),
        _ => Error::input(&file.path, format!("is not one JSON object a line: {problem}")).hint(format!(
            "each line has to be an object with a text in it, or a string; {} writes objects of several lines as lines",
            shape::command(file, "jq -c .")
        )),
    }
}

/// Returns the columns that the header names. Without a header, every field of the first row is a
/// column. An empty file has no columns.
///
/// # Errors
/// A header that another delimiter may divide, and lines of one column that may be one row.
pub(crate) fn csv_columns(file: &InputFile, wanted: &Wanted) -> Result<Vec<Column>> {
    let Some(records) = first_records(file)? else { return Ok(Vec::new()) };
    if let Some(header) = &records.header {
        let is_named = wanted.text.is_some_and(|text| header.position(text).is_ok());
        if !is_named && !header.dialect.is_asked {
            check_delimiter(file, &records)?;
        }
    }
    check_one_column(file, &records)?;
    Ok(columns_of(&records, wanted))
}

/// Returns the first records that have a header.
fn first_records(file: &InputFile) -> Result<Option<Records>> {
    let mut splitter = Splitter::open(file, &ReadLimits::default())?;
    while let Some(records) = splitter.next_records()? {
        if records.header.is_some() {
            return Ok(Some(records));
        }
    }
    Ok(None)
}

/// Returns the columns that the header of these records names.
fn columns_of(records: &Records, wanted: &Wanted) -> Vec<Column> {
    let Some(header) = &records.header else { return Vec::new() };
    let mut samples = csv::first_values(records, header.names.len()).into_iter();
    let is_asked = |name: &str| wanted.names().any(|wanted| wanted == name);
    let column = |(place, name): (usize, &String)| Column {
        // The user may have copied a name with the spaces around it.
        name: if is_asked(name) { name.as_str() } else { header.trimmed(place) }.to_owned(),
        is_text: true,
        sample: samples.next().flatten(),
        ..Column::default()
    };
    header.names.iter().enumerate().map(column).collect()
}
