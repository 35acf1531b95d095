//! The kernels for AVX2 with fused multiply-add and f16 conversion.

use std::arch::x86_64::*;

use crate::similarity::kernels::loops::{half_to_f32_baseline, passing_lanes};
use crate::similarity::kernels::types::{EstimateFilter, LANES, LaneTerms, PassedEstimates, Products, STEP};

/// The largest size of a signed code for this instruction set. `vpmaddubsw` adds two products in a
/// saturating 16-bit sum: an unsigned code of up to 180, times a signed one of up to 90, twice, is
/// 32,400 at most, which fits.
pub(in crate::similarity::kernels) const LEVELS: u8 = 90;

const _: () = assert!(2 * (2 * LEVELS as i32) * LEVELS as i32 <= i16::MAX as i32);

/// Computes the products of codes of up to [`LEVELS`].
///
/// A row needs few registers, because the lanes are operands in the first-level cache. Tiles of
/// more rows were no faster.
#[target_feature(enable = "avx2,fma")]
pub(in crate::similarity::kernels) fn products_avx2(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    const WIDE: usize = LANES / 8;
    let ones = _mm256_set1_epi16(1);
    for (row, out) in rows.iter().zip(products) {
        // SAFETY: `start` has 32 values, of which eight from `8 * w` on are read.
        let mut sums: [__m256i; WIDE] =
            std::array::from_fn(|w| unsafe { _mm256_loadu_si256(start.as_ptr().add(8 * w).cast()) });
        for (step, lanes) in panel.as_chunks::<LANES>().0.iter().enumerate() {
            // SAFETY: `Isa::products` has checked that a row has STEP values for each step.
            let x = unsafe { row.as_ptr().add(step * STEP).cast::<i32>().read_unaligned() };
            let x = _mm256_set1_epi32(x);
            for (w, sum) in sums.iter_mut().enumerate() {
                // SAFETY: `lanes` has 32 values, of which eight from `8 * w` on are read.
                let lanes = unsafe { _mm256_loadu_si256(lanes.as_ptr().add(8 * w).cast()) };
                let pairs = _mm256_maddubs_epi16(x, lanes);
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
            }
        }
        for (w, sum) in sums.into_iter().enumerate() {
            // SAFETY: `out` has 32 values, of which eight from `8 * w` on are written.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(8 * w).cast(), sum) };
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::similarity::kernels) fn estimates_avx2(
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

#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::similarity::kernels) fn half_to_f32_f16c(half: &[u16], out: &mut [f32]) {
    let (whole, rest) = half.as_chunks::<8>();
    let (out, out_rest) = out.as_chunks_mut::<8>();
    for (half, out) in whole.iter().zip(out) {
        // SAFETY: both have eight values.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(half.as_ptr().cast()))) };
    }
    half_to_f32_baseline(rest, out_rest);
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::similarity::kernels) fn reaching_avx2(estimates: &[f32; LANES], threshold: f32) -> u32 {
    let threshold = _mm256_set1_ps(threshold);
    (0..LANES).step_by(8).fold(0, |lanes, first| {
        // SAFETY: eight of 32 values are read, from a multiple of eight below 32 on.
        let estimates = unsafe { _mm256_loadu_ps(estimates.as_ptr().add(first)) };
        let reached = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(estimates, threshold));
        lanes | reached.cast_unsigned() << first
    })
}
