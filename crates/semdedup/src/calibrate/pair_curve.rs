//! Precision and coverage from labelled pairs that were not drawn by band: every pair counts once.

use crate::calibrate::curve::{Curves, LabelledAt, Threshold, draw};
use crate::calibrate::estimate::Estimate;

/// A labelled pair of rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct JudgedPair {
    pub(crate) rows: [u64; 2],
    /// Their cosine similarity.
    pub(crate) similarity: f32,
    pub(crate) same: bool,
}

/// Counts pairs at each ε, and in each half.
pub(crate) fn curves(pairs: &[JudgedPair], epsilons: &[f64], seed: u64) -> Curves {
    let halves = halves(pairs.to_vec(), seed);
    Curves { all: curve(pairs, epsilons), halves: halves.map(|half| curve(&half, epsilons)) }
}

/// Divides pairs into halves at random. Their sizes differ by one pair at most.
pub(crate) fn halves(mut pairs: Vec<JudgedPair>, seed: u64) -> [Vec<JudgedPair>; 2] {
    let key = |pair: &JudgedPair| {
        let [a, b] = pair.rows;
        let rows = [a.min(b), a.max(b)];
        (draw(seed, &rows), rows)
    };
    pairs.sort_by_cached_key(key);
    let half = |first: usize| pairs.iter().skip(first).step_by(2).copied().collect();
    [half(0), half(1)]
}

/// Counts pairs at each ε. Below the least similar pair (down to the next hundredth) nothing is known.
fn curve(pairs: &[JudgedPair], epsilons: &[f64]) -> Vec<LabelledAt> {
    let mut pairs = pairs.to_vec();
    pairs.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    let mut same_before = vec![0];
    for pair in &pairs {
        same_before.push(same_before[same_before.len() - 1] + u64::from(pair.same));
    }
    let lowest = pairs.last().map_or(1.0, |pair| (f64::from(pair.similarity) * 100.0).floor() / 100.0);
    let at = |&epsilon: &f64| {
        let threshold = Threshold::of(epsilon);
        let above = pairs.partition_point(|pair| threshold.removes(pair.similarity));
        // Rounding of 1 − ε must not hide the hundredth itself.
        let is_known = threshold.get() >= lowest - 1e-9;
        let (same, all) = (same_before[above], same_before[pairs.len()]);
        LabelledAt {
            epsilon,
            precision: Estimate::of_labels(same, above as u64).filter(|_| is_known),
            coverage: Estimate::of_labels(same, all).filter(|_| is_known),
        }
    };
    epsilons.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(f32, bool)]) -> Vec<JudgedPair> {
        let pair = |(i, &(similarity, same)): (usize, &(f32, bool))| JudgedPair {
            rows: [2 * i as u64, 2 * i as u64 + 1],
            similarity,
            same,
        };
        of.iter().enumerate().map(pair).collect()
    }

    #[test]
    fn precision_is_the_share_of_the_same_pairs_above_and_coverage_that_of_all_same_pairs() {
        let pairs = pairs(&[(0.99, true), (0.97, true), (0.95, false), (0.92, true), (0.905, false)]);
        let at = curve(&pairs, &[0.005, 0.02, 0.04, 0.06, 0.1, 0.11]);
        let counts: Vec<_> = at
            .iter()
            .map(|at| (at.precision.map(|p| (p.count, p.of)), at.coverage.map(|c| (c.count, c.of))))
            .collect();
        let expected = [
            (None, Some((0, 3))),
            (Some((1, 1)), Some((1, 3))),
            (Some((2, 2)), Some((2, 3))),
            (Some((2, 3)), Some((2, 3))),
            (Some((3, 5)), Some((3, 3))),
            // No pair below 0.9 was labelled.
            (None, None),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn halves_are_equal_disjoint_and_do_not_depend_on_the_order_of_the_pairs() {
        let mut given = pairs(&(0..101).map(|i| (0.9 + i as f32 / 2000.0, i % 3 == 0)).collect::<Vec<_>>());
        let first = halves(given.clone(), 7);
        assert_eq!((first[0].len(), first[1].len()), (51, 50));
        assert!(first[0].iter().all(|pair| !first[1].contains(pair)));
        given.reverse();
        given.iter_mut().for_each(|pair| pair.rows.reverse());
        let again = halves(given.clone(), 7);
        let similarities = |half: &[JudgedPair]| half.iter().map(|pair| pair.similarity).collect::<Vec<_>>();
        assert_eq!(similarities(&first[0]), similarities(&again[0]));
        assert_ne!(similarities(&first[0]), similarities(&halves(given, 8)[0]));
    }
}
