//! The weights of the `.tflite`, packed for the products.

use super::flat::Table;
use super::isa::Isa;
use super::layers::{Dense, Depthwise, Stride};
use super::network::{DIM, INPUT_ZERO, Network, PATCH, Pair};

/// A convolution as the file has it.
struct Stored<'a> {
    shape: Vec<i32>,
    weights: &'a [u8],
    zero: i16,
    bias: Vec<i32>,
    scale: f32,
    stride: usize,
}

impl Network {
    /// Reads a `.tflite`. Returns `None` if it is not this network.
    pub(super) fn read(file: &[u8], isa: Isa) -> Option<Self> {
        const SUBGRAPHS: usize = 2;
        const OPERATORS: usize = 3;
        let model = Table::root(file)?;
        let graph = model.element(SUBGRAPHS, 0)?;
        if graph.count(OPERATORS)? != 28 {
            return None;
        }
        let stored = |i: usize| Stored::read(model, graph, graph.element(OPERATORS, i)?);
        let first = stored(0)?.first(isa)?;
        let pair = |i: usize| {
            let depthwise = stored(2 * i + 1)?.depthwise(isa)?;
            let pointwise = stored(2 * i + 2)?.dense(isa)?;
            Some(Pair { depthwise, pointwise })
        };
        let pairs = (0..13).map(pair).collect::<Option<Vec<_>>>()?;
        Some(Self { isa, first, pairs }).filter(Self::is_connected)
    }
}

impl Network {
    /// Whether each layer has as many inputs as the layer before has outputs, and the last one has
    /// as many outputs as an embedding has values.
    pub(super) fn is_connected(&self) -> bool {
        let mut outputs = self.first.outputs;
        self.pairs.iter().all(|Pair { depthwise, pointwise }| {
            let is_next = depthwise.channels == outputs && 4 * pointwise.quads == outputs;
            outputs = pointwise.outputs;
            is_next
        }) && outputs == DIM
    }
}

impl<'a> Stored<'a> {
    fn read(model: Table<'a>, graph: Table<'a>, operator: Table<'a>) -> Option<Self> {
        const BUFFERS: usize = 4;
        const TENSORS: usize = 0;
        let (inputs, outputs) = (operator.integers(1)?, operator.integers(2)?);
        let tensor = |i: i32| graph.element(TENSORS, usize::try_from(i).ok()?);
        let [input, weights, bias] = inputs.as_slice() else { return None };
        let (input, weights, bias, output) =
            (tensor(*input)?, tensor(*weights)?, tensor(*bias)?, tensor(*outputs.first()?)?);
        let data = |t: Table<'a>, size: usize| {
            model
                .element(BUFFERS, t.unsigned(2)? as usize)?
                .bytes(0, 1)
                .filter(|b| b.len().is_multiple_of(size))
        };
        let scale = |t: Table| t.table(4)?.first_float(2);
        let side = |t: Table| t.integers(0)?.get(1).copied();
        Some(Self {
            shape: weights.integers(0)?,
            weights: data(weights, 1)?,
            zero: i16::try_from(weights.table(4)?.first_long(3)?).ok()?,
            bias: data(bias, 4)?.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect(),
            scale: scale(input)? * scale(weights)? / scale(output)?,
            stride: usize::try_from(side(input)?.checked_div(side(output)?)?).ok()?,
        })
    }
}

impl Stored<'_> {
    /// Returns the weights without their zero point.
    fn centered(&self) -> Vec<i16> {
        self.weights.iter().map(|&w| i16::from(w) - self.zero).collect()
    }

    /// Returns the layer as one of all channels with all, or `None` if it is not of that kind.
    fn dense(&self, isa: Isa) -> Option<Dense> {
        let is_dense = self.shape.first() == Some(&i32::try_from(self.bias.len()).ok()?);
        Dense::pack(&self.centered(), &self.bias, self.scale, isa).filter(|_| is_dense)
    }

    /// Returns the layer as the first one, whose inputs have a zero point. What that adds to the sums
    /// does not depend on the image, so it goes into the biases.
    fn first(mut self, isa: Isa) -> Option<Dense> {
        let (weights, inputs) = (self.centered(), self.weights.len().checked_div(self.bias.len())?);
        for (bias, weights) in self.bias.iter_mut().zip(weights.chunks_exact(inputs)) {
            let sum: i32 = weights.iter().map(|&w| i32::from(w)).sum();
            *bias = bias.wrapping_sub(sum * i32::from(INPUT_ZERO));
        }
        self.dense(isa).filter(|_| inputs == PATCH)
    }

    /// Returns the layer as one of each channel with itself, or `None` if it is not of that kind.
    fn depthwise(self, isa: Isa) -> Option<Depthwise> {
        let (channels, weights) = (self.bias.len(), self.centered());
        let stride = match self.stride {
            1 => Stride::One,
            2 => Stride::Two,
            _ => return None,
        };
        if weights.len() != 9 * channels || !channels.is_multiple_of(isa.block().unwrap_or(1)) {
            return None;
        }
        let packed = Depthwise::packed(&weights, &self.bias, isa);
        Some(Depthwise { channels, stride, weights, bias: self.bias, scale: self.scale, packed })
    }
}
