//! PIL's `resize(…, BILINEAR)` to the network's square, byte for byte, in memory that does not
//! depend on the image.
//!
//! The filter is a triangle over the pixels that become one, in 22-bit integers. Results are
//! rounded to bytes after the rows and after the columns, as in Pillow 12. Pillow 13 resizes the
//! columns first where that is cheaper (tall images), which changes some bytes by 1.

use image::RgbImage;

use super::network::SIDE;

/// The number of fraction bits of a weight.
const BITS: u32 = 22;
/// The number of values of a row of the result.
const ROW: usize = 3 * SIDE;

/// The pixels that become one pixel of the result.
struct Window {
    start: usize,
    weights: Vec<i32>,
}

/// Squeezes the whole image into a square of `SIDE` pixels: RGB in row-major order.
pub(super) fn to_square(image: &RgbImage) -> Vec<u8> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (columns, rows) = (windows(width), windows(height));
    let mut sums = vec![1_i32 << (BITS - 1); SIDE * ROW];
    let mut row = [0_u8; ROW];
    let mut first = 0;
    for (y, source) in image.as_raw().chunks_exact(3 * width).enumerate() {
        squeeze_row(source, &columns, &mut row);
        first += rows[first..].iter().take_while(|w| w.start + w.weights.len() <= y).count();
        for (to, window) in (first..).zip(rows[first..].iter().take_while(|w| w.start <= y)) {
            let weight = window.weights[y - window.start];
            for (sum, &value) in sums[to * ROW..(to + 1) * ROW].iter_mut().zip(&row) {
                *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
            }
        }
    }
    sums.into_iter().map(byte).collect()
}

/// Resizes a row.
fn squeeze_row(source: &[u8], columns: &[Window], out: &mut [u8; ROW]) {
    let pixels = source.as_chunks::<3>().0;
    for (to, window) in out.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
        let mut sums = [1_i32 << (BITS - 1); 3];
        for (pixel, &weight) in pixels[window.start..].iter().zip(&window.weights) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
            }
        }
        *to = sums.map(byte);
    }
}

/// Rounds a sum to a byte.
fn byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// Computes how `length` pixels become `SIDE`, as PIL's `precompute_coeffs` does for its bilinear
/// filter.
fn windows(length: usize) -> Vec<Window> {
    let scale = length as f64 / SIDE as f64;
    let reach = scale.max(1.0);
    let window = |i: usize| {
        let center = (i as f64 + 0.5) * scale;
        let start = (center - reach + 0.5).max(0.0) as usize;
        let end = ((center + reach + 0.5) as usize).min(length);
        let triangle = |x: usize| (1.0 - ((x as f64 - center + 0.5) * (1.0 / reach)).abs()).max(0.0);
        let weights: Vec<f64> = (start..end).map(triangle).collect();
        let sum: f64 = weights.iter().sum();
        let weights = weights.iter().map(|w| (0.5 + w / sum * f64::from(1 << BITS)) as i32).collect();
        Window { start, weights }
    };
    (0..SIDE).map(window).collect()
}
