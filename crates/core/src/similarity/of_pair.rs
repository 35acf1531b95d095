//! The similarity of any two rows, as the comparison of a run has it.

use crate::similarity::embeddings::{Direction, UnitEmbeddings, UnitRows};
use crate::similarity::kernels::isa::Isa;
use crate::similarity::thresholds::SATURATED;

/// Returns the cosine similarity of rows `a` and `b`, with the bits that it has as a score
/// ([`Scores::score`](crate::Scores::score)), but without its lower limit of 0: 1 for the same vector
/// and for no other pair. `None` if one of the rows has no direction.
///
/// # Panics
/// If there are no such rows.
pub fn similarity(rows: &UnitEmbeddings, a: usize, b: usize) -> Option<f32> {
    if [a, b].iter().any(|&row| rows.direction(row) != Direction::Unit) {
        return None;
    }
    let (one, other) = (rows.row(a), rows.row(b));
    let is_same = one.iter().zip(other).all(|(x, y)| x.to_bits() == y.to_bits());
    Some(if is_same { 1.0 } else { Isa::detect().similarity(one, other).min(SATURATED) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_rows_have_a_similarity_of_one_and_rows_without_direction_have_none() {
        let values = vec![1.0, 0.0, 1.0, 1e-7, 3.0, 4.0, 0.0, 0.0, f32::NAN, 1.0, 2.0, 0.0];
        let rows = UnitEmbeddings::new(values, 2).unwrap();
        assert_eq!(similarity(&rows, 0, 5), Some(1.0));
        assert_eq!(similarity(&rows, 0, 1), Some(SATURATED));
        assert_eq!(similarity(&rows, 0, 2), Some(0.6));
        assert_eq!(similarity(&rows, 2, 0), Some(0.6));
        assert_eq!((similarity(&rows, 0, 3), similarity(&rows, 4, 0)), (None, None));
    }
}
