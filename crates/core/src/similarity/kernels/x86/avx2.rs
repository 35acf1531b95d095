//! The kernels for AVX2 with fused multiply-add and f16 conversion.

use std::arch::x86_64::*;

use crate::similarity::kernels::loops::half_to_f32_portable;
use crate::similarity::kernels::types::{EstimateFilter, LANES, LaneTerms, PassedEstimates, Products, STEP};

/// The registers that hold a value for each lane.
const WIDE: usize = LANES / 8;

/// Computes the products of codes of up to `LEVELS`.
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
    // SAFETY: eight of 32 values are read, from `8 * w` on.
    let part = |of: &[f32; LANES], w: usize| unsafe { _mm256_loadu_ps(of.as_ptr().add(8 * w)) };
    for ((filter, products), (estimates, passed)) in
        filters.iter().zip(products).zip(out.estimates.iter_mut().zip(&mut out.lanes))
    {
        let scale = _mm256_set1_ps(filter.scale);
        let found: [__m256; WIDE] = std::array::from_fn(|w| {
            // SAFETY: as above.
            let product = unsafe { _mm256_loadu_si256(products.as_ptr().add(8 * w).cast()) };
            let product = _mm256_mul_ps(_mm256_cvtepi32_ps(product), part(lanes.scale, w));
            _mm256_fmadd_ps(product, scale, part(lanes.bias, w))
        });
        *passed = reaching(&found, filter.threshold) & filter.lanes;
        if *passed != 0 {
            let best = highest(&found, filter.lanes);
            *passed = reaching(&found, filter.threshold.max(best - filter.window)) & filter.lanes;
            for (w, found) in found.into_iter().enumerate() {
                // SAFETY: `estimates` has 32 values, of which eight from `8 * w` on are written.
                unsafe { _mm256_storeu_ps(estimates.as_mut_ptr().add(8 * w), found) };
            }
        }
    }
}

/// Returns the lanes that reach a threshold, as bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn reaching(found: &[__m256; WIDE], threshold: f32) -> u32 {
    let threshold = _mm256_set1_ps(threshold);
    found.iter().enumerate().fold(0, |lanes, (w, &found)| {
        let reach = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(found, threshold));
        lanes | reach.cast_unsigned() << (8 * w)
    })
}

/// Returns the highest value of some lanes, which are given as bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn highest(found: &[__m256; WIDE], lanes: u32) -> f32 {
    let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    let mut best = _mm256_set1_ps(f32::NEG_INFINITY);
    for (w, &found) in found.iter().enumerate() {
        let own = _mm256_and_si256(_mm256_set1_epi32((lanes >> (8 * w)).cast_signed()), bits);
        let own = _mm256_castsi256_ps(_mm256_cmpeq_epi32(own, bits));
        best = _mm256_blendv_ps(best, _mm256_max_ps(best, found), own);
    }
    let best = _mm_max_ps(_mm256_castps256_ps128(best), _mm256_extractf128_ps::<1>(best));
    let best = _mm_max_ps(best, _mm_movehl_ps(best, best));
    _mm_cvtss_f32(_mm_max_ss(best, _mm_movehdup_ps(best)))
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::similarity::kernels) fn half_to_f32_f16c(half: &[u16], out: &mut [f32]) {
    let (whole, rest) = half.as_chunks::<8>();
    let (out, out_rest) = out.as_chunks_mut::<8>();
    for (half, out) in whole.iter().zip(out) {
        // SAFETY: both have eight values.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(half.as_ptr().cast()))) };
    }
    half_to_f32_portable(rest, out_rest);
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::similarity::kernels) fn reaching_avx2(estimates: &[f32; LANES], threshold: f32) -> u32 {
    // SAFETY: eight of 32 values are read, from `8 * w` on.
    let found = std::array::from_fn(|w| unsafe { _mm256_loadu_ps(estimates.as_ptr().add(8 * w)) });
    reaching(&found, threshold)
}
