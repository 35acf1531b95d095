//! Opens NumPy's `.npy` files: finds the type, the shape and the offset of the numbers.
//! The format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html

use std::io::Seek;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use crate::error::{Error, Result};
use crate::foreign::not_embeddings;
use crate::storage::{Blob, fault_of};

/// An array of numbers in a file.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) file: Blob,
    pub(crate) number: Number,
    pub(crate) shape: Vec<u64>,
    /// The offset of the first number in the file, in bytes.
    pub(crate) offset: u64,
}

/// The number types of an array that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    Bf16,
    F32,
    F64,
    I32,
    U32,
    I64,
    U64,
}

impl Number {
    /// The size of a number in bytes.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    fn from_descr(descr: &str) -> Option<Self> {
        Some(match descr.trim_matches('\'') {
            "<f2" => Self::F16,
            "<f4" => Self::F32,
            "<f8" => Self::F64,
            "<i4" => Self::I32,
            "<u4" => Self::U32,
            "<i8" => Self::I64,
            "<u8" => Self::U64,
            _ => return None,
        })
    }
}

/// The most bytes of a header. Headers are small; a longer one is damaged.
const MAX_HEADER_BYTES: u32 = 1 << 20;

/// Opens a file and checks its header against its size.
///
/// # Errors
/// Fails for a damaged header, for numbers of another type than [`Number`], and for a matrix that
/// is stored by column.
pub(crate) fn open(path: &Path) -> Result<Array> {
    let file = Blob::open(path)?;
    let bytes = file.bytes();
    open_within(path, file, 0..bytes)
}

/// Opens a `.npy` file that is a range of bytes of `file`. `path` is for error messages.
///
/// # Errors
/// Fails like [`open`].
pub(crate) fn open_within(path: &Path, file: Blob, within: Range<u64>) -> Result<Array> {
    let place = HeaderPlace::read(path, &file, &within)?;
    check_nesting(path, &file, &place)?;
    let mut reader = file.reader(within.start);
    // The parser multiplies the shape without a check, and panics if the product overflows.
    let header = std::panic::catch_unwind(AssertUnwindSafe(|| npyz::NpyHeader::from_reader(&mut reader)))
        .map_err(|_| damaged(path, "its shape makes no sense"))?
        .map_err(|error| damaged(path, error))?;
    let descr = header.dtype().descr();
    let number = Number::from_descr(&descr).ok_or_else(|| unknown_type(path, &descr))?;
    let shape = header.shape().to_vec();
    if header.order() != npyz::Order::C && shape.len() > 1 {
        return Err(Error::input(path, "the rows are stored by column (Fortran order)")
            .hint("save it with numpy.save(path, numpy.ascontiguousarray(array))"));
    }
    let offset = reader.stream_position().map_err(Error::io)?;
    let values = shape.iter().try_fold(number.bytes() as u64, |n, &x| n.checked_mul(x));
    if values.and_then(|values| values.checked_add(offset)) != Some(within.end) {
        let bytes = within.end - within.start;
        return Err(damaged(path, format!("a shape of {shape:?} does not fit its {bytes} bytes")));
    }
    Ok(Array { file, number, shape, offset })
}

/// The first bytes of every `.npy` file.
const MARK: &[u8] = b"\x93NUMPY";

/// The place of a header in a file.
struct HeaderPlace {
    offset: u64,
    bytes: usize,
}

impl HeaderPlace {
    /// Reads the length of the header. Versions before 2 store it in 2 bytes, later ones in 4.
    fn read(path: &Path, file: &Blob, within: &Range<u64>) -> Result<Self> {
        let mut start = [0; 12];
        file.read_exact_at(&mut start, within.start).map_err(|error| {
            fault_of(&error).unwrap_or_else(|| damaged(path, "it is shorter than a header"))
        })?;
        if !start.starts_with(MARK) {
            return Err(not_embeddings(path, "npy").unwrap_or_else(|| unmarked(path)));
        }
        let version = start[6];
        let header_bytes = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
        if version >= 2 && header_bytes > MAX_HEADER_BYTES {
            let problem = format!("a header of {header_bytes} bytes is over the limit of {MAX_HEADER_BYTES}");
            return Err(damaged(path, problem));
        }
        let (before, length) = match version {
            0 | 1 => (10, u64::from(u16::from_le_bytes([start[8], start[9]]))),
            _ => (12, u64::from(header_bytes)),
        };
        let left = (within.end - within.start).saturating_sub(before);
        Ok(Self { offset: within.start + before, bytes: length.min(left) as usize })
    }
}

/// The most brackets inside each other in a header, which is a dictionary with a tuple in it.
const MAX_NESTING: usize = 8;

/// Fails if the brackets of a header are nested too deep: the parser's time doubles with each.
fn check_nesting(path: &Path, file: &Blob, place: &HeaderPlace) -> Result<()> {
    let mut header = vec![0; place.bytes];
    file.read_exact_at(&mut header, place.offset)
        .map_err(|error| fault_of(&error).unwrap_or_else(|| damaged(path, &error)))?;
    let mut open = 0usize;
    for byte in header {
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_NESTING {
            return Err(damaged(path, "the brackets of its header are nested too deep"));
        }
    }
    Ok(())
}

/// The error for a file without the mark of the format.
fn unmarked(path: &Path) -> Error {
    let problem = "not a whole .npy file: it does not begin with the mark of one; it may hold bare numbers, as \
                   numpy.memmap and tofile write them";
    Error::input(path, problem).hint(format!(
        "if they are of float32, in Python: numpy.save('embeddings.npy', numpy.fromfile('{}', \
         'float32').reshape(-1, DIMENSION))",
        path.display()
    ))
}

fn unknown_type(path: &Path, descr: &str) -> Error {
    let problem = format!("numbers of type {descr} cannot be read; known are f2, f4, f8, i4, u4, i8, u8");
    Error::input(path, problem).hint(
        "numpy.save(path, array.astype('float32')) writes embeddings and centroids, astype('int32') the rest",
    )
}

fn damaged(path: &Path, problem: impl std::fmt::Display) -> Error {
    // The parser repeats the whole header if it cannot parse it.
    let problem: String = problem.to_string().chars().take(200).collect();
    Error::input(path, format!("not a whole .npy file: {problem}"))
        .hint("write it again; it may have been cut short")
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
