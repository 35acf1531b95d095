//! The kernels of AVX2, with and without the 8-bit dot products of VNNI.

use std::arch::x86_64::*;

use crate::mobilenet::kernels::types::{Job, PIXELS, Pixels, Target, grouped};
use crate::mobilenet::layers::{Depthwise, Line, Panel, Quad, ROWS_OF_BLOCK, Step, Stride};

/// The number of channels that the depthwise kernel computes at once.
const BLOCK: usize = 16;

/// Defines a dense kernel with a way to add the products of four quads. The sums of all pixels stay
/// in registers.
macro_rules! dense_kernel {
    ($name:ident, $add_products:ident, $features:literal) => {
        /// Computes a panel of a dense layer for some pixels.
        #[target_feature(enable = $features)]
        pub(super) fn $name(panel: &Panel, scale: f32, pixels: &Pixels, out: &mut Target) {
            let mut sums = [load(&panel.bias.as_chunks().0[0]); PIXELS];
            let inputs = grouped::<4>(pixels, panel.steps.len());
            for (i, step) in panel.steps.iter().enumerate() {
                let weights = quarters(step);
                for (sums, inputs) in sums.iter_mut().zip(&inputs) {
                    *sums = $add_products(*sums, &inputs[i], weights);
                }
            }
            for extra in &panel.extra {
                let weights = quarters(&extra.weights);
                for (sums, pixel) in sums.iter_mut().zip(pixels) {
                    *sums = $add_products(*sums, &extra.quads.map(|quad| pixel[quad as usize]), weights);
                }
            }
            for (i, sums) in sums.into_iter().enumerate() {
                *out.pixel(i) = _mm_cvtsi128_si64(bytes(quantized(sums, scale))).to_le_bytes();
            }
        }
    };
}

dense_kernel!(dense, add_products, "avx2");
dense_kernel!(dense_vnni, add_products_vnni, "avx2,avxvnni");

/// Loads a register.
#[inline]
#[target_feature(enable = "avx2")]
fn load(values: &[i32; 8]) -> __m256i {
    // SAFETY: eight values are read.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// Loads the weights of eight outputs for four quads.
#[inline]
#[target_feature(enable = "avx2")]
fn quarters(step: &Step) -> [__m256i; 4] {
    let quarters: &[[i32; 8]; 4] = bytemuck::cast_ref(step);
    [load(&quarters[0]), load(&quarters[1]), load(&quarters[2]), load(&quarters[3])]
}

/// Adds the products of four quads. `Limit::SumIn16Bits` keeps the sums of all four from saturating.
#[inline]
#[target_feature(enable = "avx2")]
fn add_products(sums: __m256i, quads: &[Quad; 4], weights: [__m256i; 4]) -> __m256i {
    let product =
        |i: usize| _mm256_maddubs_epi16(_mm256_set1_epi32(i32::from_le_bytes(quads[i])), weights[i]);
    let pairs =
        _mm256_add_epi16(_mm256_add_epi16(product(0), product(1)), _mm256_add_epi16(product(2), product(3)));
    _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// Adds the products of four quads.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn add_products_vnni(mut sums: __m256i, quads: &[Quad; 4], weights: [__m256i; 4]) -> __m256i {
    for i in 0..4 {
        sums = _mm256_dpbusd_avx_epi32(sums, _mm256_set1_epi32(i32::from_le_bytes(quads[i])), weights[i]);
    }
    sums
}

/// Converts sums to values from 0 to 255.
#[inline]
#[target_feature(enable = "avx2")]
fn quantized(sums: __m256i, scale: f32) -> __m256i {
    let scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(scale));
    let clamped = _mm256_min_ps(_mm256_max_ps(scaled, _mm256_setzero_ps()), _mm256_set1_ps(255.0));
    _mm256_cvtps_epi32(clamped)
}

/// Narrows eight values from 0 to 255 to bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(values: __m256i) -> __m128i {
    let words = _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values));
    _mm_packus_epi16(words, words)
}

/// Computes a row of a depthwise layer.
#[target_feature(enable = "avx2")]
pub(super) fn depthwise(layer: &Depthwise, rows: [&[u8]; 3], out: &mut [u8]) {
    for (block, packed) in layer.packed.as_chunks::<ROWS_OF_BLOCK>().0.iter().enumerate() {
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
#[target_feature(enable = "avx2")]
fn depthwise_block<const STRIDE: usize>(
    layer: &Depthwise,
    packed: &[Line; ROWS_OF_BLOCK],
    rows: [&[u8]; 3],
    out: &mut [u8],
) {
    let column = |x: usize| {
        let from = x * layer.channels;
        column(widened(&rows[0][from..]), widened(&rows[1][from..]), widened(&rows[2][from..]))
    };
    let packed: &[[i32; 8]; 2 * ROWS_OF_BLOCK] = bytemuck::cast_ref(packed);
    let mut columns = [column(STRIDE - 1), column(STRIDE), column(STRIDE + 1)];
    for (x, out) in out.chunks_mut(layer.channels).enumerate() {
        // Not an iterator over `columns`: the compiler does not inline its adapters here.
        #[allow(clippy::needless_range_loop)]
        for dx in 3 - STRIDE..3 {
            columns[dx] = column(x * STRIDE + STRIDE - 1 + dx);
        }
        let mut sums = [load(&packed[0]), load(&packed[1])];
        for dx in 0..3 {
            for i in 0..4 {
                let products = _mm256_madd_epi16(columns[dx][i], load(&packed[2 + 4 * dx + i]));
                sums[i % 2] = _mm256_add_epi32(sums[i % 2], products);
            }
        }
        let (low, high) = (quantized(sums[0], layer.scale), quantized(sums[1], layer.scale));
        let words = _mm256_packs_epi32(low, high);
        let values = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
        let out: &mut [u8; BLOCK] = out.first_chunk_mut().expect("a block");
        // SAFETY: `out` has 16 bytes.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), values) };
        for dx in 0..3 - STRIDE {
            columns[dx] = columns[dx + STRIDE];
        }
    }
}

/// Loads 16 values as 16-bit integers.
#[inline]
#[target_feature(enable = "avx2")]
fn widened(values: &[u8]) -> __m256i {
    let values: &[u8; BLOCK] = values.first_chunk().expect("a block");
    // SAFETY: 16 values are read.
    _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Pairs three values, one below the other: the upper two, and the lower one with zero.
#[inline]
#[target_feature(enable = "avx2")]
fn column(upper: __m256i, middle: __m256i, lower: __m256i) -> [__m256i; 4] {
    let zero = _mm256_setzero_si256();
    [
        _mm256_unpacklo_epi16(upper, middle),
        _mm256_unpackhi_epi16(upper, middle),
        _mm256_unpacklo_epi16(lower, zero),
        _mm256_unpackhi_epi16(lower, zero),
    ]
}

/// Runs a computation in plain Rust.
#[target_feature(enable = "avx2")]
pub(super) fn run(job: impl Job) {
    job.run();
}
