//! What a chunk is parsed into: texts, ids, and the rows that are not well formed.

use std::str::Utf8Error;
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeStringArray, LargeStringBuilder, StringBuilder};

/// Parsed rows, one after the other in the file.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The number in the file of the first row.
    pub first_row: u64,
    /// The texts; null where the row is bad.
    pub texts: LargeStringArray,
    /// The ids if a column of ids was asked for: the Arrow column of a Parquet file as it is, the fields of a CSV file
    /// as Utf8, and of JSONL the raw JSON tokens as Utf8 (see [`super::typed_json_ids`]). Null where the row is bad.
    pub ids: Option<ArrayRef>,
    /// The rows that are not well formed, in order.
    pub bad: Vec<BadRow>,
    /// How many texts are empty: missing, null or of no length.
    pub empty: usize,
}

/// A row that is not well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its number in the file, from 0.
    pub row: u64,
    /// What is wrong, in one line, with the value and the limit.
    pub reason: String,
}

/// Collects rows.
pub(super) struct RowsBuilder {
    first_row: u64,
    next_row: u64,
    pub limit: usize,
    texts: LargeStringBuilder,
    ids: Option<StringBuilder>,
    bad: Vec<BadRow>,
    empty: usize,
}

impl RowsBuilder {
    pub fn new(first_row: u64, limit: usize, with_ids: bool) -> Self {
        Self {
            first_row,
            next_row: first_row,
            limit,
            texts: LargeStringBuilder::new(),
            ids: with_ids.then(StringBuilder::new),
            bad: Vec::new(),
            empty: 0,
        }
    }

    /// Makes room, so that the texts are not copied while they grow.
    pub fn reserve(mut self, rows: usize, text_bytes: usize) -> Self {
        self.texts = LargeStringBuilder::with_capacity(rows, text_bytes);
        self
    }

    pub fn push(&mut self, text: &str, id: Option<&str>) {
        self.next_row += 1;
        self.empty += usize::from(text.is_empty());
        self.texts.append_value(text);
        if let Some(ids) = &mut self.ids {
            ids.append_option(id);
        }
    }

    pub fn push_bad(&mut self, reason: String) {
        self.bad.push(BadRow { row: self.next_row, reason });
        self.next_row += 1;
        self.texts.append_null();
        if let Some(ids) = &mut self.ids {
            ids.append_null();
        }
    }

    pub fn finish(mut self) -> Rows {
        Rows {
            first_row: self.first_row,
            texts: self.texts.finish(),
            ids: self.ids.map(|mut ids| Arc::new(ids.finish()) as ArrayRef),
            bad: self.bad,
            empty: self.empty,
        }
    }
}

pub(super) fn not_utf8(error: &Utf8Error) -> String {
    format!("not valid UTF-8 at byte {}", error.valid_up_to())
}
