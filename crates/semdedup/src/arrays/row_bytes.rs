//! Reads the numbers of one embedding out of bytes: bare numbers, or an `.npy` file.

use std::path::Path;

use half::{bf16, f16};

use crate::arrays::array::{Array, Number};
use crate::arrays::npy::{self, MARK};
use crate::storage::Blob;

/// Whether bytes begin as `.npy` files do.
pub(crate) fn has_header(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK)
}

/// Returns bare floats, the least significant byte of each first, as f32.
///
/// # Errors
/// Bytes that are not whole numbers, or have a header of numpy, in words.
pub(crate) fn bare_row(bytes: &[u8], number: Number) -> Result<Vec<f32>, String> {
    let (count, name) = (bytes.len(), number.name());
    if has_header(bytes) {
        return Err("is an .npy file, which says what its numbers are: leave out --dtype".to_owned());
    }
    if !count.is_multiple_of(number.bytes()) {
        return Err(format!("has {count} bytes, which are no whole {name} numbers"));
    }
    Ok(floats(bytes, number))
}

/// Returns the floats that an `.npy` file of one row holds, as f32: an array of one axis, or of one
/// row.
///
/// # Errors
/// A damaged file, and an array of another type or shape, in words.
pub(crate) fn npy_row(bytes: Vec<u8>) -> Result<Vec<f32>, String> {
    if !has_header(&bytes) {
        return Err("is not an .npy file: it does not begin with the mark of one".to_owned());
    }
    let end = bytes.len() as u64;
    let array = npy::open_within(Path::new(""), Blob::of_bytes(bytes), 0..end);
    // The bytes have no path, so there is nothing in front of the colon.
    let array = array.map_err(|error| match error.to_string().trim_start_matches(": ") {
        problem if problem.starts_with("not ") => format!("is {problem}"),
        problem => format!("is an .npy file: {problem}"),
    })?;
    let Array { file, number, shape, offset } = array;
    let count = match shape[..] {
        [count] | [1, count] if number.is_float() => count as usize,
        _ => return Err(format!("is {} of shape {shape:?}, not one row of floats", number.name())),
    };
    let mut values = vec![0; count * number.bytes()];
    file.read_exact_at(&mut values, offset).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(floats(&values, number))
}

/// Converts whole floats to f32. Numbers beyond f32 become infinite.
fn floats(bytes: &[u8], number: Number) -> Vec<f32> {
    match number {
        Number::F16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
        Number::Bf16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        Number::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        _ => numbers(bytes, f32::from_le_bytes),
    }
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&number| read(number)).collect()
}
