//! Copies chosen rows of a `.npy` matrix to another file.

use std::path::Path;

use crate::arrays::array::Number;
use crate::arrays::npy;
use crate::arrays::npy_writer::NpyWriter;
use crate::error::{Error, Result};
use crate::storage::errors::with_path;

/// The bytes of a matrix that are read at a time.
const BYTES_PER_READ: usize = 4 << 20;

/// Copies the rows of a matrix that `keep` chooses, byte for byte, and returns their number. `keep`
/// is called once for each row, in order.
///
/// # Errors
/// Fails if the file is not a matrix of floats, or if it cannot be read or written.
pub(crate) fn copy_rows(
    path: &Path,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    let array = npy::open(path)?;
    let [rows, dim] = array.shape[..] else {
        return Err(Error::input(path, format!("a matrix has two axes, this is of shape {:?}", array.shape)));
    };
    let row_bytes = array.number.bytes() * dim as usize;
    let rows_per_read = (BYTES_PER_READ / row_bytes.max(1)).max(1) as u64;
    let descr = match array.number {
        Number::F16 => "'<f2'",
        Number::F32 => "'<f4'",
        Number::F64 => "'<f8'",
        other => return Err(Error::input(path, format!("embeddings are floats, this is {other:?}"))),
    };
    let mut out = NpyWriter::rows(destination, descr, dim as usize)?;
    let (mut first, mut written) = (0, 0);
    let mut block = Vec::new();
    while first < rows {
        let count = rows_per_read.min(rows - first);
        block.resize(count as usize * row_bytes, 0);
        let offset = array.offset + first * row_bytes as u64;
        array.file.read_exact_at(&mut block, offset).map_err(|error| with_path(path, error))?;
        for (row, bytes) in (first..).zip(block.chunks_exact(row_bytes)) {
            if keep(row)? {
                out.write_bytes(bytes, dim)?;
                written += 1;
            }
        }
        first += count;
    }
    out.finish().map(|()| written)
}
