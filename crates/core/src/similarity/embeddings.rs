//! Rows of unit length. All data enters this crate through this type, so a dot product IS a cosine
//! similarity.

use std::fmt;

use rayon::prelude::*;

use crate::similarity::kernels::isa::Isa;

/// Unit embeddings: `len × dim` values, row-major. Every row has length 1, except rows without
/// direction.
///
/// Two kinds of rows have no direction: rows of zeros (for example of an empty text), and rows with
/// a NaN or an infinity. They hold zeros, so their similarity with every row is 0. Both kinds are
/// listed, and neither is ever a duplicate.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitEmbeddings {
    values: Vec<f32>,
    dim: usize,
    zero: Vec<usize>,
    non_finite: Vec<usize>,
}

/// The number of values is not a multiple of the dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShapeError {
    /// The number of values given.
    pub values: usize,
    /// The number of values in a row.
    pub dim: usize,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values are not a whole number of rows of dimension {}", self.values, self.dim)
    }
}

impl std::error::Error for ShapeError {}

impl UnitEmbeddings {
    /// Scales every row to unit length, in place.
    ///
    /// # Errors
    /// If `dim` is 0 or does not divide `values.len()`.
    pub fn new(mut values: Vec<f32>, dim: usize) -> Result<Self, ShapeError> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            return Err(ShapeError { values: values.len(), dim });
        }
        let (mut zero, mut non_finite) = (Vec::new(), Vec::new());
        let directions: Vec<Direction> = values.par_chunks_exact_mut(dim).map(normalise).collect();
        for (i, direction) in directions.into_iter().enumerate() {
            match direction {
                Direction::Unit => {}
                Direction::Zero => zero.push(i),
                Direction::NonFinite => non_finite.push(i),
            }
        }
        Ok(Self { values, dim, zero, non_finite })
    }

    /// Starts with no rows, of a known dimension.
    pub(crate) fn empty(dim: usize) -> Self {
        Self { values: Vec::new(), dim, zero: Vec::new(), non_finite: Vec::new() }
    }

    /// Appends a row that already has unit length.
    pub(crate) fn push_unit(&mut self, row: &[f32]) {
        debug_assert_eq!(row.len(), self.dim);
        self.values.extend_from_slice(row);
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of values in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `i`, `dim` values.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    /// The numbers of the rows of zeros, ascending.
    pub fn zero_rows(&self) -> &[usize] {
        &self.zero
    }

    /// The numbers of the rows that had a NaN or an infinity, ascending.
    pub fn non_finite_rows(&self) -> &[usize] {
        &self.non_finite
    }
}

/// Whether a row has a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It has a direction, and was scaled to unit length.
    Unit,
    /// It has none: all values are zero.
    Zero,
    /// It has none: there was a NaN or an infinity. The row now holds zeros.
    NonFinite,
}

/// Scales a row to unit length in place, or fills it with zeros if it has no direction.
pub(crate) fn normalise(row: &mut [f32]) -> Direction {
    let norm = UnitScale::of(row);
    match norm.direction {
        Direction::Unit => scale(row, norm.factor),
        _ => row.fill(0.0),
    }
    norm.direction
}

/// The factor that scales a row to unit length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitScale {
    /// Whether the row has a direction.
    pub direction: Direction,
    /// The number to multiply the row by, see [`scale`]; 0 if it has no direction.
    pub factor: f64,
}

impl UnitScale {
    /// Returns the factor for a row, exactly 1 for a row that already has unit length up to
    /// rounding. So reading back a normalised row changes nothing.
    pub fn of(row: &[f32]) -> Self {
        let norm = Isa::detect().norm(row);
        if !norm.is_finite() {
            Self { direction: Direction::NonFinite, factor: 0.0 }
        } else if norm == 0.0 {
            Self { direction: Direction::Zero, factor: 0.0 }
        } else {
            let factor = if (norm - 1.0).abs() > 1e-7 { 1.0 / norm } else { 1.0 };
            Self { direction: Direction::Unit, factor }
        }
    }
}

/// Multiplies a row by a factor. −0 becomes +0, so that equal rows have equal bits.
pub fn scale(row: &mut [f32], factor: f64) {
    Isa::detect().scale(row, factor);
}

