//! Precision and coverage from a column whose equal values say that rows are the same.

use rayon::prelude::*;
use semdedup_core::NO_ROW;
use serde::Serialize;

use crate::calibrate::curve::{Curves, LabelledAt, Threshold};
use crate::calibrate::estimate::{ClusterSums, Estimate};
use crate::calibrate::row_groups::{NO_GROUP, RowGroups};

/// The scores of rows, and the rows that reach them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matches<'a> {
    pub(crate) score: &'a [f32],
    pub(crate) duplicate_of: &'a [u64],
}

/// The rows that a column of groups describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GroupCounts {
    /// The different values of the column.
    pub groups: u64,
    /// The rows that share their value with another row.
    pub rows_with_sibling: u64,
    /// The rows without a value. They count nowhere, nor do rows that are removed for them.
    pub rows_without_group: u64,
}

/// Counts the rows that have a group, and those that share it.
pub(crate) fn counts(groups: &RowGroups) -> GroupCounts {
    let sizes = groups.sizes();
    GroupCounts {
        groups: sizes.len() as u64,
        rows_with_sibling: sizes.iter().filter(|&&size| size > 1).map(|&size| u64::from(size)).sum(),
        rows_without_group: groups.of.iter().filter(|&&group| group == NO_GROUP).count() as u64,
    }
}

/// Counts removals at each ε, and in each half of the groups.
///
/// Precision: of the removed rows, the share whose `duplicate_of` has the same group. Coverage: of the
/// rows that have a sibling, the share that is removed as a duplicate of a row of its group, or that a
/// row of its group is removed for.
pub(crate) fn curves(matches: Matches, groups: &RowGroups, epsilons: &[f64]) -> Curves {
    let lowest = Threshold::of(epsilons.last().copied().unwrap_or_default());
    let removals = snapshots(removals(matches, groups, lowest), groups, epsilons, None);
    let sizes = groups.sizes();
    let covered = snapshots(covered(matches, groups, lowest), groups, epsilons, Some(&sizes));
    let curve = |part: &dyn Fn(&[ClusterSums; 2]) -> ClusterSums| -> Vec<LabelledAt> {
        let estimates = removals
            .iter()
            .zip(&covered)
            .map(|(removals, covered)| [removals, covered].map(|sums| Estimate::of_clusters(&part(sums))));
        let at = |(&epsilon, [precision, coverage]): (&f64, [Option<Estimate>; 2])| LabelledAt {
            epsilon,
            precision,
            coverage,
        };
        epsilons.iter().zip(estimates).map(at).collect()
    };
    Curves {
        all: curve(&|halves| halves[0] + halves[1]),
        halves: [curve(&|halves| halves[0]), curve(&|halves| halves[1])],
    }
}

/// Something that counts for a group from a similarity on.
#[derive(Debug, Clone, Copy)]
struct Event {
    similarity: f32,
    group: u32,
    is_right: bool,
}

/// Lists the removed rows, each with whether its match has its group.
fn removals(Matches { score, duplicate_of }: Matches, groups: &RowGroups, lowest: Threshold) -> Vec<Event> {
    let rows = (0..score.len()).into_par_iter();
    let event = |row: usize| {
        let of = Some(duplicate_of[row]).filter(|&of| of != NO_ROW && lowest.removes(score[row]))?;
        let (group, other) = (groups.of[row], groups.of[of as usize]);
        let is_known = group != NO_GROUP && other != NO_GROUP;
        is_known.then_some(Event { similarity: score[row], group, is_right: group == other })
    };
    rows.filter_map(event).collect()
}

/// Lists the rows that are accounted for, from the similarity on at which they are: that at which they
/// are removed for a row of their group, or such a row for them.
fn covered(Matches { score, duplicate_of }: Matches, groups: &RowGroups, lowest: Threshold) -> Vec<Event> {
    let mut from = vec![f32::NEG_INFINITY; score.len()];
    for (row, (&score, &of)) in score.iter().zip(duplicate_of).enumerate() {
        if of == NO_ROW || !lowest.removes(score) || groups.of[row] == NO_GROUP {
            continue;
        }
        let of = of as usize;
        if groups.of[row] == groups.of[of] {
            from[row] = from[row].max(score);
            from[of] = from[of].max(score);
        }
    }
    let rows = from.into_par_iter().zip(&groups.of).filter(|(similarity, _)| lowest.removes(*similarity));
    rows.map(|(similarity, &group)| Event { similarity, group, is_right: true }).collect()
}

