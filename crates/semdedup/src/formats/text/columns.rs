//! Finds the columns of JSON and CSV files by their first rows.

use crate::error::{Error, Result};
use crate::formats::columns::{Column, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::text::json_columns::Seen;
use crate::formats::text::split::Splitter;
use crate::formats::text::{csv, json};

/// This many rows of a JSON file tell its columns…
const SAMPLE_ROWS: usize = 100;

/// …or this many, of about 1 MiB, if the text is in none of these.
const MORE_ROWS: usize = 1000;

/// Returns the columns of the first rows, each with the first type of value that is not null.
pub(crate) fn json_columns(file: &InputFile, wanted: &Wanted) -> Result<Vec<Column>> {
    let mut splitter = Splitter::open(file, &ReadLimits::default())?;
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
                // The rows that have been read already are looked at too.
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

/// Returns the columns of the header, or those of the first row if there is no header; none in an empty file.
pub(crate) fn csv_columns(file: &InputFile, wanted: &Wanted) -> Result<Vec<Column>> {
    let mut splitter = Splitter::open(file, &ReadLimits::default())?;
    while let Some(records) = splitter.next_records()? {
        if let Some(header) = &records.header {
            if let [only] = &header.names[..]
                && wanted.text != Some(only)
                && !header.dialect.is_asked
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
