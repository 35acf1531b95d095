//! Chooses ε on one half of the labels, and looks whether the other half confirms it.

use serde::Serialize;

use crate::calibrate::curve::{Curves, LabelledAt};
use crate::calibrate::estimate::Estimate;

/// The fewest labels of a half that can choose an ε.
const LEAST_LABELS: u64 = 10;

/// An ε that was chosen on one half of the labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The precision that was asked for.
    pub target: f64,
    /// The largest ε at which the first half reaches the target; none if it does so nowhere.
    pub epsilon: Option<f64>,
    /// The precision at this ε in the half that chose it.
    pub chosen_on: Option<Estimate>,
    /// The precision at this ε in the other half.
    pub other_half: Option<Estimate>,
    /// What the other half says.
    pub verdict: Verdict,
    /// What all labels say at this ε.
    pub all: Option<LabelledAt>,
}

/// What the other half says of an ε.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its precision reaches the target too.
    Confirmed,
    /// Its precision is below the target, and its interval reaches it: more labels would tell.
    WithinInterval,
    /// The whole interval is below the target.
    NotConfirmed,
    /// It has no labels there.
    Unknown,
    /// No ε reaches the target in the first half.
    NothingReached,
}

/// Chooses the largest ε at which the first half reaches a precision.
pub(crate) fn choose(curves: &Curves, target: f64) -> Choice {
    let reaches = |at: &LabelledAt| {
        at.precision.is_some_and(|precision| precision.share >= target && precision.of >= LEAST_LABELS)
    };
    let Some(place) = curves.halves[0].iter().rposition(reaches) else {
        let verdict = Verdict::NothingReached;
        return Choice { target, epsilon: None, chosen_on: None, other_half: None, verdict, all: None };
    };
    let [chosen_on, other_half] = curves.halves.each_ref().map(|half| half[place].precision);
    let all = curves.all[place].clone();
    let verdict = match other_half {
        None => Verdict::Unknown,
        Some(other) if other.share >= target => Verdict::Confirmed,
        Some(other) if other.interval.1 >= target => Verdict::WithinInterval,
        Some(_) => Verdict::NotConfirmed,
    };
    Choice { target, epsilon: Some(all.epsilon), chosen_on, other_half, verdict, all: Some(all) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A curve with these right and all labels at ε of 0.1, 0.2 and so on.
    fn curve(counts: &[(u64, u64)]) -> Vec<LabelledAt> {
        let at = |(place, &(count, of)): (usize, &(u64, u64))| LabelledAt {
            epsilon: (place + 1) as f64 / 10.0,
            precision: Estimate::of_labels(count, of),
            coverage: None,
        };
        counts.iter().enumerate().map(at).collect()
    }

    fn chosen(first: &[(u64, u64)], other: &[(u64, u64)]) -> Choice {
        let all: Vec<_> = first.iter().zip(other).map(|(a, b)| (a.0 + b.0, a.1 + b.1)).collect();
        choose(&Curves { all: curve(&all), halves: [curve(first), curve(other)] }, 0.9)
    }

    #[test]
    fn the_largest_epsilon_that_reaches_the_target_is_chosen_even_if_a_smaller_one_does_not() {
        let choice = chosen(&[(15, 20), (36, 40), (70, 80)], &[(20, 20), (37, 40), (80, 80)]);
        assert_eq!((choice.epsilon, choice.verdict), (Some(0.2), Verdict::Confirmed));
        assert_eq!(choice.chosen_on, Estimate::of_labels(36, 40));
        assert_eq!(choice.all.unwrap().precision, Estimate::of_labels(73, 80));
    }

    #[test]
    fn the_other_half_confirms_or_says_that_it_does_not() {
        let first = [(100, 100)];
        assert_eq!(chosen(&first, &[(90, 100)]).verdict, Verdict::Confirmed);
        // Wilson: 88 of 100 reaches up to 93.0 %, 80 of 100 up to 86.7 %.
        assert_eq!(chosen(&first, &[(88, 100)]).verdict, Verdict::WithinInterval);
        assert_eq!(chosen(&first, &[(80, 100)]).verdict, Verdict::NotConfirmed);
        assert_eq!(chosen(&first, &[(0, 0)]).verdict, Verdict::Unknown);
    }

    #[test]
    fn nothing_is_chosen_by_few_labels_or_below_the_target() {
        for first in [[(9, 9)], [(80, 100)]] {
            let choice = chosen(&first, &[(100, 100)]);
            assert_eq!((choice.epsilon, choice.verdict), (None, Verdict::NothingReached));
        }
    }
}
