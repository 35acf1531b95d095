//! From a vector for each token to one for the text: pooling, and the steps after it.

use candle_core::Tensor;

use super::failure::Result;
use super::kernels::Activation;
use super::linear::Linear;
use super::ops::activate;
use crate::error::ModelError;

/// The ways of pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The first token.
    First,
    /// The maximum of all tokens, value by value.
    Max,
    /// The mean of all tokens.
    Mean,
    /// The sum of all tokens, divided by the square root of their number.
    MeanOfRoot,
    /// The mean of all tokens, in which the n-th token has the weight n.
    Weighted,
    /// The last token.
    Last,
    /// The first token with this number (CLIP's end of text), or else the last token.
    FirstOf(u32),
    /// The first token with the greatest number (CLIP's end of text in old models).
    Greatest,
}

/// A step after pooling.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Dense(Dense),
    /// Scales the vector to unit length.
    Normalize,
}

/// A linear layer with an activation.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub(crate) linear: Linear,
    pub(crate) activation: Activation,
}

/// Pooling, and the steps after it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The ways of pooling, whose results are concatenated.
    pub(crate) modes: Vec<Mode>,
    /// Whether the tokens of the prefix are pooled.
    pub(crate) with_prefix: bool,
    /// The steps after pooling, in order.
    pub(crate) steps: Vec<Step>,
    /// The number of values that are left of an embedding, if it is truncated.
    pub(crate) truncate: Option<usize>,
}

impl Head {
    /// Makes the head of a model without settings for it.
    pub(crate) fn plain(mode: Mode) -> Self {
        Self { modes: vec![mode], with_prefix: true, steps: Vec::new(), truncate: None }
    }

    fn layers(&self) -> impl DoubleEndedIterator<Item = &Linear> {
        self.steps.iter().filter_map(|step| match step {
            Step::Dense(dense) => Some(&dense.linear),
            Step::Normalize => None,
        })
    }

    /// Returns the number of values of an embedding, for tokens of this width.
    pub(crate) fn width(&self, hidden: usize) -> usize {
        let whole = self.layers().next_back().map_or(hidden * self.modes.len(), Linear::outputs);
        self.truncate.map_or(whole, |most| whole.min(most))
    }

    /// Fails if the layers after pooling do not fit the width of the tokens.
    pub(crate) fn check(&self, hidden: usize) -> Result<()> {
        let mut width = hidden * self.modes.len();
        for layer in self.layers() {
            if layer.inputs() != width {
                return Err(ModelError::with_hint(
                    format!("a layer after pooling reads {} values, it gets {width}", layer.inputs()),
                    "the modules do not belong together",
                ));
            }
            width = layer.outputs();
        }
        Ok(())
    }

    /// Pools the rows `[tokens, width]` of a text, without the first `skip` of them.
    pub(crate) fn pool(&self, rows: &[f32], tokens: &[u32], skip: usize, out: &mut [f32]) {
        let width = rows.len() / tokens.len();
        if skip >= tokens.len() {
            return out.fill(0.0);
        }
        for (mode, out) in self.modes.iter().zip(out.chunks_exact_mut(width)) {
            mode.pool(&rows[skip * width..], &tokens[skip..], skip, out);
        }
    }

    /// Runs the steps after pooling, and truncates the results.
    pub(crate) fn finish(&self, mut texts: Tensor) -> candle_core::Result<Vec<f32>> {
        for step in &self.steps {
            texts = match step {
                Step::Dense(Dense { linear, activation }) => activate(linear.forward(&texts)?, *activation)?,
                Step::Normalize => {
                    let mut rows = numbers(&texts)?;
                    rows.chunks_exact_mut(texts.dim(1)?).for_each(normalize);
                    Tensor::from_vec(rows, texts.dims2()?, texts.device())?.to_dtype(texts.dtype())?
                }
            };
        }
        let width = texts.dim(1)?;
        match self.truncate.filter(|&most| most < width) {
            None => numbers(&texts),
            Some(most) => numbers(&texts.narrow(1, 0, most)?.contiguous()?),
        }
    }
}

fn numbers(texts: &Tensor) -> candle_core::Result<Vec<f32>> {
    texts.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1()
}

fn normalize(row: &mut [f32]) {
    let length = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt().max(1e-12);
    row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
}

impl Mode {
    /// Pools the rows of at least one token. `before` is the number of tokens of the text before
    /// them.
    fn pool(self, rows: &[f32], tokens: &[u32], before: usize, out: &mut [f32]) {
        let (width, count) = (out.len(), tokens.len());
        let weighted = |out: &mut [f32], weight: &dyn Fn(usize) -> f32, total: f32| {
            out.fill(0.0);
            for (i, row) in rows.chunks_exact(width).enumerate() {
                let weight = weight(i);
                out.iter_mut().zip(row).for_each(|(out, x)| *out += x * weight);
            }
            out.iter_mut().for_each(|out| *out /= total);
        };
        let one = match self {
            Self::Mean => return weighted(out, &|_| 1.0, count as f32),
            Self::MeanOfRoot => return weighted(out, &|_| 1.0, (count as f32).sqrt()),
            Self::Weighted => {
                let total = (before + 1..=before + count).map(|n| n as f32).sum();
                return weighted(out, &|i| (before + i + 1) as f32, total);
            }
            Self::Max => {
                out.fill(f32::NEG_INFINITY);
                let rows = rows.chunks_exact(width);
                // Not `max`, which would lose NaN.
                let greater = |x: f32, out: f32| x > out || x.is_nan();
                let take = |(out, &x): (&mut f32, &f32)| *out = if greater(x, *out) { x } else { *out };
                return rows.for_each(|row| out.iter_mut().zip(row).for_each(take));
            }
            Self::First => 0,
            Self::Last => count - 1,
            Self::FirstOf(token) => tokens.iter().position(|&t| t == token).unwrap_or(count - 1),
            Self::Greatest => {
                let greatest = tokens.iter().max();
                tokens.iter().position(|t| Some(t) == greatest).unwrap_or(0)
            }
        };
        out.copy_from_slice(&rows[one * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_stays_nan_in_every_way_of_pooling_that_looks_at_it() {
        for nan in 0..3 {
            let mut rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
            rows[2 * nan] = f32::NAN;
            for mode in [Mode::Max, Mode::Mean, Mode::MeanOfRoot, Mode::Weighted] {
                let mut out = [0.0; 2];
                mode.pool(&rows, &[7, 8, 9], 0, &mut out);
                assert!(out[0].is_nan() && out[1].is_finite(), "{mode:?}: {out:?}");
            }
        }
    }
}
