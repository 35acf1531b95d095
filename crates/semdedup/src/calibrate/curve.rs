//! What labels say at each ε.

use semdedup_core::Epsilon;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::calibrate::estimate::Estimate;
use crate::options::SWEEP_EPSILONS;

/// What labels say at one ε.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelledAt {
    /// The threshold.
    pub epsilon: f64,
    /// The share of removals that are right; none if the labels do not tell.
    pub precision: Option<Estimate>,
    /// The share of what says the same that is found; none if the labels do not tell.
    pub coverage: Option<Estimate>,
}

/// What labels say at each ε, ascending: all of them, and each half.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curves {
    pub(crate) all: Vec<LabelledAt>,
    pub(crate) halves: [Vec<LabelledAt>; 2],
}

/// A threshold on the score: `1 − ε`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Threshold(f64);

impl Threshold {
    pub(crate) fn of(epsilon: f64) -> Self {
        Self(1.0 - epsilon)
    }

    /// Whether a row with this score is removed.
    pub(crate) fn removes(self, score: f32) -> bool {
        f64::from(score) > self.0
    }

    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

/// The steps of ε, in thousandths, at which labels are counted: from 0.001 to 0.5.
const STEPS: std::ops::RangeInclusive<u32> = 1..=500;

/// Returns the ε at which labels are counted, ascending: thousandths up to 0.5, those of `semdedup
/// sweep`, and that of the run.
pub(crate) fn grid(of_run: f64) -> Vec<f64> {
    let steps = STEPS.map(|step| f64::from(step) / 1000.0);
    let mut grid: Vec<f64> = steps.chain(SWEEP_EPSILONS).chain([of_run]).collect();
    // A run to a target size can amount to an ε of 0, which removes copies alone.
    grid.retain(|&epsilon| Epsilon::new(epsilon).is_ok());
    grid.sort_by(f64::total_cmp);
    grid.dedup();
    grid
}

/// Hashes what is drawn at random by a seed, so that a draw does not depend on any order.
pub(crate) fn draw(seed: u64, of: &[u64]) -> u64 {
    let bytes: Vec<u8> = of.iter().flat_map(|number| number.to_le_bytes()).collect();
    xxh3_64_with_seed(&bytes, seed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_grid_is_ascending_and_has_each_epsilon_once() {
        let of_run = grid(0.0712);
        assert!(of_run.is_sorted_by(|a, b| a < b));
        assert_eq!(of_run.len(), grid(0.07).len() + 1);
        assert!(SWEEP_EPSILONS.iter().all(|epsilon| of_run.contains(epsilon)));
        assert_eq!(grid(0.0).len(), 500);
        assert_eq!((of_run[0], of_run[of_run.len() - 1]), (0.001, 0.5));
    }

    #[test]
    fn a_threshold_removes_what_the_selection_removes() {
        for epsilon in [0.07, 0.05, 0.3] {
            let scores: Vec<f32> = (0..2000).map(|i| 1.0 - i as f32 / 2000.0).collect();
            let kept = semdedup_core::kept_at(&scores, Epsilon::new(epsilon).unwrap());
            let ours = scores.iter().filter(|&&score| !Threshold::of(epsilon).removes(score)).count();
            assert_eq!(kept, ours as u64);
        }
    }
}
