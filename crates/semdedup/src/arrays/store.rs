//! Reads embeddings from one or many files as one matrix. Only the requested rows are in memory.

use std::ops::Range;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;
use semdedup_core::{Direction, UnitEmbeddings, UnitRows, UnitScale, half_to_f32, prefetch, scale};

use crate::arrays::matrix::Matrix;
use crate::error::{Error, Result};
use crate::memory::Memory;

/// The rows that a thread reads at a time.
const READ_ROWS: usize = 256;

/// Embeddings on disk. Rows are numbered through all files, in order.
#[derive(Debug)]
pub struct EmbeddingStore {
    matrices: Vec<Matrix>,
    /// The number of the first row of each matrix, followed by the number of all rows.
    starts: Vec<u64>,
    dim: usize,
}

impl EmbeddingStore {
    /// Opens `.npy`, `.npz` and `.safetensors` files of floats, in the order given.
    ///
    /// # Errors
    /// Fails if there is no file, if a file cannot be read, or if the dimensions differ.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let matrices = paths.iter().map(|path| Matrix::open(path)).collect::<Result<Vec<_>>>()?;
        let Some(first) = matrices.first() else {
            return Err(Error::usage("no embeddings were given")
                .hint("name .npy, .npz or .safetensors files, or a folder of them"));
        };
        let dim = first.dim();
        if let Some(other) = matrices.iter().find(|matrix| matrix.dim() != dim) {
            let problem =
                format!("the dimension is {}, but {} has {dim}", other.dim(), first.path().display());
            return Err(Error::input(other.path(), problem).hint("cluster only embeddings of one model"));
        }
        let mut starts = vec![0];
        for matrix in &matrices {
            starts.push(starts[starts.len() - 1] + matrix.rows());
        }
        Ok(Self { matrices, starts, dim })
    }

    /// The number of rows of all files.
    pub fn rows(&self) -> u64 {
        self.starts[self.matrices.len()]
    }

    /// The number of values in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Returns each file with its number of rows.
    pub fn files(&self) -> impl Iterator<Item = (&Path, u64)> {
        self.matrices.iter().map(|matrix| (matrix.path(), matrix.rows()))
    }

    /// Returns the matrices of the files, in order.
    pub(crate) fn matrices(&self) -> &[Matrix] {
        &self.matrices
    }

    /// The bytes of a row in memory, in the type of the files.
    pub(crate) fn row_bytes(&self) -> u64 {
        self.dim as u64 * if self.is_half() { 2 } else { 4 }
    }

    fn is_half(&self) -> bool {
        self.matrices.iter().all(Matrix::is_half)
    }

    /// Reads the rows of a range.
    ///
    /// # Errors
    /// Fails if a file cannot be read.
    pub fn read(&self, rows: Range<u64>) -> Result<UnitEmbeddings> {
        let numbers: Vec<u64> = rows.collect();
        self.gather(&numbers)
    }

    /// Reads the rows of these numbers, in the order given.
    ///
    /// # Errors
    /// Fails if a file cannot be read.
    pub fn gather(&self, rows: &[u64]) -> Result<UnitEmbeddings> {
        let values = self.fill(rows.len(), |i| rows[i], 0.0, Matrix::read)?;
        UnitEmbeddings::new(values, self.dim).map_err(|error| Error::usage(error.to_string()))
    }

    /// Reads the rows of a range, as f16 if all files have f16.
    pub(crate) fn read_rows(&self, rows: Range<u64>) -> Result<StoredRows> {
        let count = (rows.end - rows.start) as usize;
        let number = |i: usize| rows.start + i as u64;
        let mut read = self.no_rows(0);
        read.values = match self.is_half() {
            true => Values::Half(self.fill(count, number, f16::ZERO, Matrix::read_half)?),
            false => Values::Float(self.fill(count, number, 0.0, Matrix::read)?),
        };
        read.scale();
        Ok(read)
    }

    /// Makes `rows` rows of zeros, which [`StoredRows::set`] replaces.
    pub(crate) fn no_rows(&self, rows: usize) -> StoredRows {
        let values = match self.is_half() {
            true => Values::Half(vec![f16::ZERO; rows * self.dim]),
            false => Values::Float(vec![0.0; rows * self.dim]),
        };
        let factors = if self.is_half() { vec![0.0; rows] } else { Vec::new() };
        StoredRows { values, dim: self.dim, directions: vec![Direction::Zero; rows], factors }
    }

    /// Makes rows from their bytes, which are in the byte order of this machine.
    pub(crate) fn rows_of(&self, bytes: &[u8]) -> StoredRows {
        let mut rows = self.no_rows(bytes.len() / self.row_bytes() as usize);
        match &mut rows.values {
            Values::Half(values) => {
                let bits: &mut [u16] = values.reinterpret_cast_mut();
                bytemuck::cast_slice_mut(bits).copy_from_slice(bytes);
            }
            Values::Float(values) => bytemuck::cast_slice_mut(values).copy_from_slice(bytes),
        }
        rows.scale();
        rows
    }

    /// Reads `count` rows in parallel. `number` returns the row number of each, and `zero` is the
    /// number zero of the type.
    fn fill<T: Copy + Send>(
        &self,
        count: usize,
        number: impl Fn(usize) -> u64 + Sync,
        zero: T,
        read: fn(&Matrix, u64, &mut [T]) -> Result<()>,
    ) -> Result<Vec<T>> {
        let mut values = vec![zero; count * self.dim];
        values.par_chunks_mut(READ_ROWS * self.dim).enumerate().try_for_each(|(chunk, values)| {
            let first = chunk * READ_ROWS;
            let numbers: Vec<u64> = (first..first + values.len() / self.dim).map(&number).collect();
            self.read_runs(&numbers, values, read)
        })?;
        Ok(values)
    }

    /// Reads rows. Consecutive rows of a file are read by one call.
    fn read_runs<T>(
        &self,
        numbers: &[u64],
        values: &mut [T],
        read: fn(&Matrix, u64, &mut [T]) -> Result<()>,
    ) -> Result<()> {
        let mut done = 0;
        while done < numbers.len() {
            let matrix = self.starts.partition_point(|&start| start <= numbers[done]) - 1;
            let run = numbers[done..]
                .iter()
                .enumerate()
                .take_while(|&(i, &row)| row == numbers[done] + i as u64 && row < self.starts[matrix + 1])
                .count();
            let values = &mut values[done * self.dim..(done + run) * self.dim];
            read(&self.matrices[matrix], numbers[done] - self.starts[matrix], values)?;
            done += run;
        }
        Ok(())
    }
}

