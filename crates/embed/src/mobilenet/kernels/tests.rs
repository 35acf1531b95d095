//! All kernels compute what sums over plain weights give, for random weights and for the extremes of
//! every integer.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::mobilenet::isa::Isa;
use crate::mobilenet::kernels::portable::quantized;
use crate::mobilenet::kernels::types::{PIXELS, Target};
use crate::mobilenet::layers::{Dense, Depthwise, Quad, Stride};

/// The number of outputs of the dense layers, and of channels of the depthwise ones: two blocks of
/// every kernel.
const CHANNELS: usize = 64;

/// Weights of a byte without its zero point: near zero as in the network, anything, or extreme.
fn weight() -> impl Strategy<Value = i16> {
    prop_oneof![
        8 => -20..=20_i16,
        2 => -255..=255_i16,
        1 => prop::sample::select(vec![-255, -129, -128, -127, -65, -64, 0, 63, 64, 65, 127, 128, 129, 255]),
    ]
}

fn value() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), Just(0), Just(255)]
}

fn bias() -> impl Strategy<Value = i32> {
    prop_oneof![8 => -50_000..50_000, 1 => any::<i32>(), 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
}

fn scale() -> impl Strategy<Value = f32> {
    prop_oneof![8 => 0.001_f32..0.5, 1 => 0.5_f32..4.0, 1 => Just(f32::from_bits(1))]
}

/// A dense layer with its inputs, `[pixel][input]`.
#[derive(Debug)]
struct DenseCase {
    weights: Vec<i16>,
    bias: Vec<i32>,
    values: Vec<u8>,
    scale: f32,
}

fn dense_case() -> impl Strategy<Value = DenseCase> {
    let sized = |inputs: usize| {
        let all =
            (vec(weight(), CHANNELS * inputs), vec(bias(), CHANNELS), vec(value(), PIXELS * inputs), scale());
        all.prop_map(|(weights, bias, values, scale)| DenseCase { weights, bias, values, scale })
    };
    (1..100_usize).prop_flat_map(sized)
}

impl DenseCase {
    /// Computes the results from the weights as they are, `[pixel][output]`.
    fn expected(&self) -> Vec<u8> {
        let inputs = self.weights.len() / CHANNELS;
        let sum = |values: &[u8], output: usize| {
            let weights = &self.weights[output * inputs..(output + 1) * inputs];
            let products = values.iter().zip(weights).map(|(&v, &w)| i32::from(v) * i32::from(w));
            self.bias[output].wrapping_add(products.sum())
        };
        let pixel = |values| (0..CHANNELS).map(move |output| quantized(sum(values, output), self.scale));
        self.values.chunks_exact(inputs).flat_map(pixel).collect()
    }

    /// Computes the results with the kernel of an instruction set.
    fn computed(&self, isa: Isa) -> Vec<u8> {
        let layer = Dense::pack(&self.weights, &self.bias, self.scale, isa).expect("whole panels");
        let inputs = self.weights.len() / CHANNELS;
        // Values behind the last input do not count.
        let mut quads = vec![[255; 4]; PIXELS * layer.quads];
        for (to, values) in quads.chunks_exact_mut(layer.quads).zip(self.values.chunks_exact(inputs)) {
            to.as_flattened_mut()[..inputs].copy_from_slice(values);
        }
        let pixels: [&[Quad]; PIXELS] =
            std::array::from_fn(|i| &quads[i * layer.quads..(i + 1) * layer.quads]);
        let mut out = vec![0; PIXELS * CHANNELS];
        for (number, panel) in layer.panels.iter().enumerate() {
            let values = &mut out[number * panel.bias.len()..];
            isa.dense(panel, layer.scale, &pixels, &mut Target { values, stride: CHANNELS });
        }
        out
    }
}

/// A depthwise layer with three rows of its input.
#[derive(Debug)]
struct DepthwiseCase {
    stride: Stride,
    weights: Vec<i16>,
    bias: Vec<i32>,
    rows: Vec<u8>,
    scale: f32,
}

fn depthwise_case() -> impl Strategy<Value = DepthwiseCase> {
    let sized = |(side, stride): (usize, Stride)| {
        let rows = vec(value(), 3 * (side * stride as usize + 2) * CHANNELS);
        let all = (vec(weight(), 9 * CHANNELS), vec(bias(), CHANNELS), rows, scale());
        all.prop_map(move |(weights, bias, rows, scale)| DepthwiseCase { stride, weights, bias, rows, scale })
    };
    (1..9_usize, prop::sample::select(vec![Stride::One, Stride::Two])).prop_flat_map(sized)
}

impl DepthwiseCase {
    fn rows(&self) -> [&[u8]; 3] {
        let length = self.rows.len() / 3;
        [0, 1, 2].map(|row| &self.rows[row * length..(row + 1) * length])
    }

    fn side(&self) -> usize {
        (self.rows.len() / 3 / CHANNELS - 2) / self.stride as usize
    }

    /// Computes the row from the weights as they are.
    fn expected(&self) -> Vec<u8> {
        let stride = self.stride as usize;
        let product = |x: usize, channel: usize, tap: usize| {
            let value = self.rows()[tap / 3][(x * stride + stride - 1 + tap % 3) * CHANNELS + channel];
            i32::from(value) * i32::from(self.weights[tap * CHANNELS + channel])
        };
        let sum = |x, channel| (0..9).map(|tap| product(x, channel, tap)).sum();
        let all = (0..self.side()).flat_map(|x| (0..CHANNELS).map(move |channel| (x, channel)));
        all.map(|(x, channel)| quantized(self.bias[channel].wrapping_add(sum(x, channel)), self.scale))
            .collect()
    }

    /// Computes the row with the kernel of an instruction set.
    fn computed(&self, isa: Isa) -> Vec<u8> {
        let Self { stride, weights, bias, scale, .. } = self;
        let (weights, bias) = (weights.clone(), bias.clone());
        let packed = Depthwise::packed(&weights, &bias, isa);
        let layer = Depthwise { channels: CHANNELS, stride: *stride, weights, bias, scale: *scale, packed };
        let mut out = vec![0; self.side() * CHANNELS];
        isa.depthwise(&layer, self.rows(), &mut out);
        out
    }
}

proptest! {
    #[test]
    fn dense_kernels_sum_exactly(case in dense_case()) {
        let expected = case.expected();
        for isa in Isa::all() {
            prop_assert_eq!(&case.computed(isa), &expected, "{:?}", isa);
        }
    }

    #[test]
    fn depthwise_kernels_sum_exactly(case in depthwise_case()) {
        let expected = case.expected();
        for isa in Isa::all() {
            prop_assert_eq!(&case.computed(isa), &expected, "{:?}", isa);
        }
    }
}

#[test]
fn the_largest_values_and_weights_do_not_saturate() {
    for weight in [-255, -128, 127, 255] {
        let (weights, bias) = (vec![weight; CHANNELS * 1_024], vec![3; CHANNELS]);
        let values = vec![255; PIXELS * 1_024];
        let case = DenseCase { weights, bias, values, scale: 3e-6 };
        for isa in Isa::all() {
            assert_eq!(case.computed(isa), case.expected(), "{weight} {isa:?}");
        }
    }
}
