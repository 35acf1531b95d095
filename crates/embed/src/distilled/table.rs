//! The token vectors: rows of int8 with a scale each, averaged as f32.
use std::borrow::Cow;

use pulp::{Arch, Simd, WithSimd};

use super::letters::SIGNS;
use super::parts::Parts;
use super::reading::Reading;

const FILE: &str = "table.bin";
const MAGIC: &[u8; 8] = b"SDTABLE2";
/// The number of values that are summed over all tokens before the next ones. Their sums stay in
/// registers from AVX2 on. Twice as many are no faster with AVX-512, and slower with AVX2.
const WIDE: usize = 64;
/// The number that the dimension is a multiple of.
const BLOCK: usize = SIGNS;
/// The number of values that are summed together within a block: a vector of AVX-512. The compiler
/// makes vector instructions of a loop of this length.
const LANES: usize = 16;

/// The length of the vector of a number, relative to that of a rare word.
const EXACT: f32 = 5.0;
/// The most length of all numbers of a text together, relative to that of its words. A text with more
/// numbers than words has as many times more.
const MOST_EXACT: f32 = 1.1;
/// The length of a single number, likewise; that of several grows with the root of their count. So one
/// number that another text lacks costs less than one that differs among many.
const ONE_EXACT: f32 = 0.4;

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

    /// Adds the vectors of the words that were read to `out`.
    ///
    /// It uses the widest instructions of the processor (with AVX2 instead of SSE2 a whole run is a
    /// third faster).
    pub(super) fn add_words(&self, reading: &Reading, out: &mut [f32]) {
        self.arch.dispatch(AddWords { table: self, reading, out });
    }

    /// Adds the features of the numbers of a text to the sum of its words, and divides by the number
    /// of units. A text of which nothing was read has zeros.
    pub(super) fn finish(&self, reading: &Reading, out: &mut [f32]) {
        self.arch.dispatch(Finish { table: self, reading, out });
    }

    /// Computes [`Table::finish`] as [`Table::portable_add_words`] computes its sums.
    #[inline(always)]
    fn portable_finish(&self, reading: &Reading, out: &mut [f32]) {
        self.add_exact(reading, out);
        let count = reading.counts.units.max(1) as f32;
        out.iter_mut().for_each(|value| *value /= count);
    }

    /// Computes [`Table::add_words`] with the instructions of the function that it is inlined into.
    ///
    /// For each value the tokens are added in order, then the features, and no multiplication is fused
    /// with an addition, so every processor computes the same bits.
    #[inline(always)]
    pub(super) fn portable_add_words(&self, reading: &Reading, out: &mut [f32]) {
        let (wide, narrow) = out.as_chunks_mut::<WIDE>();
        let done = wide.len() * WIDE;
        for (index, out) in wide.iter_mut().enumerate() {
            self.sum(reading, index * WIDE, out);
        }
        for (index, out) in narrow.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            self.sum(reading, done + index * BLOCK, out);
        }
    }

    /// Adds the vectors of tokens and features to `out`, from value `start` on.
    #[inline(always)]
    fn sum<const N: usize>(&self, reading: &Reading, start: usize, out: &mut [f32; N]) {
        let mut sums = [0.0f32; N];
        for &token in &reading.tokens {
            let token = token as usize;
            // The product does not wrap where there is a row, and a checked one takes longer.
            let values = &self.values[token.wrapping_mul(self.dim).wrapping_add(start)..][..N];
            let scale = self.scales[token];
            let (sums, values) = (sums.as_chunks_mut::<LANES>().0, values.as_chunks::<LANES>().0);
            for (sums, values) in sums.iter_mut().zip(values) {
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += f32::from(value as i8) * scale;
                }
            }
        }
        let root = (self.dim as f32).sqrt();
        for feature in &reading.features {
            feature.add_blocks(start / SIGNS, root, &mut sums);
        }
        // The sum of a part by itself, because a long sum would lose what is added to it.
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
    }

    /// Adds the features of the numbers and operators. They are shortened in a text of many words, so
    /// that they do not drown the words.
    #[inline(always)]
    fn add_exact(&self, reading: &Reading, out: &mut [f32]) {
        if reading.numbers.features.is_empty() {
            return;
        }
        let mut exact = vec![0.0; self.dim];
        for feature in &reading.numbers.features {
            feature.add_to(&mut exact);
        }
        // Both sums at once, because each waits for its last addition.
        let squares = |(a, b): (f32, f32), (x, y): (&f32, &f32)| (a + x * x, b + y * y);
        let (out_square, exact_square) = out.iter().zip(&exact).fold((0.0, 0.0), squares);
        let words = reading.counts.known + reading.counts.unknown;
        let share = reading.numbers.distinct as f32 / words.max(1) as f32;
        let relative = MOST_EXACT.min(ONE_EXACT * (reading.numbers.distinct as f32).sqrt()) * share.max(1.0);
        let most = if words == 0 { f32::INFINITY } else { relative * out_square.sqrt() };
        let wanted = EXACT * self.unit;
        let factor = wanted * (most / (wanted * exact_square.sqrt())).min(1.0);
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

/// A call of [`Table::portable_add_words`]. It is a struct, because `pulp` cannot inline a closure into
/// code for other instructions.
struct AddWords<'a> {
    table: &'a Table,
    reading: &'a Reading,
    out: &'a mut [f32],
}

impl WithSimd for AddWords<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.table.portable_add_words(self.reading, self.out);
    }
}

/// A call of [`Table::portable_finish`].
struct Finish<'a> {
    table: &'a Table,
    reading: &'a Reading,
    out: &'a mut [f32],
}

impl WithSimd for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.table.portable_finish(self.reading, self.out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::distilled::letters;

    fn reading(rows: u32) -> Reading {
        let mut reading = Reading::default();
        reading.push_tokens(&(0..40).map(|n| n * n % rows).collect::<Vec<_>>());
        reading.push_unit(|features| letters::word("hwnd", &mut |feature| features.push(feature)));
        ["3", "-", "5", "3"].iter().for_each(|number| reading.push_exact(letters::exact(number)));
        reading.end();
        reading
    }

    /// Adds one value after the other.
    fn slow_sum(table: &Table, reading: &Reading) -> Vec<f32> {
        let mut sum = vec![0.0; table.dim];
        for &token in &reading.tokens {
            let row = &table.values[token as usize * table.dim..][..table.dim];
            for (sum, value) in sum.iter_mut().zip(row) {
                *sum += f32::from(*value as i8) * table.scales[token as usize];
            }
        }
        reading.features.iter().for_each(|feature| feature.add_to(&mut sum));
        sum
    }

    #[test]
    fn a_mean_has_the_bits_of_its_slow_twin_in_any_dimension() {
        for dim in [32, 64, 96, 256, 288] {
            let vectors: Vec<f32> = (0..50 * dim).map(|n| (n as f32 * 0.37).sin()).collect();
            let table = Table::parse(Cow::Owned(table_file(&vectors, dim, 0.5))).unwrap();
            let reading = reading(50);
            let (mut expected, mut mean) = (slow_sum(&table, &reading), vec![0.0; dim]);
            table.add_exact(&reading, &mut expected);
            expected.iter_mut().for_each(|value| *value /= reading.counts.units as f32);
            table.add_words(&reading, &mut mean);
            table.finish(&reading, &mut mean);
            assert_eq!(mean, expected, "{dim}");
        }
    }
}
