//! NumPy's `.npy` files: where the numbers lie and of which type, and writing a matrix whose length is not known yet.
//! The format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::atomic::PendingFile;
use crate::storage::errors::with_path;
use crate::storage::{Blob, fault_of};

/// The number types of a matrix or vector that can be read.
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

/// Headers are small; a longer one is not what it says it is.
const MAX_HEADER_BYTES: u32 = 1 << 20;

/// Opens a file and checks its header against its size.
pub(crate) fn open(path: &Path) -> Result<Array> {
    let file = Blob::open(path)?;
    let bytes = file.bytes();
    open_within(path, file, 0..bytes)
}

/// The same for some bytes of a file.
pub(crate) fn open_within(path: &Path, file: Blob, within: Range<u64>) -> Result<Array> {
    let mut start = [0; 12];
    file.read_exact_at(&mut start, within.start)
        .map_err(|error| fault_of(&error).unwrap_or_else(|| damaged(path, "it is shorter than a header")))?;
    let header_bytes = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
    if start[6] >= 2 && header_bytes > MAX_HEADER_BYTES {
        return Err(damaged(
            path,
            format!("a header of {header_bytes} bytes is over the limit of {MAX_HEADER_BYTES}"),
        ));
    }
    check_nesting(path, &file, (&start, &within))?;
    let mut reader = file.reader(within.start);
    // The parser multiplies the shape without looking, and panics where the product does not fit.
    let header = std::panic::catch_unwind(AssertUnwindSafe(|| npyz::NpyHeader::from_reader(&mut reader)))
        .map_err(|_| damaged(path, "its shape makes no sense"))?
        .map_err(|error| damaged(path, error))?;
    let descr = header.dtype().descr();
    let number = Number::from_descr(&descr).ok_or_else(|| {
        Error::input(
            path,
            format!("numbers of type {descr} cannot be read; known are f2, f4, f8, i4, u4, i8, u8"),
        )
        .hint("numpy.save(path, array.astype('float32')) writes embeddings and centroids, astype('int32') the rest")
    })?;
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

/// A header is a dictionary with a tuple in it.
const MAX_NESTING: usize = 8;

/// Fails where a header's brackets lie deep in each other: the parser's time doubles with each.
fn check_nesting(path: &Path, file: &Blob, (start, within): (&[u8; 12], &Range<u64>)) -> Result<()> {
    let (before, length) = match start[6] {
        0 | 1 => (10, u64::from(u16::from_le_bytes([start[8], start[9]]))),
        _ => (12, u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]]))),
    };
    let left = (within.end - within.start).saturating_sub(before);
    let mut header = vec![0; length.min(left) as usize];
    file.read_exact_at(&mut header, within.start + before)
        .map_err(|error| fault_of(&error).unwrap_or_else(|| damaged(path, &error)))?;
    let mut open = 0usize;
    for byte in header {
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_NESTING {
            return Err(damaged(path, "the brackets of its header lie too deep in each other"));
        }
    }
    Ok(())
}

fn damaged(path: &Path, problem: impl std::fmt::Display) -> Error {
    // The parser repeats all of a header that it does not understand.
    let problem: String = problem.to_string().chars().take(200).collect();
    Error::input(path, format!("not a whole .npy file: {problem}"))
        .hint("write it again; it may have been cut short")
}

/// Copies the rows of a matrix that `keep` picks, with their bytes, and says how many there are. `keep` is asked once for
/// each row, in order.
pub(crate) fn write_rows(path: &Path, destination: &Path, keep: &mut dyn FnMut(u64) -> bool) -> Result<u64> {
    let array = open(path)?;
    let [rows, dim] = array.shape[..] else {
        return Err(Error::input(path, format!("a matrix has two axes, this is of shape {:?}", array.shape)));
    };
    let row_bytes = array.number.bytes() * dim as usize;
    let together = (COPIED_TOGETHER / row_bytes.max(1)).max(1) as u64;
    let descr = match array.number {
        Number::F16 => "'<f2'",
        Number::F32 => "'<f4'",
        Number::F64 => "'<f8'",
        other => return Err(Error::input(path, format!("embeddings are floats, this is {other:?}"))),
    };
    let mut out = NpyWriter::new(destination, descr, dim as usize, Some(dim as usize))?;
    let (mut first, mut written) = (0, 0);
    let mut block = Vec::new();
    while first < rows {
        let count = together.min(rows - first);
        block.resize(count as usize * row_bytes, 0);
        array
            .file
            .read_exact_at(&mut block, array.offset + first * row_bytes as u64)
            .map_err(|error| with_path(path, error))?;
        for (row, bytes) in (first..).zip(block.chunks_exact(row_bytes)) {
            if keep(row) {
                out.write_bytes(bytes, dim)?;
                written += 1;
            }
        }
        first += count;
    }
    out.finish().map(|()| written)
}

/// Bytes of a matrix that are read at a time to be copied.
const COPIED_TOGETHER: usize = 4 << 20;

/// A matrix of i32 in a file, of which a block of rows is in memory at a time.
#[derive(Debug)]
pub(crate) struct IntegerMatrix {
    path: PathBuf,
    file: Array,
}

