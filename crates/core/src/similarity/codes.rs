//! Rows as 8-bit codes, which take a quarter of the bytes of f32 rows and have a known quantization
//! error.
//!
//! A row is encoded relative to a *reference*, usually the centroid of its cluster (residual
//! encoding). So the codes resolve the differences between the rows of a cluster, however close
//! they are.

use rayon::prelude::*;

use crate::similarity::embeddings::prefetch;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::{CodeSummary, LEVELS, RowToEncode, STEP};

/// The rows that a thread encodes per task.
const ROWS_PER_TASK: usize = 1024;

/// Encoded rows.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    codes: Vec<u8>,
    /// The bytes of one code: the dimension, rounded up to a multiple of [`STEP`].
    width: usize,
    /// The largest size of a signed code.
    levels: u8,
    summaries: Vec<CodeSummary>,
}

impl Codes {
    /// Encodes rows relative to `reference`. `origin` is the reference of the queries that these
    /// rows will be compared with.
    pub(crate) fn encode<'a>(
        rows: impl Iterator<Item = &'a [f32]>,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        Self::encode_with(Isa::detect().levels(), rows, reference, origin)
    }

    /// Encodes rows as [`encode`](Self::encode) does, but with [`LEVELS`] levels, so that the codes are
    /// the same on every instruction set, and so are estimates: without fused multiply-add, up to
    /// rounding.
    pub(crate) fn encode_alike<'a>(
        rows: impl Iterator<Item = &'a [f32]>,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        Self::encode_with(LEVELS, rows, reference, origin)
    }

    fn encode_with<'a>(
        levels: u8,
        rows: impl Iterator<Item = &'a [f32]>,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        let width = reference.len().next_multiple_of(STEP);
        let mut codes = Self { codes: Vec::new(), width, levels, summaries: Vec::new() };
        rows.for_each(|row| codes.push(row, reference, origin));
        codes
    }

    /// Encodes rows as [`encode`](Self::encode) does, on all threads. `row(i)` returns row `i`.
    pub(crate) fn encode_all<'a>(
        rows: usize,
        row: impl Fn(usize) -> &'a [f32] + Sync,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        let mut codes = Self::zeros(rows, reference.len());
        codes.chunks_mut(ROWS_PER_TASK).enumerate().for_each(|(chunk, mut codes)| {
            (0..codes.summaries.len())
                .for_each(|i| codes.set(i, row(chunk * ROWS_PER_TASK + i), reference, origin));
        });
        codes
    }

    /// Makes room for rows that are set later.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Self {
        let width = dim.next_multiple_of(STEP);
        let (codes, summaries) = (vec![0; rows * width], vec![CodeSummary::default(); rows]);
        Self { codes, width, levels: Isa::detect().levels(), summaries }
    }

    /// Splits the rows into chunks that threads can set in parallel.
    pub(crate) fn chunks_mut(&mut self, rows: usize) -> impl IndexedParallelIterator<Item = CodesMut<'_>> {
        let (width, levels) = (self.width, self.levels);
        let codes = self.codes.par_chunks_mut(rows * width).zip(self.summaries.par_chunks_mut(rows));
        codes.map(move |(codes, summaries)| CodesMut { codes, width, levels, summaries })
    }

    /// Encodes a row and appends it.
    fn push(&mut self, row: &[f32], reference: &[f32], origin: &[f32]) {
        let (rows, start) = (self.len(), self.codes.len());
        self.codes.resize(start + self.width, 0);
        self.summaries.push(CodeSummary::default());
        let (codes, summaries) = (&mut self.codes[start..], &mut self.summaries[rows..]);
        CodesMut { codes, width: self.width, levels: self.levels, summaries }.set(0, row, reference, origin);
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.summaries.len()
    }

    /// The largest size of a signed code.
    pub(crate) fn levels(&self) -> u8 {
        self.levels
    }

    /// The bytes of one code.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The code of row `i`.
    pub(crate) fn row(&self, i: usize) -> &[u8] {
        &self.codes[i * self.width..(i + 1) * self.width]
    }

    /// The numbers that belong to the code of row `i`.
    pub(crate) fn summary(&self, i: usize) -> &CodeSummary {
        &self.summaries[i]
    }

    /// Half the squared length of the difference between row `i` and its reference.
    pub(crate) fn half_square(&self, i: usize) -> f32 {
        self.summaries[i].half_square
    }

    /// Loads the code of row `i` into the cache ahead of its use.
    pub(crate) fn prefetch(&self, i: usize) {
        prefetch(self.row(i));
    }
}

/// A mutable chunk of the rows of [`Codes`].
pub(crate) struct CodesMut<'a> {
    codes: &'a mut [u8],
    width: usize,
    levels: u8,
    summaries: &'a mut [CodeSummary],
}

impl CodesMut<'_> {
    /// Encodes a row into place `i` of the chunk; see [`Codes::encode`].
    pub(crate) fn set(&mut self, i: usize, row: &[f32], reference: &[f32], origin: &[f32]) {
        let codes = &mut self.codes[i * self.width..(i + 1) * self.width];
        self.summaries[i] = Isa::detect().encode(self.levels, RowToEncode { row, reference, origin }, codes);
    }
}
