//! Opens NumPy's `.npy` files: finds the type, the shape and the offset of the numbers.
//! The format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html

use std::io::Seek;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use crate::arrays::array::{Array, Number};
use crate::arrays::convert::{Lay, converted};
use crate::error::{Error, Result};
use crate::foreign::not_embeddings;
use crate::storage::{Blob, fault_of};

/// The most bytes of a header. Headers are small; a longer one is damaged.
const MAX_HEADER_BYTES: u32 = 1 << 20;

/// Opens a file and checks its header against its size.
///
/// An array by column, or with the most significant byte first, is copied to a temporary file as it
/// is read here.
///
/// # Errors
/// Fails for a damaged header, and for numbers of another type than [`Number`].
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
    let plain = descr.trim_matches('\'');
    let (big_endian, plain) = match plain.strip_prefix('>') {
        Some(plain) => (true, plain),
        None => (false, plain.trim_start_matches('<')),
    };
    let number = Number::of_descr(plain).ok_or_else(|| unknown_type(path, &descr))?;
    let shape = header.shape().to_vec();
    let lay = Lay { by_column: header.order() != npyz::Order::C && shape.len() > 1, big_endian };
    if lay.by_column && shape.len() > 2 {
        return Err(Error::input(path, "the rows are stored by column (Fortran order)")
            .hint("save it with numpy.save(path, numpy.ascontiguousarray(array))"));
    }
    let offset = reader.stream_position().map_err(Error::io)?;
    let values = shape.iter().try_fold(number.bytes() as u64, |n, &x| n.checked_mul(x));
    if values.and_then(|values| values.checked_add(offset)) != Some(within.end) {
        let bytes = within.end - within.start;
        return Err(damaged(path, format!("a shape of {shape:?} does not fit its {bytes} bytes")));
    }
    let array = Array { file, number, shape, offset };
    // An array without values lies in any order.
    let is_empty = array.shape.is_empty() || array.shape.contains(&0);
    if lay.is_usual() || is_empty { Ok(array) } else { converted(path, &array, lay) }
}

/// The first bytes of every `.npy` file.
pub(super) const MARK: &[u8] = b"\x93NUMPY";

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
        "if they are, --dim N --dtype float32 reads {} in rows of N numbers; float16, bfloat16 and float64 are the other types",
        path.display()
    ))
}

fn unknown_type(path: &Path, descr: &str) -> Error {
    let problem = format!("numbers of type {descr} cannot be read; known are f2, f4, f8, i4, u4, i8, u8");
    // Binary embeddings come in whole bytes, of eight bits each.
    let hint = match descr.contains("u1") || descr.contains("i1") {
        true => {
            "if they are packed bits, numpy.unpackbits(array.view('uint8'), axis=1).astype('float32') * 2 - 1 unpacks them; \
                 if they are quantized numbers, array.astype('float32') keeps their angles where they have one scale and no offset"
        }
        false => {
            "numpy.save(path, array.astype('float32')) writes embeddings and centroids, astype('int32') the rest"
        }
    };
    Error::input(path, problem).hint(hint)
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
