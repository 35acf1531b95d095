//! Columns that say something of their own beside the text of a row: the answer to a question, a picture that it is about. Rows of equal
//! texts that differ there are no duplicates, so it is a question which columns are meant.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use xxhash_rust::xxh3::xxh3_64;

use super::schema::{Column, Table};
use super::usual_names::{is_media_name, is_other_half, is_partner};
use super::{By, ColumnChoice, Columns, Found, ReadLimits, Reader};
use crate::{Error, Result};

/// How many rows, and about how many bytes of their values, to look at.
const SAMPLE_ROWS: usize = 2000;
const SAMPLE_BYTES: usize = 32 << 20;
/// One row in this many may have the text of another row and differ from it: labels are noisy.
const MOST_ROWS: usize = 200;

impl Table<'_> {
    /// Fails if rows of equal texts differ in a column that says something of its own. Whoever names a column means it.
    pub fn check_companions(&self, columns: &Columns, choice: &ColumnChoice) -> Result<()> {
        if columns.found == Found::Asked || columns.text.is_none() {
            return Ok(());
        }
        for companion in self.columns.iter().filter(|column| is_companion(column, columns, choice)) {
            let (rows, differing) = self.differing(columns, &companion.name)?;
            if differing * MOST_ROWS > rows {
                return Err(self.unclear(columns, companion, (rows, differing)));
            }
        }
        Ok(())
    }

    /// How many of the first rows have a text and a companion, and how many of these differ in the companion from a row with the same
    /// text.
    fn differing(&self, columns: &Columns, companion: &str) -> Result<(usize, usize)> {
        let id = Some(companion.to_owned());
        let columns = Columns { id, image: None, embedding: None, ..columns.clone() };
        let mut reader = Reader::open(self.file, &columns, &ReadLimits::default(), 0)?;
        let (mut known, mut rows, mut bytes, mut differing) = (HashMap::new(), 0, 0, 0);
        while rows < SAMPLE_ROWS
            && bytes < SAMPLE_BYTES
            && let Some(chunk) = reader.next_chunk()?
        {
            let read = chunk.parse(&columns)?;
            let Some(values) = &read.ids else { break };
            // A type that cannot be shown cannot be compared.
            let Ok(shown) = ArrayFormatter::try_new(values, &FormatOptions::default()) else { break };
            for (row, text) in read.texts.iter().enumerate().take(SAMPLE_ROWS - rows) {
                let value = if values.is_valid(row) { shown.value(row).to_string() } else { String::new() };
                let (Some(text), false) = (text.filter(|text| !text.is_empty()), is_nothing(&value)) else {
                    continue;
                };
                (rows, bytes) = (rows + 1, bytes + value.len());
                match known.entry(xxh3_64(text.as_bytes())) {
                    Entry::Vacant(free) => _ = free.insert(xxh3_64(value.as_bytes())),
                    Entry::Occupied(first) => {
                        differing += usize::from(*first.get() != xxh3_64(value.as_bytes()))
                    }
                }
            }
        }
        Ok((rows, differing))
    }

    fn unclear(&self, columns: &Columns, companion: &Column, (rows, differing): (usize, usize)) -> Error {
        let texts = columns.texts().collect::<Vec<_>>().join(",");
        let problem = format!(
            "{differing} of the first {rows} rows have the `{texts}` of another row but another `{}`, and it is not clear which are to be \
             compared",
            companion.name
        );
        let alone = format!("--text-column {texts} compares it alone");
        let hint = match companion.is_text || companion.is_turns {
            true => format!("{alone}, --text-column {texts},{} joins both", companion.name),
            false => alone,
        };
        Error::input(&self.file.path, problem).hint(hint)
    }
}

/// Whether a column beside the texts says something of its own, going by its name.
fn is_companion(column: &Column, columns: &Columns, choice: &ColumnChoice) -> bool {
    let is_used = columns.texts().any(|text| text == column.name)
        || [&columns.id, &columns.embedding, &columns.image]
            .into_iter()
            .flatten()
            .any(|name| *name == column.name);
    if column.is_nested || is_used || column.kind.as_deref() == Some("null") {
        return false;
    }
    let is_value = column.is_text || column.is_list || column.may_hold_text || column.has_nested;
    // Who says `--by text` does not mean the images.
    let is_media = choice.by != Some(By::Text) && is_media_name(&column.name);
    let is_half = columns.texts().any(|text| is_other_half(&column.name, text));
    column.is_turns || (is_value && (is_partner(&column.name) || is_half || is_media))
}

/// Whether a value, as it is shown or as a token of JSON, says nothing.
fn is_nothing(value: &str) -> bool {
    ["", "\"\"", "[]", "{}"].contains(&value)
}
