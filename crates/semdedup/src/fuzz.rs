//! Opens internal functions to the fuzz targets in `fuzz/`. This is no part of the interface.

use std::path::Path;

use crate::arrays::integers::IntegerVector;
use crate::arrays::matrix::Matrix;
use crate::formats::parquet::encryption::has_encrypted_columns;

pub use crate::formats::fuzz::split;

/// Looks for encrypted columns in the footer of a Parquet file.
pub fn footer(bytes: &[u8]) {
    has_encrypted_columns(bytes);
}

/// Opens a file of embeddings and reads its first and last rows. Then reads the file as a vector of
/// whole numbers.
pub fn matrix(path: &Path) {
    if let Ok(matrix) = Matrix::open(path)
        && matrix.rows() > 0
    {
        let mut row = vec![0.0; matrix.dim()];
        for first in [0, matrix.rows() - 1] {
            let read = matrix.read(first, &mut row);
            assert!(read.is_ok(), "a header promised row {first}: {read:?}");
        }
    }
    let _ = IntegerVector::open(path).and_then(|numbers| numbers.read(0..numbers.len()));
}
