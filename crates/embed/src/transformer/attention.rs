//! Self-attention: every token looks at the tokens of its own text.
//!
//! On a CPU text by text and head by head, in place in the joint product of queries, keys and values; on another device
//! (`slow`, the twin that the tests compare with) run by run of texts of one length.
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, D, DType, Layout, Result, Shape, Tensor};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

use super::kernels;
use super::linear::Linear;
use super::ops::floats;

/// Queries that are looked at together; fixed, so that a text's sums depend on it alone.
const QUERIES: usize = 128;

/// Which tokens a token looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    All,
    /// Itself and those before it, this many at most.
    Before(usize),
    /// Those at most this far away.
    Around(usize),
}

impl Reach {
    /// Which of `count` tokens the token `i` looks at.
    fn of(self, i: usize, count: usize) -> std::ops::Range<usize> {
        match self {
            Self::All => 0..count,
            Self::Before(most) => (i + 1).saturating_sub(most)..i + 1,
            Self::Around(far) => i.saturating_sub(far)..count.min(i.saturating_add(far).saturating_add(1)),
        }
    }
}

/// The shape of attention, and what is done to queries, keys and scores.
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// Heads of keys and values; several heads of queries share one where they are fewer.
    pub(crate) kv_heads: usize,
    /// The width of a head.
    pub(crate) width: usize,
    /// What the products of queries and keys are multiplied with.
    pub(crate) scale: f64,
    pub(crate) reach: Reach,
    pub(crate) rotation: Option<Arc<Rotation>>,
    /// What is added to a score, by distance.
    pub(crate) distances: Option<Arc<Distances>>,
    /// Root-mean-square norms of each head's queries and keys.
    pub(crate) head_norms: Option<Arc<HeadNorms>>,
    /// Scores are kept within ± this by tanh.
    pub(crate) cap: Option<f64>,
}

impl Attention {
    /// As most models have it: every token looks at every token, a head is a share of the width.
    pub(crate) fn plain(hidden: usize, heads: usize) -> Self {
        let width = hidden / heads;
        Self {
            heads,
            kv_heads: heads,
            width,
            scale: 1.0 / (width as f64).sqrt(),
            reach: Reach::All,
            rotation: None,
            distances: None,
            head_norms: None,
            cap: None,
        }
    }

    fn queries(&self) -> usize {
        self.heads * self.width
    }

    fn keys(&self) -> usize {
        self.kv_heads * self.width
    }

    /// How wide the joint product of queries, keys and values is.
    pub(crate) fn joint(&self) -> usize {
        self.queries() + 2 * self.keys()
    }

    /// `[tokens, queries + keys + values]` → `[tokens, heads · width]`, for texts of these lengths.
    pub(crate) fn forward(&self, joint: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        if joint.device().is_cpu() {
            joint.apply_op1_no_bwd(&Fast { attention: self, lengths })
        } else {
            self.slow(joint, lengths)
        }
    }

    fn slow(&self, joint: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let mut done = Vec::new();
        let mut start = 0;
        for run in lengths.chunk_by(|a, b| a == b) {
            let tokens = run.len() * run[0];
            done.push(self.slow_run(&joint.narrow(0, start, tokens)?, run.len(), run[0])?);
            start += tokens;
        }
        Tensor::cat(&done, 0)
    }

    /// Texts of one length.
    fn slow_run(&self, joint: &Tensor, texts: usize, length: usize) -> Result<Tensor> {
        let part = |start: usize, heads: usize| {
            let part = joint.narrow(1, start, heads * self.width)?;
            part.reshape((texts, length, heads, self.width))?.transpose(1, 2)?.contiguous()
        };
        let mut q = part(0, self.heads)?;
        let mut k = part(self.queries(), self.kv_heads)?;
        let v = part(self.queries() + self.keys(), self.kv_heads)?;
        if let Some(norms) = &self.head_norms {
            q = norms.slow(&q, &norms.queries)?;
            k = norms.slow(&k, &norms.keys)?;
        }
        if let Some(rotation) = &self.rotation {
            q = rotation.slow(&q)?;
            k = rotation.slow(&k)?;
        }
        let share = |x: Tensor| {
            let times = self.heads / self.kv_heads;
            let x = x.unsqueeze(2)?.expand((texts, self.kv_heads, times, length, self.width))?;
            x.reshape((texts, self.heads, length, self.width))
        };
        let scores = (q.matmul(&share(k)?.transpose(2, 3)?.contiguous()?)? * self.scale)?;
        let scores = match self.cap {
            Some(cap) => ((scores / cap)?.tanh()? * cap)?,
            None => scores,
        };
        let scores = scores.to_dtype(DType::F32)?.broadcast_add(&self.added(length, joint)?)?;
        let shares = candle_nn::ops::softmax(&scores, D::Minus1)?.to_dtype(v.dtype())?;
        shares.matmul(&share(v)?.contiguous()?)?.transpose(1, 2)?.reshape((texts * length, self.queries()))
    }