/// Hashes the bits of a row. Rows with equal hashes can differ, so callers compare the rows too.
pub(crate) fn hash(row: &[f32]) -> u64 {
    const WIDE: usize = 8;
    let step =
        |h: u64, x: f32| (h.rotate_left(23) ^ u64::from(x.to_bits())).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let mut hashes: [u64; WIDE] = std::array::from_fn(|l| 0x9E37_79B9_7F4A_7C15 ^ l as u64);
    let (whole, rest) = row.as_chunks::<WIDE>();
    for chunk in whole {
        for l in 0..WIDE {
            hashes[l] = step(hashes[l], chunk[l]);
        }
    }
    hashes.iter_mut().zip(rest).for_each(|(h, &x)| *h = step(*h, x));
    hashes.into_iter().fold(0, |a, h| (a ^ h ^ (h >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Rows of unit length that can be read one by one, however they are stored.
pub trait UnitRows: Sync {
    /// The number of values in a row.
    fn dim(&self) -> usize;

    /// Returns row `i`, `dim` values: of unit length, or zeros if it has no direction. `buffer`
    /// also has `dim` values, and the row may be decoded into it.
    fn row<'a>(&'a self, i: usize, buffer: &'a mut [f32]) -> &'a [f32];

    /// Whether row `i` has a direction.
    fn direction(&self, i: usize) -> Direction;

    /// Announces that row `i` will be read soon.
    fn prefetch(&self, i: usize);
}

impl UnitRows for UnitEmbeddings {
    fn dim(&self) -> usize {
        self.dim
    }

    fn row<'a>(&'a self, i: usize, _: &'a mut [f32]) -> &'a [f32] {
        self.row(i)
    }

    fn direction(&self, i: usize) -> Direction {
        if self.non_finite.binary_search(&i).is_ok() {
            return Direction::NonFinite;
        }
        if self.zero.binary_search(&i).is_ok() { Direction::Zero } else { Direction::Unit }
    }

    fn prefetch(&self, i: usize) {
        prefetch(self.row(i));
    }
}

/// Loads values into the cache ahead of their use. The rows of a comparison are far apart in
/// memory, and waiting for each took longer than comparing.
#[allow(unsafe_code)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(values)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address lies inside `values`; a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().cast::<i8>().add(line)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Converts f16 numbers, given as bits, to f32. Both slices have the same length.
pub fn half_to_f32(half: &[u16], out: &mut [f32]) {
    assert_eq!(half.len(), out.len(), "input and output have the same length");
    Isa::detect().half_to_f32(half, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_scaled_to_unit_length_and_rows_without_direction_are_listed() {
        let rows = UnitEmbeddings::new(
            vec![3.0, 4.0, 0.0, -0.0, f32::NAN, 1.0, f32::INFINITY, 0.0, 1e-40, 0.0, 1e38, -1e38],
            2,
        )
        .unwrap();
        assert_eq!(rows.row(0), [0.6, 0.8]);
        assert_eq!(rows.zero_rows(), [1]);
        assert_eq!(rows.non_finite_rows(), [2, 3]);
        assert_eq!(rows.row(2), [0.0, 0.0]);
        assert_eq!(rows.row(4), [1.0, 0.0]);
        assert!((rows.row(5)[0] - 0.5f32.sqrt()).abs() < 1e-7);
    }

    #[test]
    fn equal_rows_have_equal_bits_whatever_the_sign_of_their_zeros() {
        let rows = UnitEmbeddings::new(vec![0.0, 1.0, -0.0, 1.0, -0.0, 2.0], 2).unwrap();
        let bits = |i: usize| rows.row(i).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(0), bits(1));
        assert_eq!(bits(0), bits(2));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        let values: Vec<f32> = (0..3000).map(|i| ((i * 7919 % 1009) as f32 - 500.0) / 77.0).collect();
        let once = UnitEmbeddings::new(values, 300).unwrap();
        let twice = UnitEmbeddings::new(once.values().to_vec(), 300).unwrap();
        assert_eq!(once, twice);
    }

    #[test]
    fn a_ragged_shape_is_an_error_that_names_both_numbers() {
        let error = UnitEmbeddings::new(vec![0.0; 7], 2).unwrap_err();
        assert_eq!(error.to_string(), "7 values are not a whole number of rows of dimension 2");
        assert!(UnitEmbeddings::new(vec![], 0).is_err());
    }
}
