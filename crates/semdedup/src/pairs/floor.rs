//! The lowest similarity of a pair that matters at ε.

use semdedup_core::Epsilon;

/// Returns the highest f32 that is not above `1 − ε`: a similarity is above `1 − ε` if and only if it
/// is above this.
pub(crate) fn floor_of(epsilon: Epsilon) -> f32 {
    let exact = 1.0 - epsilon.get();
    let near = exact as f32;
    if f64::from(near) > exact { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similarity_is_above_the_floor_if_and_only_if_it_is_above_the_threshold() {
        for epsilon in [1e-7, 1e-6, 0.01, 0.05, 0.07, 0.1, 0.2, 0.3, 1.0 / 3.0, 0.5, 1.0] {
            let floor = floor_of(Epsilon::new(epsilon).expect("in range"));
            let goes = |similarity: f32| f64::from(similarity) > 1.0 - epsilon;
            assert!(!goes(floor) && goes(floor.next_up()), "{epsilon}");
        }
    }
}
