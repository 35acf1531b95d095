//! Attention on a CPU: text by text and head by head, in place in the joint matrix of queries, keys
//! and values.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

use super::shape::Attention;
use crate::transformer::kernels;
use crate::transformer::ops::floats;

/// The number of queries that are computed at once. It is fixed, so that a text's sums depend on
/// the text alone.
const QUERIES: usize = 128;

/// Attention as an operation of candle.
pub(super) struct OnCpu<'a> {
    pub(super) attention: &'a Attention,
    pub(super) lengths: &'a [usize],
}

impl CustomOp1 for OnCpu<'_> {
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
            attention.text(
                text,
                &mut out[start * attention.queries()..end * attention.queries()],
                &mut scores,
            )?;
            start = end;
        }
        Ok((CpuStorage::F32(out), (tokens, attention.queries()).into()))
    }
}

/// A query: the token `token` of a text of `length` tokens, in the head `head`.
#[derive(Clone, Copy)]
struct Query {
    head: usize,
    token: usize,
    length: usize,
}

impl Attention {
    /// Computes one text. `joint` holds `[length, queries + keys + values]`, `out` gets `[length,
    /// heads · width]`, and `scores` is a buffer.
    fn text(&self, joint: &[f32], out: &mut [f32], scores: &mut Vec<f32>) -> Result<()> {
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
            let head = Head {
                number: head,
                queries: joint.slice(columns(0, head)),
                keys: joint.slice(columns(self.queries(), shared)),
                values: joint.slice(columns(self.queries() + self.keys(), shared)),
                out: out.slice_mut(columns(0, head)),
            };
            self.head(head, scores)?;
        }
        Ok(())
    }

    /// Computes one head of a text.
    fn head(&self, mut head: Head, scores: &mut Vec<f32>) -> Result<()> {
        let length = head.queries.nrows();
        for first in (0..length).step_by(QUERIES) {
            let rows = first..length.min(first + QUERIES);
            let span = self.span.of(rows.start, length).start..self.span.of(rows.end - 1, length).end;
            scores.clear();
            scores.resize(rows.len() * span.len(), 0.0);
            let mut block = ArrayViewMut2::from_shape((rows.len(), span.len()), scores)
                .map_err(candle_core::Error::wrap)?;
            let q = head.queries.slice(s![rows.clone(), ..]);
            let k = head.keys.slice(s![span.clone(), ..]);
            general_mat_mul(self.scale as f32, &q, &k.t(), 0.0, &mut block);
            for (row, token) in scores.chunks_exact_mut(span.len()).zip(rows.clone()) {
                self.weigh(row, Query { head: head.number, token, length }, &span);
            }
            let block =
                ArrayView2::from_shape((rows.len(), span.len()), scores).map_err(candle_core::Error::wrap)?;
            let v = head.values.slice(s![span, ..]);
            general_mat_mul(1.0, &block, &v, 0.0, &mut head.out.slice_mut(s![rows, ..]));
        }
        Ok(())
    }

    /// Turns the scores of a query with the tokens `span` into weights whose sum is 1. Tokens that
    /// it does not attend to get 0.
    fn weigh(&self, row: &mut [f32], query: Query, span: &Range<usize>) {
        let own = self.span.of(query.token, query.length);
        let (before, rest) = row.split_at_mut(own.start - span.start);
        let (row, after) = rest.split_at_mut(own.len());
        before.fill(0.0);
        after.fill(0.0);
        if let Some(cap) = self.cap {
            let cap = cap as f32;
            row.iter_mut().for_each(|score| *score = (*score / cap).tanh() * cap);
        }
        if let Some(distances) = &self.distances {
            let add = |(score, token): (&mut f32, usize)| {
                *score += distances.of(query.head, query.token, token);
            };
            row.iter_mut().zip(own).for_each(add);
        }
        kernels::softmax(row);
    }

    /// Normalizes and rotates the heads of queries and keys.
    fn prepare(&self, joint: &mut [f32], lengths: &[usize]) {
        let positions = lengths.iter().flat_map(|&length| 0..length);
        for (token, position) in joint.chunks_exact_mut(self.joint()).zip(positions) {
            let heads = token.chunks_exact_mut(self.width).take(self.heads + self.kv_heads);
            for (number, head) in heads.enumerate() {
                if let Some(norms) = &self.head_norms {
                    let weight = if number < self.heads { &norms.queries } else { &norms.keys };
                    norms.on_cpu(head, weight);
                }
                if let Some(rotation) = &self.rotation {
                    rotation.on_cpu(head, position);
                }
            }
        }
    }
}

/// The matrices `[length, width]` of one head of a text.
struct Head<'a> {
    number: usize,
    queries: ArrayView2<'a, f32>,
    keys: ArrayView2<'a, f32>,
    values: ArrayView2<'a, f32>,
    out: ArrayViewMut2<'a, f32>,
}
