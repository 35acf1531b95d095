//! The kernels of 64-bit Arm that need NEON only, which is part of the target.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::similarity::kernels::loops::{half_to_f32_portable, passing_lanes};
use crate::similarity::kernels::types::{EstimateFilter, LANES, LaneTerms, PassedEstimates, Products, STEP};

/// The lanes whose 32-bit sums fit in one register.
pub(super) const REGISTER: usize = 4;

/// The registers that hold two sums of each lane.
const WIDE: usize = 2 * LANES / REGISTER;

/// Computes the products with `smull`, `smlal` and `sadalp`. The products are signed, so a row gets
/// `x − 128` for each value `x`. The products of two steps fit in 16 bits: they are at most `2 · 128
/// · 127`.
#[target_feature(enable = "neon")]
pub(in crate::similarity::kernels) fn products_neon(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    let start = start_of_signed(panel, start);
    let (pairs, last) = panel.as_chunks::<{ 2 * LANES }>();
    for (row, out) in rows.iter().zip(products) {
        let (values, last_value) = row.as_chunks::<{ 2 * STEP }>();
        let mut sums = [vdupq_n_s32(0); WIDE];
        for (x, lanes) in values.iter().zip(pairs) {
            let (first, second) = lanes.split_at(LANES);
            add_steps(&mut sums, [&x[..STEP], &x[STEP..]], [first, second]);
        }
        if !last.is_empty() {
            add_steps(&mut sums, [last_value, last_value], [last, &[0; LANES]]);
        }
        for (w, two) in sums.as_chunks::<2>().0.iter().enumerate() {
            // SAFETY: four of 32 values are read and written, from `4 * w` on.
            unsafe {
                let start = vld1q_s32(start.as_ptr().add(REGISTER * w));
                let sum = vaddq_s32(start, vpaddq_s32(two[0], two[1]));
                vst1q_s32(out.as_mut_ptr().add(REGISTER * w), sum);
            }
        }
    }
}

/// Adds the products of two steps. A register of `sums` holds two sums of each of two lanes.
#[inline]
#[target_feature(enable = "neon")]
fn add_steps(sums: &mut [int32x4_t; WIDE], x: [&[u8]; 2], lanes: [&[u32]; 2]) {
    let x = x.map(|x| signed(vreinterpretq_u8_u32(vdupq_n_u32(word(x)))));
    let [first, second] = lanes.map(|lanes| lanes.as_chunks().0);
    for ((sums, first), second) in sums.as_chunks_mut::<2>().0.iter_mut().zip(first).zip(second) {
        let (first, second) = (load(first), load(second));
        let low = vmull_s8(vget_low_s8(first), vget_low_s8(x[0]));
        let low = vmlal_s8(low, vget_low_s8(second), vget_low_s8(x[1]));
        let high = vmlal_high_s8(vmull_high_s8(first, x[0]), second, x[1]);
        sums[0] = vpadalq_s16(sums[0], low);
        sums[1] = vpadalq_s16(sums[1], high);
    }
}

/// Returns the values of one step as a word.
fn word(values: &[u8]) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| values[i]))
}

/// Returns `start[l] + 128 · Σ_p panel[p / 4][l][p % 4]` for each lane `l`. These are the start
/// values for rows whose values are lowered by 128.
#[target_feature(enable = "neon")]
pub(super) fn start_of_signed(panel: &[u32], start: &[i32; LANES]) -> [i32; LANES] {
    let mut sums = [vdupq_n_s32(0); LANES / REGISTER];
    for lanes in panel.as_chunks::<LANES>().0 {
        for (sum, lanes) in sums.iter_mut().zip(lanes.as_chunks().0) {
            *sum = vpadalq_s16(*sum, vpaddlq_s8(load(lanes)));
        }
    }
    let mut out = *start;
    for (out, sum) in out.as_chunks_mut::<REGISTER>().0.iter_mut().zip(sums) {
        // SAFETY: `out` has the four values of a register.
        unsafe { vst1q_s32(out.as_mut_ptr(), vaddq_s32(vld1q_s32(out.as_ptr()), vshlq_n_s32::<7>(sum))) };
    }
    out
}

/// Loads the codes of four lanes.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load(lanes: &[u32; REGISTER]) -> int8x16_t {
    // SAFETY: `lanes` has the four values of a register.
    vreinterpretq_s8_u32(unsafe { vld1q_u32(lanes.as_ptr()) })
}

/// Subtracts 128 from each value.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn signed(x: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(0x80)))
}

pub(in crate::similarity::kernels) fn estimates_neon(
    products: &Products,
    filters: &[EstimateFilter],
    lanes: LaneTerms,
    out: &mut PassedEstimates,
) {
    for ((filter, products), (estimates, passed)) in
        filters.iter().zip(products).zip(out.estimates.iter_mut().zip(&mut out.lanes))
    {
        // SAFETY: NEON is part of the target; four of 32 values are read or written, from a
        // multiple of four below 32 on.
        *passed = unsafe {
            let threshold = vdupq_n_f32(filter.threshold);
            let mut bits = vdupq_n_u32(0);
            for first in (0..LANES).step_by(REGISTER) {
                let product = vcvtq_f32_s32(vld1q_s32(products.as_ptr().add(first)));
                let product = vmulq_f32(product, vld1q_f32(lanes.scale.as_ptr().add(first)));
                let bias = vld1q_f32(lanes.bias.as_ptr().add(first));
                let estimate = vfmaq_n_f32(bias, product, filter.scale);
                vst1q_f32(estimates.as_mut_ptr().add(first), estimate);
                let own: [u32; REGISTER] = std::array::from_fn(|l| 1 << (first + l));
                let own = vandq_u32(vld1q_u32(own.as_ptr()), vcgeq_f32(estimate, threshold));
                bits = vorrq_u32(bits, own);
            }
            // No two lanes share a bit.
            vaddvq_u32(bits)
        };
        *passed = if *passed & filter.lanes == 0 { 0 } else { passing_lanes(estimates, filter) };
    }
}

/// Converts f16 numbers. It is written as assembly: every CPU of the target has the instruction,
/// but the intrinsic is not stable.
pub(in crate::similarity::kernels) fn half_to_f32_neon(half: &[u16], out: &mut [f32]) {
    let (whole, rest) = half.as_chunks::<REGISTER>();
    let (out, out_rest) = out.as_chunks_mut::<REGISTER>();
    for (half, out) in whole.iter().zip(out) {
        // SAFETY: both have four values; the instruction writes its register and flags of floating
        // point only.
        unsafe {
            let half = vld1_u16(half.as_ptr());
            let four: float32x4_t;
            asm!(
                "fcvtl {four:v}.4s, {half:v}.4h",
                four = out(vreg) four,
                half = in(vreg) half,
                options(pure, nomem, nostack),
            );
            vst1q_f32(out.as_mut_ptr(), four);
        }
    }
    half_to_f32_portable(rest, out_rest);
}
