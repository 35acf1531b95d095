//! A matrix of floats in a file, of which rows are read where they lie: `.npy`, an array in an `.npz`, or a tensor in a
//! `.safetensors` file (its format: github.com/huggingface/safetensors, "Format").

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fs_err::File;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use semdedup_core::half_to_f32;
use serde::Deserialize;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::arrays::npy::{self, Array, Number};
use crate::error::{Error, Result};
use crate::storage::errors::with_path;
use crate::storage::{Blob, fault_of};

/// Sums of products of 8-bit codes over more values would not fit into 32 bits.
pub(crate) const MAX_DIM: u64 = 65_536;

/// What the files are called that a folder of embeddings is searched for.
pub(crate) const EXTENSIONS: [&str; 3] = ["npy", "npz", "safetensors"];

/// The array or tensor that is meant where a file has several.
const NAMES: [&str; 3] = ["embeddings", "embedding", "emb"];

/// The size that a header of safetensors may have: the limit of its own library.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// An open matrix of floats.
#[derive(Debug)]
pub(crate) struct Matrix {
    path: PathBuf,
    array: Array,
}

impl Matrix {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let array = match extension.as_deref() {
            Some("npz") => open_npz(path)?,
            Some("safetensors") => open_safetensors(path)?,
            _ => npy::open(path)?,
        };
        let (shape, number) = (&array.shape, array.number);
        if shape.len() != 2 || !number.is_float() {
            let problem = format!("embeddings are a matrix of floats, this is {number:?} of shape {shape:?}");
            return Err(Error::input(path, problem).hint(
                "save a row for each embedding, of float16, float32 or float64: numpy.save(path, x.astype(\"float32\"))",
            ));
        }
        if !(1..=MAX_DIM).contains(&shape[1]) {
            let problem =
                format!("the embeddings have dimension {}, it must be from 1 to {MAX_DIM}", shape[1]);
            return Err(Error::input(path, problem));
        }
        Ok(Self { path: path.to_path_buf(), array })
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

    /// Whether its numbers are f16.
    pub(crate) fn is_half(&self) -> bool {
        self.array.number == Number::F16
    }

    /// Reads rows from `first` on until `values` is full.
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

    /// The same for a matrix of f16, as they are.
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

/// The name that is meant, of some.
fn chosen<'a>(path: &Path, names: &[&'a str]) -> Result<&'a str> {
    let known = NAMES.iter().find_map(|known| names.iter().find(|&name| name == known));
    match (names, known) {
        ([only], _) => Ok(only),
        ([], _) => Err(Error::input(path, "holds no array").hint("save the embeddings again")),
        (_, Some(known)) => Ok(known),
        _ => Err(Error::input(path, format!("which of {} is meant is not known", names.join(", ")))
            .hint(format!("call one of them `{}`, or keep one alone in the file", NAMES[0]))),
    }
}

/// Arrays of which the checksum is known to be right, so that no file is read through more than once: path, size, checksum.
static CHECKED: Mutex<BTreeSet<(PathBuf, u64, u32)>> = Mutex::new(BTreeSet::new());

/// An array of an `.npz` file: read where it lies if it is stored, else unpacked to a file without a name.
fn open_npz(path: &Path) -> Result<Array> {
    let damaged = |problem: ZipError| match problem {
        ZipError::Io(error) if fault_of(&error).is_some() => Error::io(error),
        problem => Error::input(path, format!("not a whole .npz file: {problem}"))
            .hint("write it again; it may have been cut short"),
    };
    let file = Blob::open(path)?;
    let mut archive = ZipArchive::new(BufReader::new(file.reader(0))).map_err(damaged)?;
    let names: Vec<String> =
        archive.file_names().filter_map(|name| name.ok()?.strip_suffix(".npy").map(str::to_owned)).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    let name = format!("{}.npy", chosen(path, &names)?);
    let mut entry = archive.by_name(&name).map_err(damaged)?;
    if let (CompressionMethod::Stored, Some(start)) = (entry.compression(), entry.data_start()) {
        let end = start + entry.compressed_size();
        let version = (path.to_path_buf(), entry.size(), entry.crc32());
        if !CHECKED.lock().unwrap_or_else(PoisonError::into_inner).contains(&version) {
            // Its checksum is compared at the end.
            std::io::copy(&mut entry, &mut std::io::sink()).map_err(|error| damaged(error.into()))?;
            CHECKED.lock().unwrap_or_else(PoisonError::into_inner).insert(version);
        }
        drop(entry);
        drop(archive);
        return npy::open_within(path, file, start..end);
    }
    let mut unpacked = tempfile::tempfile().map_err(|error| with_path(path, error))?;
    let length = std::io::copy(&mut entry, &mut unpacked).map_err(|error| with_path(path, error))?;
    npy::open_within(path, Blob::of_file(File::from_parts(unpacked, path))?, 0..length)
}

/// What the header of a safetensors file says of a tensor.
#[derive(Debug, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// The matrix of a safetensors file: its length, a header in JSON, and the numbers.
fn open_safetensors(path: &Path) -> Result<Array> {
    let damaged = |problem: &dyn std::fmt::Display| {
        Error::input(path, format!("not a whole safetensors file: {problem}"))
            .hint("write it again; it may have been cut short")
    };
    let file = Blob::open(path)?;
    let bytes = file.bytes();
    let read = |bytes: &mut [u8], at| {
        file.read_exact_at(bytes, at).map_err(|error| fault_of(&error).unwrap_or_else(|| damaged(&error)))
    };
    let mut length = [0; 8];
    read(&mut length, 0)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES.min(bytes.saturating_sub(8)) {
        return Err(damaged(&format!("a header of {length} bytes in a file of {bytes}")));
    }
    let mut header = vec![0; length as usize];
    read(&mut header, 8)?;
    let mut header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&header).map_err(|error| damaged(&error))?;
    header.remove("__metadata__");
    let names: Vec<&str> = header.keys().map(String::as_str).collect();
    let name = chosen(path, &names)?.to_owned();
    let tensor = header.remove(&name).unwrap_or_default();
    let Tensor { dtype, shape, data_offsets: (start, end) } =
        serde_json::from_value(tensor).map_err(|error| damaged(&error))?;
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
    let values = shape.iter().try_fold(number.bytes() as u64, |n, &x| n.checked_mul(x));
    let within = end.checked_add(8 + length).is_some_and(|end| end <= bytes);
    if values.is_none() || values != end.checked_sub(start) || !within {
        return Err(damaged(&format!("tensor `{name}` of shape {shape:?} does not fit its {bytes} bytes")));
    }
    Ok(Array { file, number, shape, offset: 8 + length + start })
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
