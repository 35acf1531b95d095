//! The dense kernel of SSE2, which every x86-64 processor has.

use std::arch::x86_64::*;

use crate::mobilenet::kernels::types::{PIXELS, Pixels, Target, grouped};
use crate::mobilenet::layers::{Panel, Quad, Step};

/// The sums of eight outputs. Each output has two, one beside the other: for inputs 0 and 1 of all
/// quads, and for inputs 2 and 3.
type Sums = [__m128i; 4];

/// The weights of a step in 16 bits, `[quad]` and in the order of [`Sums`].
type Wide = [[__m128i; 4]; 4];

/// Computes a panel of a dense layer for some pixels.
#[target_feature(enable = "sse2")]
pub(super) fn dense(panel: &Panel, scale: f32, pixels: &Pixels, out: &mut Target) {
    let mut sums = [[_mm_setzero_si128(); 4]; PIXELS];
    let inputs = grouped::<4>(pixels, panel.steps.len());
    for (i, step) in panel.steps.iter().enumerate() {
        let weights = widened(step);
        for (sums, inputs) in sums.iter_mut().zip(&inputs) {
            *sums = add_products(*sums, &inputs[i], &weights);
        }
    }
    for extra in &panel.extra {
        let weights = widened(&extra.weights);
        for (sums, pixel) in sums.iter_mut().zip(pixels) {
            *sums = add_products(*sums, &extra.quads.map(|quad| pixel[quad as usize]), &weights);
        }
    }
    let bias = panel.bias.as_chunks().0;
    for (i, [a, b, c, d]) in sums.into_iter().enumerate() {
        let low = quantized(_mm_add_epi32(load(&bias[0]), sums_of_pairs(a, b)), scale);
        let high = quantized(_mm_add_epi32(load(&bias[1]), sums_of_pairs(c, d)), scale);
        let words = _mm_packs_epi32(low, high);
        *out.pixel(i) = _mm_cvtsi128_si64(_mm_packus_epi16(words, words)).to_le_bytes();
    }
}

/// Loads a register.
#[inline]
#[target_feature(enable = "sse2")]
fn load(values: &[i32; 4]) -> __m128i {
    // SAFETY: four values are read.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

/// Widens the weights of a step. Each byte becomes the upper half of 16 bits, and is shifted down.
#[inline]
#[target_feature(enable = "sse2")]
fn widened(step: &Step) -> Wide {
    let halves: &[[[i32; 4]; 2]; 4] = bytemuck::cast_ref(step);
    let low = |bytes| _mm_srai_epi16::<8>(_mm_unpacklo_epi8(bytes, bytes));
    let high = |bytes| _mm_srai_epi16::<8>(_mm_unpackhi_epi8(bytes, bytes));
    let quad = |q: usize| {
        let [first, last] = [load(&halves[q][0]), load(&halves[q][1])];
        [low(first), high(first), low(last), high(last)]
    };
    [quad(0), quad(1), quad(2), quad(3)]
}

/// Adds the products of four quads. Two of them in 16 bits fit in 32.
#[inline]
#[target_feature(enable = "sse2")]
fn add_products(mut sums: Sums, quads: &[Quad; 4], weights: &Wide) -> Sums {
    let (quads, zero) = (load(bytemuck::cast_ref(quads)), _mm_setzero_si128());
    let (low, high) = (_mm_unpacklo_epi8(quads, zero), _mm_unpackhi_epi8(quads, zero));
    let twice = [
        _mm_unpacklo_epi64(low, low),
        _mm_unpackhi_epi64(low, low),
        _mm_unpacklo_epi64(high, high),
        _mm_unpackhi_epi64(high, high),
    ];
    for (quad, weights) in twice.iter().zip(weights) {
        for (sum, weights) in sums.iter_mut().zip(weights) {
            *sum = _mm_add_epi32(*sum, _mm_madd_epi16(*quad, *weights));
        }
    }
    sums
}

/// Adds the two sums of each of four outputs.
#[inline]
#[target_feature(enable = "sse2")]
fn sums_of_pairs(first: __m128i, last: __m128i) -> __m128i {
    let (first, last) = (_mm_castsi128_ps(first), _mm_castsi128_ps(last));
    let even = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(first, last));
    let odd = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(first, last));
    _mm_add_epi32(even, odd)
}

/// Converts sums to values from 0 to 255.
#[inline]
#[target_feature(enable = "sse2")]
fn quantized(sums: __m128i, scale: f32) -> __m128i {
    let scaled = _mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_set1_ps(scale));
    let clamped = _mm_min_ps(_mm_max_ps(scaled, _mm_setzero_ps()), _mm_set1_ps(255.0));
    _mm_cvtps_epi32(clamped)
}
