//! The loss of a batch and its gradients.
//!
//! A text's embedding `o` is the unit vector of the sum of its words' vectors, `t` is the teacher's
//! (unit) embedding, and `W` the head, a matrix that is used for training alone. The loss is
//!
//! ```text
//!   mean(1 − cos(o W, t))  +  GRAM · mean((o·oᵀ − t·tᵀ)²)  +  APART · mean(max(0, o·o′ − τ)²)
//! ```
//!
//! over the texts, the pairs of texts, and the pairs of a text with a changed copy `o′` that should
//! lie further away than τ. The first term alone would let the head correct what the table has
//! wrong; the second compares the embeddings as deduplication does.

use ndarray::{Array1, Array2, ArrayView1, Axis, Zip};

/// The weight of the similarities between the texts of a batch.
const GRAM: f32 = 40.0;
/// The weight of the changed copies.
const APART: f32 = 2.0;

/// A text and its changed copy, as rows of the batch, with the highest cosine that costs nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub text: usize,
    pub copy: usize,
    pub most: f32,
}

/// A batch: the sums of `rows` texts, of which the first ones have an embedding by the teacher. The
/// others are changed copies.
pub(super) struct Batch<'a> {
    /// The sums of the words' vectors, `[rows, dim]`.
    pub sums: Array2<f32>,
    /// The teacher's unit vectors, `[texts, teacher dim]`.
    pub teacher: Array2<f32>,
    pub pairs: &'a [Pair],
}

/// The loss of a batch with its gradients.
pub(super) struct Gradients {
    pub loss: f32,
    /// By the sums, `[rows, dim]`.
    pub sums: Array2<f32>,
    /// By the head, `[dim, teacher dim]`.
    pub head: Array2<f32>,
}

/// Computes the loss of a batch and its gradients.
pub(super) fn gradients(batch: &Batch, head: &Array2<f32>) -> Gradients {
    let lengths = lengths(&batch.sums);
    let unit = &batch.sums / &lengths.view().insert_axis(Axis(1));
    let texts = batch.teacher.nrows();
    let own = unit.slice(ndarray::s![..texts, ..]);
    let mut by_unit = Array2::zeros(unit.raw_dim());

    let projected = own.dot(head);
    let (by_head_loss, by_projected) = cosines(&projected, &batch.teacher);
    let by_head = own.t().dot(&by_projected);
    let mut by_own = by_unit.slice_mut(ndarray::s![..texts, ..]);
    by_own.assign(&by_projected.dot(&head.t()));

    let difference = own.dot(&own.t()) - batch.teacher.dot(&batch.teacher.t());
    let pairs = (texts * texts) as f32;
    let gram_loss = GRAM * difference.iter().map(|d| d * d).sum::<f32>() / pairs;
    by_own.scaled_add(4.0 * GRAM / pairs, &difference.dot(&own));

    let apart_loss = apart(&unit, batch.pairs, &mut by_unit);
    // Along the sum itself, the unit vector does not change.
    Zip::from(by_unit.rows_mut()).and(unit.rows()).and(&lengths).for_each(|mut by, unit, &length| {
        let along = by.dot(&unit);
        by.scaled_add(-along, &unit);
        by.mapv_inplace(|value| value / length);
    });
    Gradients { loss: by_head_loss + gram_loss + apart_loss, sums: by_unit, head: by_head }
}

/// Returns the lengths of rows; 1 for a row of zeros, which has no direction.
fn lengths(rows: &Array2<f32>) -> Array1<f32> {
    rows.map_axis(Axis(1), |row| match row.dot(&row).sqrt() {
        length if length > 0.0 => length,
        _ => 1.0,
    })
}

/// Returns the mean of 1 − cosine of rows with the teacher's, and its gradient by the rows.
fn cosines(rows: &Array2<f32>, teacher: &Array2<f32>) -> (f32, Array2<f32>) {
    let mut by_rows = Array2::zeros(rows.raw_dim());
    let (mut loss, count) = (0.0, rows.nrows() as f32);
    let gradient = |mut by: ndarray::ArrayViewMut1<f32>, row: ArrayView1<f32>, wanted: ArrayView1<f32>| {
        let length = row.dot(&row).sqrt().max(f32::MIN_POSITIVE);
        let cosine = row.dot(&wanted) / length;
        loss += (1.0 - cosine) / count;
        Zip::from(&mut by).and(row).and(wanted).for_each(|by, &value, &wanted| {
            *by = (cosine * value / length - wanted) / (length * count);
        });
    };
    Zip::from(by_rows.rows_mut()).and(rows.rows()).and(teacher.rows()).for_each(gradient);
    (loss, by_rows)
}

/// Returns the loss of the pairs that lie too close, and adds its gradient.
fn apart(unit: &Array2<f32>, pairs: &[Pair], by_unit: &mut Array2<f32>) -> f32 {
    let count = pairs.len().max(1) as f32;
    let mut loss = 0.0;
    for &Pair { text, copy, most } in pairs {
        let above = unit.row(text).dot(&unit.row(copy)) - most;
        if above > 0.0 {
            loss += APART * above * above / count;
            let by_cosine = 2.0 * APART * above / count;
            by_unit.row_mut(text).scaled_add(by_cosine, &unit.row(copy));
            by_unit.row_mut(copy).scaled_add(by_cosine, &unit.row(text));
        }
    }
    loss
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Numbers without a pattern, from −1 to 1.
    fn numbers(rows: usize, columns: usize, seed: u32) -> Array2<f32> {
        let mut state = seed;
        Array2::from_shape_simple_fn((rows, columns), || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
    }

    fn batch(sums: Array2<f32>) -> Batch<'static> {
        let teacher = numbers(4, 5, 2);
        let teacher = &teacher / &lengths(&teacher).insert_axis(Axis(1));
        let pairs = &[Pair { text: 0, copy: 4, most: -0.9 }, Pair { text: 1, copy: 5, most: 0.99 }];
        Batch { sums, teacher, pairs }
    }

    #[test]
    fn the_gradients_are_the_slopes_of_the_loss() {
        let (sums, head) = (numbers(6, 3, 1), numbers(3, 5, 3));
        let found = gradients(&batch(sums.clone()), &head);
        let step = 1e-2;
        let slope = |loss: &dyn Fn(f32) -> f32| (loss(step) - loss(-step)) / (2.0 * step);
        for at in [(0, 0), (1, 2), (3, 1), (4, 0), (5, 2)] {
            let moved = |by: f32| {
                let mut sums = sums.clone();
                sums[at] += by;
                gradients(&batch(sums), &head).loss
            };
            let slope = slope(&moved);
            assert!(
                (slope - found.sums[at]).abs() < 0.02 * slope.abs().max(1.0),
                "{at:?}: {slope} {found}",
                found = found.sums[at]
            );
        }
        for at in [(0, 0), (1, 2), (2, 4)] {
            let moved = |by: f32| {
                let mut head = head.clone();
                head[at] += by;
                gradients(&batch(sums.clone()), &head).loss
            };
            let slope = slope(&moved);
            assert!(
                (slope - found.head[at]).abs() < 0.02 * slope.abs().max(0.1),
                "{at:?}: {slope} {found}",
                found = found.head[at]
            );
        }
    }
}
