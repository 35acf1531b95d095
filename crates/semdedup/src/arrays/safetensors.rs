//! Opens the embeddings in a `.safetensors` file.
//! The format: github.com/huggingface/safetensors, "Format"

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use serde::Deserialize;

use crate::arrays::array::{Array, Number};
use crate::arrays::array_name::embeddings_name;

use crate::error::{Error, Result};
use crate::foreign::not_embeddings;
use crate::storage::{Blob, fault_of};

/// The most bytes of a header: the limit of the format's own library.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The bytes before the header, which hold its length.
const LENGTH_BYTES: u64 = 8;

/// The entry of a tensor in the header.
#[derive(Debug, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// The header of a file.
struct Header {
    /// Its length in bytes.
    bytes: u64,
    entries: BTreeMap<String, serde_json::Value>,
}

/// Opens the embeddings of a safetensors file, which has the length of its header, the header in
/// JSON, and the numbers.
///
/// # Errors
/// Fails for a damaged file, for a tensor that is not of floats, and if it is unclear which tensor
/// holds the embeddings.
pub(super) fn open_safetensors(path: &Path, tensor: Option<&str>) -> Result<Array> {
    let file = Blob::open(path)?;
    let mut header = read_header(path, &file)?;
    let names: Vec<&str> = header.entries.keys().map(String::as_str).collect();
    let name = embeddings_name(path, &names, tensor)?.to_owned();
    let tensor = header.entries.remove(&name).unwrap_or_default();
    let Tensor { dtype, shape, data_offsets: (start, end) } =
        serde_json::from_value(tensor).map_err(|error| damaged(path, &error))?;
    let number = match dtype.as_str() {
        "F16" => Number::F16,
        "BF16" => Number::Bf16,
        "F32" => Number::F32,
        "F64" => Number::F64,
        _ => {
            let problem = format!("tensor `{name}` is of type {dtype}; known are F16, BF16, F32, F64");
            return Err(Error::input(path, problem).hint("save the embeddings as floats"));
        }
    };
    let bytes = file.bytes();
    let values = shape.iter().try_fold(number.bytes() as u64, |n, &x| n.checked_mul(x));
    let within = end.checked_add(LENGTH_BYTES + header.bytes).is_some_and(|end| end <= bytes);
    if values.is_none() || values != end.checked_sub(start) || !within {
        let problem = format!("tensor `{name}` of shape {shape:?} does not fit its {bytes} bytes");
        return Err(damaged(path, &problem));
    }
    Ok(Array { file, number, shape, offset: LENGTH_BYTES + header.bytes + start })
}

/// Reads the header, without its metadata.
fn read_header(path: &Path, file: &Blob) -> Result<Header> {
    let bytes = file.bytes();
    let read = |bytes: &mut [u8], offset| {
        file.read_exact_at(bytes, offset)
            .map_err(|error| fault_of(&error).unwrap_or_else(|| damaged(path, &error)))
    };
    let mut length = [0; LENGTH_BYTES as usize];
    read(&mut length, 0)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES.min(bytes.saturating_sub(LENGTH_BYTES)) {
        return Err(damaged(path, &format!("a header of {length} bytes in a file of {bytes}")));
    }
    let mut header = vec![0; length as usize];
    read(&mut header, LENGTH_BYTES)?;
    let mut entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&header).map_err(|error| damaged(path, &error))?;
    entries.remove("__metadata__");
    Ok(Header { bytes: length, entries })
}

fn damaged(path: &Path, problem: &dyn Display) -> Error {
    not_embeddings(path, "safetensors").unwrap_or_else(|| {
        Error::input(path, format!("not a whole safetensors file: {problem}"))
            .hint("write it again; it may have been cut short")
    })
}
