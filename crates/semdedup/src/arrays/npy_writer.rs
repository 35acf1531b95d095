//! Writes `.npy` files row by row, whose number of rows is known only at the end.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::atomic::PendingFile;

/// The bytes of the header, which is written last; a multiple of 64, as numpy aligns.
pub(crate) const HEADER_BYTES: usize = 128;

/// The entries of the first axis of an array.
#[derive(Debug, Clone, Copy)]
enum Entry {
    /// A row of this many numbers: the array is a matrix.
    Row(usize),
    /// One entry of this many numbers: the array is a vector.
    Value(usize),
}

/// Writes a `.npy` file row by row. Nothing exists under its name before [`NpyWriter::finish`].
pub(crate) struct NpyWriter {
    out: BufWriter<PendingFile>,
    /// The type of the numbers, as the header spells it.
    descr: &'static str,
    entry: Entry,
    /// The numbers written so far, and the hash of their bytes.
    values: u64,
    hash: Xxh3,
}

impl NpyWriter {
    /// Begins a matrix of f32 with rows of `dim` values.
    pub(crate) fn matrix(path: &Path, dim: usize) -> Result<Self> {
        Self::rows(path, "'<f4'", dim)
    }

    /// Begins a matrix of i32 with rows of `columns` numbers.
    pub(crate) fn integer_matrix(path: &Path, columns: usize) -> Result<Self> {
        Self::rows(path, "'<i4'", columns)
    }

    /// Begins a vector of i32.
    pub(crate) fn integers(path: &Path) -> Result<Self> {
        Self::new(path, "'<i4'", Entry::Value(1))
    }

    /// Begins a vector of f32.
    pub(crate) fn floats(path: &Path) -> Result<Self> {
        Self::new(path, "'<f4'", Entry::Value(1))
    }

    /// Begins a vector of pairs of u64, which are `numpy.dtype("u8,u8")`.
    pub(crate) fn pairs(path: &Path) -> Result<Self> {
        Self::new(path, "[('f0', '<u8'), ('f1', '<u8')]", Entry::Value(2))
    }

    /// Begins a matrix with rows of `dim` numbers of the type `descr`.
    pub(super) fn rows(path: &Path, descr: &'static str, dim: usize) -> Result<Self> {
        Self::new(path, descr, Entry::Row(dim))
    }

    fn new(path: &Path, descr: &'static str, entry: Entry) -> Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, PendingFile::create(path)?);
        out.write_all(&[0; HEADER_BYTES]).map_err(Error::io)?;
        Ok(Self { out, descr, entry, values: 0, hash: Xxh3::new() })
    }

    /// Appends values, row-major.
    pub(crate) fn write<T: bytemuck::NoUninit>(&mut self, values: &[T]) -> Result<()> {
        self.values += values.len() as u64;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        if cfg!(target_endian = "big") {
            let swapped: Vec<u8> =
                bytes.chunks_exact(size_of::<T>()).flat_map(|x| x.iter().rev().copied()).collect();
            return self.put(&swapped);
        }
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(Error::io)
    }

    /// Appends `values` numbers whose bytes are already in the byte order of the file.
    pub(super) fn write_bytes(&mut self, bytes: &[u8], values: u64) -> Result<()> {
        self.values += values;
        self.put(bytes)
    }

    /// Writes the header and commits the file.
    pub(crate) fn finish(self) -> Result<()> {
        self.finish_hashed().map(drop)
    }

    /// Writes the header and commits the file. Returns the hash of the numbers and, behind them, of
    /// the header.
    pub(crate) fn finish_hashed(self) -> Result<Xxh3> {
        let (header, hash) = (self.header(), self.hash_so_far());
        let mut file = self.out.into_inner().map_err(|e| Error::io(e.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Error::io)?;
        file.write_all(&header).map_err(Error::io)?;
        file.commit()?;
        Ok(hash)
    }

    /// Returns the hash that the file has if it is finished now.
    pub(crate) fn hash_so_far(&self) -> Xxh3 {
        let mut hash = self.hash.clone();
        hash.update(&self.header());
        hash
    }

    /// Returns the header of the numbers so far.
    fn header(&self) -> Vec<u8> {
        let shape = match self.entry {
            Entry::Row(dim) => format!("({}, {dim})", self.values / dim as u64),
            Entry::Value(numbers) => format!("({},)", self.values / numbers as u64),
        };
        let mut header = format!("{{'descr': {}, 'fortran_order': False, 'shape': {shape}, }}", self.descr);
        let padding = HEADER_BYTES - 10 - header.len() - 1;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        let length = ((HEADER_BYTES - 10) as u16).to_le_bytes();
        [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes()].concat()
    }
}
