//! The kernels of AVX-512 with VNNI.

use std::arch::x86_64::*;

use crate::mobilenet::kernels::types::{Job, PIXELS, Pixels, Target, grouped};
use crate::mobilenet::layers::{Depthwise, Line, Panel, Quad, ROWS_OF_BLOCK, Step, Stride};

/// The number of channels that the depthwise kernel computes at once.
const BLOCK: usize = 32;

/// The sums of 32 outputs.
type Sums = [__m512i; 2];

/// Computes a panel of a dense layer for some pixels. The sums of all of them stay in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
pub(super) fn dense(panel: &Panel, scale: f32, pixels: &Pixels, out: &mut Target) {
    let bias = panel.bias.as_chunks::<16>().0;
    let mut sums = [[load(&bias[0]), load(&bias[1])]; PIXELS];
    let inputs = grouped::<1>(pixels, panel.steps.len());
    for (i, step) in panel.steps.iter().enumerate() {
        let weights = halves(step);
        for (sums, inputs) in sums.iter_mut().zip(&inputs) {
            *sums = add_products(*sums, inputs[i][0], weights);
        }
    }
    for extra in &panel.extra {
        let weights = halves(&extra.weights);
        for (sums, pixel) in sums.iter_mut().zip(pixels) {
            *sums = add_products(*sums, pixel[extra.quads[0] as usize], weights);
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let out: &mut [u8; 32] = out.pixel(i);
        for (half, sums) in sums.into_iter().enumerate() {
            let values = _mm512_cvtepi32_epi8(quantized(sums, scale));
            // SAFETY: `out` has 32 bytes, twice as many as `values`.
            unsafe { _mm_storeu_si128(out.as_mut_ptr().add(16 * half).cast(), values) };
        }
    }
}

/// Loads a register.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(values: &[i32; 16]) -> __m512i {
    // SAFETY: 16 values are read.
    unsafe { _mm512_loadu_epi32(values.as_ptr()) }
}

/// Loads the weights of 32 outputs for a quad.
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(step: &Step) -> [__m512i; 2] {
    let lines: &[Line; 2] = bytemuck::cast_ref(step);
    [load(&lines[0].0), load(&lines[1].0)]
}

/// Adds the products of a quad.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_products(sums: Sums, quad: Quad, weights: [__m512i; 2]) -> Sums {
    let quad = _mm512_set1_epi32(i32::from_le_bytes(quad));
    [_mm512_dpbusd_epi32(sums[0], quad, weights[0]), _mm512_dpbusd_epi32(sums[1], quad, weights[1])]
}

/// Converts sums to values from 0 to 255.
#[inline]
#[target_feature(enable = "avx512f")]
fn quantized(sums: __m512i, scale: f32) -> __m512i {
    let scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_set1_ps(scale));
    let clamped = _mm512_min_ps(_mm512_max_ps(scaled, _mm512_setzero_ps()), _mm512_set1_ps(255.0));
    _mm512_cvtps_epi32(clamped)
}

/// Computes a row of a depthwise layer.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
pub(super) fn depthwise(layer: &Depthwise, rows: [&[u8]; 3], out: &mut [u8]) {
    for (block, packed) in layer.packed.as_chunks::<{ 2 * ROWS_OF_BLOCK }>().0.iter().enumerate() {
        let rows = rows.map(|row| &row[block * BLOCK..]);
        let out = &mut out[block * BLOCK..];
        match layer.stride {
            Stride::One => depthwise_block::<1>(layer, packed, rows, out),
            Stride::Two => depthwise_block::<2>(layer, packed, rows, out),
        }
    }
}

/// Computes some channels of a row of a depthwise layer. The columns of pixels that the next result
/// needs too stay in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
fn depthwise_block<const STRIDE: usize>(
    layer: &Depthwise,
    packed: &[Line; 2 * ROWS_OF_BLOCK],
    rows: [&[u8]; 3],
    out: &mut [u8],
) {
    let column = |x: usize| {
        let from = x * layer.channels;
        column(widened(&rows[0][from..]), widened(&rows[1][from..]), widened(&rows[2][from..]))
    };
    let mut weights = [_mm512_setzero_si512(); 2 * ROWS_OF_BLOCK];
    for (weights, line) in weights.iter_mut().zip(packed) {
        *weights = load(&line.0);
    }
    let mut columns = [column(STRIDE - 1), column(STRIDE), column(STRIDE + 1)];
    for (x, out) in out.chunks_mut(layer.channels).enumerate() {
        // Not an iterator over `columns`: the compiler does not inline its adapters here.
        #[allow(clippy::needless_range_loop)]
        for dx in 3 - STRIDE..3 {
            columns[dx] = column(x * STRIDE + STRIDE - 1 + dx);
        }
        let mut sums = [weights[0], weights[1]];
        for dx in 0..3 {
            for i in 0..4 {
                sums[i % 2] = _mm512_dpwssd_epi32(sums[i % 2], columns[dx][i], weights[2 + 4 * dx + i]);
            }
        }
        let (low, high) = (quantized(sums[0], layer.scale), quantized(sums[1], layer.scale));
        let values = _mm512_cvtepi16_epi8(_mm512_packus_epi32(low, high));
        let out: &mut [u8; BLOCK] = out.first_chunk_mut().expect("a block");
        // SAFETY: `out` has 32 bytes.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), values) };
        for dx in 0..3 - STRIDE {
            columns[dx] = columns[dx + STRIDE];
        }
    }
}

/// Loads 32 values as 16-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn widened(values: &[u8]) -> __m512i {
    let values: &[u8; BLOCK] = values.first_chunk().expect("a block");
    // SAFETY: 32 values are read.
    _mm512_cvtepu8_epi16(unsafe { _mm256_loadu_si256(values.as_ptr().cast()) })
}

/// Pairs three values, one below the other: the upper two, and the lower one with zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn column(upper: __m512i, middle: __m512i, lower: __m512i) -> [__m512i; 4] {
    let zero = _mm512_setzero_si512();
    [
        _mm512_unpacklo_epi16(upper, middle),
        _mm512_unpackhi_epi16(upper, middle),
        _mm512_unpacklo_epi16(lower, zero),
        _mm512_unpackhi_epi16(lower, zero),
    ]
}

/// Runs a computation in plain Rust.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
pub(super) fn run(job: impl Job) {
    job.run();
}
