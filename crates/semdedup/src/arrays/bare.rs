//! Opens files of bare numbers, as `numpy.memmap` and `tofile` write them, without a header.

use std::path::Path;

use crate::arrays::array::{Array, Number};
use crate::arrays::npy::MARK;
use crate::error::{Error, Result};
use crate::storage::Blob;
use crate::storage::errors::with_path;

/// Opens a file that holds rows of `dim` numbers, the least significant byte first, and nothing
/// else.
///
/// # Errors
/// Fails if the file has a header of numpy, or if its size is not that of whole rows.
pub(super) fn open_bare(path: &Path, number: Number, dim: u64) -> Result<Array> {
    let file = Blob::open(path)?;
    let bytes = file.bytes();
    let mut beginning = vec![0; MARK.len().min(bytes as usize)];
    file.read_exact_at(&mut beginning, 0).map_err(|error| with_path(path, error))?;
    if beginning == MARK {
        return Err(Error::input(path, "has a header, which says what its numbers are")
            .hint("leave out --dim and --dtype"));
    }
    let row = dim.saturating_mul(number.bytes() as u64);
    if !bytes.is_multiple_of(row) {
        let (name, numbers) = (number.name(), bytes as f64 / number.bytes() as f64);
        let problem = format!("its {bytes} bytes are {numbers} {name}, which are not rows of {dim}");
        return Err(
            Error::input(path, problem).hint("another --dim or --dtype is right, or the file is cut short")
        );
    }
    Ok(Array { file, number, shape: vec![bytes / row, dim], offset: 0 })
}
