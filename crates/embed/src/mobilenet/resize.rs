//! PIL's `resize(…, BILINEAR)` to the network's square, byte for byte, in memory that does not
//! depend on the height of the image.
//!
//! The filter is a triangle over the pixels that become one, in 22-bit integers. Results are
//! rounded to bytes after the rows and after the columns, as in Pillow 12. Pillow 13 resizes the
//! columns first where that is cheaper (tall images), which changes some bytes by 1.

use std::ops::Range;

use image::RgbImage;

use super::isa::Isa;
use super::kernels::types::Job;
use super::network::SIDE;

/// The number of fraction bits of a weight.
const BITS: u32 = 22;
/// One half, which sums begin with, so that cutting their fraction rounds them.
const HALF: i32 = 1 << (BITS - 1);
/// The number of values of a row of the result.
const ROW: usize = 3 * SIDE;

/// Squeezes images into a square of `SIDE` pixels. Keeps its memory, and its weights as long as the
/// images have one size.
#[derive(Default)]
pub(super) struct Resizer {
    columns: Windows,
    rows: Windows,
    /// A row of the image, with a fourth value that makes a pixel fill 32 bits.
    source: Vec<[u8; 4]>,
    /// A row of the result's width.
    row: Vec<u8>,
    /// The sums of the rows of the result.
    sums: Vec<i32>,
    square: Vec<u8>,
}

impl Resizer {
    /// Squeezes the whole image: RGB in row-major order. Every value is written anew.
    ///
    /// # Panics
    /// If the image has no pixels.
    pub(super) fn squeeze(&mut self, image: &RgbImage, isa: Isa) -> &[u8] {
        assert!(image.width() > 0 && image.height() > 0, "an image without pixels");
        self.columns.fit(image.width() as usize);
        self.rows.fit(image.height() as usize);
        self.row.resize(ROW, 0);
        self.sums.resize(SIDE * ROW, 0);
        self.square.resize(SIDE * ROW, 0);
        isa.run(Squeeze { resizer: self, image });
        &self.square
    }
}

/// Squeezing an image.
struct Squeeze<'a> {
    resizer: &'a mut Resizer,
    image: &'a RgbImage,
}

impl Job for Squeeze<'_> {
    #[inline(always)]
    fn run(self) {
        let Resizer { columns, rows, source, row, sums, square } = self.resizer;
        let mut first = 0;
        for (y, pixels) in self.image.as_raw().chunks_exact(3 * columns.length).enumerate() {
            source.clear();
            source.extend(pixels.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 0]));
            squeeze_row(source, columns, row);
            first += rows.windows[first..].iter().take_while(|window| window.pixels.end <= y).count();
            for (to, window) in (first..).zip(&rows.windows[first..]).take_while(|(_, w)| w.pixels.start <= y)
            {
                let place = to * ROW..(to + 1) * ROW;
                let sums = &mut sums[place.clone()];
                if y == window.pixels.start {
                    sums.fill(HALF);
                }
                add_row(sums, row, window.weights[y - window.pixels.start]);
                if y + 1 == window.pixels.end {
                    square[place].iter_mut().zip(&*sums).for_each(|(to, &sum)| *to = byte(sum));
                }
            }
        }
    }
}

/// Adds a row, multiplied by its weight.
#[inline(always)]
fn add_row(sums: &mut [i32], row: &[u8], weight: i32) {
    for (sum, &value) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
    }
}

/// Resizes a row.
#[inline(always)]
fn squeeze_row(source: &[[u8; 4]], columns: &Windows, out: &mut [u8]) {
    for (to, window) in out.as_chunks_mut::<3>().0.iter_mut().zip(&columns.windows) {
        let mut sums = [HALF; 4];
        for (pixel, &weight) in source[window.pixels.clone()].iter().zip(&window.weights) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
            }
        }
        let [r, g, b, _] = sums.map(byte);
        *to = [r, g, b];
    }
}

/// Rounds a sum to a byte.
#[inline(always)]
fn byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// How pixels become the `SIDE` pixels of the result.
#[derive(Default)]
struct Windows {
    /// The number of pixels.
    length: usize,
    windows: Vec<Window>,
}

/// The pixels that become one pixel of the result.
struct Window {
    pixels: Range<usize>,
    weights: Vec<i32>,
}

impl Windows {
    /// Computes how `length` pixels become `SIDE`, unless it is known.
    fn fit(&mut self, length: usize) {
        if self.length != length {
            let windows = (0..SIDE).map(|i| Window::new(i, length)).collect();
            *self = Self { length, windows };
        }
    }
}

impl Window {
    /// Computes the weights as PIL's `precompute_coeffs` does for its bilinear filter.
    fn new(i: usize, length: usize) -> Self {
        let scale = length as f64 / SIDE as f64;
        let reach = scale.max(1.0);
        let center = (i as f64 + 0.5) * scale;
        let start = (center - reach + 0.5).max(0.0) as usize;
        let end = ((center + reach + 0.5) as usize).min(length);
        let triangle = |x: usize| (1.0 - ((x as f64 - center + 0.5) * (1.0 / reach)).abs()).max(0.0);
        let weights: Vec<f64> = (start..end).map(triangle).collect();
        let sum: f64 = weights.iter().sum();
        let weights = weights.iter().map(|w| (0.5 + w / sum * f64::from(1 << BITS)) as i32).collect();
        Self { pixels: start..end, weights }
    }
}
