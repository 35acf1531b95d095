//! Embeddings without rows beside them: each row of a matrix is a row, without a text and without an id.

use std::path::{Path, PathBuf};

use arrow::array::LargeStringArray;

use crate::arrays::matrix::Matrix;
use crate::arrays::npy;
use crate::error::{Error, Result};
use crate::formats::file::{Format, InputFile};
use crate::formats::found_file::{folder_name, matrix};
use crate::formats::names::{self, InputArgument};
use crate::formats::rows::Rows;

/// So many rows make a chunk.
const CHUNK_ROWS: u64 = 2048;

/// Files of embeddings as files of rows, in their order; each is named by its file name, and by its folder's too where two
/// have the same.
pub(crate) fn find(paths: Vec<PathBuf>) -> Result<Vec<InputFile>> {
    let mut arguments = Vec::<(PathBuf, InputArgument)>::new();
    for path in paths {
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let found = matrix(&path, &folder)?;
        match arguments.last_mut() {
            Some((last, argument)) if *last == folder => argument.files.push(found),
            _ => {
                let argument = InputArgument::new(folder_name(&folder), vec![found]);
                arguments.push((folder, argument));
            }
        }
    }
    names::unique(arguments.into_iter().map(|(_, argument)| argument).collect())
}

/// Fails where the rows that stay cannot be written as a file of this form.
pub(crate) fn check_kept(file: &InputFile) -> Result<()> {
    if file.format != Format::Matrix || is_npy(&file.path) {
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

/// The rows of a matrix, some at a time.
pub(super) struct MatrixRows {
    next_row: u64,
    rows: u64,
}

impl MatrixRows {
    pub fn open(file: &InputFile, first_row: u64) -> Result<Self> {
        let rows = rows(file)?;
        Ok(Self { next_row: first_row.min(rows), rows })
    }

    /// The numbers of the next rows.
    pub fn next_chunk(&mut self) -> Option<std::ops::Range<u64>> {
        let first = self.next_row;
        self.next_row = self.rows.min(first + CHUNK_ROWS);
        (first < self.next_row).then_some(first..self.next_row)
    }

    /// The share of the file's rows that have been read, in [0, 1].
    pub fn share_read(&self) -> f64 {
        if self.rows == 0 { 1.0 } else { self.next_row as f64 / self.rows as f64 }
    }
}

/// How many rows a file has.
pub(super) fn rows(file: &InputFile) -> Result<u64> {
    Matrix::open(&file.path).map(|matrix| matrix.rows())
}

/// Rows of which only the embeddings are known, and these come from elsewhere.
pub(super) fn parse(rows: &std::ops::Range<u64>) -> Rows {
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

/// Writes the rows that `keep` picks; see [`crate::formats::write::write_kept`]. Their numbers stay, bit by bit, in their own type.
pub(super) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    check_kept(file)?;
    npy::write_rows(&file.path, destination, keep)
}
