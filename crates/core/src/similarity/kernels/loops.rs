//! The portable loops. Some are compiled for each instruction set. The others (`*_portable`) run
//! where no special kernel exists, and are the reference for those in `x86/` and `arm/`.

use crate::similarity::kernels::types::{
    CodeSummary, EstimateFilter, Highest, LANES, LaneTerms, PARTIAL_SUMS, PassedEstimates, Products,
    RowToEncode, STEP,
};

#[inline(always)]
fn multiply_add<const FUSED: bool>(x: f32, y: f32, sum: f32) -> f32 {
    if FUSED { x.mul_add(y, sum) } else { x * y + sum }
}

#[inline(always)]
pub(super) fn dot_loop<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; PARTIAL_SUMS];
    let (whole_a, rest_a) = a.as_chunks::<PARTIAL_SUMS>();
    let (whole_b, rest_b) = b.as_chunks::<PARTIAL_SUMS>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for l in 0..PARTIAL_SUMS {
            sums[l] = multiply_add::<FUSED>(a[l], b[l], sums[l]);
        }
    }
    for (sum, (&a, &b)) in sums.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *sum = multiply_add::<FUSED>(a, b, *sum);
    }
    add_up(sums)
}

#[inline(always)]
pub(super) fn squared_distance_loop<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; PARTIAL_SUMS];
    let (whole_a, rest_a) = a.as_chunks::<PARTIAL_SUMS>();
    let (whole_b, rest_b) = b.as_chunks::<PARTIAL_SUMS>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for l in 0..PARTIAL_SUMS {
            sums[l] = multiply_add::<FUSED>(a[l] - b[l], a[l] - b[l], sums[l]);
        }
    }
    for (sum, (&a, &b)) in sums.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *sum = multiply_add::<FUSED>(a - b, a - b, *sum);
    }
    add_up(sums)
}

#[inline(always)]
fn add_up<const MANY: usize>(sums: [f32; MANY]) -> f32 {
    fold(sums, |a, b| a + b)
}

/// Combines a power of two of values, half with half, a shape that the compiler vectorizes.
#[inline(always)]
fn fold<const MANY: usize>(mut values: [f32; MANY], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = MANY / 2;
    while half > 0 {
        for l in 0..half {
            values[l] = combine(values[l], values[l + half]);
        }
        half /= 2;
    }
    values[0]
}

#[inline(always)]
pub(super) fn norm_loop<const FUSED: bool>(row: &[f32]) -> f64 {
    const WIDE: usize = 16;
    let mut sums = [0.0f64; WIDE];
    let (whole, rest) = row.as_chunks::<WIDE>();
    for chunk in whole {
        for l in 0..WIDE {
            sums[l] += f64::from(chunk[l]) * f64::from(chunk[l]);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += f64::from(x) * f64::from(x);
    }
    sums.iter().sum::<f64>().sqrt()
}

#[inline(always)]
pub(super) fn scale_loop<const FUSED: bool>(row: &mut [f32], by: f64) {
    if by == 1.0 {
        row.iter_mut().for_each(|x| *x += 0.0);
    } else {
        row.iter_mut().for_each(|x| *x = (f64::from(*x) * by) as f32 + 0.0);
    }
}

#[inline(always)]
pub(super) fn add_loop<const FUSED: bool>(sum: &mut [f64], row: &[f32]) {
    for (sum, &x) in sum.iter_mut().zip(row) {
        *sum += f64::from(x);
    }
}

/// Returns the highest and the second highest of the estimates of all lanes.
#[inline(always)]
pub(super) fn two_highest_loop<const FUSED: bool>(of: &Highest) -> (f32, f32) {
    let Highest { mut first, mut second } = *of;
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            let (a, b) = (first[l], first[l + half]);
            let lower = if a < b { a } else { b };
            first[l] = if a < b { b } else { a };
            let (a, b) = (second[l], second[l + half]);
            let others = if a < b { b } else { a };
            second[l] = if lower > others { lower } else { others };
        }
        half /= 2;
    }
    (first[0], second[0])
}

/// The values that [`encode_loop`] processes at a time.
const WIDE: usize = 32;

/// Passes rows of equal length to `work` chunk by chunk. Zeros fill the last chunk.
#[inline(always)]
fn by_chunks<const ROWS: usize>(rows: [&[f32]; ROWS], mut work: impl FnMut(usize, [&[f32; WIDE]; ROWS])) {
    let chunks = rows.map(|row| row.as_chunks::<WIDE>());
    let whole = rows[0].len() / WIDE;
    for c in 0..whole {
        work(c, chunks.map(|(whole, _)| &whole[c]));
    }
    if !chunks[0].1.is_empty() {
        let last = chunks.map(|(_, rest)| {
            let mut last = [0.0; WIDE];
            last[..rest.len()].copy_from_slice(rest);
            last
        });
        work(whole, last.each_ref());
    }
}

