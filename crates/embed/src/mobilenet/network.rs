//! MobileNetV1 in integers: a convolution, thirteen pairs of a depthwise and a pointwise
//! convolution, and a mean.
//!
//! A layer's values are `u8`. Its sums are exact in `i32`; they are scaled in `f32`, rounded to the
//! nearest integer (ties to even) and clamped to 0..=255. This arithmetic equals that of XNNPACK,
//! LiteRT's default, bit by bit. LiteRT's reference kernels round differently.

use super::lanes::{Isa, Job, Lanes};

/// The side of the network's input, in pixels.
pub(super) const SIDE: usize = 224;
/// The number of values of an embedding.
pub(super) const DIM: usize = 1024;
/// The number of pixels that are computed at once. It divides the width of every layer.
const PIXELS: usize = 7;
/// The number of rows that go from a depthwise to a pointwise convolution at once.
const ROWS: usize = 14;
/// The zero point of the input. That of all other layers is 0.
const INPUT_ZERO: i16 = 128;
/// The number of inputs of a pixel of the first layer: 3 x 3 pixels of 3 channels, and a zero to
/// make it even.
const PATCH: usize = 28;

/// A convolution of all channels with all. Its weights are `[panel][pair of inputs][output in the
/// panel]`.
pub(super) struct Dense {
    pub(super) outputs: usize,
    pub(super) pairs: usize,
    pub(super) weights: Vec<i32>,
    pub(super) bias: Vec<i32>,
    pub(super) scale: f32,
}

/// A convolution of each channel with itself. Its weights are `[3 x 3][channel]`.
pub(super) struct Depthwise {
    pub(super) channels: usize,
    pub(super) stride: usize,
    pub(super) weights: Vec<i16>,
    pub(super) bias: Vec<i32>,
    pub(super) scale: f32,
}

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

/// The values of a layer, with a border of zeros that is one pixel wide.
struct Map {
    side: usize,
    channels: usize,
    values: Vec<u8>,
}

impl Map {
    fn new(side: usize, channels: usize) -> Self {
        Self { side, channels, values: vec![0; (side + 2) * (side + 2) * channels] }
    }

    /// Returns row `y`, where 0 is the border.
    #[inline(always)]
    fn row(&self, y: usize) -> &[u8] {
        let length = (self.side + 2) * self.channels;
        &self.values[y * length..(y + 1) * length]
    }
}

impl Network {
    /// Computes the outputs for `SIDE * SIDE` RGB pixels.
    pub(super) fn run(&self, image: &[u8], out: &mut [u8; DIM]) {
        self.isa.run(Run { network: self, image, out });
    }
}

struct Run<'a> {
    network: &'a Network,
    image: &'a [u8],
    out: &'a mut [u8; DIM],
}

impl Job for Run<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let mut map = first_layer(lanes, &self.network.first, self.image);
        for pair in &self.network.pairs {
            map = pair_of_layers(lanes, pair, &map);
        }
        mean(&map, self.out);
    }
}

/// Packs two factors as they lie in a register.
#[inline(always)]
pub(super) fn two_factors(first: i16, second: i16) -> i32 {
    i32::from(first as u16) | i32::from(second) << 16
}

/// Computes the first convolution, which has stride 2, as a product with patches of the image.
#[inline(always)]
fn first_layer<L: Lanes>(lanes: L, layer: &Dense, image: &[u8]) -> Map {
    let side = SIDE / 2;
    let mut out = Map::new(side, layer.outputs);
    let mut patches = vec![[0_i32; PIXELS]; ROWS * side / PIXELS * layer.pairs];
    for start in (0..side).step_by(ROWS) {
        for (group, patches) in patches.chunks_exact_mut(layer.pairs).enumerate() {
            let (y, x) = (start + group * PIXELS / side, group * PIXELS % side);
            for i in 0..PIXELS {
                let patch = patch(image, y, x + i);
                for (to, &[a, b]) in patches.iter_mut().zip(patch.as_chunks().0) {
                    to[i] = two_factors(a, b);
                }
            }
        }
        dense(lanes, layer, &patches, start, &mut out);
    }
    out
}

/// Returns the 3 x 3 pixels from (2y, 2x) on. Pixels beyond the right and lower border count as the
/// zero point.
#[inline(always)]
fn patch(image: &[u8], y: usize, x: usize) -> [i16; PATCH] {
    let mut patch = [0; PATCH];
    let columns = (SIDE - 2 * x).min(3);
    for dy in 0..(SIDE - 2 * y).min(3) {
        let from = ((2 * y + dy) * SIDE + 2 * x) * 3;
        for (to, &value) in patch[9 * dy..9 * dy + 9].iter_mut().zip(&image[from..from + 3 * columns]) {
            *to = i16::from(value) - INPUT_ZERO;
        }
    }
    patch
}

