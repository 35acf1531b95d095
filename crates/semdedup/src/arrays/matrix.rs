//! Reads the rows of a matrix of floats in place: in an `.npy` file, in an array of an `.npz` file,
//! or in a tensor of a `.safetensors` file.

use std::path::{Path, PathBuf};

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use semdedup_core::half_to_f32;

use crate::arrays::array::{Array, Number};
use crate::arrays::bare::open_bare;
use crate::arrays::bare_type::{self, SAMPLE_BYTES};
use crate::arrays::npy;
use crate::arrays::npz::open_npz;
use crate::arrays::place::{ArrayPlace, Part};
use crate::arrays::safetensors::open_safetensors;
use crate::error::{Error, Result};
use crate::storage::errors::with_path;

/// The largest dimension of an embedding. With more values, a sum of products of 8-bit codes would
/// overflow 32 bits.
pub(crate) const MAX_DIM: u64 = 65_536;

/// About how many rows of bare numbers are looked at.
const PLAUSIBLE_ROWS: u64 = 64;

/// The extensions of the files of embeddings in a folder.
pub(crate) const EXTENSIONS: [&str; 3] = ["npy", "npz", "safetensors"];

/// An open matrix of floats.
#[derive(Debug)]
pub(crate) struct Matrix {
    path: PathBuf,
    array: Array,
}

impl Matrix {
    /// Opens a file, or a part of it ([`ArrayPlace`]). Its extension tells the format.
    ///
    /// # Errors
    /// Fails for a damaged file, and if it does not hold a matrix of floats whose rows have from 1
    /// to [`MAX_DIM`] values.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let place = ArrayPlace::of(path);
        let array = open_part(&place)?;
        let (shape, number) = (&array.shape, array.number);
        if shape.len() != 2 || !number.is_float() {
            let problem =
                format!("embeddings are a matrix of floats, this is {} of shape {shape:?}", number.name());
            return Err(Error::input(path, problem).hint(
                "save a row for each embedding, of float16, float32 or float64: numpy.save(path, x.astype(\"float32\"))",
            ));
        }
        if !(1..=MAX_DIM).contains(&shape[1]) {
            let problem =
                format!("the embeddings have dimension {}, it must be from 1 to {MAX_DIM}", shape[1]);
            return Err(Error::input(path, problem));
        }
        let matrix = Self { path: path.to_path_buf(), array };
        if let Part::Bare { number, .. } = place.part {
            matrix.check_type(number)?;
        }
        Ok(matrix)
    }

    /// Fails if some bare numbers are no embeddings, or of another type.
    fn check_type(&self, number: Number) -> Result<()> {
        let (all, bytes) = (self.rows(), self.dim() * number.bytes());
        let count = ((SAMPLE_BYTES / bytes) as u64).clamp(1, PLAUSIBLE_ROWS);
        let rows: Vec<Vec<u8>> = (0..all)
            .step_by((all / count).max(1) as usize)
            .map(|row| {
                let mut values = vec![0; bytes];
                self.read_bytes(row, &mut values).map(|()| values)
            })
            .collect::<Result<_>>()?;
        bare_type::check(&self.path, number, rows.iter().map(Vec::as_slice))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn rows(&self) -> u64 {
        self.array.shape[0]
    }

    pub(crate) fn dim(&self) -> usize {
        self.array.shape[1] as usize
    }

    /// Whether the numbers are f16.
    pub(crate) fn is_half(&self) -> bool {
        self.array.number == Number::F16
    }

    /// Fills `values` with the rows from `first` on, row-major.
    pub(crate) fn read(&self, first: u64, values: &mut [f32]) -> Result<()> {
        match self.array.number {
            Number::F16 => {
                let mut half = vec![f16::ZERO; values.len()];
                self.read_half(first, &mut half)?;
                half_to_f32(half.reinterpret_cast(), values);
            }
            Number::Bf16 => {
                let mut bits = vec![0u16; values.len()];
                self.read_bytes(first, bytemuck::cast_slice_mut(&mut bits))?;
                let wide = bits.iter().map(|&bits| bf16::from_bits(u16::from_le(bits)).to_f32());
                values.iter_mut().zip(wide).for_each(|(value, wide)| *value = wide);
            }
            Number::F64 => {
                let mut bits = vec![0u64; values.len()];
                self.read_bytes(first, bytemuck::cast_slice_mut(&mut bits))?;
                let narrow = bits.iter().map(|&bits| f64::from_bits(u64::from_le(bits)) as f32);
                values.iter_mut().zip(narrow).for_each(|(value, narrow)| *value = narrow);
            }
            _ => {
                self.read_bytes(first, bytemuck::cast_slice_mut(values))?;
                if cfg!(target_endian = "big") {
                    values.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
                }
            }
        }
        Ok(())
    }

    /// Fills `values` with the rows from `first` on. The matrix must be of f16.
    pub(crate) fn read_half(&self, first: u64, values: &mut [f16]) -> Result<()> {
        let bits: &mut [u16] = values.reinterpret_cast_mut();
        self.read_bytes(first, bytemuck::cast_slice_mut(bits))?;
        bits.iter_mut().for_each(|x| *x = u16::from_le(*x));
        Ok(())
    }

    fn read_bytes(&self, first: u64, bytes: &mut [u8]) -> Result<()> {
        let Array { file, number, shape, offset } = &self.array;
        let offset = offset + first * shape[1] * number.bytes() as u64;
        file.read_exact_at(bytes, offset).map_err(|e| with_path(&self.path, e))
    }
}

fn open_part(ArrayPlace { file, part }: &ArrayPlace) -> Result<Array> {
    let name = match part {
        Part::Bare { number, dim } => return open_bare(file, *number, *dim),
        Part::Named(name) => Some(name.as_str()),
        Part::Whole => None,
    };
    let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref() {
        Some("npz") => open_npz(file, name),
        Some("safetensors") => open_safetensors(file, name),
        _ => npy::open(file),
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
