//! From a vector for each token to one for the text.

use candle_core::{Device, Tensor};

use super::failed;
use super::kernels::Activation;
use super::linear::Linear;
use super::ops::activate;
use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// Which tokens' vectors make the text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The first token.
    First,
    /// The greatest value of all tokens.
    Max,
    Mean,
    /// The sum over the root of the number of tokens.
    MeanOfRoot,
    /// The mean, with the n-th token weighted by n.
    Weighted,
    Last,
    /// The first token with this number (CLIP's end of text), or the last one.
    FirstOf(u32),
    /// The first token with the greatest number (CLIP's end of text in old models).
    Greatest,
}

/// What is done with a pooled vector.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Dense(Dense),
    /// The vector is made of unit length.
    Normalize,
}

/// A layer after pooling.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub(crate) linear: Linear,
    pub(crate) activation: Activation,
}

/// What is done with the vectors of a text's tokens.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Side by side.
    pub(crate) modes: Vec<Mode>,
    /// Whether tokens of the prefix count.
    pub(crate) with_prefix: bool,
    /// After pooling, in this order.
    pub(crate) steps: Vec<Step>,
}

impl Head {
    /// What is done where no file says anything.
    pub(crate) fn plain(mode: Mode) -> Self {
        Self { modes: vec![mode], with_prefix: true, steps: Vec::new() }
    }

    fn layers(&self) -> impl DoubleEndedIterator<Item = &Linear> {
        self.steps.iter().filter_map(|step| match step {
            Step::Dense(dense) => Some(&dense.linear),
            Step::Normalize => None,
        })
    }

    /// How many values a text has, of tokens of this width.
    pub(crate) fn width(&self, hidden: usize) -> usize {
        self.layers().next_back().map_or(hidden * self.modes.len(), Linear::outputs)
    }

    /// Fails where the layers after pooling do not fit the tokens' width.
    pub(crate) fn check(&self, hidden: usize) -> Result<()> {
        let mut width = hidden * self.modes.len();
        for layer in self.layers() {
            if layer.inputs() != width {
                return Err(ModelError::new(
                    format!("a layer after pooling reads {} values, it gets {width}", layer.inputs()),
                    "the modules do not belong together",
                ));
            }
            width = layer.outputs();
        }
        Ok(())
    }

    /// Pools the rows of a text's tokens, of which the first ones may not count.
    pub(crate) fn pool(&self, rows: &[f32], tokens: &[u32], skip: usize, out: &mut [f32]) {
        let width = rows.len() / tokens.len();
        if skip >= tokens.len() {
            return out.fill(0.0);
        }
        for (mode, out) in self.modes.iter().zip(out.chunks_exact_mut(width)) {
            mode.pool(&rows[skip * width..], &tokens[skip..], skip, out);
        }
    }

    /// The steps after pooling.
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
        numbers(&texts)
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
    /// Rows of tokens, at least one, to a row; so many came before.
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

/// The device's tensor of pooled rows.
pub(crate) fn rows(
    values: Vec<f32>,
    width: usize,
    (dtype, device): (candle_core::DType, &Device),
) -> Result<Tensor> {
    let texts = values.len() / width;
    Tensor::from_vec(values, (texts, width), device).and_then(|rows| rows.to_dtype(dtype)).map_err(failed)
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
