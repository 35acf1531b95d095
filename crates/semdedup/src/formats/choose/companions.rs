//! Companions: columns that say something of their own beside the text of a row, such as the answer
//! to a question, or a picture that it is about. Rows of equal texts with different companions are
//! not duplicates, so the user is asked which columns to compare.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_row::{RowConverter, SortField};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::formats::arrow::types::is_text;
use crate::formats::choose::language::words_in;
use crate::formats::choose::table::Table;
use crate::formats::columns::{Column, ColumnChoice, Columns, Found};
use crate::formats::file::{CompareBy, ReadLimits};
use crate::formats::read::Reader;
use crate::formats::usual_names::{is_media_name, is_other_half, is_partner};

/// At most this many rows of a companion are looked at…
pub(crate) const SAMPLE_ROWS: usize = 2000;
/// …with about this many bytes of texts and companions.
const SAMPLE_BYTES: usize = 64 << 20;
/// One row in this many may have the text of another row and another companion: labels are noisy.
const MOST_ROWS: usize = 200;
/// A companion of fewer words on average is a label or a search, not the other half of a text.
const LEAST_WORDS: usize = 4;
/// Texts of more bytes on average, such as news, do not depend on the pictures beside them.
const LONG_TEXT: usize = 300;

/// The facts that the first rows tell about a companion.
#[derive(Default)]
struct CompanionSample {
    rows: usize,
    bytes: usize,
    /// The bytes of all texts.
    text_bytes: usize,
    /// The rows that have a text.
    texts: usize,
    /// The words of all companions that are strings.
    words: usize,
    /// The rows that have a text and a companion.
    values: usize,
    /// The rows whose text came before with another companion.
    differing: usize,
    /// The hash of the first companion of each text, by the hash of the text.
    known: HashMap<u64, u64>,
}

impl Table<'_> {
    /// Fails if rows of equal texts differ in a companion, unless the user names the text column.
    /// Returns how many rows were looked at.
    pub fn check_companions(&self, columns: &Columns, choice: &ColumnChoice) -> Result<usize> {
        let mut rows = 0;
        if columns.found == Found::Asked || columns.text.is_none() {
            return Ok(SAMPLE_ROWS);
        }
        // Without companions, other files with these columns need no look either.
        let companions: Vec<&Column> =
            self.columns.iter().filter(|column| is_companion(column, columns, choice)).collect();
        for companion in &companions {
            let sample = self.sample(columns, &companion.name)?;
            rows = rows.max(sample.rows);
            if sample.differs_often() && sample.tells_apart(companion, columns) {
                return Err(self.unclear(columns, companion, &sample));
            }
        }
        Ok(if companions.is_empty() { SAMPLE_ROWS } else { rows })
    }

    /// Whether rows of equal questions often have different answers that are short, such as `yes` and
    /// `no`. The joined texts of such rows are nearly equal, but the rows are not duplicates.
    pub(crate) fn differs_in_short_answers(&self, questions: &Columns, answer: &str) -> Result<bool> {
        let sample = self.sample(questions, answer)?;
        Ok(sample.differs_often() && sample.words < LEAST_WORDS * sample.values)
    }

    fn sample(&self, columns: &Columns, companion: &str) -> Result<CompanionSample> {
        let id = Some(companion.to_owned());
        let columns = Columns { id, image: None, embedding: None, ..columns.clone() };
        let mut reader = Reader::open(self.file, &columns, &ReadLimits::default(), 0)?;
        let mut sample = CompanionSample::default();
        while sample.rows < SAMPLE_ROWS
            && sample.bytes < SAMPLE_BYTES
            && let Some(chunk) = reader.next_chunk()?
        {
            let read = chunk.parse(&columns)?;
            let Some(values) = read.ids else { break };
            // A type without an order cannot be compared.
            if sample.add(read.texts.iter(), &values).is_none() {
                break;
            }
        }
        Ok(sample)
    }

    fn unclear(&self, columns: &Columns, companion: &Column, sample: &CompanionSample) -> Error {
        let texts = columns.texts().collect::<Vec<_>>().join(",");
        let problem = format!(
            "{} of the first {} rows have the `{texts}` of another row but another `{}`, and it is not clear which are to be \
             compared",
            sample.differing, sample.rows, companion.name
        );
        let alone = format!("--text-column {texts} compares it alone");
        let hint = match companion.is_text || companion.is_turns {
            _ if self.is_list_of_images(companion) => format!(
                "{alone}, --image-column '{}[0]' --by both the first image of each row too",
                companion.name
            ),
            _ if self.holds_image_links(companion) => {
                format!("{alone}, --image-column {} --by both the images that it names too", companion.name)
            }
            true => format!("{alone}, --text-column {texts},{} joins both", companion.name),
            false => alone,
        };
        Error::input(&self.file.path, problem).hint(hint)
    }
}

