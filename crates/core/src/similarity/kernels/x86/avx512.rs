//! The kernels for AVX-512 with VNNI.

use std::arch::x86_64::*;

use crate::similarity::kernels::tiles::tiles;
use crate::similarity::kernels::types::{EstimateFilter, LANES, LaneTerms, PassedEstimates, Products, STEP};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
pub(in crate::similarity::kernels) fn products_avx512(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    const HEIGHT: usize = 6;
    let (tall, single) = tiles::<HEIGHT>(rows, products);
    tall.for_each(|(rows, out)| tile_avx512(rows, panel, start, out));
    single.for_each(|(rows, out)| tile_avx512(rows, panel, start, out));
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

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
pub(in crate::similarity::kernels) fn estimates_avx512(
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
pub(in crate::similarity::kernels) fn reaching_avx512(estimates: &[f32; LANES], threshold: f32) -> u32 {
    let threshold = _mm512_set1_ps(threshold);
    let half = |h: usize| {
        // SAFETY: 16 of 32 values are read, from 0 or 16 on.
        let estimates = unsafe { _mm512_loadu_ps(estimates.as_ptr().add(16 * h)) };
        u32::from(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(estimates, threshold))
    };
    half(0) | half(1) << 16
}