/// Buffers for a pixel of a depthwise convolution.
struct Space {
    sums: Vec<i32>,
    values: Vec<u8>,
}

/// Computes a depthwise and a pointwise convolution.
#[inline(always)]
fn pair_of_layers<L: Lanes>(lanes: L, Pair { depthwise, pointwise }: &Pair, map: &Map) -> Map {
    let side = map.side / depthwise.stride;
    let mut out = Map::new(side, pointwise.outputs);
    let rows = ROWS.min(side);
    let mut between = vec![[0_i32; PIXELS]; rows * side / PIXELS * pointwise.pairs];
    let mut space = Space { sums: vec![0; depthwise.channels], values: vec![0; depthwise.channels] };
    for start in (0..side).step_by(rows) {
        for (group, between) in between.chunks_exact_mut(pointwise.pairs).enumerate() {
            let (y, x) = (start + group * PIXELS / side, group * PIXELS % side);
            for i in 0..PIXELS {
                depthwise_pixel(depthwise, map, Corner::of(depthwise, y, x + i), &mut space);
                for (to, &[a, b]) in between.iter_mut().zip(space.values.as_chunks().0) {
                    to[i] = two_factors(i16::from(a), i16::from(b));
                }
            }
        }
        dense(lanes, pointwise, &between, start, &mut out);
    }
    out
}

/// The upper left corner of the 3 x 3 pixels from which a depthwise convolution computes a pixel: a
/// row, and an index in it.
#[derive(Clone, Copy)]
struct Corner {
    top: usize,
    left: usize,
}

impl Corner {
    /// Returns the corner for the pixel (y, x). At stride 2 the border is on the right and below
    /// only.
    #[inline(always)]
    fn of(layer: &Depthwise, y: usize, x: usize) -> Self {
        let stride = layer.stride;
        Self { top: y * stride + stride - 1, left: (x * stride + stride - 1) * layer.channels }
    }
}

/// Computes one pixel of a depthwise convolution.
#[inline(always)]
fn depthwise_pixel(layer: &Depthwise, map: &Map, Corner { top, left }: Corner, space: &mut Space) {
    let channels = layer.channels;
    space.sums.copy_from_slice(&layer.bias);
    for (dy, weights) in layer.weights.chunks_exact(3 * channels).enumerate() {
        add_three(&mut space.sums, &map.row(top + dy)[left..left + 3 * channels], weights);
    }
    scale(&space.sums, layer.scale, &mut space.values);
}

/// Adds three neighboring pixels, each multiplied by its weights. The compiler vectorizes this loop
/// because its length is not constant.
#[inline(always)]
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

/// Multiplies groups of pixels, from row `start` on, with the weights, and writes the results to
/// `out`.
#[inline(always)]
fn dense<L: Lanes>(lanes: L, layer: &Dense, groups: &[[i32; PIXELS]], start: usize, out: &mut Map) {
    let (side, channels) = (out.side, out.channels);
    let blocks: &[L::Block] = bytemuck::cast_slice(&layer.weights);
    let bias: &[L::Block] = bytemuck::cast_slice(&layer.bias);
    for (panel, (weights, bias)) in blocks.chunks_exact(layer.pairs).zip(bias).enumerate() {
        for (group, inputs) in groups.chunks_exact(layer.pairs).enumerate() {
            let sums = product(lanes, weights, *bias, inputs);
            let (y, x) = (start + group * PIXELS / side, group * PIXELS % side);
            let to = ((y + 1) * (side + 2) + x + 1) * channels + panel * L::PANEL;
            for (i, sums) in sums.into_iter().enumerate() {
                let to = to + i * channels;
                scale(lanes.store(sums).as_ref(), layer.scale, &mut out.values[to..to + L::PANEL]);
            }
        }
    }
}

/// Computes one panel of a group of pixels.
#[inline(always)]
fn product<L: Lanes>(
    lanes: L,
    weights: &[L::Block],
    bias: L::Block,
    inputs: &[[i32; PIXELS]],
) -> [L::Panel; PIXELS] {
    let mut sums = [lanes.load(bias); PIXELS];
    for (block, inputs) in weights.iter().zip(inputs) {
        let block = lanes.load(*block);
        for i in 0..PIXELS {
            sums[i] = lanes.add_products(sums[i], lanes.repeat(inputs[i]), block);
        }
    }
    sums
}

/// Converts sums to values. Adding 2^23 to a float from 0 to 255 rounds it to an integer, ties to
/// even, in its lowest bits.
#[inline(always)]
fn scale(sums: &[i32], scale: f32, out: &mut [u8]) {
    const ROUND: f32 = 8_388_608.0;
    for (to, &sum) in out.iter_mut().zip(sums) {
        let value = (sum as f32 * scale).clamp(0.0, 255.0);
        *to = (value + ROUND).to_bits() as u8;
    }
}

/// Computes the mean over all pixels, with ties rounded up.
#[inline(always)]
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
