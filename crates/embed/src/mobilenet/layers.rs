//! The layers of the network, with weights as the kernels read them.

use bytemuck::{Pod, Zeroable};

use super::isa::{Isa, Limit};

/// The number of weights that a dense kernel reads at once: `panel × merged quads × 4`.
pub(super) const STEP: usize = 128;

/// Four values of neighboring channels: what 8-bit dot products sum.
pub(super) type Quad = [u8; 4];

/// The weights of one step, `[quad][output][4 inputs]`: of 32 outputs for one quad, or of 8 outputs
/// for four quads, according to [`Isa::panel`].
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Step(pub(super) [i8; STEP]);

/// 64 bytes that lie in one line of the cache.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [i32; 16]);

/// A step for any quads. It holds what was left of weights that were too large for their place.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExtraStep {
    pub(super) quads: [u32; 4],
    pub(super) weights: Step,
}

/// A convolution of all channels with all, for one pixel.
pub(super) struct Dense {
    pub(super) outputs: usize,
    /// The number of quads of a pixel's inputs, a multiple of four. Those behind the last input have
    /// weights of 0.
    pub(super) quads: usize,
    pub(super) panels: Vec<Panel>,
    pub(super) scale: f32,
}

/// Some output channels of a dense layer.
pub(super) struct Panel {
    pub(super) bias: Vec<i32>,
    /// The steps for all quads in order.
    pub(super) steps: Vec<Step>,
    pub(super) extra: Vec<ExtraStep>,
}

impl Dense {
    /// Packs `weights`, `[output][input]`. Returns `None` if they are not of whole panels.
    pub(super) fn pack(weights: &[i16], bias: &[i32], scale: f32, isa: Isa) -> Option<Self> {
        let (outputs, panel) = (bias.len(), isa.panel());
        let inputs = weights.len().checked_div(outputs)?;
        if inputs == 0 || weights.len() != outputs * inputs || !outputs.is_multiple_of(panel) {
            return None;
        }
        let quads = inputs.div_ceil(16) * 4;
        let pack = |(weights, bias): (&[i16], &[i32])| {
            let mut rest = vec![0; panel * quads * 4];
            for (to, row) in rest.chunks_exact_mut(quads * 4).zip(weights.chunks_exact(inputs)) {
                to[..inputs].copy_from_slice(row);
            }
            Panel::pack(Rest { weights: rest, quads }, bias, isa)
        };
        let panels = weights.chunks_exact(panel * inputs).zip(bias.chunks_exact(panel)).map(pack).collect();
        Some(Self { outputs, quads, panels, scale })
    }
}

impl Panel {
    fn pack(mut rest: Rest, bias: &[i32], isa: Isa) -> Self {
        let sums = rest.weights.chunks_exact(4 * rest.quads);
        let sums = sums.map(|row| row.iter().map(|&weight| i32::from(weight)).sum::<i32>());
        let bias =
            bias.iter().zip(sums).map(|(bias, sum)| bias.wrapping_add(sum * isa.input_offset())).collect();
        let merged = STEP / (4 * isa.panel());
        let all: Vec<u32> = (0..rest.quads as u32).collect();
        let steps = all.chunks_exact(merged).map(|quads| rest.take(quads, isa.limit())).collect();
        let mut extra = Vec::new();
        while let left = rest.nonzero_quads()
            && !left.is_empty()
        {
            for quads in left.chunks(merged) {
                let weights = rest.take(quads, isa.limit());
                let quad = |i: usize| quads.get(i).copied().unwrap_or(0);
                extra.push(ExtraStep { quads: [0, 1, 2, 3].map(quad), weights });
            }
        }
        Self { bias, steps, extra }
    }
}

/// The weights of a panel, `[output][quad][4]`, that are in no step yet.
struct Rest {
    weights: Vec<i16>,
    quads: usize,
}

impl Rest {
    /// Moves as much of the weights of some quads to a step as the limit allows.
    fn take(&mut self, quads: &[u32], limit: Limit) -> Step {
        let mut step = Step::zeroed();
        let panel = self.weights.len() / (4 * self.quads);
        for output in 0..panel {
            // What is left of the limits of the two sums of 16 bits.
            let mut room = [(-128_i16, 128_i16); 2];
            for (place, &quad) in quads.iter().enumerate() {
                for i in 0..4 {
                    let weight = &mut self.weights[4 * (output * self.quads + quad as usize) + i];
                    let (low, high) = &mut room[i / 2];
                    let taken = match limit {
                        Limit::Byte => (*weight).clamp(-128, 127),
                        Limit::SumIn16Bits => (*weight).clamp(*low, (*high).min(127)),
                    };
                    *weight -= taken;
                    *low -= taken.min(0);
                    *high -= taken.max(0);
                    step.0[4 * (place * panel + output) + i] = taken as i8;
                }
            }
        }
        step
    }

    /// Returns the quads with a weight that is left.
    fn nonzero_quads(&self) -> Vec<u32> {
        let is_left = |&quad: &u32| {
            let mut rows = self.weights.chunks_exact(4 * self.quads);
            rows.any(|row| row.as_chunks::<4>().0[quad as usize] != [0; 4])
        };
        (0..self.quads as u32).filter(is_left).collect()
    }
}

/// A convolution of each channel with itself over 3 x 3 pixels.
pub(super) struct Depthwise {
    pub(super) channels: usize,
    pub(super) stride: Stride,
    /// The weights, `[3 x 3][channel]`.
    pub(super) weights: Vec<i16>,
    pub(super) bias: Vec<i32>,
    pub(super) scale: f32,
    /// Biases and weights for the blocks of [`Isa::block`]; see [`Depthwise::packed`].
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(super) packed: Vec<Line>,
}

/// How far the input moves from one pixel of the result to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stride {
    One = 1,
    Two = 2,
}

/// The rows of registers of a packed block: the biases, and two pairs of weights for each column of
/// pixels.
pub(super) const ROWS_OF_BLOCK: usize = 1 + 3 * 2;

impl Depthwise {
    /// Packs the weights of all blocks for `punpcklwd` and `pmaddwd`: `[block][row][half][lane]`.
    /// Row 0 holds the biases. The rows behind it hold, for each of the three columns of pixels, the
    /// weights of the upper two pixels, and that of the lower one beside a zero.
    pub(super) fn packed(weights: &[i16], bias: &[i32], isa: Isa) -> Vec<Line> {
        let Some(block) = isa.block() else { return Vec::new() };
        let channels = bias.len();
        let mut values = Vec::new();
        for start in (0..channels).step_by(block) {
            for row in 0..ROWS_OF_BLOCK {
                for position in 0..block {
                    let channel = start + channel_at(position, block);
                    let weight = |dy: usize, dx: usize| weights[(3 * dy + dx) * channels + channel];
                    values.push(match row {
                        0 => bias[channel],
                        1 | 3 | 5 => two_factors(weight(0, row / 2), weight(1, row / 2)),
                        _ => two_factors(weight(2, row / 2 - 1), 0),
                    });
                }
            }
        }
        values.chunks(16).map(|line| Line(std::array::from_fn(|i| line[i]))).collect()
    }
}

/// Returns the channel of a position in two registers after `punpcklwd` and `punpckhwd`, which take
/// four values from each 128 bits.
fn channel_at(position: usize, block: usize) -> usize {
    let (half, lane) = (position / (block / 2), position % (block / 2));
    lane / 4 * 8 + half * 4 + lane % 4
}

/// Packs two factors as `pmaddwd` wants them.
fn two_factors(first: i16, second: i16) -> i32 {
    i32::from(first as u16) | i32::from(second) << 16
}