    /// What is added to all scores of a text: −∞ out of reach, and what distance adds.
    fn added(&self, length: usize, like: &Tensor) -> Result<Tensor> {
        let mut added = vec![f32::NEG_INFINITY; self.heads * length * length];
        for (row, values) in added.chunks_exact_mut(length).enumerate() {
            let (head, i) = (row / length, row % length);
            for j in self.reach.of(i, length) {
                values[j] = self.distances.as_ref().map_or(0.0, |distances| distances.of(head, i, j));
            }
        }
        Tensor::from_vec(added, (self.heads, length, length), like.device())
    }

    /// One text: `joint` has its tokens' queries, keys and values, `out` what they attend to.
    fn fast(&self, joint: &[f32], out: &mut [f32], scores: &mut Vec<f32>) -> Result<()> {
        let length = joint.len() / self.joint();
        let joint =
            ArrayView2::from_shape((length, self.joint()), joint).map_err(candle_core::Error::wrap)?;
        let mut out =
            ArrayViewMut2::from_shape((length, self.queries()), out).map_err(candle_core::Error::wrap)?;
        for head in 0..self.heads {
            let shared = head / (self.heads / self.kv_heads);
            let columns = |start: usize, head: usize| {
                s![.., start + head * self.width..start + (head + 1) * self.width]
            };
            let q = joint.slice(columns(0, head));
            let k = joint.slice(columns(self.queries(), shared));
            let v = joint.slice(columns(self.queries() + self.keys(), shared));
            let mut out = out.slice_mut(columns(0, head));
            for first in (0..length).step_by(QUERIES) {
                let rows = first..length.min(first + QUERIES);
                let reached =
                    self.reach.of(rows.start, length).start..self.reach.of(rows.end - 1, length).end;
                scores.clear();
                scores.resize(rows.len() * reached.len(), 0.0);
                let mut block = ArrayViewMut2::from_shape((rows.len(), reached.len()), scores)
                    .map_err(candle_core::Error::wrap)?;
                let (q, k) = (q.slice(s![rows.clone(), ..]), k.slice(s![reached.clone(), ..]));
                general_mat_mul(self.scale as f32, &q, &k.t(), 0.0, &mut block);
                for (row, i) in scores.chunks_exact_mut(reached.len()).zip(rows.clone()) {
                    self.share(row, (head, i, length), reached.start);
                }
                let block = ArrayView2::from_shape((rows.len(), reached.len()), scores)
                    .map_err(candle_core::Error::wrap)?;
                let v = v.slice(s![reached, ..]);
                general_mat_mul(1.0, &block, &v, 0.0, &mut out.slice_mut(s![rows, ..]));
            }
        }
        Ok(())
    }

    /// Turns the scores of a token, which begin with that of the token `first`, into shares of 1.
    fn share(&self, row: &mut [f32], (head, i, length): (usize, usize, usize), first: usize) {
        let reached = self.reach.of(i, length);
        let (before, rest) = row.split_at_mut(reached.start - first);
        let (row, after) = rest.split_at_mut(reached.len());
        before.fill(0.0);
        after.fill(0.0);
        if let Some(cap) = self.cap {
            let cap = cap as f32;
            row.iter_mut().for_each(|score| *score = (*score / cap).tanh() * cap);
        }
        if let Some(distances) = &self.distances {
            row.iter_mut().zip(reached).for_each(|(score, j)| *score += distances.of(head, i, j));
        }
        kernels::softmax(row);
    }

    /// Norms and turns the heads of queries and keys.
    fn prepare(&self, joint: &mut [f32], lengths: &[usize]) {
        let positions = lengths.iter().flat_map(|&length| 0..length);
        for (token, position) in joint.chunks_exact_mut(self.joint()).zip(positions) {
            for (number, head) in
                token.chunks_exact_mut(self.width).take(self.heads + self.kv_heads).enumerate()
            {
                if let Some(norms) = &self.head_norms {
                    let weight = if number < self.heads { &norms.queries } else { &norms.keys };
                    norms.fast(head, weight);
                }
                if let Some(rotation) = &self.rotation {
                    rotation.fast(head, position);
                }
            }
        }
    }
}

struct Fast<'a> {
    attention: &'a Attention,
    lengths: &'a [usize],
}

