//! Rows as 8-bit codes: an eighth of the bytes of two f32 rows to multiply, and a bound on what that loses.
//!
//! A row is encoded relative to a reference (the centroid of its cluster), so that the codes resolve the differences
//! between the rows of a cluster however close they lie.

use rayon::prelude::*;

use crate::similarity::embeddings::prefetch;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::{Encoded, STEP};

/// Rows that a thread encodes in one go.
const TOGETHER: usize = 1024;

/// Encoded rows.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    codes: Vec<u8>,
    pub(super) width: usize,
    pub(super) rows: Vec<Encoded>,
}

impl Codes {
    /// No rows yet.
    pub(crate) fn new(dim: usize) -> Self {
        Self { codes: Vec::new(), width: dim.next_multiple_of(STEP), rows: Vec::new() }
    }

    /// Encodes rows relative to `reference`. `origin` is the reference of the queries that they will be compared with.
    pub(crate) fn encode<'a>(
        rows: impl Iterator<Item = &'a [f32]>,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        let mut codes = Self::new(reference.len());
        rows.for_each(|row| codes.push(row, reference, origin));
        codes
    }

    /// The same for rows that can be had in any order, on all threads.
    pub(crate) fn encode_all<'a>(
        rows: usize,
        row: impl Fn(usize) -> &'a [f32] + Sync,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        let mut codes = Self::zeros(rows, reference.len());
        codes.chunks_mut(TOGETHER).enumerate().for_each(|(chunk, mut codes)| {
            (0..codes.rows.len()).for_each(|i| codes.set(i, row(chunk * TOGETHER + i), reference, origin));
        });
        codes
    }

    /// So many rows, to be set.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Self {
        let width = dim.next_multiple_of(STEP);
        Self { codes: vec![0; rows * width], width, rows: vec![Encoded::default(); rows] }
    }

    /// All rows in chunks, to be set on all threads.
    pub(crate) fn chunks_mut(&mut self, rows: usize) -> impl IndexedParallelIterator<Item = CodesMut<'_>> {
        let width = self.width;
        let codes = self.codes.par_chunks_mut(rows * width).zip(self.rows.par_chunks_mut(rows));
        codes.map(move |(codes, rows)| CodesMut { codes, width, rows })
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, row: &[f32], reference: &[f32], origin: &[f32]) {
        let start = self.codes.len();
        self.codes.resize(start + self.width, 0);
        self.rows.push(Isa::detect().encode(row, reference, origin, &mut self.codes[start..]));
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn row(&self, i: usize) -> &[u8] {
        &self.codes[i * self.width..(i + 1) * self.width]
    }

    /// What a step of a row's code is worth.
    pub(crate) fn scale(&self, i: usize) -> f32 {
        self.rows[i].scale
    }

    /// Half the squared length of a row's difference from its reference.
    pub(crate) fn half_square(&self, i: usize) -> f32 {
        self.rows[i].half_square
    }

    /// Asks for a row's code before it is needed.
    pub(crate) fn prefetch(&self, i: usize) {
        prefetch(self.row(i));
    }
}

/// Some of the rows of [`Codes`].
pub(crate) struct CodesMut<'a> {
    codes: &'a mut [u8],
    width: usize,
    rows: &'a mut [Encoded],
}

impl CodesMut<'_> {
    /// Encodes a row; see [`Codes::encode`].
    pub(crate) fn set(&mut self, i: usize, row: &[f32], reference: &[f32], origin: &[f32]) {
        let codes = &mut self.codes[i * self.width..(i + 1) * self.width];
        self.rows[i] = Isa::detect().encode(row, reference, origin, codes);
    }
}
