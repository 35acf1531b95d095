//! Parsed rows: texts, ids, embeddings and images, and the bad rows.

use std::str::Utf8Error;
use std::sync::Arc;

use arrow_array::builder::{LargeBinaryBuilder, LargeStringBuilder, StringBuilder};
use arrow_array::{ArrayRef, LargeBinaryArray, LargeStringArray};

use crate::formats::columns::Columns;

/// Consecutive rows of a file, parsed.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The number in the file of the first row.
    pub first_row: u64,
    /// The texts; null where the row is bad.
    pub texts: LargeStringArray,
    /// The ids if the columns name them, null where the row is bad. They are the unchanged Arrow
    /// column of Parquet and Arrow, the fields of CSV as Utf8, and the raw JSON tokens of JSON as
    /// Utf8 (see [`crate::formats::ids::typed_json_ids`]).
    pub ids: Option<ArrayRef>,
    /// The embeddings if the columns name them.
    pub vectors: Option<Vectors>,
    /// The images as encoded files if the columns name them; null where the row is bad.
    pub images: Option<LargeBinaryArray>,
    /// The bad rows, in order.
    pub bad: Vec<BadRow>,
    /// The number of texts that are empty: missing, null or of length 0.
    pub empty: usize,
}

/// Embeddings, one per row, of any lengths; a bad row has an empty one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vectors {
    values: Vec<f32>,
    ends: Vec<usize>,
}

impl Vectors {
    /// Appends a row.
    pub fn push(&mut self, row: &[f32]) {
        self.values.extend(row);
        self.ends.push(self.values.len());
    }

    /// Returns the embedding of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> &[f32] {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start..self.ends[i]]
    }

    /// Returns the embeddings of all rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.ends.len()).map(|i| self.row(i))
    }
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its number in the file, from 0.
    pub row: u64,
    /// The reason, in one line, with the value and the limit.
    pub reason: String,
}

/// Collects parsed rows.
pub(crate) struct RowsBuilder {
    first_row: u64,
    next_row: u64,
    pub limit: usize,
    texts: LargeStringBuilder,
    ids: Option<StringBuilder>,
    vectors: Option<Vectors>,
    images: Option<LargeBinaryBuilder>,
    bad: Vec<BadRow>,
    empty: usize,
}

impl RowsBuilder {
    pub fn new(first_row: u64, limit: usize, columns: &Columns) -> Self {
        Self {
            first_row,
            next_row: first_row,
            limit,
            texts: LargeStringBuilder::new(),
            ids: columns.id.is_some().then(StringBuilder::new),
            vectors: columns.embedding.is_some().then(Vectors::default),
            images: columns.image.is_some().then(LargeBinaryBuilder::new),
            bad: Vec::new(),
            empty: 0,
        }
    }

    /// Reserves memory, so that the texts are not copied while they grow.
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

    /// Appends the image of the row that is pushed next.
    pub fn push_image(&mut self, image: &[u8]) {
        if let Some(images) = &mut self.images {
            images.append_value(image);
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        (self.next_row - self.first_row) as usize
    }

    /// Returns the number of bytes of texts, embeddings and images.
    pub fn bytes(&self) -> usize {
        let images = self.images.as_ref().map_or(0, |images| images.values_slice().len());
        let vectors = self.vectors.as_ref().map_or(0, |vectors| size_of_val(vectors.values.as_slice()));
        self.texts.values_slice().len() + vectors + images
    }

    /// Appends the embedding of the row that is pushed next.
    pub fn push_vector(&mut self, vector: &[f32]) {
        if let Some(vectors) = &mut self.vectors {
            vectors.push(vector);
        }
    }

    pub fn push_bad(&mut self, reason: String) {
        self.bad.push(BadRow { row: self.next_row, reason });
        self.next_row += 1;
        self.texts.append_null();
        self.push_vector(&[]);
        if let Some(images) = &mut self.images {
            images.append_null();
        }
        if let Some(ids) = &mut self.ids {
            ids.append_null();
        }
    }

    pub fn finish(mut self) -> Rows {
        Rows {
            first_row: self.first_row,
            texts: self.texts.finish(),
            ids: self.ids.map(|mut ids| Arc::new(ids.finish()) as ArrayRef),
            vectors: self.vectors,
            images: self.images.map(|mut images| images.finish()),
            bad: self.bad,
            empty: self.empty,
        }
    }
}

/// Joins the text of another column to that of a row, with a line break between. An empty text adds
/// nothing.
pub(crate) fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

/// The reason of a row that is not UTF-8, up to the place.
pub(crate) const NOT_UTF8: &str = "not valid UTF-8";

/// The reason of a row whose embedding is missing.
pub(crate) fn no_embedding(column: &str) -> String {
    format!("no embedding in column `{column}`")
}

pub(crate) fn not_utf8(error: &Utf8Error) -> String {
    format!("{NOT_UTF8} at byte {}", error.valid_up_to())
}
