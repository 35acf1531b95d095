//! The product kernel for 64-bit Arm with the 8-bit matrix products of `i8mm`.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::similarity::kernels::arm::neon::{REGISTER, load};
use crate::similarity::kernels::types::{LANES, Products, STEP};

/// The registers of lanes in a tile. With four rows, 16 of the 32 registers hold sums.
const WIDE: usize = 4;

/// The rows of a tile, in pairs.
const HEIGHT: usize = 4;

/// The sums of each pair of rows with each pair of lanes. A register holds two sums of the first row,
/// then two of the second.
type Sums = [[int32x4_t; 2 * WIDE]; HEIGHT / 2];

/// Computes the products with `usmmla`, which multiplies eight values of each of two rows with
/// eight values of each of two lanes.
#[target_feature(enable = "neon,i8mm")]
pub(in crate::similarity::kernels) fn products_i8mm(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    for (rows, out) in rows.chunks(HEIGHT).zip(products.chunks_mut(HEIGHT)) {
        // A shorter tile repeats its last row.
        let tile = std::array::from_fn(|i| rows[i.min(rows.len() - 1)]);
        let mut sums = [[0; LANES]; HEIGHT];
        tile_i8mm(&tile, panel, start, &mut sums);
        out[..rows.len()].copy_from_slice(&sums[..rows.len()]);
    }
}

#[target_feature(enable = "neon,i8mm")]
fn tile_i8mm(rows: &[&[u8]; HEIGHT], panel: &[u32], start: &[i32; LANES], out: &mut [[i32; LANES]; HEIGHT]) {
    let (pairs, last) = panel.as_chunks::<{ 2 * LANES }>();
    for first in (0..LANES).step_by(WIDE * REGISTER) {
        let start = std::array::from_fn(|p| {
            // SAFETY: `start` has 32 values, of which two from `first + 2 * p` on are read.
            let two = unsafe { vld1_s32(start.as_ptr().add(first + 2 * p)) };
            vcombine_s32(two, two)
        });
        let mut sums: Sums = [start; HEIGHT / 2];
        for (step, lanes) in pairs.iter().enumerate() {
            // SAFETY: `Isa::products` has checked that a row has STEP values for each step, and here
            // are two steps.
            let x = rows.map(|row| unsafe { vld1_u8(row.as_ptr().add(step * 2 * STEP)) });
            add_steps(&mut sums, &x, [&lanes[first..], &lanes[LANES + first..]]);
        }
        if !last.is_empty() {
            // The second step is zeros.
            let x = rows.map(|row| {
                // SAFETY: as above, with one step left.
                let x = unsafe { row.as_ptr().add(pairs.len() * 2 * STEP).cast::<u32>().read_unaligned() };
                vcreate_u8(u64::from(x))
            });
            add_steps(&mut sums, &x, [&last[first..], &last[first..]]);
        }
        for (i, sums) in sums.iter().enumerate() {
            for (p, &four) in sums.iter().enumerate() {
                // SAFETY: a row of `out` has 32 values, of which two from `first + 2 * p` on are
                // written.
                unsafe {
                    vst1_s32(out[2 * i].as_mut_ptr().add(first + 2 * p), vget_low_s32(four));
                    vst1_s32(out[2 * i + 1].as_mut_ptr().add(first + 2 * p), vget_high_s32(four));
                }
            }
        }
    }
}

/// Adds the products of two steps.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn add_steps(sums: &mut Sums, rows: &[uint8x8_t; HEIGHT], lanes: [&[u32]; 2]) {
    let x: [uint8x16_t; HEIGHT / 2] = std::array::from_fn(|i| vcombine_u8(rows[2 * i], rows[2 * i + 1]));
    let [first, second] = lanes.map(|lanes| lanes.as_chunks().0);
    for (w, (first, second)) in first.iter().zip(second).take(WIDE).enumerate() {
        let (first, second) = (vreinterpretq_s32_s8(load(first)), vreinterpretq_s32_s8(load(second)));
        // Eight values of each of two lanes.
        let low = vreinterpretq_s8_s32(vzip1q_s32(first, second));
        let high = vreinterpretq_s8_s32(vzip2q_s32(first, second));
        for (sums, &x) in sums.iter_mut().zip(&x) {
            sums[2 * w] = multiply(sums[2 * w], x, low);
            sums[2 * w + 1] = multiply(sums[2 * w + 1], x, high);
        }
    }
}

/// Adds the dot products of two rows with two lanes. It is written as assembly because the
/// intrinsic is not stable.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn multiply(mut sums: int32x4_t, rows: uint8x16_t, lanes: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes these registers only.
    unsafe {
        asm!(
            "usmmla {sums:v}.4s, {rows:v}.16b, {lanes:v}.16b",
            sums = inout(vreg) sums,
            rows = in(vreg) rows,
            lanes = in(vreg) lanes,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}
