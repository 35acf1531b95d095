//! The plain loops: compiled for each instruction set, or used where there is no other kernel. They are the slow twins of
//! those in `x86.rs` and `arm.rs`.

use crate::similarity::kernels::types::{Bar, Encoded, LANES, Lanes, PARTS, Products, Reached, STEP};

#[inline(always)]
fn multiply_add<const FUSED: bool>(x: f32, y: f32, sum: f32) -> f32 {
    if FUSED { x.mul_add(y, sum) } else { x * y + sum }
}

#[inline(always)]
pub(super) fn dot_loop<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; PARTS];
    let (whole_a, rest_a) = a.as_chunks::<PARTS>();
    let (whole_b, rest_b) = b.as_chunks::<PARTS>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for l in 0..PARTS {
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
    let mut sums = [0.0f32; PARTS];
    let (whole_a, rest_a) = a.as_chunks::<PARTS>();
    let (whole_b, rest_b) = b.as_chunks::<PARTS>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for l in 0..PARTS {
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

/// By halves, which the compiler makes vectors of; of a power of two.
#[inline(always)]
fn fold<const MANY: usize>(mut values: [f32; MANY], two: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = MANY / 2;
    while half > 0 {
        for l in 0..half {
            values[l] = two(values[l], values[l + half]);
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

/// Values that [`encode_loop`] works on at a time.
const WIDE: usize = 32;

/// Hands over rows of one length chunk by chunk, zeros where they end.
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

/// `row ≈ reference + scale · (code − 128)`, codes in 1..=255.
#[inline(always)]
pub(super) fn encode_loop<const FUSED: bool>(
    row: &[f32],
    reference: &[f32],
    origin: &[f32],
    codes: &mut [u8],
) -> Encoded {
    let mut largest = [0.0f32; WIDE];
    let mut bias = [[0.0f32; WIDE]; PARTS / WIDE];
    let mut square = [0.0f32; WIDE];
    by_chunks([row, reference, origin], |c, [x, r, o]| {
        let bias = &mut bias[c % (PARTS / WIDE)];
        for l in 0..WIDE {
            let difference = x[l] - r[l];
            let size = difference.abs();
            largest[l] = if size > largest[l] { size } else { largest[l] };
            bias[l] = multiply_add::<FUSED>(difference, o[l], bias[l]);
            square[l] = multiply_add::<FUSED>(difference, difference, square[l]);
        }
    });
    let largest = fold(largest, |a, b| if a > b { a } else { b });
    let scale = largest / 127.0;
    // A difference so small that its inverse overflows is no difference.
    let per_step = if scale > f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 };
    // Adding this rounds to a whole number, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let (mut norm, mut error, mut sum) = ([0.0f32; WIDE], [0.0f32; WIDE], [0i32; WIDE]);
    by_chunks([row, reference], |c, [x, r]| {
        let mut bytes = [0u8; WIDE];
        for l in 0..WIDE {
            let difference = x[l] - r[l];
            let shifted = multiply_add::<FUSED>(difference, per_step, ROUND);
            let value = (shifted - ROUND) * scale;
            norm[l] = multiply_add::<FUSED>(value, value, norm[l]);
            error[l] = multiply_add::<FUSED>(difference - value, difference - value, error[l]);
            let code = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
            sum[l] = sum[l].wrapping_add(code);
            bytes[l] = code.wrapping_add(128) as u8;
        }
        let out = &mut codes[c * WIDE..];
        match out.first_chunk_mut() {
            Some(out) => *out = bytes,
            None => out.copy_from_slice(&bytes[..out.len()]),
        }
    });
    Encoded {
        scale,
        bias: add_up::<PARTS>(std::array::from_fn(|l| bias[l / WIDE][l % WIDE])),
        half_square: add_up(square) / 2.0,
        norm: add_up(norm).sqrt(),
        error: add_up(error).sqrt(),
        sum: sum.iter().fold(0, |a, &b| a.wrapping_add(b)),
    }
}

pub(super) fn half_to_f32_baseline(half: &[u16], out: &mut [f32]) {
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

/// The estimates of every other target.
pub(super) fn estimates_baseline(products: &Products, queries: &[Bar], lanes: Lanes, out: &mut Reached) {
    for ((query, products), (estimates, reached)) in
        queries.iter().zip(products).zip(out.estimates.iter_mut().zip(&mut out.lanes))
    {
        for l in 0..LANES {
            estimates[l] = products[l] as f32 * lanes.scale[l] * query.scale + lanes.bias[l];
        }
        *reached = of_use(estimates, query);
    }
}

/// The lanes whose estimates are of use.
pub(super) fn of_use(estimates: &[f32; LANES], query: &Bar) -> u32 {
    let wanted = |l: &usize| query.lanes >> l & 1 == 1;
    let best = (0..LANES).filter(wanted).map(|l| estimates[l]).fold(f32::NEG_INFINITY, f32::max);
    if best < query.threshold {
        return 0;
    }
    let threshold = query.threshold.max(best - query.window);
    (0..LANES).filter(wanted).fold(0, |lanes, l| lanes | u32::from(estimates[l] >= threshold) << l)
}

/// The products of every other target, shaped for the compiler's vectoriser; the slow twin of the others.
pub(super) fn products_baseline(
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
