//! Tells whether bare numbers are of the type that the user names. Nothing in their bytes says what
//! they are, and what another type makes of them looks like embeddings, of which many are equal.
//!
//! Nine tenths of the values of embeddings are within 2 to 10 octaves, whatever the model: the
//! exponent is what differs least among them. Where another type divides the bytes, bits of the
//! mantissa stand in the place of an exponent, and spread over 16 to 230 octaves.

use std::collections::HashSet;
use std::path::Path;

use crate::arrays::array::Number;
use crate::arrays::sizes::{Sizes, values};
use crate::error::{Error, Result};

/// This many bytes of rows are enough to tell.
pub(crate) const SAMPLE_BYTES: usize = 1 << 19;

/// All types, those first of which another one may be made up.
const TYPES: [Number; 4] = [Number::Bf16, Number::F16, Number::F32, Number::F64];

/// Fewer numbers than this do not tell their type.
const FEWEST: usize = 64;
/// Embeddings are within this many octaves…
const NARROW: i32 = 10;
/// …around a size that is at most this far from 1, in octaves.
const FAR: i32 = 20;
/// …or within this many where that is only to confirm what the lowest bits tell.
const WIDE_PART: i32 = 15;
/// A spread is too wide from this many octaves on where another type is narrow…
const WIDE: i32 = 12;
/// …and from this many where the other has fewer bits of exponent: then each of its octaves is many.
const WIDE_IN_MORE_BITS: i32 = 20;

/// Fails if some rows of bare numbers are no embeddings, or are of another type by all appearances.
///
/// # Errors
/// Names the likely type. Accepts what is too little to tell.
pub(crate) fn check<'a>(path: &Path, number: Number, rows: impl Iterator<Item = &'a [u8]>) -> Result<()> {
    let sample = Sample::of(number, rows);
    let own = sample.sizes(number);
    let likely = TYPES.into_iter().filter(|other| *other != number);
    let name = number.name();
    for other in likely {
        let Some(sign) = sample.sign_of(other, &own) else { continue };
        let other = other.name();
        let problem =
            format!("its numbers look like {other}, not like the {name} of --dtype: as {name}, {sign}");
        return Err(Error::input(path, problem).hint(format!("type --dtype {other}")));
    }
    if is_odd(&own) {
        let (odd, all) = (own.odd, own.numbers);
        let problem = format!("{odd} of {all} numbers, read as {name}, are no values of embeddings");
        return Err(Error::input(path, problem)
            .hint("they are of another --dtype, or something else stands before them"));
    }
    Ok(())
}

/// Whether too many numbers are no values of embeddings. Rows without any are not among them.
fn is_odd(own: &Sizes) -> bool {
    if own.numbers < FEWEST {
        return 2 * own.odd > own.numbers;
    }
    // Dimensions that training has switched off have values of 1e-33: many small ones may be right.
    100 * own.large > 3 * own.numbers
        || 4 * own.odd > own.numbers
        || (own.not_finite >= 8 && 100 * own.not_finite > own.numbers)
}

/// The bytes of some rows.
struct Sample {
    number: Number,
    bytes: Vec<u8>,
    /// The size of the largest number of which all rows are made.
    largest: usize,
    /// The fewest numbers of a row.
    fewest: usize,
}

