//! Parsed rows whose images are elsewhere: a column of strings names them by a path, or holds them
//! in base64. They are read a few at a time, because they take much memory.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use arrow_array::builder::LargeBinaryBuilder;
use arrow_array::{Array, LargeStringArray};

use crate::error::Result;
use crate::formats::{BadRow, Chunk, Columns, Rows, read_image};

/// The parsed rows of a chunk, and the strings that say where their images are.
pub(crate) struct ParsedRows {
    /// The rows; where there are links, `bad` does not have the rows that only lack an image.
    pub(crate) rows: Rows,
    links: Option<Links>,
}

/// The strings that stand for images.
struct Links {
    strings: LargeStringArray,
    /// Why a row has no string.
    bad: HashMap<u64, String>,
}

impl ParsedRows {
    /// Parses the rows of a chunk. Images that are elsewhere are read later, by [`Self::with_images`].
    pub(crate) fn parse(chunk: &Chunk, columns: &Columns) -> Result<Self> {
        let Some(links) = columns.links_as_texts() else {
            return Ok(Self { rows: chunk.parse(columns)?, links: None });
        };
        // Each is parsed by itself, to tell the faults of the images from the others.
        let mut rows = chunk.parse(&Columns { image: None, image_links: None, ..columns.clone() })?;
        if columns.image.is_some() {
            let images = Columns { image_links: None, ..columns.of_images() };
            rows.images = chunk.parse(&images)?.images;
        }
        let strings = chunk.parse(&links)?;
        let bad = strings.bad.into_iter().map(|bad| (bad.row, bad.reason)).collect();
        Ok(Self { rows, links: Some(Links { strings: strings.texts, bad }) })
    }

    /// Returns a range of the rows alone, with the images that strings stand for; none if every row
    /// has its image already. `folder` is the folder of the file of the rows. A row without an image is
    /// a bad row.
    ///
    /// # Errors
    /// A file that is there but cannot be read this time.
    pub(crate) fn with_images(&self, range: Range<usize>, folder: &Path, limit: u64) -> Result<Option<Rows>> {
        let (Some(links), whole) = (&self.links, &self.rows) else { return Ok(None) };
        let stored = |row: usize| {
            whole.images.as_ref().filter(|images| images.is_valid(row)).map(|images| images.value(row))
        };
        if range.clone().all(|row| stored(row).is_some()) {
            return Ok(None);
        }
        let number = |row: usize| whole.first_row + row as u64;
        let numbers = number(range.start)..number(range.end);
        let mut bad: Vec<BadRow> =
            whole.bad.iter().filter(|bad| numbers.contains(&bad.row)).cloned().collect();
        let mut images = LargeBinaryBuilder::new();
        for row in range.clone() {
            let is_bad = bad.iter().any(|bad| bad.row == number(row));
            let read = match (stored(row), links.bad.get(&number(row))) {
                _ if is_bad => None,
                (Some(stored), _) => Some(Ok(stored.to_vec())),
                (None, Some(reason)) => Some(Err(reason.clone())),
                (None, None) => {
                    let link = if links.strings.is_valid(row) { links.strings.value(row) } else { "" };
                    Some(read_image(link, folder, limit)?)
                }
            };
            match read {
                Some(Ok(image)) => images.append_value(image),
                Some(Err(reason)) => {
                    images.append_null();
                    bad.push(BadRow { row: number(row), reason });
                }
                None => images.append_null(),
            }
        }
        bad.sort_by_key(|bad| bad.row);
        let (start, count) = (range.start, range.len());
        Ok(Some(Rows {
            first_row: numbers.start,
            texts: whole.texts.slice(start, count),
            ids: whole.ids.as_ref().map(|ids| ids.slice(start, count)),
            vectors: None,
            images: Some(images.finish()),
            bad,
            empty: 0,
        }))
    }
}
