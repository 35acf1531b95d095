//! Embeddings without other rows: each row of a matrix is a row, without a text and without an id.

use std::path::Path;

use arrow_array::LargeStringArray;

use crate::arrays::copy_rows::copy_rows;
use crate::arrays::matrix::Matrix;
use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::rows::Rows;

/// The number of rows of a chunk.
const CHUNK_ROWS: u64 = 2048;

/// Fails where the kept rows cannot be written as a file of this form.
pub(crate) fn check_kept(file: &InputFile) -> Result<()> {
    if is_npy(&file.path) {
        return Ok(());
    }
    Err(Error::input(
        &file.path,
        "rows that stay are written back for .npy alone, not for other files of embeddings",
    )
    .hint(
        "--output ids, the default for embeddings without rows beside them, lists them; or save .npy files",
    ))
}

fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"))
}

/// Returns the rows of a matrix, some at a time.
pub(crate) struct MatrixRows {
    next_row: u64,
    rows: u64,
    /// The size of the file in bytes.
    pub bytes: u64,
}

impl MatrixRows {
    pub fn open(file: &InputFile, first_row: u64) -> Result<Self> {
        let rows = count(file)?;
        Ok(Self { next_row: first_row.min(rows), rows, bytes: file.bytes })
    }

    /// Returns the numbers of the next rows; `None` at the end.
    pub fn next_chunk(&mut self) -> Option<std::ops::Range<u64>> {
        let first = self.next_row;
        self.next_row = self.rows.min(first + CHUNK_ROWS);
        (first < self.next_row).then_some(first..self.next_row)
    }

    /// Returns the share of the file's rows that have been read, in [0, 1].
    pub fn share_read(&self) -> f64 {
        if self.rows == 0 { 1.0 } else { self.next_row as f64 / self.rows as f64 }
    }
}

/// Rows that have only a number.
pub(crate) struct NumberedRows(pub std::ops::Range<u64>);

/// Counts the rows of a file.
pub(crate) fn count(file: &InputFile) -> Result<u64> {
    Matrix::open(&file.path).map(|matrix| matrix.rows())
}

/// Returns rows with empty texts; the embeddings are read elsewhere.
pub(crate) fn parse(rows: &std::ops::Range<u64>) -> Rows {
    let count = (rows.end - rows.start) as usize;
    let texts = LargeStringArray::from_iter_values(std::iter::repeat_n("", count));
    Rows {
        first_row: rows.start,
        texts,
        ids: None,
        vectors: None,
        images: None,
        bad: Vec::new(),
        empty: count,
    }
}

/// Writes the rows that `keep` picks; see [`crate::formats::write::write_kept`]. Their numbers keep
/// their type and are equal bit for bit.
pub(crate) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    check_kept(file)?;
    copy_rows(&file.path, destination, keep)
}
