//! Reads vectors of f32 in `.npy` files: similarities to centroids.

use std::path::Path;

use crate::arrays::array::Number;
use crate::arrays::npy;
use crate::error::{Error, Result};
use crate::storage::errors::with_path;

/// Reads a vector of f32.
///
/// # Errors
/// Fails if the file is not a vector of f32.
pub(crate) fn read_floats(path: &Path) -> Result<Vec<f32>> {
    let array = npy::open(path)?;
    if array.shape.len() != 1 || array.number != Number::F32 {
        let found = format!("{} of shape {:?}", array.number.name(), array.shape);
        return Err(Error::work(path, format!("similarities are a vector of float32, this is {found}")));
    }
    let mut values = vec![0f32; array.shape[0] as usize];
    array
        .file
        .read_exact_at(bytemuck::cast_slice_mut(&mut values), array.offset)
        .map_err(|error| with_path(path, error))?;
    if cfg!(target_endian = "big") {
        values.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
    }
    Ok(values)
}