impl Sample {
    /// Takes rows until there are enough. Rows of no whole numbers are not taken, nor rows without a
    /// number that is finite: a model that failed leaves such.
    fn of<'a>(number: Number, rows: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut sample = Self { number, bytes: Vec::new(), largest: 8, fewest: usize::MAX };
        let size = number.bytes();
        for row in rows.filter(|row| !row.is_empty() && row.len().is_multiple_of(size)) {
            let row = &row[..row.len().min(SAMPLE_BYTES)];
            if !values(row, number).iter().any(|value| value.is_finite()) {
                continue;
            }
            while !row.len().is_multiple_of(sample.largest) {
                sample.largest /= 2;
            }
            sample.fewest = sample.fewest.min(row.len() / size);
            sample.bytes.extend(row);
            if sample.bytes.len() >= SAMPLE_BYTES {
                break;
            }
        }
        sample
    }

    fn sizes(&self, number: Number) -> Sizes {
        Sizes::of(values(&self.bytes, number).into_iter())
    }

    /// Returns the sizes of every `count`th number, from `first` on.
    fn sizes_at(&self, number: Number, first: usize, count: usize) -> Sizes {
        Sizes::of(values(&self.bytes, number).into_iter().skip(first).step_by(count))
    }

    /// Returns what shows that the numbers are of another type, if anything does.
    fn sign_of(&self, other: Number, own: &Sizes) -> Option<String> {
        if other.bytes() > self.largest || own.seen() < FEWEST {
            return None;
        }
        let others = self.sizes(other);
        if self.is_made_up_of(other) {
            return Some(format!("each is made up of {}", other.name()));
        }
        if !self.is_likely(other, &others) {
            return None;
        }
        let parts = other.bytes() / self.number.bytes();
        if parts > 1 && self.fewest >= 16 && self.is_hollow(self.number, parts) {
            return Some(format!("one of every {parts} is 0"));
        }
        if self.number == Number::F16 && other == Number::Bf16 && self.is_bf16(&others) {
            return Some("nearly all of them are from 0.5 to 4 in size".to_owned());
        }
        let wide = if exponent_bits(other) < exponent_bits(self.number) { WIDE_IN_MORE_BITS } else { WIDE };
        let is_wide = own.spread() >= wide.max(2 * others.spread());
        let (low, high) = own.most();
        (is_wide || is_odd(own)).then(|| format!("they are from 2^{low} to 2^{high} in size"))
    }

    /// Whether the numbers could be embeddings of a type.
    fn is_likely(&self, number: Number, sizes: &Sizes) -> bool {
        is_narrow(sizes, FEWEST, NARROW)
            && sizes.has_few_odd()
            && !is_upper_half(number, sizes)
            && [2, 4].into_iter().all(|parts| !self.is_hollow(number, parts))
    }

    /// Whether numbers are parts of larger ones, of which the lowest part is 0: whole numbers, and those
    /// that were of a smaller type, have few digits.
    fn is_hollow(&self, number: Number, parts: usize) -> bool {
        let seen = |part| self.sizes_at(number, part, parts).seen();
        parts * number.bytes() <= self.largest && 50 * seen(0) <= seen(parts - 1)
    }

    /// Whether each number is two or four of a smaller type: all are narrow, around the same size.
    /// The lower digits of one number are not.
    fn is_made_up_of(&self, other: Number) -> bool {
        let count = self.number.bytes() / other.bytes();
        if count < 2 {
            return false;
        }
        let parts: Vec<Sizes> = (0..count).map(|part| self.sizes_at(other, part, count)).collect();
        let numbers = values(&self.bytes, other).into_iter().step_by(count);
        let different: HashSet<u64> = numbers.map(f64::to_bits).collect();
        let middle = parts[0].middle();
        let is_part = |part: &Sizes| {
            is_narrow(part, FEWEST / 2, WIDE_PART)
                && part.has_few_odd()
                && (part.middle() - middle).abs() <= 2
                && !is_upper_half(other, part)
        };
        different.len() >= 16 && parts.iter().all(is_part)
    }

    /// Whether f16 are bf16. Then the lower bits of the exponents are in the place of the mantissa, so
    /// that nearly all numbers have one of three exponents; and as bf16 each octave has half of what the
    /// next larger one has, as where nothing sets values around 0 apart. f16 around −1 and 1 thin out
    /// faster.
    fn is_bf16(&self, others: &Sizes) -> bool {
        let values = values(&self.bytes, Number::F16);
        let seen = others.seen();
        let count = |is: &dyn Fn(f64) -> bool| values.iter().filter(|value| is(**value)).count();
        let near = count(&|value| (0.5..4.0).contains(&value.abs()));
        let above = count(&|value| value.abs() > 1.0);
        let below_zero = count(&|value| value < 0.0);
        let has_both_signs = (seen / 10..=seen - seen / 10).contains(&below_zero);
        seen >= 8 * FEWEST
            && 50 * near >= 49 * seen
            && 4 * above >= seen
            && (has_both_signs || 5 * (values.len() - seen) >= values.len())
            && others.spread() >= 3
            && others.at(1, 20) - others.at(1, 200) >= 3
    }
}

/// Whether numbers are of sizes that embeddings have, and are not too few to tell.
fn is_narrow(sizes: &Sizes, fewest: usize, octaves: i32) -> bool {
    sizes.seen() >= fewest && sizes.spread() <= octaves && sizes.middle().abs() <= FAR
}

/// Whether numbers look like what f16 makes of the upper halves of wider floats.
fn is_upper_half(number: Number, sizes: &Sizes) -> bool {
    number == Number::F16 && sizes.most().0 >= -1 && sizes.most().1 <= 0
}

fn exponent_bits(number: Number) -> u32 {
    match number {
        Number::F16 => 5,
        Number::F64 => 11,
        _ => 8,
    }
}

#[cfg(test)]
#[path = "bare_type_tests.rs"]
mod tests;
