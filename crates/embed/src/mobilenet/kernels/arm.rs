//! The dense kernel of 64-bit Arm with 8-bit dot products.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::mobilenet::kernels::portable::quantized;
use crate::mobilenet::kernels::types::{PIXELS, Pixels, Target, grouped};
use crate::mobilenet::layers::{Panel, Quad, Step};

/// The sums of eight outputs.
type Sums = [int32x4_t; 2];

/// Computes a panel of a dense layer for some pixels. The sums of all of them stay in registers.
///
/// Both operands of `sdot` are signed, so it gets `x − 128` for each value `x`; the biases make up
/// for it (`Isa::input_offset`).
#[target_feature(enable = "neon,dotprod")]
pub(super) fn dense(panel: &Panel, scale: f32, pixels: &Pixels, out: &mut Target) {
    let bias = panel.bias.as_chunks::<4>().0;
    let mut sums = [[load(&bias[0]), load(&bias[1])]; PIXELS];
    let inputs = grouped::<4>(pixels, panel.steps.len());
    for (i, step) in panel.steps.iter().enumerate() {
        for (sums, inputs) in sums.iter_mut().zip(&inputs) {
            *sums = add_products(*sums, &inputs[i], step);
        }
    }
    for extra in &panel.extra {
        for (sums, pixel) in sums.iter_mut().zip(pixels) {
            let quads = extra.quads.map(|quad| pixel[quad as usize]);
            *sums = add_products(*sums, &quads, &extra.weights);
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let mut stored = [0; 8];
        // SAFETY: four of eight values are written, from 0 or 4 on.
        unsafe {
            vst1q_s32(stored.as_mut_ptr(), sums[0]);
            vst1q_s32(stored.as_mut_ptr().add(4), sums[1]);
        }
        *out.pixel(i) = stored.map(|sum| quantized(sum, scale));
    }
}

/// Loads a register.
#[inline]
#[target_feature(enable = "neon")]
fn load(values: &[i32; 4]) -> int32x4_t {
    // SAFETY: four values are read.
    unsafe { vld1q_s32(values.as_ptr()) }
}

/// Adds the products of four quads.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_products([low, high]: Sums, quads: &[Quad; 4], step: &Step) -> Sums {
    // SAFETY: the four quads are 16 values.
    let quads = unsafe { vld1q_u8(quads.as_flattened().as_ptr()) };
    let quads = vreinterpretq_s8_u8(veorq_u8(quads, vdupq_n_u8(0x80)));
    let (mut low, mut high) = (low, high);
    let weights = step.0.as_chunks::<16>().0;
    // SAFETY: 16 values are read.
    let weight = |i: usize| unsafe { vld1q_s8(weights[i].as_ptr()) };
    (low, high) = (dot::<0>(low, weight(0), quads), dot::<0>(high, weight(1), quads));
    (low, high) = (dot::<1>(low, weight(2), quads), dot::<1>(high, weight(3), quads));
    (low, high) = (dot::<2>(low, weight(4), quads), dot::<2>(high, weight(5), quads));
    (low, high) = (dot::<3>(low, weight(6), quads), dot::<3>(high, weight(7), quads));
    [low, high]
}

/// Adds to each sum the dot product of its four weights with the quad at index `AT`. It is written
/// as assembly because the intrinsic is not stable.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const AT: i32>(mut sum: int32x4_t, weights: int8x16_t, quads: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes these registers only.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {weights:v}.16b, {quads:v}.4b[{at}]",
            sum = inout(vreg) sum,
            weights = in(vreg) weights,
            quads = in(vreg) quads,
            at = const AT,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
