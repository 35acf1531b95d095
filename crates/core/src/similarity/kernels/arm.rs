//! The kernels of 64-bit Arm. `loops.rs` has the portable implementations that they are tested
//! against.
//!
//! NEON is part of the target. Only the product kernel needs a feature that a CPU may lack: the
//! 8-bit dot products of `dotprod`.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::similarity::kernels::loops::{half_to_f32_baseline, passing_lanes};
use crate::similarity::kernels::types::{EstimateFilter, LANES, LaneTerms, PassedEstimates, Products, STEP};

/// The lanes whose 32-bit sums fit in one register.
const REGISTER: usize = 4;

/// The registers of lanes in a tile. With six rows, 24 of the 32 registers hold sums.
const WIDE: usize = 4;

/// The steps of a row that one register holds.
const STEPS: usize = 4;

/// Computes the products with `sdot`. Both of its operands are signed, so it gets `x − 128` for
/// each value `x` of a row, and the sums start at 128 times the sum of the lane's codes to make up
/// for it.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn products_dotprod(rows: &[&[u8]], panel: &[u32], start: &[i32; LANES], products: &mut Products) {
    const HEIGHT: usize = 6;
    let start = start_of_signed(panel, start);
    let (tall, rest) = rows.as_chunks::<HEIGHT>();
    let (out, out_rest) = products.split_at_mut(tall.len() * HEIGHT);
    for (rows, out) in tall.iter().zip(out.as_chunks_mut::<HEIGHT>().0) {
        tile_dotprod(rows, panel, &start, out);
    }
    for (row, out) in rest.iter().zip(out_rest) {
        tile_dotprod(&[*row], panel, &start, std::array::from_mut(out));
    }
}

/// Returns `start[l] + 128 · Σ_p panel[p / 4][l][p % 4]` for each lane `l`.
#[target_feature(enable = "neon,dotprod")]
fn start_of_signed(panel: &[u32], start: &[i32; LANES]) -> [i32; LANES] {
    let lowest = vdupq_n_s8(i8::MIN);
    let mut sums = [vdupq_n_s32(0); LANES / REGISTER];
    for lanes in panel.as_chunks::<LANES>().0 {
        for (sum, lanes) in sums.iter_mut().zip(lanes.as_chunks().0) {
            *sum = dot::<0>(*sum, load(lanes), lowest);
        }
    }
    let mut out = *start;
    for (out, sum) in out.as_chunks_mut::<REGISTER>().0.iter_mut().zip(sums) {
        // SAFETY: `out` has the four values of a register.
        unsafe { vst1q_s32(out.as_mut_ptr(), vsubq_s32(vld1q_s32(out.as_ptr()), sum)) };
    }
    out
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn tile_dotprod<const HEIGHT: usize>(
    rows: &[&[u8]; HEIGHT],
    panel: &[u32],
    start: &[i32; LANES],
    out: &mut [[i32; LANES]; HEIGHT],
) {
    for first in (0..LANES).step_by(WIDE * REGISTER) {
        // SAFETY: `start` has 32 values, of which four from `first + 4 * w` on are read.
        let start: [int32x4_t; WIDE] =
            std::array::from_fn(|w| unsafe { vld1q_s32(start.as_ptr().add(first + REGISTER * w)) });
        let mut sums = [start; HEIGHT];
        let (whole, rest) = panel.as_chunks::<{ STEPS * LANES }>();
        for (four, lanes) in whole.iter().enumerate() {
            let x = std::array::from_fn(|i| {
                // SAFETY: `Isa::products` has checked that a row has STEP values for each step.
                signed(unsafe { vld1q_u8(rows[i].as_ptr().add(four * STEPS * STEP)) })
            });
            add_step::<0, _>(&mut sums, &x, &lanes[first..]);
            add_step::<1, _>(&mut sums, &x, &lanes[LANES + first..]);
            add_step::<2, _>(&mut sums, &x, &lanes[2 * LANES + first..]);
            add_step::<3, _>(&mut sums, &x, &lanes[3 * LANES + first..]);
        }
        for (step, lanes) in rest.as_chunks::<LANES>().0.iter().enumerate() {
            let x = std::array::from_fn(|i| {
                let at = (whole.len() * STEPS + step) * STEP;
                // SAFETY: as above.
                let x = unsafe { rows[i].as_ptr().add(at).cast::<u32>().read_unaligned() };
                signed(vreinterpretq_u8_u32(vdupq_n_u32(x)))
            });
            add_step::<0, _>(&mut sums, &x, &lanes[first..]);
        }
        for (out, sums) in out.iter_mut().zip(sums) {
            for (w, sums) in sums.into_iter().enumerate() {
                // SAFETY: `out` has 32 values, of which four from `first + 4 * w` on are written.
                unsafe { vst1q_s32(out.as_mut_ptr().add(first + REGISTER * w), sums) };
            }
        }
    }
}

/// Adds the products of one step: the four values at index `AT` of each row's register.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_step<const AT: i32, const HEIGHT: usize>(
    sums: &mut [[int32x4_t; WIDE]; HEIGHT],
    x: &[int8x16_t; HEIGHT],
    lanes: &[u32],
) {
    for (w, lanes) in lanes.as_chunks().0.iter().take(WIDE).enumerate() {
        let lanes = load(lanes);
        for i in 0..HEIGHT {
            sums[i][w] = dot::<AT>(sums[i][w], lanes, x[i]);
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn load(lanes: &[u32; REGISTER]) -> int8x16_t {
    // SAFETY: `lanes` has the four values of a register.
    vreinterpretq_s8_u32(unsafe { vld1q_u32(lanes.as_ptr()) })
}

#[inline]
#[target_feature(enable = "neon")]
fn signed(x: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(0x80)))
}

/// Adds to each sum the dot product of its four values with the four values at index `AT` of `x`.
/// It is written as assembly because the intrinsic is not stable.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const AT: i32>(mut sum: int32x4_t, lanes: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes these registers only.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {lanes:v}.16b, {x:v}.4b[{at}]",
            sum = inout(vreg) sum,
            lanes = in(vreg) lanes,
            x = in(vreg) x,
            at = const AT,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

pub(super) fn estimates_neon(
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
pub(super) fn half_to_f32_neon(half: &[u16], out: &mut [f32]) {
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
    half_to_f32_baseline(rest, out_rest);
}
