//! The weights of the `.tflite`, packed for the products.

use super::flat::Table;
use super::lanes::Isa;
use super::network::{DIM, Dense, Depthwise, Network, Pair, two_factors};

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
        let first = Dense::new(&stored(0)?, isa.panel())?;
        let pair = |i: usize| {
            let depthwise = Depthwise::new(&stored(2 * i + 1)?)?;
            Some(Pair { depthwise, pointwise: Dense::new(&stored(2 * i + 2)?, isa.panel())? })
        };
        let pairs = (0..13).map(pair).collect::<Option<Vec<_>>>()?;
        (pairs.last()?.pointwise.outputs == DIM).then_some(Self { isa, first, pairs })
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

impl Dense {
    fn new(stored: &Stored, panel: usize) -> Option<Self> {
        let outputs = stored.bias.len();
        let inputs = stored.weights.len().checked_div(outputs)?;
        let pairs = inputs.div_ceil(2);
        if !outputs.is_multiple_of(panel)
            || stored.weights.len() != outputs * inputs
            || stored.shape.first() != Some(&(outputs as i32))
        {
            return None;
        }
        let weight = |output: usize, input: usize| match input < inputs {
            true => i16::from(stored.weights[output * inputs + input]) - stored.zero,
            false => 0,
        };
        let mut weights = Vec::with_capacity(outputs * pairs);
        for start in (0..outputs).step_by(panel) {
            for pair in 0..pairs {
                let two = |output| two_factors(weight(output, 2 * pair), weight(output, 2 * pair + 1));
                weights.extend((start..start + panel).map(two));
            }
        }
        Some(Self { outputs, pairs, weights, bias: stored.bias.clone(), scale: stored.scale })
    }
}

impl Depthwise {
    fn new(stored: &Stored) -> Option<Self> {
        let channels = stored.bias.len();
        let weights: Vec<i16> = stored.weights.iter().map(|&w| i16::from(w) - stored.zero).collect();
        let fits =
            weights.len() == 9 * channels && channels.is_multiple_of(2) && (1..=2).contains(&stored.stride);
        fits.then(|| Self {
            channels,
            stride: stored.stride,
            weights,
            bias: stored.bias.clone(),
            scale: stored.scale,
        })
    }
}