/// Encodes a row such that `row ≈ reference + scale · (code − levels)`, with codes up to `2 ·
/// levels`.
#[inline(always)]
pub(super) fn encode_loop<const FUSED: bool>(levels: u8, of: RowToEncode, codes: &mut [u8]) -> CodeSummary {
    let RowToEncode { row, reference, origin } = of;
    let mut largest = [0.0f32; WIDE];
    let mut bias = [[0.0f32; WIDE]; PARTIAL_SUMS / WIDE];
    let mut square = [0.0f32; WIDE];
    by_chunks([row, reference, origin], |c, [x, r, o]| {
        let bias = &mut bias[c % (PARTIAL_SUMS / WIDE)];
        for l in 0..WIDE {
            let difference = x[l] - r[l];
            let size = difference.abs();
            largest[l] = if size > largest[l] { size } else { largest[l] };
            bias[l] = multiply_add::<FUSED>(difference, o[l], bias[l]);
            square[l] = multiply_add::<FUSED>(difference, difference, square[l]);
        }
    });
    let largest = fold(largest, |a, b| if a > b { a } else { b });
    let scale = largest / f32::from(levels);
    // A scale whose inverse would overflow counts as no difference.
    let per_step = if scale > f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 };
    // Adding this number rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let (mut norm, mut error, mut sum) = ([0.0f32; WIDE], [0.0f32; WIDE], [0i32; WIDE]);
    by_chunks([row, reference], |c, [x, r]| {
        let mut bytes = [0u8; WIDE];
        for l in 0..WIDE {
            let difference = x[l] - r[l];
            // This is never fused, so that the codes are the same everywhere.
            let shifted = difference * per_step + ROUND;
            let value = (shifted - ROUND) * scale;
            norm[l] = multiply_add::<FUSED>(value, value, norm[l]);
            error[l] = multiply_add::<FUSED>(difference - value, difference - value, error[l]);
            let code = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
            sum[l] = sum[l].wrapping_add(code);
            bytes[l] = code.wrapping_add(i32::from(levels)) as u8;
        }
        let out = &mut codes[c * WIDE..];
        match out.first_chunk_mut() {
            Some(out) => *out = bytes,
            None => out.copy_from_slice(&bytes[..out.len()]),
        }
    });
    CodeSummary {
        scale,
        bias: add_up::<PARTIAL_SUMS>(std::array::from_fn(|l| bias[l / WIDE][l % WIDE])),
        half_square: add_up(square) / 2.0,
        norm: add_up(norm).sqrt(),
        error: add_up(error).sqrt(),
        sum: sum.iter().fold(0, |a, &b| a.wrapping_add(b)),
    }
}

pub(super) fn half_to_f32_portable(half: &[u16], out: &mut [f32]) {
    for (out, &bits) in out.iter_mut().zip(half) {
        let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1F, bits & 0x3FF);
        let size = match exponent {
            0 => f32::from(fraction) * 2f32.powi(-24),
            0x1F if fraction == 0 => f32::INFINITY,
            0x1F => f32::NAN,
            _ => f32::from_bits((u32::from(exponent) + 112) << 23 | u32::from(fraction) << 13),
        };
        *out = if sign == 1 { -size } else { size };
    }
}

/// The portable version of `Isa::estimate`.
pub(super) fn estimates_portable(
    products: &Products,
    filters: &[EstimateFilter],
    lanes: LaneTerms,
    out: &mut PassedEstimates,
) {
    for ((filter, products), (estimates, passed)) in
        filters.iter().zip(products).zip(out.estimates.iter_mut().zip(&mut out.lanes))
    {
        for l in 0..LANES {
            estimates[l] = products[l] as f32 * lanes.scale[l] * filter.scale + lanes.bias[l];
        }
        *passed = passing_lanes(estimates, filter);
    }
}

/// Estimates a panel for some queries. Query `i` has its estimates at `i * stride` of `estimates`.
#[inline(always)]
pub(super) fn estimate_all_loop<const FUSED: bool>(
    products: &Products,
    scales: &[f32],
    lanes: LaneTerms,
    stride: usize,
    estimates: &mut [[f32; LANES]],
    highest: &mut [Highest],
) {
    let rows = products.iter().zip(scales).zip(estimates.iter_mut().step_by(stride)).zip(highest);
    for (((products, &scale), estimates), highest) in rows {
        for l in 0..LANES {
            let estimate = multiply_add::<FUSED>(products[l] as f32 * lanes.scale[l], scale, lanes.bias[l]);
            let first = highest.first[l];
            let lower = if estimate < first { estimate } else { first };
            highest.first[l] = if estimate > first { estimate } else { first };
            highest.second[l] = if lower > highest.second[l] { lower } else { highest.second[l] };
            estimates[l] = estimate;
        }
    }
}

/// The portable version of `Isa::reaching`.
pub(super) fn reaching_portable(estimates: &[f32; LANES], threshold: f32) -> u32 {
    let any = estimates.iter().fold(false, |any, &estimate| any | (estimate >= threshold));
    let bit = |l: usize| u32::from(estimates[l] >= threshold) << l;
    if any { (0..LANES).fold(0, |lanes, l| lanes | bit(l)) } else { 0 }
}

/// Returns the lanes whose estimates pass the filter, as bits.
pub(super) fn passing_lanes(estimates: &[f32; LANES], filter: &EstimateFilter) -> u32 {
    let wanted = |l: &usize| filter.lanes >> l & 1 == 1;
    let best = (0..LANES).filter(wanted).map(|l| estimates[l]).fold(f32::NEG_INFINITY, f32::max);
    if best < filter.threshold {
        return 0;
    }
    let threshold = filter.threshold.max(best - filter.window);
    (0..LANES).filter(wanted).fold(0, |lanes, l| lanes | u32::from(estimates[l] >= threshold) << l)
}

/// The portable version of `Isa::products`, in a shape that the compiler vectorizes.
pub(super) fn products_portable(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    for (row, sums) in rows.iter().zip(products) {
        *sums = *start;
        for (x, lanes) in row.as_chunks::<STEP>().0.iter().zip(panel.as_chunks::<LANES>().0) {
            let x = x.map(i16::from);
            for (sum, lane) in sums.iter_mut().zip(lanes) {
                let lane = lane.to_le_bytes().map(|byte| i16::from(byte.cast_signed()));
                let four = (0..STEP).map(|j| i32::from(x[j]) * i32::from(lane[j])).sum();
                *sum = sum.wrapping_add(four);
            }
        }
    }
}
