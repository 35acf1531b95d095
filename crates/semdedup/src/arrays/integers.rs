//! Reads matrices and vectors of whole numbers in `.npy` files: probes and cluster assignments.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::arrays::array::{Array, Number};
use crate::arrays::npy;
use crate::error::{Error, Result};
use crate::storage::errors::with_path;

/// A matrix of i32 in a file, of which one block of rows is in memory at a time.
#[derive(Debug)]
pub(crate) struct IntegerMatrix {
    path: PathBuf,
    array: Array,
}

impl IntegerMatrix {
    /// Opens a matrix of probes.
    ///
    /// # Errors
    /// Fails if the file is not a matrix of i32.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let array = npy::open(path)?;
        if array.shape.len() != 2 || array.number != Number::I32 {
            let found = format!("{} of shape {:?}", array.number.name(), array.shape);
            return Err(Error::input(path, format!("probes are a matrix of int32, this is {found}"))
                .hint("use the probes.npy that semdedup cluster wrote"));
        }
        Ok(Self { path: path.to_path_buf(), array })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn rows(&self) -> u64 {
        self.array.shape[0]
    }

    pub(crate) fn columns(&self) -> usize {
        self.array.shape[1] as usize
    }

    /// Reads a range of rows, row-major.
    pub(crate) fn read(&self, rows: Range<u64>) -> Result<Vec<i32>> {
        let mut numbers = vec![0i32; (rows.end - rows.start) as usize * self.columns()];
        let offset = self.array.offset + rows.start * self.columns() as u64 * 4;
        self.array
            .file
            .read_exact_at(bytemuck::cast_slice_mut(&mut numbers), offset)
            .map_err(|error| with_path(&self.path, error))?;
        numbers.iter_mut().for_each(|x| *x = i32::from_le(*x));
        Ok(numbers)
    }
}

/// Reads a vector of whole numbers (cluster assignments). A number below 0 becomes none.
///
/// # Errors
/// Fails if the file is not a vector of whole numbers.
pub(crate) fn read_integers(path: &Path) -> Result<Vec<Option<u64>>> {
    let array = npy::open(path)?;
    if array.shape.len() != 1 || array.number.is_float() {
        let found = format!("{} of shape {:?}", array.number.name(), array.shape);
        let problem = format!("assignments are a vector of whole numbers, this is {found}");
        return Err(Error::input(path, problem));
    }
    let mut bytes = vec![0; array.shape[0] as usize * array.number.bytes()];
    array.file.read_exact_at(&mut bytes, array.offset).map_err(|error| with_path(path, error))?;
    let four = |from: fn([u8; 4]) -> i64| -> Vec<i64> {
        bytes.chunks_exact(4).map(|x| from([x[0], x[1], x[2], x[3]])).collect()
    };
    let eight = |x: &[u8]| i64::from_le_bytes([x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]]);
    let numbers = match array.number {
        Number::I32 => four(|x| i64::from(i32::from_le_bytes(x))),
        Number::U32 => four(|x| i64::from(u32::from_le_bytes(x))),
        Number::U64 => return Ok(bytes.chunks_exact(8).map(|x| Some(eight(x).cast_unsigned())).collect()),
        _ => bytes.chunks_exact(8).map(eight).collect(),
    };
    Ok(numbers.into_iter().map(|x| u64::try_from(x).ok()).collect())
}
