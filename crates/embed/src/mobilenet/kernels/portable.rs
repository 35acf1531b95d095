//! The kernels in plain Rust.

use crate::mobilenet::kernels::types::{PIXELS, Pixels, Target, grouped};
use crate::mobilenet::layers::{Depthwise, Panel, Quad, Step};

/// The number of outputs of a panel.
const PANEL: usize = 8;

/// The weights of a step, `[quad][input][output]`.
type Wide = [[[i16; PANEL]; 4]; 4];

/// Computes a panel of a dense layer for some pixels.
pub(super) fn dense(panel: &Panel, scale: f32, pixels: &Pixels, out: &mut Target) {
    let mut sums: [[i32; PANEL]; PIXELS] = [std::array::from_fn(|output| panel.bias[output]); PIXELS];
    let inputs = grouped::<4>(pixels, panel.steps.len());
    for (i, step) in panel.steps.iter().enumerate() {
        let weights = widened(step);
        for (sums, inputs) in sums.iter_mut().zip(&inputs) {
            add_products(sums, &inputs[i], &weights);
        }
    }
    for extra in &panel.extra {
        let weights = widened(&extra.weights);
        for (sums, pixel) in sums.iter_mut().zip(pixels) {
            add_products(sums, &extra.quads.map(|quad| pixel[quad as usize]), &weights);
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        *out.pixel(i) = sums.map(|sum| quantized(sum, scale));
    }
}

/// Turns the weights so that those of all outputs for an input lie side by side, as the compiler
/// vectorizes them.
fn widened(step: &Step) -> Wide {
    let quads = step.0.as_chunks::<{ 4 * PANEL }>().0;
    let weight = |quad: usize, input: usize, output: usize| i16::from(quads[quad][4 * output + input]);
    std::array::from_fn(|q| std::array::from_fn(|i| std::array::from_fn(|output| weight(q, i, output))))
}

/// Adds the products of four quads.
#[inline(always)]
fn add_products(sums: &mut [i32; PANEL], quads: &[Quad; 4], weights: &Wide) {
    for (&value, weights) in quads.as_flattened().iter().zip(weights.as_flattened()) {
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(i32::from(i16::from(value)) * i32::from(weight));
        }
    }
}

/// Computes a row of a depthwise layer from three rows of its input, which have a border of one
/// pixel.
pub(super) fn depthwise(layer: &Depthwise, rows: [&[u8]; 3], out: &mut [u8]) {
    let (channels, stride) = (layer.channels, layer.stride as usize);
    let mut sums = layer.bias.clone();
    for (x, out) in out.chunks_exact_mut(channels).enumerate() {
        let left = (x * stride + stride - 1) * channels;
        sums.copy_from_slice(&layer.bias);
        for (row, weights) in rows.iter().zip(layer.weights.chunks_exact(3 * channels)) {
            add_three(&mut sums, &row[left..left + 3 * channels], weights);
        }
        for (to, &sum) in out.iter_mut().zip(&sums) {
            *to = quantized(sum, layer.scale);
        }
    }
}

/// Adds three neighboring pixels, each multiplied by its weights. The compiler vectorizes this loop
/// because its length is not constant.
fn add_three(sums: &mut [i32], values: &[u8], weights: &[i16]) {
    let channels = sums.len();
    let ((a, rest), (u, others)) = (values.split_at(channels), weights.split_at(channels));
    let ((b, c), (v, w)) = (rest.split_at(channels), others.split_at(channels));
    let product = |value: u8, weight: i16| i32::from(value).wrapping_mul(i32::from(weight));
    let factors = a.iter().zip(b).zip(c).zip(u).zip(v).zip(w);
    for (sum, (((((&a, &b), &c), &u), &v), &w)) in sums.iter_mut().zip(factors) {
        *sum = sum.wrapping_add(product(a, u)).wrapping_add(product(b, v)).wrapping_add(product(c, w));
    }
}

/// Converts a sum to a value. Adding 2^23 to a float from 0 to 255 rounds it to an integer, ties to
/// even, in its lowest bits.
#[inline(always)]
pub(super) fn quantized(sum: i32, scale: f32) -> u8 {
    const ROUND: f32 = 8_388_608.0;
    let value = (sum as f32 * scale).clamp(0.0, 255.0);
    (value + ROUND).to_bits() as u8
}
