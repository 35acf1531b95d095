//! Hashes some rows of a matrix, to notice that another matrix stands in its place.

use xxhash_rust::xxh3::Xxh3;

use crate::arrays::matrix::Matrix;
use crate::error::Result;

/// At most this many rows are hashed.
const ROWS: u64 = 64;

/// Hashes rows of a matrix at even distances, the first and the last among them, as hexadecimal
/// digits.
///
/// # Errors
/// Fails if the file cannot be read.
pub(crate) fn sampled_hash(matrix: &Matrix) -> Result<String> {
    let (rows, mut values, mut hash) = (matrix.rows(), vec![0.0; matrix.dim()], Xxh3::new());
    let sampled = rows.min(ROWS);
    for number in 0..sampled {
        // With one row, it is both the first and the last.
        let row = number * (rows - 1) / (sampled - 1).max(1);
        matrix.read(row, &mut values)?;
        values.iter().for_each(|value| hash.update(&value.to_le_bytes()));
    }
    Ok(format!("{:032x}", hash.digest128()))
}
