//! Reads the first values of a column.

use arrow_array::Array;
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use crate::error::Result;
use crate::formats::arrow::display::printable;
use crate::formats::columns::Columns;
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::read::Reader;

/// At most this many rows are read to tell what a column holds…
const SAMPLE_ROWS: usize = 1000;
/// …with about this many bytes of values.
const SAMPLE_BYTES: usize = 1 << 20;

/// Returns the values of a column in the first rows; `None` where there are no rows.
pub(crate) fn values_of(file: &InputFile, name: &str) -> Result<Option<Vec<String>>> {
    let found = first_texts(file, &Columns { text: Some(name.to_owned()), ..Columns::default() })?;
    Ok(found.map(|found| found.texts))
}

/// The texts of the first rows.
#[derive(Default)]
pub(crate) struct FirstTexts {
    pub texts: Vec<String>,
    /// Whether rows have something else than a text.
    pub has_bad: bool,
}

/// Returns the texts of the first rows; `None` where there are no rows.
pub(crate) fn first_texts(file: &InputFile, columns: &Columns) -> Result<Option<FirstTexts>> {
    let mut reader = Reader::open(file, columns, &ReadLimits::default(), 0)?;
    let (mut found, mut rows, mut bytes) = (FirstTexts::default(), 0, 0);
    while rows < SAMPLE_ROWS
        && bytes < SAMPLE_BYTES
        && let Some(chunk) = reader.next_chunk()?
    {
        let read = chunk.parse(columns)?;
        found.has_bad |= !read.bad.is_empty();
        for text in read.texts.iter().take(SAMPLE_ROWS - rows) {
            rows += 1;
            bytes += text.map_or(0, str::len);
            found.texts.extend(text.map(str::to_owned));
        }
    }
    Ok((rows > 0).then_some(found))
}

/// Returns the values of a column of any type in the first rows, as Arrow prints them; `None` where
/// there are no rows.
pub(crate) fn shown_values_of(file: &InputFile, name: &str) -> Result<Option<Vec<String>>> {
    let columns = Columns { id: Some(name.to_owned()), ..Columns::default() };
    let mut reader = Reader::open(file, &columns, &ReadLimits::default(), 0)?;
    let (mut values, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while rows < SAMPLE_ROWS
        && bytes < SAMPLE_BYTES
        && let Some(chunk) = reader.next_chunk()?
    {
        let Some(ids) = chunk.parse(&columns)?.ids else { break };
        let ids = printable(&ids);
        let Ok(shown) = ArrayFormatter::try_new(&ids, &FormatOptions::default()) else { break };
        for row in 0..ids.len().min(SAMPLE_ROWS - rows) {
            let value = shown.value(row).to_string();
            (rows, bytes) = (rows + 1, bytes + value.len());
            // A value in brackets would count as JSON, which has no words.
            values.push(value.replace(['[', ']', '{', '}'], " "));
        }
    }
    Ok((rows > 0).then_some(values))
}
