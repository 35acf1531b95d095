//! The token vectors: rows of int8 with a scale each, averaged as f32.
use std::borrow::Cow;

use hashbrown::HashSet;
use pulp::{Arch, Simd, WithSimd};

use super::letters::{EDGE, Feature};
use super::parts::Parts;
use super::reading::Reading;

const FILE: &str = "table.bin";
const MAGIC: &[u8; 8] = b"SDTABLE2";
/// The number of values that are summed over all tokens before the next ones. Their sums stay in
/// registers, with SSE2 too.
const BLOCK: usize = 32;

/// The length of the vector of a number, relative to that of a rare word.
const EXACT: f32 = 3.0;
/// The length of a number with the word beside it, relative to that of the number.
const BESIDE: f32 = 0.7;
/// The length of all numbers of a text together, relative to that of its words. A text with more
/// numbers than words has as many times more.
const MOST_EXACT: f32 = 0.7;

/// A matrix with a row for each token.
pub(super) struct Table {
    dim: usize,
    /// The length of the vector of a rare word.
    unit: f32,
    arch: Arch,
    scales: Vec<f32>,
    /// The int8 values in row-major order.
    values: Cow<'static, [u8]>,
}

impl Table {
    /// Parses the file of a table.
    pub(super) fn parse(data: Cow<'static, [u8]>) -> Result<Self, String> {
        let mut parts = Parts::open(FILE, MAGIC, &data)?;
        let (rows, dim) = (parts.size()?, parts.size()?);
        let unit: f32 = parts.items(1)?.map(f32::from_le_bytes).sum();
        if dim == 0 || !dim.is_multiple_of(BLOCK) {
            return Err(format!("{FILE}: {dim} values per row, a multiple of {BLOCK} expected"));
        }
        let Some(size) = rows.checked_mul(dim) else {
            return Err(format!("{FILE}: {rows} rows of {dim} values"));
        };
        let scales: Vec<f32> = parts.items(rows)?.map(f32::from_le_bytes).collect();
        if !(unit > 0.0 && scales.iter().chain([&unit]).all(|scale: &f32| scale.is_finite())) {
            return Err(format!("{FILE}: the length of a vector is not a positive number"));
        }
        let values = data.len() - parts.bytes(size)?.len();
        parts.end()?;
        let values = match data {
            Cow::Borrowed(data) => Cow::Borrowed(&data[values..]),
            Cow::Owned(mut data) => Cow::Owned(data.split_off(values)),
        };
        Ok(Self { dim, unit, arch: Arch::new(), scales, values })
    }

    /// Returns the number of tokens.
    pub(super) fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Returns the length of the vector of a rare word.
    pub(super) fn unit(&self) -> f32 {
        self.unit
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
                let token = token as usize;
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
        self.add_exact(reading, out);
        for out in out {
            *out /= count;
        }
    }

    /// Adds the features of the numbers and operators: each by itself, each with the one before it, so
    /// that 12 of 21 is not 21 of 12, and each number with the words beside it. A feature counts once,
    /// however often it comes. They are shortened in a text of many words, so that they do not drown
    /// the words.
    #[inline(always)]
    fn add_exact(&self, reading: &Reading, out: &mut [f32]) {
        if reading.exact.is_empty() {
            return;
        }
        let (mut exact, mut seen, mut items) = (vec![0.0; self.dim], HashSet::new(), 0);
        let mut add = |feature: Feature, length: f32| {
            let is_new = seen.insert(feature.hash);
            if is_new {
                feature.times(length).add_to(&mut exact);
            }
            usize::from(is_new)
        };
        for &hash in &reading.exact {
            items += add(Feature::of_exact(hash), 1.0);
        }
        let firsts = [EDGE].into_iter().chain(reading.exact.iter().copied());
        let seconds = reading.exact.iter().copied().chain([EDGE]);
        for (first, second) in firsts.zip(seconds) {
            add(Feature::of_order(first, second), 1.0);
        }
        for beside in reading.flow.windows(2).filter(|two| two[0].is_beside(two[1])) {
            add(Feature::of_neighbours(beside[0], beside[1]), BESIDE);
        }
        let length = |row: &[f32]| row.iter().map(|value| value * value).sum::<f32>().sqrt();
        let words = reading.counts.known + reading.counts.unknown;
        let share = items as f32 / words.max(1) as f32;
        let most = if words == 0 { f32::INFINITY } else { MOST_EXACT * length(out) * share.max(1.0) };
        let wanted = EXACT * self.unit;
        let factor = wanted * (most / (wanted * length(&exact))).min(1.0);
        for (out, value) in out.iter_mut().zip(&exact) {
            *out += factor * value;
        }
    }
}

/// Returns the file of a table: vectors, `[rows, dim]`, as int8 with a scale a row.
pub(super) fn table_file(vectors: &[f32], dim: usize, unit: f32) -> Vec<u8> {
    let rows = vectors.len() / dim;
    let mut file = MAGIC.to_vec();
    for size in [rows, dim] {
        file.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    }
    file.extend(unit.to_le_bytes());
    let scale = |row: &[f32]| row.iter().fold(0.0, |most: f32, value| most.max(value.abs())) / 127.0;
    vectors.chunks_exact(dim).for_each(|row| file.extend(scale(row).to_le_bytes()));
    for row in vectors.chunks_exact(dim) {
        let scale = scale(row).max(f32::MIN_POSITIVE);
        file.extend(row.iter().map(|value| (value / scale).round_ties_even() as i8 as u8));
    }
    file
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
