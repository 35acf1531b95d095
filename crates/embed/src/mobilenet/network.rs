//! MobileNetV1 in integers: a convolution, thirteen pairs of a depthwise and a pointwise one, and a mean.
//!
//! A layer's values are `u8`; its sums are exact in `i32`, are scaled in `f32`, rounded to the nearest (ties to even) and cut
//! to 0..=255. That is the arithmetic of XNNPACK, LiteRT's default, bit by bit; LiteRT's reference kernels round otherwise.

use super::lanes::{Isa, Job, Lanes};

/// The side of the square that the network sees.
pub(super) const SIDE: usize = 224;
/// How many values an embedding has.
pub(super) const DIM: usize = 1024;
/// Pixels that are computed at once; every row of every layer is a multiple of it.
const PIXELS: usize = 7;
/// Rows of a layer that go from its depthwise to its pointwise part at once.
const ROWS: usize = 14;
/// The zero point of the input; that of all other layers is 0.
const INPUT_ZERO: i16 = 128;
/// A pixel of the first layer: 3 x 3 pixels of 3 channels, and one value to make them even.
const PATCH: usize = 28;

/// A convolution of all channels with all: weights as `[panel][pair of inputs][output in the panel]`.
pub(super) struct Dense {
    pub(super) outputs: usize,
    pub(super) pairs: usize,
    pub(super) weights: Vec<i32>,
    pub(super) bias: Vec<i32>,
    pub(super) scale: f32,
}

/// A convolution of each channel with itself: weights as `[3 x 3][channel]`.
pub(super) struct Depthwise {
    pub(super) channels: usize,
    pub(super) stride: usize,
    pub(super) weights: Vec<i16>,
    pub(super) bias: Vec<i32>,
    pub(super) scale: f32,
}

pub(super) struct Network {
    pub(super) isa: Isa,
    pub(super) first: Dense,
    pub(super) pairs: Vec<(Depthwise, Dense)>,
}

/// The values of a layer with a border of zeros, one pixel wide.
struct Map {
    side: usize,
    channels: usize,
    values: Vec<u8>,
}

impl Map {
    fn new(side: usize, channels: usize) -> Self {
        Self { side, channels, values: vec![0; (side + 2) * (side + 2) * channels] }
    }

    /// Row `y`, where 0 is the border.
    #[inline(always)]
    fn row(&self, y: usize) -> &[u8] {
        let length = (self.side + 2) * self.channels;
        &self.values[y * length..(y + 1) * length]
    }
}

impl Network {
    /// The embedding of `SIDE * SIDE` RGB pixels, as the network's own integers.
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
        for (depthwise, pointwise) in &self.network.pairs {
            map = pair_of_layers(lanes, depthwise, pointwise, &map);
        }
        mean(&map, self.out);
    }
}

/// Two factors of products as they lie in a register.
#[inline(always)]
pub(super) fn two_factors(first: i16, second: i16) -> i32 {
    i32::from(first as u16) | i32::from(second) << 16
}

/// The first convolution, of stride 2, as a product with patches of the image.
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

/// The 3 x 3 pixels from (2y, 2x) on; those beyond the right and lower border count as the zero point.
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

/// Where a pixel of a depthwise layer is computed.
struct Space {
    sums: Vec<i32>,
    values: Vec<u8>,
}

#[inline(always)]
fn pair_of_layers<L: Lanes>(lanes: L, depthwise: &Depthwise, pointwise: &Dense, map: &Map) -> Map {
    let side = map.side / depthwise.stride;
    let mut out = Map::new(side, pointwise.outputs);
    let rows = ROWS.min(side);
    let mut between = vec![[0_i32; PIXELS]; rows * side / PIXELS * pointwise.pairs];
    let mut space = Space { sums: vec![0; depthwise.channels], values: vec![0; depthwise.channels] };
    for start in (0..side).step_by(rows) {
        for (group, between) in between.chunks_exact_mut(pointwise.pairs).enumerate() {
            let (y, x) = (start + group * PIXELS / side, group * PIXELS % side);
            for i in 0..PIXELS {
                depthwise_pixel(depthwise, map, (y, x + i), &mut space, between, i);
            }
        }
        dense(lanes, pointwise, &between, start, &mut out);
    }
    out
}

/// One pixel of a depthwise layer, as number `i` of a group. At stride 2 the border lies to the right and below only.
#[inline(always)]
fn depthwise_pixel(
    layer: &Depthwise,
    map: &Map,
    (y, x): (usize, usize),
    space: &mut Space,
    out: &mut [[i32; PIXELS]],
    i: usize,
) {
    let (channels, stride) = (layer.channels, layer.stride);
    let (top, left) = (y * stride + stride - 1, (x * stride + stride - 1) * channels);
    space.sums.copy_from_slice(&layer.bias);
    for (dy, weights) in layer.weights.chunks_exact(3 * channels).enumerate() {
        add_three(&mut space.sums, &map.row(top + dy)[left..left + 3 * channels], weights);
    }
    scale(&space.sums, layer.scale, &mut space.values);
    for (to, &[a, b]) in out.iter_mut().zip(space.values.as_chunks().0) {
        to[i] = two_factors(i16::from(a), i16::from(b));
    }
}

/// Adds three pixels that lie side by side, each times its weights. Loops of a length that the compiler does not know are
/// those that it makes vectors of.
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

/// The product of groups of pixels, from row `start` on, with the weights, into `out`.
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

/// One panel of a group of pixels.
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

/// Sums to values. Adding 2^23 to a float from 0 to 255 rounds it to a whole number, ties to even, in its lowest bits.
#[inline(always)]
fn scale(sums: &[i32], scale: f32, out: &mut [u8]) {
    const ROUND: f32 = 8_388_608.0;
    for (to, &sum) in out.iter_mut().zip(sums) {
        let value = (sum as f32 * scale).clamp(0.0, 255.0);
        *to = (value + ROUND).to_bits() as u8;
    }
}

/// The mean over all pixels, rounded up from the half.
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
