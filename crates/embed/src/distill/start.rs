//! The first vectors of the words: the teacher's embeddings of the single words, in fewer dimensions,
//! and the shorter the more often a word occurs.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::random::Random;

/// A word of this share of all words gets half of its length (Arora et al. 2017, SIF weights).
const HALF_LENGTH: f32 = 1e-3;
/// The length of a rare word in the units of the teacher's embeddings.
const LENGTH: f32 = 0.5;
/// The number of times that the directions are improved. The last of them, which matter least, are
/// not exact.
const ROUNDS: usize = 30;

/// The first state of the training.
pub(super) struct Start {
    /// The words' vectors, `[words, dim]`.
    pub table: Array2<f32>,
    /// The head, `[dim, teacher dim]`.
    pub head: Array2<f32>,
}

/// Computes the first vectors of words from the teacher's embeddings of the texts, `[texts, teacher
/// dim]`, of the words, `[words, teacher dim]`, and from how often each word occurs in the texts.
pub(super) fn start(texts: ArrayView2<f32>, words: ArrayView2<f32>, counts: &[u64], dim: usize) -> Start {
    let directions = directions(texts, dim);
    let mean = words.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(words.ncols()));
    let mut table = (&words - &mean).dot(&directions);
    let all = counts.iter().sum::<u64>().max(1) as f32;
    for (mut row, &count) in table.rows_mut().into_iter().zip(counts) {
        let scale = LENGTH * HALF_LENGTH / (HALF_LENGTH + count as f32 / all);
        row.mapv_inplace(|value| value * scale);
    }
    Start { table, head: directions.t().to_owned() }
}

/// Returns the directions in which rows differ most, `[columns, dim]`: the first eigenvectors of
/// `rowsᵀ · rows`, in no order, by orthogonal iteration (Golub and Van Loan, section 8.2.4). If there
/// are fewer than `dim`, the others are zeros.
fn directions(rows: ArrayView2<f32>, dim: usize) -> Array2<f32> {
    if dim > rows.ncols() {
        let mut all = Array2::zeros((rows.ncols(), dim));
        all.diag_mut().fill(1.0);
        return all;
    }
    let products = rows.t().dot(&rows);
    let mut random = Random::new(0);
    let draw = || random.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0;
    let mut directions = Array2::from_shape_simple_fn((rows.ncols(), dim), draw);
    orthonormalize(&mut directions);
    for _ in 0..ROUNDS {
        directions = products.dot(&directions);
        orthonormalize(&mut directions);
    }
    directions
}

/// Makes columns orthogonal and of length 1, by the modified Gram–Schmidt process, twice.
fn orthonormalize(columns: &mut Array2<f32>) {
    for at in 0..columns.ncols() {
        for _ in 0..2 {
            let (before, mut rest) = columns.view_mut().split_at(Axis(1), at);
            let mut column = rest.column_mut(0);
            let along = before.t().dot(&column);
            column -= &before.dot(&along);
        }
        let length = columns.column(at).dot(&columns.column(at)).sqrt();
        if length > 0.0 {
            columns.column_mut(at).mapv_inplace(|value| value / length);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_directions_are_orthogonal_and_the_ones_in_which_rows_differ_most() {
        // The rows lie in a plane, but for a small part along (0, 1, −1).
        let rows = array![[1.0, 0.0, 0.0], [3.0, 2.0, 2.0], [-2.0, 1.0, 1.1], [0.5, 2.0, 1.9]];
        let found = directions(rows.view(), 2);
        let products = found.t().dot(&found);
        assert!((&products - &Array2::<f32>::eye(2)).iter().all(|value| value.abs() < 1e-5), "{products}");
        let aside = array![0.0f32, 1.0, -1.0].dot(&found);
        assert!(aside.iter().all(|value| value.abs() < 0.05), "{aside}");
    }

    #[test]
    fn a_frequent_word_is_shorter_than_a_rare_one() {
        let texts = array![[1.0, 0.0], [0.0, 1.0]];
        let words = array![[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]];
        let Start { table, head } = start(texts.view(), words.view(), &[1, 999, 0], 2);
        let length = |row: usize| table.row(row).dot(&table.row(row)).sqrt();
        assert!(length(0) > 100.0 * length(1) && length(2) == 0.0, "{table}");
        assert!((head.dot(&head.t()) - Array2::<f32>::eye(2)).iter().all(|value| value.abs() < 1e-5));
    }
}
