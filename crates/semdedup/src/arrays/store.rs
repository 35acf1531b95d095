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

/// The most bytes between two rows that are read along: another call takes as long.
const GAP_BYTES: usize = 2 << 10;

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

    /// Makes room for `room` rows, which [`EmbeddingStore::load`] fills.
    pub(crate) fn no_rows(&self, room: usize) -> StoredRows {
        let values = match self.is_half() {
            true => Values::Half(vec![f16::ZERO; room * self.dim]),
            false => Values::Float(vec![0.0; room * self.dim]),
        };
        StoredRows { values, dim: self.dim, directions: Vec::new(), factors: Vec::new() }
    }

    /// Reads the rows of these numbers into `rows`, whose former rows are lost. Its memory is used
    /// again: clearing new pages takes as long as reading.
    pub(crate) fn load(&self, numbers: &[u64], rows: &mut StoredRows) -> Result<()> {
        let (count, dim) = (numbers.len(), self.dim);
        let StoredRows { values, directions, factors, .. } = rows;
        directions.resize(count, Direction::Zero);
        let numbers = numbers.par_chunks(READ_ROWS).zip(directions.par_chunks_mut(READ_ROWS));
        match values {
            Values::Half(values) => {
                make_room(values, count * dim, f16::ZERO);
                factors.resize(count, 0.0);
                let values = values[..count * dim].par_chunks_mut(READ_ROWS * dim);
                let chunks = numbers.zip(values).zip(factors.par_chunks_mut(READ_ROWS));
                let buffers = || (Vec::new(), vec![0.0; dim]);
                chunks.try_for_each_init(
                    buffers,
                    |(skipped, row), (((numbers, directions), values), factors)| {
                        self.read_near(numbers, values, skipped, Matrix::read_half)?;
                        for (i, values) in values.chunks_exact(dim).enumerate() {
                            half_to_f32(values.reinterpret_cast(), row);
                            UnitScale { direction: directions[i], factor: factors[i] } = UnitScale::of(row);
                        }
                        Ok(())
                    },
                )
            }
            Values::Float(values) => {
                make_room(values, count * dim, 0.0);
                let values = values[..count * dim].par_chunks_mut(READ_ROWS * dim);
                numbers.zip(values).try_for_each_init(Vec::new, |skipped, ((numbers, directions), values)| {
                    self.read_near(numbers, values, skipped, Matrix::read)?;
                    for (row, direction) in values.chunks_exact_mut(dim).zip(directions) {
                        let found = UnitScale::of(row);
                        match found.direction {
                            Direction::Unit => scale(row, found.factor),
                            _ => row.fill(0.0),
                        }
                        *direction = found.direction;
                    }
                    Ok(())
                })
            }
        }
    }

    /// Reads `count` rows in parallel. `number` returns the row number of each, and `zero` is the
    /// number zero of the type.
    fn fill<T: Copy + Default + Send>(
        &self,
        count: usize,
        number: impl Fn(usize) -> u64 + Sync,
        zero: T,
        read: fn(&Matrix, u64, &mut [T]) -> Result<()>,
    ) -> Result<Vec<T>> {
        let mut values = vec![zero; count * self.dim];
        let chunks = values.par_chunks_mut(READ_ROWS * self.dim).enumerate();
        chunks.try_for_each_init(Vec::new, |skipped, (chunk, values)| {
            let first = chunk * READ_ROWS;
            let numbers: Vec<u64> = (first..first + values.len() / self.dim).map(&number).collect();
            self.read_near(&numbers, values, skipped, read)
        })?;
        Ok(values)
    }

    /// Reads rows. Rows of a file that lie near each other are read by one call, with the rows
    /// between them, for which `buffer` makes room.
    fn read_near<T: Copy + Default>(
        &self,
        numbers: &[u64],
        values: &mut [T],
        buffer: &mut Vec<T>,
        read: fn(&Matrix, u64, &mut [T]) -> Result<()>,
    ) -> Result<()> {
        let dim = self.dim;
        let step = (GAP_BYTES / (dim * size_of::<T>())) as u64 + 1;
        let mut done = 0;
        while done < numbers.len() {
            let first = numbers[done];
            let matrix = self.starts.partition_point(|&start| start <= first) - 1;
            let end = self.starts[matrix + 1];
            let is_near = |&pair: &&[u64]| (pair[0] + 1..=pair[0] + step).contains(&pair[1]) && pair[1] < end;
            let count = 1 + numbers[done..].windows(2).take_while(is_near).count();
            let near = &numbers[done..done + count];
            let values = &mut values[done * dim..(done + count) * dim];
            let matrix = (&self.matrices[matrix], first - self.starts[matrix]);
            let span = (near[count - 1] - first) as usize + 1;
            if span == count {
                read(matrix.0, matrix.1, values)?;
            } else {
                make_room(buffer, span * dim, T::default());
                read(matrix.0, matrix.1, &mut buffer[..span * dim])?;
                for (row, values) in near.iter().zip(values.chunks_exact_mut(dim)) {
                    values.copy_from_slice(&buffer[(row - first) as usize * dim..][..dim]);
                }
            }
            done += count;
        }
        Ok(())
    }
}

/// Makes room for `count` values, whatever they are.
fn make_room<T: Copy>(values: &mut Vec<T>, count: usize, zero: T) {
    if values.len() < count {
        // The system clears pages when they are first used, and values are not copied.
        *values = vec![zero; count];
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
}

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
