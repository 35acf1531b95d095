//! The token vectors: rows of int8 with a scale each, averaged as f32.
use pulp::{Arch, Simd, WithSimd};

use super::parts::Parts;
use super::reading::Reading;

const FILE: &str = "table.bin";
const MAGIC: &[u8; 8] = b"SDTABLE1";
/// The number of values that are summed over all tokens before the next ones. Their sums stay in
/// registers, with SSE2 too.
const BLOCK: usize = 32;

/// A matrix with a row for each token.
pub(super) struct Table {
    dim: usize,
    arch: Arch,
    scales: Vec<f32>,
    /// The int8 values in row-major order.
    values: &'static [u8],
}

impl Table {
    /// Parses a table made by `scripts/make_wordllama.py`.
    pub(super) fn parse(data: &'static [u8]) -> Result<Self, String> {
        let mut parts = Parts::open(FILE, MAGIC, data)?;
        let (rows, dim) = (parts.size()?, parts.size()?);
        if dim == 0 || !dim.is_multiple_of(BLOCK) {
            return Err(format!("{FILE}: {dim} values per row, a multiple of {BLOCK} expected"));
        }
        let Some(size) = rows.checked_mul(dim) else {
            return Err(format!("{FILE}: {rows} rows of {dim} values"));
        };
        let scales = parts.items(rows)?.map(f32::from_le_bytes).collect();
        let values = parts.bytes(size)?;
        parts.end()?;
        Ok(Self { dim, arch: Arch::new(), scales, values })
    }

    /// Returns the number of tokens.
    pub(super) fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Returns the number of values of a vector.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Writes the mean of the vectors of what was read to `out`, or zeros if nothing was read.
    ///
    /// It uses the widest instructions of the processor (with AVX2 instead of SSE2 a whole run is a
    /// third faster).
    pub(super) fn mean(&self, reading: &Reading, out: &mut [f32]) {
        self.arch.dispatch(Mean { table: self, reading, out });
    }

    /// Computes [`Table::mean`] with the instructions of the function that it is inlined into.
    ///
    /// The tokens are added in order, then the features, and no multiplication is fused with an
    /// addition, so every processor computes the same bits.
    #[inline(always)]
    pub(super) fn portable_mean(&self, reading: &Reading, out: &mut [f32]) {
        let count = reading.counts.units.max(1) as f32;
        for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let mut sums = [0.0f32; BLOCK];
            for &token in &reading.tokens {
                let token = usize::from(token);
                let scale = self.scales[token];
                let values = &self.values[token * self.dim + block * BLOCK..][..BLOCK];
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += f32::from(value as i8) * scale;
                }
            }
            out.copy_from_slice(&sums);
        }
        for feature in &reading.features {
            feature.add_to(out);
        }
        for out in out {
            *out /= count;
        }
    }
}

/// A call of [`Table::portable_mean`]. It is a struct, because `pulp` cannot inline a closure into
/// code for other instructions.
struct Mean<'a> {
    table: &'a Table,
    reading: &'a Reading,
    out: &'a mut [f32],
}

impl WithSimd for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.table.portable_mean(self.reading, self.out);
    }
}
