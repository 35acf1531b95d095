//! The token vectors: int8 rows with one scale each, averaged as f32.
use pulp::{Arch, Simd, WithSimd};

use super::parts::Parts;
use super::reading::Reading;

const FILE: &str = "table.bin";
const MAGIC: &[u8; 8] = b"SDTABLE1";
/// So many values are summed over all tokens before the next ones: their sums stay in registers, on SSE2 as well.
const BLOCK: usize = 32;

/// A matrix of one row per token.
pub(super) struct Table {
    dim: usize,
    arch: Arch,
    scales: Vec<f32>,
    /// int8 values, row after row.
    values: &'static [u8],
}

impl Table {
    /// Reads a table made by `scripts/make_wordllama.py`.
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

    /// How many tokens have a vector.
    pub(super) fn rows(&self) -> usize {
        self.scales.len()
    }

    /// How many values a vector has.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Writes the mean of the vectors of what was read to `out`; zeros if nothing was.
    ///
    /// Runs with the widest instructions that the processor has (with AVX2 instead of SSE2 a whole run is a third faster).
    pub(super) fn mean(&self, reading: &Reading, out: &mut [f32]) {
        self.arch.dispatch(Mean { table: self, reading, out });
    }

    /// The same with the instructions of whoever it is inlined into.
    ///
    /// The order of the additions is that of the tokens, then of the features, and no multiplication is fused with an addition, so
    /// that every processor arrives at the same bits.
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

/// A call of [`Table::portable_mean`]. A struct, because `pulp` cannot inline a closure into code for another processor.
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
