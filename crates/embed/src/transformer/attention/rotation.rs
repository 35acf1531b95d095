//! Rotary position embeddings.

use candle_core::{Result, Tensor};

/// Rotates pairs of values by an angle that grows with the position. The first half of a head is
/// paired with the second.
#[derive(Debug)]
pub(crate) struct Rotation {
    /// The number of values of a head that are rotated; the rest stay.
    width: usize,
    /// `[positions, width / 2]`.
    cos: Vec<f32>,
    /// `[positions, width / 2]`.
    sin: Vec<f32>,
}

impl Rotation {
    /// Computes the waves of a number of positions, from a frequency for each pair. Both are
    /// multiplied by a factor.
    pub(crate) fn new(frequencies: &[f64], positions: usize, factor: f64) -> Self {
        let angles =
            || (0..positions).flat_map(|position| frequencies.iter().map(move |f| position as f64 * f));
        Self {
            width: 2 * frequencies.len(),
            cos: angles().map(|angle| (angle.cos() * factor) as f32).collect(),
            sin: angles().map(|angle| (angle.sin() * factor) as f32).collect(),
        }
    }

    /// Rotates one head of one token.
    pub(super) fn on_cpu(&self, head: &mut [f32], position: usize) {
        let half = self.width / 2;
        let (cos, sin) = (&self.cos[position * half..][..half], &self.sin[position * half..][..half]);
        let (a, b) = head[..self.width].split_at_mut(half);
        for ((a, b), (cos, sin)) in a.iter_mut().zip(b).zip(cos.iter().zip(sin)) {
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }

    /// Rotates `[texts, heads, length, width]`.
    pub(super) fn on_device(&self, x: &Tensor) -> Result<Tensor> {
        let (_, _, length, width) = x.dims4()?;
        let half = self.width / 2;
        let wave = |values: &[f32]| {
            Tensor::from_slice(&values[..length * half], (length, half), x.device())?.to_dtype(x.dtype())
        };
        let (cos, sin) = (wave(&self.cos)?, wave(&self.sin)?);
        let (a, b) = (x.narrow(3, 0, half)?, x.narrow(3, half, half)?);
        let rotated_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let rotated_b = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        let rest = x.narrow(3, self.width, width - self.width)?;
        Tensor::cat(&[rotated_a, rotated_b, rest], 3)
    }
}