/// Sums the events up to each ε, for each half of the groups. With `sizes`, every row of a group with
/// siblings is a label from the start, and an event makes it right; without, an event is a label.
fn snapshots(
    mut events: Vec<Event>,
    groups: &RowGroups,
    epsilons: &[f64],
    sizes: Option<&[u32]>,
) -> Vec<[ClusterSums; 2]> {
    events.par_sort_unstable_by(|a, b| b.similarity.total_cmp(&a.similarity));
    let mut sums = [ClusterSums::default(); 2];
    let mut of_group = vec![(0u64, 0u64); groups.halves.len()];
    for (group, &size) in sizes.unwrap_or_default().iter().enumerate().filter(|(_, size)| **size > 1) {
        of_group[group].0 = u64::from(size);
        sums[usize::from(groups.halves[group])].replace((0, 0), of_group[group]);
    }
    let mut done = 0;
    let mut at = |&epsilon: &f64| {
        let threshold = Threshold::of(epsilon);
        while let Some(event) = events.get(done).filter(|event| threshold.removes(event.similarity)) {
            let group = event.group as usize;
            let before = of_group[group];
            let (labels, right) = before;
            of_group[group] = (labels + u64::from(sizes.is_none()), right + u64::from(event.is_right));
            sums[usize::from(groups.halves[group])].replace(before, of_group[group]);
            done += 1;
        }
        sums
    };
    epsilons.iter().map(&mut at).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const EPSILONS: [f64; 3] = [0.02, 0.07, 0.2];

    /// Rows of the groups a (0 to 2), b (3, 4), c (5) and none (6).
    fn groups() -> RowGroups {
        RowGroups::new(&[11, 11, 11, 22, 22, 33, 0], 0).unwrap()
    }

    #[test]
    fn precision_and_coverage_are_those_of_the_benchmark_on_verses() {
        // Row 1 for 0 at 0.99 and 2 for 1 at 0.9: right. Row 3 for 0 at 0.95: wrong. Row 4 for 3 at 0.85:
        // right. Row 5 for 6, which has no group, and 6 for 5: not counted.
        let score = [0.0, 0.99, 0.9, 0.95, 0.85, 0.99, 0.99];
        let duplicate_of = [NO_ROW, 0, 1, 0, 3, 6, 5];
        let curves = curves(Matches { score: &score, duplicate_of: &duplicate_of }, &groups(), &EPSILONS);
        let counts = |estimate: Option<Estimate>| estimate.map(|e| (e.count, e.of));
        let all: Vec<_> = curves.all.iter().map(|at| (counts(at.precision), counts(at.coverage))).collect();
        // Five rows have a sibling: at 0.02 rows 0 and 1 are accounted for, at 0.2 all five.
        let expected =
            [(Some((1, 1)), Some((2, 5))), (Some((1, 2)), Some((2, 5))), (Some((3, 4)), Some((5, 5)))];
        assert_eq!(all, expected);
    }

    #[test]
    fn the_halves_have_no_group_in_common_and_add_up_to_all() {
        let hashes: Vec<u64> = (0..3000).map(|row| 1 + row / 3).collect();
        let groups = RowGroups::new(&hashes, 5).unwrap();
        let score: Vec<f32> = (0..3000).map(|row| 1.0 - (row * 37 % 3000) as f32 / 6000.0).collect();
        let of: Vec<u64> = (0..3000).map(|row| (row + 1 + row % 2) % 3000).collect();
        let matches = Matches { score: &score, duplicate_of: &of };
        let curves = curves(matches, &groups, &EPSILONS);
        for (place, at) in curves.all.iter().enumerate() {
            let halves = curves.halves.each_ref().map(|half| half[place].precision.unwrap());
            let all = at.precision.unwrap();
            assert_eq!((all.count, all.of), (halves[0].count + halves[1].count, halves[0].of + halves[1].of));
            // By hand, without any sums.
            let removed = |row: &usize| Threshold::of(at.epsilon).removes(score[*row]);
            let right = |row: &usize| hashes[*row] == hashes[of[*row] as usize];
            let rows: Vec<usize> = (0..3000).filter(removed).collect();
            assert_eq!(all.of, rows.len() as u64);
            assert_eq!(all.count, rows.iter().filter(|row| right(row)).count() as u64);
        }
        let sizes = [0, 1].map(|half| groups.halves.iter().filter(|&&of| of == (half == 1)).count());
        assert!(sizes.iter().all(|size| (400..600).contains(size)), "{sizes:?}");
    }

    #[test]
    fn rows_are_counted_by_whether_they_share_their_group() {
        let expected = GroupCounts { groups: 3, rows_with_sibling: 5, rows_without_group: 1 };
        assert_eq!(counts(&groups()), expected);
    }
}
