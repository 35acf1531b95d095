//! Describes numbers by their sizes, which are narrow for embeddings read as the type that they are.

use half::{bf16, f16};

use crate::arrays::array::Number;

/// Embeddings have no values of this size or above…
const LARGE: f64 = 1e12;
/// …and few below this one, zeros apart: dimensions that training has all but switched off.
const SMALL: f64 = 1e-12;

/// The sizes of some numbers.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    pub(super) numbers: usize,
    /// Those that are NaN or infinite as f32.
    pub(super) not_finite: usize,
    /// Those that are too large for embeddings, with those that are not finite.
    pub(super) large: usize,
    /// Those that are large, or smaller than most embeddings have any.
    pub(super) odd: usize,
    /// `⌊log₂|x|⌋` of the numbers that are finite and not 0, in order.
    exponents: Vec<i16>,
}

impl Sizes {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sizes = Self::default();
        for size in values.map(f64::abs) {
            let is_finite = (size as f32).is_finite();
            sizes.numbers += 1;
            sizes.not_finite += usize::from(!is_finite);
            let is_large = !is_finite || size >= LARGE;
            sizes.large += usize::from(is_large);
            sizes.odd += usize::from(is_large || (size != 0.0 && size < SMALL));
            if size.is_finite() && size != 0.0 {
                // A subnormal f64 counts as the smallest other.
                sizes.exponents.push((size.to_bits() >> 52) as i16 - 1023);
            }
        }
        sizes.exponents.sort_unstable();
        sizes
    }

    /// Whether so few numbers are odd that they can be embeddings for sure.
    pub(super) fn has_few_odd(&self) -> bool {
        1000 * self.large <= self.numbers && 40 * self.odd <= self.numbers
    }

    /// How many are neither 0 nor infinite.
    pub(super) fn seen(&self) -> usize {
        self.exponents.len()
    }

    /// The exponents between which nine tenths are.
    pub(super) fn most(&self) -> (i32, i32) {
        (self.at(1, 20), self.at(19, 20))
    }

    /// How many octaves are between those.
    pub(super) fn spread(&self) -> i32 {
        let (low, high) = self.most();
        high - low
    }

    pub(super) fn middle(&self) -> i32 {
        self.at(1, 2)
    }

    /// The exponent below which a part of all is.
    pub(super) fn at(&self, part: usize, of: usize) -> i32 {
        let last = self.exponents.len().saturating_sub(1);
        self.exponents.get(last * part / of).map_or(0, |exponent| i32::from(*exponent))
    }
}

/// Reads whole numbers of a type of floats, the least significant byte of each first.
pub(super) fn values(bytes: &[u8], number: Number) -> Vec<f64> {
    match number {
        Number::F16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f64()),
        Number::Bf16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f64()),
        Number::F64 => numbers(bytes, f64::from_le_bytes),
        _ => numbers(bytes, |bytes| f64::from(f32::from_le_bytes(bytes))),
    }
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|&number| read(number)).collect()
}