impl IntegerMatrix {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = open(path)?;
        if file.shape.len() != 2 || file.number != Number::I32 {
            let found = format!("{:?} of shape {:?}", file.number, file.shape);
            return Err(Error::input(path, format!("probes are a matrix of i32, this is {found}"))
                .hint("use the probes.npy that semdedup cluster wrote"));
        }
        Ok(Self { path: path.to_path_buf(), file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn rows(&self) -> u64 {
        self.file.shape[0]
    }

    pub(crate) fn columns(&self) -> usize {
        self.file.shape[1] as usize
    }

    /// Reads some rows, row-major.
    pub(crate) fn read(&self, rows: std::ops::Range<u64>) -> Result<Vec<i32>> {
        let mut numbers = vec![0i32; (rows.end - rows.start) as usize * self.columns()];
        let offset = self.file.offset + rows.start * self.columns() as u64 * 4;
        self.file
            .file
            .read_exact_at(bytemuck::cast_slice_mut(&mut numbers), offset)
            .map_err(|e| with_path(&self.path, e))?;
        numbers.iter_mut().for_each(|x| *x = i32::from_le(*x));
        Ok(numbers)
    }
}

/// Reads a vector of whole numbers (cluster assignments); numbers below 0 become none.
pub(crate) fn read_integers(path: &Path) -> Result<Vec<Option<u64>>> {
    let file = open(path)?;
    if file.shape.len() != 1 || file.number.is_float() {
        return Err(Error::input(
            path,
            format!(
                "assignments are a vector of whole numbers, this is {:?} of shape {:?}",
                file.number, file.shape
            ),
        ));
    }
    let mut bytes = vec![0; file.shape[0] as usize * file.number.bytes()];
    file.file.read_exact_at(&mut bytes, file.offset).map_err(|e| with_path(path, e))?;
    let four = |from: fn([u8; 4]) -> i64| -> Vec<i64> {
        bytes.chunks_exact(4).map(|x| from([x[0], x[1], x[2], x[3]])).collect()
    };
    let eight = |x: &[u8]| i64::from_le_bytes([x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]]);
    let numbers = match file.number {
        Number::I32 => four(|x| i64::from(i32::from_le_bytes(x))),
        Number::U32 => four(|x| i64::from(u32::from_le_bytes(x))),
        Number::U64 => return Ok(bytes.chunks_exact(8).map(|x| Some(eight(x).cast_unsigned())).collect()),
        _ => bytes.chunks_exact(8).map(eight).collect(),
    };
    Ok(numbers.into_iter().map(|x| u64::try_from(x).ok()).collect())
}

/// Room for the header of a file whose number of rows is written at the end; a multiple of 64, as numpy aligns.
const HEADER_BYTES: usize = 128;

/// Writes a `.npy` file row by row; nothing is there under its name before [`NpyWriter::finish`].
pub(crate) struct NpyWriter {
    out: BufWriter<PendingFile>,
    descr: &'static str,
    /// How many values make an entry of the first axis.
    together: usize,
    /// The second axis, if there is one.
    dim: Option<usize>,
    values: u64,
}

impl NpyWriter {
    /// A matrix of f32 with rows of `dim` values.
    pub(crate) fn matrix(path: &Path, dim: usize) -> Result<Self> {
        Self::new(path, "'<f4'", dim, Some(dim))
    }

    /// A matrix of i32 with rows of `columns` numbers.
    pub(crate) fn integer_matrix(path: &Path, columns: usize) -> Result<Self> {
        Self::new(path, "'<i4'", columns, Some(columns))
    }

    /// A vector of i32.
    pub(crate) fn integers(path: &Path) -> Result<Self> {
        Self::new(path, "'<i4'", 1, None)
    }

    /// A vector of pairs of u64, as `numpy.dtype("u8,u8")` has them.
    pub(crate) fn pairs(path: &Path) -> Result<Self> {
        Self::new(path, "[('f0', '<u8'), ('f1', '<u8')]", 2, None)
    }

    fn new(path: &Path, descr: &'static str, together: usize, dim: Option<usize>) -> Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, PendingFile::create(path)?);
        out.write_all(&[0; HEADER_BYTES]).map_err(Error::io)?;
        Ok(Self { out, descr, together, dim, values: 0 })
    }

    /// Appends values, row-major.
    pub(crate) fn write<T: bytemuck::NoUninit>(&mut self, values: &[T]) -> Result<()> {
        self.values += values.len() as u64;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        if cfg!(target_endian = "big") {
            let swapped: Vec<u8> =
                bytes.chunks_exact(size_of::<T>()).flat_map(|x| x.iter().rev().copied()).collect();
            return self.out.write_all(&swapped).map_err(Error::io);
        }
        self.out.write_all(bytes).map_err(Error::io)
    }

    /// Appends so many values by their bytes, which are in the order of the file.
    fn write_bytes(&mut self, bytes: &[u8], values: u64) -> Result<()> {
        self.values += values;
        self.out.write_all(bytes).map_err(Error::io)
    }

    /// Writes the header and commits the file.
    pub(crate) fn finish(self) -> Result<()> {
        let length = self.values / self.together as u64;
        let shape = match self.dim {
            Some(dim) => format!("({length}, {dim})"),
            None => format!("({length},)"),
        };
        let mut header = format!("{{'descr': {}, 'fortran_order': False, 'shape': {shape}, }}", self.descr);
        let padding = HEADER_BYTES - 10 - header.len() - 1;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        let mut file = self.out.into_inner().map_err(|e| Error::io(e.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Error::io)?;
        file.write_all(b"\x93NUMPY\x01\x00").map_err(Error::io)?;
        file.write_all(&((HEADER_BYTES - 10) as u16).to_le_bytes()).map_err(Error::io)?;
        file.write_all(header.as_bytes()).map_err(Error::io)?;
        file.commit()
    }
}

/// Numbers in a file: of which type, in what shape, and from which byte on.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) file: Blob,
    pub(crate) number: Number,
    pub(crate) shape: Vec<u64>,
    pub(crate) offset: u64,
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
