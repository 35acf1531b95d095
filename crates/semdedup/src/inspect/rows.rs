//! The rows of a finished run: their scores, and their texts and images out of the input.

use arrow_array::{Array, RecordBatch};

use crate::embed::linked::ParsedRows;
use crate::error::{Error, Result};
use crate::formats::{
    Columns, Format, InputFile, ReadLimits, Reader, discover, folder_of, read_texts, shortened_link,
};
use crate::input::find::Input;
use crate::input::read_rows::{ReadRows, read_rows};
use crate::inspect::finished_run::FinishedRun;

impl FinishedRun {
    /// How many rows the input had.
    pub fn rows(&self) -> u64 {
        self.scores.row_index.rows()
    }

    /// Reads columns of `scores.parquet` in the order of the rows, a batch after the other: `id`,
    /// `row`, `cluster`, `centroid_similarity`, `score`, `duplicate_of`, `duplicate_of_row`.
    ///
    /// # Errors
    /// A name that is no column; each batch, if the file is damaged.
    pub fn scores(&self, columns: &[&str]) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        self.scores.batches(columns)
    }

    /// Reads the texts of rows from the input; `None` for a row without a text and for one that cannot
    /// be read. Rows that follow each other in a file are read together.
    ///
    /// # Errors
    /// A row number out of range; input that is not there any more, or has changed.
    pub fn texts(&self, rows: &[u64]) -> Result<Vec<Option<String>>> {
        self.read(rows, &|file, columns, limits, rows| read_texts(file, columns, limits, rows))
    }

    /// Reads the images of rows from the input, encoded as they lie there; `None` for a row without an
    /// image and for one that cannot be read.
    ///
    /// # Errors
    /// As [`FinishedRun::texts`].
    pub fn images(&self, rows: &[u64]) -> Result<Vec<Option<Vec<u8>>>> {
        self.read(rows, &read_images)
    }

    /// Reads the strings that stand for the images of rows, or their texts where there are none. Of
    /// images in base64 the beginning is returned.
    pub(crate) fn image_links(&self, rows: &[u64]) -> Result<Vec<Option<String>>> {
        let links = self.read(rows, &|file, columns, limits, rows| match columns.links_as_texts() {
            Some(links) => read_texts(file, &links, limits, rows),
            None => read_texts(file, columns, limits, rows),
        })?;
        Ok(links.into_iter().map(|link| link.map(|link| shortened_link(&link))).collect())
    }

    /// Returns the input as it was when its rows were embedded.
    pub(crate) fn input(&self) -> Result<Input> {
        Input::recorded(&self.embedded()?.folder)
    }

    /// Reads something of rows, file by file, and returns it in the order of `rows`.
    fn read<T: Clone + Send>(&self, rows: &[u64], read: &ReadRows<T>) -> Result<Vec<Option<T>>> {
        if let Some(row) = rows.iter().find(|row| **row >= self.rows()) {
            return Err(Error::usage(format!("row {row} is not one of the {} rows", self.rows()))
                .hint("rows are numbered from 0"));
        }
        let input = self.input()?;
        read_rows(&input, &self.scores.row_index, rows, read)
    }
}

/// Reads the images of some rows, given in ascending order.
fn read_images(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    rows: &[u64],
) -> Result<Vec<Option<Vec<u8>>>> {
    let Some(first) = rows.first().filter(|_| columns.images().is_some()) else {
        return Ok(vec![None; rows.len()]);
    };
    let columns = columns.of_images();
    let file = &with_members(file)?;
    let (folder, limit) = (folder_of(file), limits.max_row_bytes as u64);
    let mut reader = Reader::open(file, &columns, limits, *first)?;
    let mut images = Vec::with_capacity(rows.len());
    while images.len() < rows.len()
        && let Some(chunk) = reader.next_chunk()?
    {
        let wanted = |row: u64| row.checked_sub(chunk.first_row()).filter(|row| *row < chunk.rows() as u64);
        if wanted(rows[images.len()]).is_none() {
            continue;
        }
        let parsed = ParsedRows::parse(&chunk, &columns)?;
        while let Some(row) = rows.get(images.len()).and_then(|row| wanted(*row)) {
            let row = row as usize;
            let read = parsed.with_images(row..row + 1, &folder, limit)?;
            let (found, place) = match &read {
                Some(read) => (&read.images, 0),
                None => (&parsed.rows.images, row),
            };
            let found = found.as_ref().filter(|found| found.is_valid(place));
            images.push(found.map(|found| found.value(place).to_vec()));
        }
    }
    images.resize(rows.len(), None);
    Ok(images)
}

/// Lists a folder of images again: a run does not store the list.
fn with_members(file: &InputFile) -> Result<InputFile> {
    if file.format != Format::Tree || !file.members.is_empty() {
        return Ok(file.clone());
    }
    let found = discover(&[file.path.display().to_string()], &[])?;
    let same = found.into_iter().find(|other| (other.format, other.identity) == (file.format, file.identity));
    same.ok_or_else(|| {
        Error::input(&file.path, "the images of this folder are not those of the run")
            .hint("images that were named one by one, or by a glob, cannot be listed again")
    })
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
