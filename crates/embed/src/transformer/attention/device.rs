//! Attention on a device other than the CPU: all texts of one length at once, with candle's
//! operations. The tests also run it on a CPU and compare it with `cpu`.

use candle_core::{D, DType, Result, Tensor};

use super::shape::Attention;

impl Attention {
    /// Computes `[tokens, queries + keys + values]` → `[tokens, heads · width]` for texts of these
    /// lengths.
    pub(super) fn on_device(&self, joint: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let mut done = Vec::new();
        let mut start = 0;
        for run in lengths.chunk_by(|a, b| a == b) {
            let tokens = run.len() * run[0];
            done.push(self.equal_lengths(&joint.narrow(0, start, tokens)?, run.len(), run[0])?);
            start += tokens;
        }
        Tensor::cat(&done, 0)
    }

    /// Computes `texts` texts of `length` tokens each.
    fn equal_lengths(&self, joint: &Tensor, texts: usize, length: usize) -> Result<Tensor> {
        let part = |start: usize, heads: usize| {
            let part = joint.narrow(1, start, heads * self.width)?;
            part.reshape((texts, length, heads, self.width))?.transpose(1, 2)?.contiguous()
        };
        let mut q = part(0, self.heads)?;
        let mut k = part(self.queries(), self.kv_heads)?;
        let v = part(self.queries() + self.keys(), self.kv_heads)?;
        if let Some(norms) = &self.head_norms {
            q = norms.on_device(&q, &norms.queries)?;
            k = norms.on_device(&k, &norms.keys)?;
        }
        if let Some(rotation) = &self.rotation {
            q = rotation.on_device(&q)?;
            k = rotation.on_device(&k)?;
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
        let scores = scores.to_dtype(DType::F32)?.broadcast_add(&self.mask(length, joint)?)?;
        let weights = candle_nn::ops::softmax(&scores, D::Minus1)?.to_dtype(v.dtype())?;
        weights.matmul(&share(v)?.contiguous()?)?.transpose(1, 2)?.reshape((texts * length, self.queries()))
    }

    /// Returns the numbers `[heads, length, length]` to add to the scores of a text: −∞ for tokens
    /// out of the span, and otherwise the number of the distance.
    fn mask(&self, length: usize, like: &Tensor) -> Result<Tensor> {
        let mut mask = vec![f32::NEG_INFINITY; self.heads * length * length];
        for (row, values) in mask.chunks_exact_mut(length).enumerate() {
            let (head, i) = (row / length, row % length);
            for j in self.span.of(i, length) {
                values[j] = self.distances.as_ref().map_or(0.0, |distances| distances.of(head, i, j));
            }
        }
        Tensor::from_vec(mask, (self.heads, length, length), like.device())
    }
}
