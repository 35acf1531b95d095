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

/// A vector of whole numbers in a file (cluster assignments), of which a part is in memory at a
/// time.
pub(crate) struct IntegerVector {
    path: PathBuf,
    array: Array,
}

impl IntegerVector {
    /// Opens a vector of assignments.
    ///
    /// # Errors
    /// Fails if the file is not a vector of whole numbers.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let array = npy::open(path)?;
        if array.shape.len() != 1 || array.number.is_float() {
            let found = format!("{} of shape {:?}", array.number.name(), array.shape);
            let problem = format!("assignments are a vector of whole numbers, this is {found}");
            return Err(Error::input(path, problem));
        }
        Ok(Self { path: path.to_path_buf(), array })
    }

    pub(crate) fn len(&self) -> u64 {
        self.array.shape[0]
    }

    /// Reads some of the numbers. A number below 0 becomes none.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<Option<u64>>> {
        let Array { file, number, offset, .. } = &self.array;
        let mut bytes = vec![0; (range.end - range.start) as usize * number.bytes()];
        let offset = offset + range.start * number.bytes() as u64;
        file.read_exact_at(&mut bytes, offset).map_err(|error| with_path(&self.path, error))?;
        let (four, eight) = (bytes.as_chunks().0.iter(), bytes.as_chunks().0.iter());
        Ok(match number {
            Number::I32 => four.map(|&x| i32::from_le_bytes(x).try_into().ok()).collect(),
            Number::U32 => four.map(|&x| Some(u32::from_le_bytes(x).into())).collect(),
            Number::U64 => eight.map(|&x| Some(u64::from_le_bytes(x))).collect(),
            _ => eight.map(|&x| i64::from_le_bytes(x).try_into().ok()).collect(),
        })
    }
}
