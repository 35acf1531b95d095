//! Relative position biases.

/// A number for each head and each distance between two tokens.
#[derive(Debug)]
pub(crate) struct Distances {
    /// `[heads, 2·positions − 1]`, by distance, from the furthest before to the furthest after.
    values: Vec<f32>,
    positions: usize,
}

impl Distances {
    /// Computes `value(head, distance)` for all heads, and all distances in texts of up to
    /// `positions` tokens.
    pub(crate) fn new(heads: usize, positions: usize, value: impl Fn(usize, isize) -> f32) -> Self {
        let value = &value;
        let of_head =
            |head| (1 - positions as isize..positions as isize).map(move |distance| value(head, distance));
        Self { values: (0..heads).flat_map(of_head).collect(), positions }
    }

    /// Returns the number for the query of the token `i` with the key of the token `j`.
    pub(super) fn of(&self, head: usize, i: usize, j: usize) -> f32 {
        self.values[head * (2 * self.positions - 1) + j + self.positions - 1 - i]
    }
}