impl CustomOp1 for Fast<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, joint: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (attention, mut joint) = (self.attention, floats(joint, layout)?);
        let mut prepared = Vec::new();
        if attention.rotation.is_some() || attention.head_norms.is_some() {
            prepared.extend_from_slice(joint);
            attention.prepare(&mut prepared, self.lengths);
            joint = &prepared;
        }
        let tokens: usize = self.lengths.iter().sum();
        let mut out = vec![0.0; tokens * attention.queries()];
        let (mut start, mut scores) = (0, Vec::new());
        for length in self.lengths {
            let end = start + length;
            let text = &joint[start * attention.joint()..end * attention.joint()];
            attention.fast(
                text,
                &mut out[start * attention.queries()..end * attention.queries()],
                &mut scores,
            )?;
            start = end;
        }
        Ok((CpuStorage::F32(out), (tokens, attention.queries()).into()))
    }
}

/// Turns pairs of values by an angle that grows with the position (rotary position embedding, the halves of a head paired).
#[derive(Debug)]
pub(crate) struct Rotation {
    /// How many values of a head are turned; the rest stay.
    width: usize,
    /// `[positions, width / 2]`.
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotation {
    /// Of these frequencies, for so many positions; both waves are multiplied with a factor.
    pub(crate) fn new(frequencies: &[f64], positions: usize, factor: f64) -> Self {
        let angles =
            || (0..positions).flat_map(|position| frequencies.iter().map(move |f| position as f64 * f));
        Self {
            width: 2 * frequencies.len(),
            cos: angles().map(|angle| (angle.cos() * factor) as f32).collect(),
            sin: angles().map(|angle| (angle.sin() * factor) as f32).collect(),
        }
    }

    fn fast(&self, head: &mut [f32], position: usize) {
        let half = self.width / 2;
        let (cos, sin) = (&self.cos[position * half..][..half], &self.sin[position * half..][..half]);
        let (a, b) = head[..self.width].split_at_mut(half);
        for ((a, b), (cos, sin)) in a.iter_mut().zip(b).zip(cos.iter().zip(sin)) {
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }

    /// `[texts, heads, length, width]`.
    fn slow(&self, x: &Tensor) -> Result<Tensor> {
        let (_, _, length, width) = x.dims4()?;
        let half = self.width / 2;
        let wave = |values: &[f32]| {
            Tensor::from_slice(&values[..length * half], (length, half), x.device())?.to_dtype(x.dtype())
        };
        let (cos, sin) = (wave(&self.cos)?, wave(&self.sin)?);
        let (a, b) = (x.narrow(3, 0, half)?, x.narrow(3, half, half)?);
        let turned_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let turned_b = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        let rest = x.narrow(3, self.width, width - self.width)?;
        Tensor::cat(&[turned_a, turned_b, rest], 3)
    }
}

/// A number for each head and each distance between two tokens.
#[derive(Debug)]
pub(crate) struct Distances {
    /// `[heads, 2·positions − 1]`, from the one furthest before to the one furthest behind.
    values: Vec<f32>,
    positions: usize,
}

impl Distances {
    /// `value(head, distance)`, for tokens of texts of up to so many.
    pub(crate) fn new((heads, positions): (usize, usize), value: impl Fn(usize, isize) -> f32) -> Self {
        let value = &value;
        let of_head =
            |head| (1 - positions as isize..positions as isize).map(move |distance| value(head, distance));
        Self { values: (0..heads).flat_map(of_head).collect(), positions }
    }

    fn of(&self, head: usize, i: usize, j: usize) -> f32 {
        self.values[head * (2 * self.positions - 1) + j + self.positions - 1 - i]
    }
}

/// Root-mean-square norms of each head's queries and keys.
#[derive(Debug)]
pub(crate) struct HeadNorms {
    /// `[width]`.
    pub(crate) queries: Vec<f32>,
    pub(crate) keys: Vec<f32>,
    pub(crate) eps: f64,
}

impl HeadNorms {
    fn fast(&self, head: &mut [f32], weight: &[f32]) {
        let square = head.iter().map(|x| x * x).sum::<f32>() / head.len() as f32;
        let scale = 1.0 / (square + self.eps as f32).sqrt();
        head.iter_mut().zip(weight).for_each(|(x, weight)| *x *= scale * weight);
    }

    /// `[texts, heads, length, width]`.
    fn slow(&self, x: &Tensor, weight: &[f32]) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?;
        let scale = (wide.sqr()?.mean_keepdim(3)? + self.eps)?.sqrt()?;
        let weight = Tensor::from_slice(weight, weight.len(), x.device())?;
        wide.broadcast_div(&scale)?.broadcast_mul(&weight)?.to_dtype(x.dtype())
    }
}

/// The projections around attention.
#[derive(Debug, Clone)]
pub(crate) struct Attend {
    pub(crate) attention: Attention,
    /// To queries, keys and values side by side.
    pub(crate) joint: Linear,
    pub(crate) out: Linear,
}

impl Attend {
    pub(crate) fn forward(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        self.out.forward(&self.attention.forward(&self.joint.forward(x)?, lengths)?)
    }
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
