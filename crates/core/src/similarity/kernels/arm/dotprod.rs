//! The product kernel for 64-bit Arm with the 8-bit dot products of `dotprod`.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::similarity::kernels::arm::neon::{REGISTER, load, signed, start_of_signed};
use crate::similarity::kernels::tiles::tiles;
use crate::similarity::kernels::types::{LANES, Products, STEP};

/// The registers of lanes in a tile. With six rows, 24 of the 32 registers hold sums.
const WIDE: usize = 4;

/// The steps of a row that one register holds.
const STEPS: usize = 4;

/// Computes the products with `sdot`. Both of its operands are signed, so it gets `x − 128` for
/// each value `x` of a row, and the sums start at 128 times the sum of the lane's codes to make up
/// for it.
#[target_feature(enable = "neon,dotprod")]
pub(in crate::similarity::kernels) fn products_dotprod(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    const HEIGHT: usize = 6;
    let start = start_of_signed(panel, start);
    let (tall, single) = tiles::<HEIGHT>(rows, products);
    tall.for_each(|(rows, out)| tile_dotprod(rows, panel, &start, out));
    single.for_each(|(rows, out)| tile_dotprod(rows, panel, &start, out));
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
