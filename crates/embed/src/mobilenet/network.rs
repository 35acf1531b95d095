//! MobileNetV1 in integers: a convolution, thirteen pairs of a depthwise and a pointwise
//! convolution, and a mean.
//!
//! A layer's values are `u8`. Its sums are exact in `i32`; they are scaled in `f32`, rounded to the
//! nearest integer (ties to even) and clamped to 0..=255. This arithmetic equals that of XNNPACK,
//! LiteRT's default, bit by bit. LiteRT's reference kernels round differently.

use super::isa::Isa;
use super::kernels::types::{PIXELS, Target};
use super::layers::{Dense, Depthwise, Quad};

/// The side of the network's input, in pixels.
pub(super) const SIDE: usize = 224;
/// The number of values of an embedding.
pub(super) const DIM: usize = 1024;
/// The number of inputs of a pixel of the first layer: 3 x 3 pixels of 3 channels.
pub(super) const PATCH: usize = 27;
/// The zero point of the input. That of all other layers is 0.
pub(super) const INPUT_ZERO: u8 = 128;
/// The number of rows that go from a depthwise to a pointwise convolution at once.
const ROWS: usize = 14;

/// The network.
pub(super) struct Network {
    pub(super) isa: Isa,
    pub(super) first: Dense,
    pub(super) pairs: Vec<Pair>,
}

/// A depthwise and a pointwise convolution.
pub(super) struct Pair {
    pub(super) depthwise: Depthwise,
    pub(super) pointwise: Dense,
}

/// The memory that computing an image needs. It is reused from image to image.
#[derive(Default)]
pub(super) struct Space {
    /// The values of a layer, and those of the layer behind it.
    maps: [Map; 2],
    /// The inputs of some rows of a dense layer.
    between: Vec<Quad>,
}

/// The values of a layer, with a border of zeros that is one pixel wide.
#[derive(Default)]
struct Map {
    side: usize,
    channels: usize,
    values: Vec<u8>,
}

impl Map {
    /// Makes room for the values of a layer. The caller writes all values within the border.
    fn reshape(&mut self, side: usize, channels: usize) {
        let length = (side + 2) * channels;
        (self.side, self.channels) = (side, channels);
        self.values.resize(length * (side + 2), 0);
        self.values[..length].fill(0);
        self.values[length * (side + 1)..].fill(0);
        for row in self.values.chunks_exact_mut(length) {
            row[..channels].fill(0);
            row[length - channels..].fill(0);
        }
    }

    /// Returns row `y`, where 0 is the border.
    fn row(&self, y: usize) -> &[u8] {
        let length = (self.side + 2) * self.channels;
        &self.values[y * length..(y + 1) * length]
    }
}

impl Network {
    /// Computes the outputs for `SIDE * SIDE` RGB pixels.
    pub(super) fn run(&self, image: &[u8], space: &mut Space, out: &mut [u8; DIM]) {
        let Space { maps: [map, next], between } = space;
        self.first_layer(image, between, map);
        for pair in &self.pairs {
            self.pair_of_layers(pair, map, between, next);
            std::mem::swap(map, next);
        }
        mean(map, out);
    }

    /// Computes the first convolution, which has stride 2, as a product with patches of the image.
    fn first_layer(&self, image: &[u8], between: &mut Vec<Quad>, out: &mut Map) {
        let (layer, side) = (&self.first, SIDE / 2);
        out.reshape(side, layer.outputs);
        between.clear();
        between.resize(ROWS * side * layer.quads, [0; 4]);
        for start in (0..side).step_by(ROWS) {
            for (i, patch) in between.chunks_exact_mut(layer.quads).enumerate() {
                write_patch(image, start + i / side, i % side, patch.as_flattened_mut());
            }
            self.dense(layer, between, start, out);
        }
    }

    /// Computes a depthwise and a pointwise convolution.
    fn pair_of_layers(&self, pair: &Pair, map: &Map, between: &mut Vec<Quad>, out: &mut Map) {
        let Pair { depthwise, pointwise } = pair;
        let stride = depthwise.stride as usize;
        let side = map.side / stride;
        out.reshape(side, pointwise.outputs);
        let rows = ROWS.min(side);
        between.clear();
        between.resize(rows * side * pointwise.quads, [0; 4]);
        for start in (0..side).step_by(rows) {
            for (y, row) in (start..).zip(between.chunks_exact_mut(side * pointwise.quads)) {
                // At stride 2 the border is on the right and below only.
                let top = y * stride + stride - 1;
                let inputs = [0, 1, 2].map(|dy| map.row(top + dy));
                self.isa.depthwise(depthwise, inputs, row.as_flattened_mut());
            }
            self.dense(pointwise, between, start, out);
        }
    }

    /// Computes a dense layer for some rows of pixels, from row `start` on. The weights of a panel
    /// stay in the nearest cache while all pixels pass.
    fn dense(&self, layer: &Dense, inputs: &[Quad], start: usize, out: &mut Map) {
        let (side, channels) = (out.side, out.channels);
        for (number, panel) in layer.panels.iter().enumerate() {
            for (group, pixels) in inputs.chunks_exact(PIXELS * layer.quads).enumerate() {
                let (y, x) = (start + group * PIXELS / side, group * PIXELS % side);
                let to = ((y + 1) * (side + 2) + x + 1) * channels + number * panel.bias.len();
                let pixels = std::array::from_fn(|i| &pixels[i * layer.quads..(i + 1) * layer.quads]);
                let mut target = Target { values: &mut out.values[to..], stride: channels };
                self.isa.dense(panel, layer.scale, &pixels, &mut target);
            }
        }
    }
}

/// Writes the 3 x 3 pixels from (2y, 2x) on. Pixels beyond the right and lower border count as the
/// zero point.
fn write_patch(image: &[u8], y: usize, x: usize, out: &mut [u8]) {
    let rows = out[..PATCH].as_chunks_mut::<9>().0;
    for (dy, to) in rows.iter_mut().enumerate() {
        let from = ((2 * y + dy) * SIDE + 2 * x) * 3;
        if 2 * y + dy == SIDE {
            *to = [INPUT_ZERO; 9];
        } else if 2 * x + 2 == SIDE {
            to[..6].copy_from_slice(&image[from..from + 6]);
            to[6..].fill(INPUT_ZERO);
        } else {
            to.copy_from_slice(&image[from..from + 9]);
        }
    }
}

/// Computes the mean over all pixels, with ties rounded up.
fn mean(map: &Map, out: &mut [u8; DIM]) {
    let mut sums = [0_i32; DIM];
    for y in 1..=map.side {
        for pixel in map.row(y)[DIM..(map.side + 1) * DIM].chunks_exact(DIM) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(value);
            }
        }
    }
    let pixels = (map.side * map.side) as i32;
    for (to, sum) in out.iter_mut().zip(sums) {
        *to = ((sum + pixels / 2) / pixels) as u8;
    }
}