/// Rows of unit length. Rows of f16 keep the values of their files and are scaled when they are
/// read.
#[derive(Debug)]
pub(crate) struct StoredRows {
    values: Values,
    dim: usize,
    directions: Vec<Direction>,
    /// The factor by which each row of f16 is multiplied. Rows of f32 have none.
    factors: Vec<f64>,
}

#[derive(Debug)]
enum Values {
    Half(Vec<f16>),
    Float(Vec<f32>),
}

impl StoredRows {
    /// Returns the bytes of a row, in the byte order of this machine.
    pub(crate) fn bytes(&self, i: usize) -> &[u8] {
        let range = i * self.dim..(i + 1) * self.dim;
        match &self.values {
            Values::Half(values) => bytemuck::cast_slice(values[range].reinterpret_cast()),
            Values::Float(values) => bytemuck::cast_slice(&values[range]),
        }
    }

    /// Sets row `i` to a row of `from`, which came from the same files.
    pub(crate) fn set(&mut self, i: usize, from: &Self, row: usize) {
        let (to, of) = (i * self.dim..(i + 1) * self.dim, row * self.dim..(row + 1) * self.dim);
        match (&mut self.values, &from.values) {
            (Values::Half(values), Values::Half(other)) => {
                values[to].copy_from_slice(&other[of]);
                self.factors[i] = from.factors[row];
            }
            (Values::Float(values), Values::Float(other)) => values[to].copy_from_slice(&other[of]),
            _ => unreachable!("all rows of a store are of one type"),
        }
        self.directions[i] = from.directions[row];
    }

    /// Scales rows of f32 to unit length, and finds the factors of rows of f16.
    fn scale(&mut self) {
        let dim = self.dim;
        match &mut self.values {
            Values::Half(values) => {
                let factor = |buffer: &mut Vec<f32>, row: &[f16]| {
                    half_to_f32(row.reinterpret_cast(), buffer);
                    let UnitScale { direction, factor } = UnitScale::of(buffer);
                    (direction, factor)
                };
                let rows = values.par_chunks_exact(dim).with_min_len(ROWS_PER_TASK);
                let found = rows.map_init(|| vec![0.0; dim], factor);
                (self.directions, self.factors) = found.unzip();
            }
            Values::Float(values) => {
                let scaled = |row: &mut [f32]| {
                    let UnitScale { direction, factor } = UnitScale::of(row);
                    match direction {
                        Direction::Unit => scale(row, factor),
                        _ => row.fill(0.0),
                    }
                    direction
                };
                let rows = values.par_chunks_exact_mut(dim).with_min_len(ROWS_PER_TASK);
                self.directions = rows.map(scaled).collect();
            }
        }
    }
}

/// The rows that a thread scales at a time.
const ROWS_PER_TASK: usize = 256;

impl UnitRows for StoredRows {
    fn dim(&self) -> usize {
        self.dim
    }

    fn row<'a>(&'a self, i: usize, buffer: &'a mut [f32]) -> &'a [f32] {
        let range = i * self.dim..(i + 1) * self.dim;
        match &self.values {
            Values::Float(values) => &values[range],
            Values::Half(values) => {
                match self.directions[i] {
                    Direction::Unit => {
                        half_to_f32(values[range].reinterpret_cast(), buffer);
                        scale(buffer, self.factors[i]);
                    }
                    _ => buffer.fill(0.0),
                }
                buffer
            }
        }
    }

    fn direction(&self, i: usize) -> Direction {
        self.directions[i]
    }

    fn prefetch(&self, i: usize) {
        prefetch(self.bytes(i));
    }
}

/// Returns the rows in blocks that fit into memory.
pub(crate) fn blocks(store: &EmbeddingStore, memory: Memory) -> impl Iterator<Item = Range<u64>> {
    let (rows, block) = (store.rows(), memory.block_rows(store.dim()));
    (0..rows).step_by(block as usize).map(move |first| first..rows.min(first + block))
}
