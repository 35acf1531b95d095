//! Lays out an array as it is read here: by rows, with the least significant byte first.

use std::io::{BufWriter, Write};
use std::path::Path;

use fs_err::File;

use crate::arrays::array::Array;
use crate::error::Result;
use crate::storage::Blob;
use crate::storage::errors::with_path;

/// The bytes of rows that are converted at a time.
const BLOCK_BYTES: u64 = 64 << 20;

/// How an array lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lay {
    /// By column: the first values of all rows, then the second ones (Fortran order).
    pub(super) by_column: bool,
    /// With the most significant byte of each number first.
    pub(super) big_endian: bool,
}

impl Lay {
    /// Whether the array can be read in place.
    pub(super) fn is_usual(self) -> bool {
        !self.by_column && !self.big_endian
    }
}

/// The place of a copy.
enum Copy {
    Memory(Vec<u8>),
    File(BufWriter<std::fs::File>),
}

impl Copy {
    /// Begins a copy where the original is: in memory, or on the disk.
    fn beside(original: &Blob) -> std::io::Result<Self> {
        Ok(match original.is_in_memory() {
            true => Self::Memory(Vec::new()),
            false => Self::File(BufWriter::new(tempfile::tempfile()?)),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File(file) => file,
        }
    }
}

/// Copies an array to an unnamed temporary file, or in memory if it is there, by rows and with the least significant byte first.
/// An array that lies by column has two axes.
///
/// # Errors
/// Fails if the file cannot be read, or if there is no room for the copy.
pub(super) fn converted(path: &Path, array: &Array, lay: Lay) -> Result<Array> {
    let rows = array.shape[0];
    let width: u64 = array.shape[1..].iter().product();
    let bytes = array.number.bytes();
    let block = (BLOCK_BYTES / (width * bytes as u64).max(1)).max(1);
    let failed = |error| with_path(path, error);
    let mut copy = Copy::beside(&array.file).map_err(failed)?;
    let mut first = 0;
    while first < rows {
        let count = block.min(rows - first);
        let mut values = match lay.by_column {
            true => read_columns(array, first, count).map_err(failed)?,
            false => {
                let mut values = vec![0; (count * width) as usize * bytes];
                let offset = array.offset + first * width * bytes as u64;
                array.file.read_exact_at(&mut values, offset).map_err(failed)?;
                values
            }
        };
        if lay.big_endian {
            values.chunks_exact_mut(bytes).for_each(<[u8]>::reverse);
        }
        copy.writer().write_all(&values).map_err(failed)?;
        first += count;
    }
    let file = match copy {
        Copy::Memory(bytes) => Blob::of_bytes(bytes),
        Copy::File(copy) => {
            let copy = copy.into_inner().map_err(|error| failed(error.into_error()))?;
            Blob::of_file(File::from_parts(copy, path))?
        }
    };
    Ok(Array { file, number: array.number, shape: array.shape.clone(), offset: 0 })
}

/// Reads rows of a matrix that lies by column, and returns them by row.
fn read_columns(array: &Array, first: u64, count: u64) -> std::io::Result<Vec<u8>> {
    let [rows, columns] = array.shape[..] else { return Ok(Vec::new()) };
    let (bytes, count, width) = (array.number.bytes(), count as usize, columns as usize);
    let mut values = vec![0; count * width * bytes];
    let mut column_values = vec![0; count * bytes];
    for column in 0..width {
        let offset = array.offset + (column as u64 * rows + first) * bytes as u64;
        array.file.read_exact_at(&mut column_values, offset)?;
        for (row, value) in column_values.chunks_exact(bytes).enumerate() {
            values[(row * width + column) * bytes..][..bytes].copy_from_slice(value);
        }
    }
    Ok(values)
}