impl CompanionSample {
    fn add<'t>(&mut self, texts: impl Iterator<Item = Option<&'t str>>, values: &ArrayRef) -> Option<()> {
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())]).ok()?;
        let bytes = converter.convert_columns(std::slice::from_ref(values)).ok()?;
        let strings = is_text(values.data_type())
            .then(|| arrow_cast::cast::cast(values, &arrow_schema::DataType::LargeUtf8).ok())
            .flatten();
        for (row, text) in texts.enumerate().take(SAMPLE_ROWS - self.rows) {
            let (text, value) = (text.unwrap_or_default(), bytes.row(row));
            let shown = strings.as_ref().map(|strings| strings.as_string::<i64>().value(row));
            self.rows += 1;
            self.bytes += text.len() + value.as_ref().len();
            self.text_bytes += text.len();
            self.texts += usize::from(!text.is_empty());
            if text.is_empty() || values.is_null(row) || shown.is_some_and(is_nothing) {
                continue;
            }
            self.values += 1;
            self.words += shown.map_or(0, words_in);
            let value = xxh3_64(value.as_ref());
            match self.known.entry(xxh3_64(text.as_bytes())) {
                Entry::Vacant(free) => _ = free.insert(value),
                Entry::Occupied(first) => self.differing += usize::from(*first.get() != value),
            }
        }
        Some(())
    }

    /// Whether more rows have the text of another row and another companion than noise explains.
    fn differs_often(&self) -> bool {
        self.differing >= 2 && self.differing * MOST_ROWS > self.rows
    }

    /// Whether the companion, by its values, makes two rows of one text different rows.
    fn tells_apart(&self, companion: &Column, columns: &Columns) -> bool {
        let is_half = companion.is_turns
            || (companion.is_text && self.words >= LEAST_WORDS * self.values)
            || (!columns.turns.is_empty() && companion.is_list);
        match is_media_name(&companion.name) {
            true => !columns.turns.is_empty() || self.text_bytes <= LONG_TEXT * self.texts,
            false => is_half,
        }
    }
}

/// Whether a column beside the texts may be a companion, by its name and type.
fn is_companion(column: &Column, columns: &Columns, choice: &ColumnChoice) -> bool {
    let is_used = columns.texts().any(|text| text == column.name)
        || [&columns.id, &columns.embedding, &columns.image, &columns.image_links]
            .into_iter()
            .flatten()
            .any(|name| columns.source_of(name) == column.name);
    if column.is_nested || is_used || column.kind.as_deref() == Some("null") {
        return false;
    }
    let is_value = column.is_text
        || column.is_list
        || column.may_hold_text
        || column.has_nested
        || column.is_binary
        || column.is_image_list;
    // With `--by text` the user does not mean the images.
    let is_media = choice.by != Some(CompareBy::Text) && is_media_name(&column.name);
    let is_half = columns.texts().any(|text| is_other_half(&column.name, text));
    column.is_turns || (is_value && (is_partner(&column.name) || is_half || is_media))
}

/// Whether a value, as a string or as a JSON token, is empty.
fn is_nothing(value: &str) -> bool {
    ["", "\"\"", "[]", "{}"].contains(&value)
}
