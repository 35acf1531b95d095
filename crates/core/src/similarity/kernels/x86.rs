//! The kernels of x86-64. `loops.rs` has the portable implementations that they are tested against.
//!
//! A product kernel works on tiles: a few rows by a few registers of lanes, with all sums in
//! registers over the whole dimension. It uses intrinsics, because the compiler does not keep the
//! sums of the portable loop in registers.

use std::arch::x86_64::*;

use crate::similarity::kernels::loops::{half_to_f32_baseline, passing_lanes};
use crate::similarity::kernels::types::{EstimateFilter, LANES, LaneTerms, PassedEstimates, Products, STEP};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
pub(super) fn estimates_avx512(
    products: &Products,
    filters: &[EstimateFilter],
    lanes: LaneTerms,
    out: &mut PassedEstimates,
) {
    let half = |of: &[f32; LANES], h: usize| {
        // SAFETY: 16 of 32 values are read, from 0 or 16 on.
        unsafe { _mm512_loadu_ps(of.as_ptr().add(16 * h)) }
    };
    let scales = [half(lanes.scale, 0), half(lanes.scale, 1)];
    let biases = [half(lanes.bias, 0), half(lanes.bias, 1)];
    for ((filter, products), (estimates, passed)) in
        filters.iter().zip(products).zip(out.estimates.iter_mut().zip(&mut out.lanes))
    {
        let scale = _mm512_set1_ps(filter.scale);
        let wanted = [filter.lanes as u16, (filter.lanes >> 16) as u16];
        let found: [__m512; 2] = std::array::from_fn(|h| {
            // SAFETY: as above.
            let product = unsafe { _mm512_loadu_epi32(products.as_ptr().add(16 * h)) };
            let product = _mm512_mul_ps(_mm512_cvtepi32_ps(product), scales[h]);
            _mm512_fmadd_ps(product, scale, biases[h])
        });
        let reach = |threshold: f32| {
            let threshold = _mm512_set1_ps(threshold);
            let half = |h: usize| _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(wanted[h], found[h], threshold);
            u32::from(half(0)) | u32::from(half(1)) << 16
        };
        *passed = reach(filter.threshold);
        if *passed != 0 {
            let nothing = _mm512_set1_ps(f32::NEG_INFINITY);
            let best = _mm512_max_ps(
                _mm512_mask_mov_ps(nothing, wanted[0], found[0]),
                _mm512_mask_mov_ps(nothing, wanted[1], found[1]),
            );
            *passed = reach(filter.threshold.max(_mm512_reduce_max_ps(best) - filter.window));
            // SAFETY: `estimates` has 32 values.
            unsafe {
                _mm512_storeu_ps(estimates.as_mut_ptr(), found[0]);
                _mm512_storeu_ps(estimates.as_mut_ptr().add(16), found[1]);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
pub(super) fn reaching_avx512(estimates: &[f32; LANES], threshold: f32) -> u32 {
    let threshold = _mm512_set1_ps(threshold);
    let half = |h: usize| {
        // SAFETY: 16 of 32 values are read, from 0 or 16 on.
        let estimates = unsafe { _mm512_loadu_ps(estimates.as_ptr().add(16 * h)) };
        u32::from(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(estimates, threshold))
    };
    half(0) | half(1) << 16
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn reaching_avx2(estimates: &[f32; LANES], threshold: f32) -> u32 {
    let threshold = _mm256_set1_ps(threshold);
    (0..LANES).step_by(8).fold(0, |lanes, first| {
        // SAFETY: eight of 32 values are read, from a multiple of eight below 32 on.
        let estimates = unsafe { _mm256_loadu_ps(estimates.as_ptr().add(first)) };
        let reached = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(estimates, threshold));
        lanes | reached.cast_unsigned() << first
    })
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn half_to_f32_f16c(half: &[u16], out: &mut [f32]) {
    let (whole, rest) = half.as_chunks::<8>();
    let (out, out_rest) = out.as_chunks_mut::<8>();
    for (half, out) in whole.iter().zip(out) {
        // SAFETY: both have eight values.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(half.as_ptr().cast()))) };
    }
    half_to_f32_baseline(rest, out_rest);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn estimates_avx2(
    products: &Products,
    filters: &[EstimateFilter],
    lanes: LaneTerms,
    out: &mut PassedEstimates,
) {
    for ((filter, products), (estimates, passed)) in
        filters.iter().zip(products).zip(out.estimates.iter_mut().zip(&mut out.lanes))
    {
        let (scale, threshold) = (_mm256_set1_ps(filter.scale), _mm256_set1_ps(filter.threshold));
        *passed = 0;
        for first in (0..LANES).step_by(8) {
            // SAFETY: eight of 32 values are read or written, from a multiple of eight below 32 on.
            unsafe {
                let product = _mm256_loadu_si256(products.as_ptr().add(first).cast());
                let product = _mm256_cvtepi32_ps(product);
                let product = _mm256_mul_ps(product, _mm256_loadu_ps(lanes.scale.as_ptr().add(first)));
                let bias = _mm256_loadu_ps(lanes.bias.as_ptr().add(first));
                let estimate = _mm256_fmadd_ps(product, scale, bias);
                _mm256_storeu_ps(estimates.as_mut_ptr().add(first), estimate);
                let lanes = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(estimate, threshold));
                *passed |= lanes.cast_unsigned() << first;
            }
        }
        if *passed & filter.lanes != 0 {
            *passed = passing_lanes(estimates, filter);
        } else {
            *passed = 0;
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
pub(super) fn products_avx512(rows: &[&[u8]], panel: &[u32], start: &[i32; LANES], products: &mut Products) {
    const HEIGHT: usize = 12;
    let (tall, rest) = rows.as_chunks::<HEIGHT>();
    let (out, out_rest) = products.split_at_mut(tall.len() * HEIGHT);
    for (rows, out) in tall.iter().zip(out.as_chunks_mut::<HEIGHT>().0) {
        tile_avx512(rows, panel, start, out);
    }
    for (row, out) in rest.iter().zip(out_rest) {
        tile_avx512(&[*row], panel, start, std::array::from_mut(out));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
fn tile_avx512<const HEIGHT: usize>(
    rows: &[&[u8]; HEIGHT],
    panel: &[u32],
    start: &[i32; LANES],
    out: &mut [[i32; LANES]; HEIGHT],
) {
    // SAFETY: `start` has 32 values.
    let start = unsafe { [_mm512_loadu_epi32(start.as_ptr()), _mm512_loadu_epi32(start.as_ptr().add(16))] };
    let mut sums = [start; HEIGHT];
    for (step, lanes) in panel.as_chunks::<LANES>().0.iter().enumerate() {
        let lanes = lanes.as_ptr().cast::<i32>();
        // SAFETY: `lanes` has 32 values.
        let lanes = unsafe { [_mm512_loadu_epi32(lanes), _mm512_loadu_epi32(lanes.add(16))] };
        for i in 0..HEIGHT {
            // SAFETY: `Isa::products` has checked that a row has STEP values for each step.
            let x = unsafe { rows[i].as_ptr().add(step * STEP).cast::<i32>().read_unaligned() };
            let x = _mm512_set1_epi32(x);
            sums[i] =
                [_mm512_dpbusd_epi32(sums[i][0], x, lanes[0]), _mm512_dpbusd_epi32(sums[i][1], x, lanes[1])];
        }
    }
    for (out, sums) in out.iter_mut().zip(sums) {
        // SAFETY: `out` has 32 values.
        unsafe {
            _mm512_storeu_epi32(out.as_mut_ptr(), sums[0]);
            _mm512_storeu_epi32(out.as_mut_ptr().add(16), sums[1]);
        }
    }
}

#[target_feature(enable = "avx2,fma,avxvnni")]
pub(super) fn products_avxvnni(rows: &[&[u8]], panel: &[u32], start: &[i32; LANES], products: &mut Products) {
    const HEIGHT: usize = 3;
    let (tall, rest) = rows.as_chunks::<HEIGHT>();
    let (out, out_rest) = products.split_at_mut(tall.len() * HEIGHT);
    for (rows, out) in tall.iter().zip(out.as_chunks_mut::<HEIGHT>().0) {
        tile_avxvnni(rows, panel, start, out);
    }
    for (row, out) in rest.iter().zip(out_rest) {
        tile_avxvnni(&[*row], panel, start, std::array::from_mut(out));
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,avxvnni")]
fn tile_avxvnni<const HEIGHT: usize>(
    rows: &[&[u8]; HEIGHT],
    panel: &[u32],
    start: &[i32; LANES],
    out: &mut [[i32; LANES]; HEIGHT],
) {
    const WIDE: usize = LANES / 8;
    // SAFETY: `start` has 32 values, of which eight from `8 * w` on are read.
    let start: [__m256i; WIDE] =
        std::array::from_fn(|w| unsafe { _mm256_loadu_si256(start.as_ptr().add(8 * w).cast()) });
    let mut sums = [start; HEIGHT];
    for (step, lanes) in panel.as_chunks::<LANES>().0.iter().enumerate() {
        // SAFETY: `Isa::products` has checked that a row has STEP values for each step.
        let x: [__m256i; HEIGHT] = std::array::from_fn(|i| unsafe {
            _mm256_set1_epi32(rows[i].as_ptr().add(step * STEP).cast::<i32>().read_unaligned())
        });
        let lanes: [__m256i; WIDE] = std::array::from_fn(|w| {
            // SAFETY: `lanes` has 32 values, of which eight from `8 * w` on are read.
            unsafe { _mm256_loadu_si256(lanes.as_ptr().add(8 * w).cast()) }
        });
        for (sums, x) in sums.iter_mut().zip(x) {
            for (sum, lanes) in sums.iter_mut().zip(lanes) {
                *sum = _mm256_dpbusd_avx_epi32(*sum, x, lanes);
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(sums) {
        for (w, sums) in sums.into_iter().enumerate() {
            // SAFETY: `out` has 32 values, of which eight from `8 * w` on are written.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(8 * w).cast(), sums) };
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn products_avx2(rows: &[&[u8]], panel: &[u32], start: &[i32; LANES], products: &mut Products) {
    const HEIGHT: usize = 3;
    let (tall, rest) = rows.as_chunks::<HEIGHT>();
    let (out, out_rest) = products.split_at_mut(tall.len() * HEIGHT);
    for (rows, out) in tall.iter().zip(out.as_chunks_mut::<HEIGHT>().0) {
        tile_avx2(rows, panel, start, out);
    }
    for (row, out) in rest.iter().zip(out_rest) {
        tile_avx2(&[*row], panel, start, std::array::from_mut(out));
    }
}

/// Widens the codes to 16 bits, because the 8-bit multiplication of AVX2 would overflow. A register
/// holds four values of each of four lanes, and two partial sums of each lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn tile_avx2<const HEIGHT: usize>(
    rows: &[&[u8]; HEIGHT],
    panel: &[u32],
    start: &[i32; LANES],
    out: &mut [[i32; LANES]; HEIGHT],
) {
    const WIDE: usize = 4;
    for first in (0..LANES).step_by(4 * WIDE) {
        let mut sums = [[_mm256_setzero_si256(); WIDE]; HEIGHT];
        for (step, lanes) in panel.as_chunks::<LANES>().0.iter().enumerate() {
            let lanes: [__m256i; WIDE] = std::array::from_fn(|w| {
                // SAFETY: `lanes` has 32 values, of which four from `first + 4 * w` on are read.
                let four = unsafe { _mm_loadu_si128(lanes.as_ptr().add(first + 4 * w).cast()) };
                _mm256_cvtepi8_epi16(four)
            });
            for i in 0..HEIGHT {
                // SAFETY: `Isa::products` has checked that a row has STEP values for each step.
                let x = unsafe { rows[i].as_ptr().add(step * STEP).cast::<i32>().read_unaligned() };
                let x = _mm256_cvtepu8_epi16(_mm_set1_epi32(x));
                for w in 0..WIDE {
                    sums[i][w] = _mm256_add_epi32(sums[i][w], _mm256_madd_epi16(x, lanes[w]));
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(sums) {
            for (w, pairs) in sums.into_iter().enumerate() {
                let mut two = [0i32; 8];
                // SAFETY: `two` has the eight values of a register.
                unsafe { _mm256_storeu_si256(two.as_mut_ptr().cast(), pairs) };
                for l in 0..4 {
                    let lane = first + 4 * w + l;
                    out[lane] = start[lane].wrapping_add(two[2 * l]).wrapping_add(two[2 * l + 1]);
                }
            }
        }
    }
}
